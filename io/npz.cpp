// NumPy's npz files: a zip archive with an npy file for each array.

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/node.h"
#include "io/zip.h"
#include "scangrad/io.h"

namespace scangrad::inline v0 {

using core::CallScope;
using core::check;
using core::fail;

namespace {

constexpr std::string_view ending = ".npy";
constexpr std::size_t longest_name = 65535 - ending.size();

Tensor load_entry(io::InputFile& file, const io::ZipEntry& entry) {
  const std::string name = fmt::format("{} in {}", io::quote(entry.name), io::quote(file.path()));
  const auto source = entry.packing == io::Packing::deflated ? io::open_deflated(file, entry, name)
                                                             : std::make_unique<io::ZipSource>(file, entry, name);
  Tensor x = io::read_npy(*source);
  source->finish();
  return x;
}

void check_name(const std::string& name) {
  check(!name.empty(), "a tensor has no name; give each one a name");
  check(name.size() <= longest_name, "a name has {} bytes; the longest possible has {}", name.size(), longest_name);
  check(name.find('\0') == std::string::npos, "the name {} holds a zero byte", io::quote(name));
}

}  // namespace

NamedTensors::NamedTensors(std::vector<Item> items, Site site) : items_(std::move(items)) {
  const CallScope scope("NamedTensors", site);
  std::set<std::string_view> names;
  for (const Item& item : items_)
    check(names.insert(item.first).second, "two tensors are named {}; names must differ", io::quote(item.first));
}

void NamedTensors::add(std::string name, Tensor tensor, Site site) {
  const CallScope scope("NamedTensors", site);
  check(!contains(name), "two tensors are named {}; names must differ", io::quote(name));
  items_.emplace_back(std::move(name), std::move(tensor));
}

const Tensor& NamedTensors::operator[](Name name) const {
  const CallScope scope("operator[]", name.site);
  for (const Item& item : items_)
    if (item.first == name.text) return item.second;
  std::vector<std::string_view> names(items_.size());
  std::transform(items_.begin(), items_.end(), names.begin(), [](const Item& item) { return std::string_view(item.first); });
  fail("there is no tensor named {}; there is: {}", io::quote(name.text), io::list_names(names));
}

bool NamedTensors::contains(std::string_view name) const noexcept {
  return std::any_of(begin(), end(), [&](const Item& item) { return item.first == name; });
}

void save_npz(const std::string& path, const NamedTensors& tensors, Site site) {
  const CallScope scope("save_npz", site);
  std::vector<io::Elements> elements;
  std::vector<std::string> heads;
  for (const auto& [name, x] : tensors) {
    check_name(name);
    core::check_not_empty(x);
    heads.push_back(io::npy_head(x));
    elements.push_back(io::elements_of(x));
  }
  io::OutputFile file(path);
  io::ZipWriter zip(file);
  for (std::size_t i = 0; i < heads.size(); ++i) zip.add((tensors.begin() + i)->first + ".npy", heads[i], elements[i].bytes);
  zip.finish();
  file.close();
}

NamedTensors load_npz(const std::string& path, Site site) {
  const CallScope scope("load_npz", site);
  io::InputFile file(path);
  std::vector<NamedTensors::Item> tensors;
  std::set<std::string_view> names;
  const std::vector<io::ZipEntry> entries = io::read_zip_directory(file);
  for (const io::ZipEntry& entry : entries) {
    check(entry.name.ends_with(ending), "{} holds {}, which is no npy file", io::quote(path), io::quote(entry.name));
    check(names.insert(entry.name).second, "{} holds {} twice", io::quote(path), io::quote(entry.name));
    tensors.emplace_back(entry.name.substr(0, entry.name.size() - ending.size()), load_entry(file, entry));
  }
  return NamedTensors(std::move(tensors), site);
}

}  // namespace scangrad::inline v0
