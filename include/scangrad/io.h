#pragma once
// Files: NumPy's npy and npz, and csv tables.
//
//   sg::save_npy("x.npy", x);                                    // in Python: numpy.load("x.npy")
//   sg::save_npz("fit.npz", {{"beta", beta}, {"loss", loss}});
//   sg::Tensor beta = sg::load_npz("fit.npz")["beta"];
//   sg::Tensor age = sg::read_csv("lung.csv").column("age");
//
// What is in a file is not trusted: a file that is cut off, damaged, or made to do harm is an Error that names it, and nothing is
// allocated before its sizes were held against the file's.

#include <span>
#include <string_view>
#include <vector>

#include "scangrad/tensor.h"

namespace scangrad::inline v0 {

/// The name of a tensor or column, with the place of the call; made implicitly from any string. A type for parameters only.
struct Name {
  std::string_view text;  ///< the name; it must outlive the call
  Site site;              ///< where it was written
  /// From a string, at the call.
  template <std::convertible_to<std::string_view> S>
  Name(const S& name, Site here = Site::here()) : text(name), site(here) {}
};

/// Tensors with names, in order: what an npz file holds.
class SCANGRAD_API NamedTensors {
 public:
  using Item = std::pair<std::string, Tensor>;  ///< a name and its tensor

  NamedTensors() = default;  ///< none
  /// In this order; a name that comes twice throws.
  /// @{
  NamedTensors(std::initializer_list<Item> items, Site site = Site::here()) : NamedTensors(std::vector<Item>(items), site) {}
  explicit NamedTensors(std::vector<Item> items, Site site = Site::here());
  /// @}

  /// Throws where the name is taken.
  void add(std::string name, Tensor tensor, Site site = Site::here());
  /// The tensor of that name; the error for a name that is not there lists those that are.
  const Tensor& operator[](Name name) const;
  bool contains(std::string_view name) const noexcept;  ///< is there a tensor of that name

  /// As of a standard container of Items.
  /// @{
  std::size_t size() const noexcept { return items_.size(); }
  auto begin() const noexcept { return items_.begin(); }
  auto end() const noexcept { return items_.end(); }
  /// @}

 private:
  std::vector<Item> items_;
};

/// Writes a tensor as an npy file (version 1.0, row-major). Evaluates. There is no bfloat16 in NumPy: use astype(x, float32), which
/// holds every bfloat16.
SCANGRAD_API void save_npy(const std::string& path, const Tensor& x, Site site = Site::here());

/// Reads an npy file of version 1.0, 2.0 or 3.0, either byte order, row-major or Fortran order (the tensor then has such strides:
/// nothing is moved). Of NumPy's dtypes it takes those that tensors have; others, objects among them, are an error.
SCANGRAD_API Tensor load_npy(const std::string& path, Site site = Site::here());

/// Writes tensors as an npz file, which is a zip archive of npy files, not compressed. The same tensors make the same bytes.
SCANGRAD_API void save_npz(const std::string& path, const NamedTensors& tensors, Site site = Site::here());

/// Reads all arrays of an npz file; checksums are checked. Compressed ones (numpy.savez_compressed) need a library that was built
/// with zlib.
SCANGRAD_API NamedTensors load_npz(const std::string& path, Site site = Site::here());

namespace io {
struct Csv;
}

/// What a cell without a value (empty, NA, NaN or nan) is.
enum class Missing : std::uint8_t { error, nan };

/// Of read_csv.
struct CsvOptions {
  char separator = ',';              ///< between cells
  Missing missing = Missing::error;  ///< NaN for cells without a value, or an error that names row and column
};

/// A csv file that was read: the text of its cells, and columns as numbers on request. Copies share the text.
class SCANGRAD_API CsvTable {
 public:
  const std::vector<std::string>& names() const noexcept;  ///< of the columns, from the first line
  std::int64_t rows() const noexcept;                      ///< without the first line

  /// A column as numbers, float64 (rows,). Infinities are numbers ("inf", "-inf"); what is too large for float64 is none.
  Tensor column(Name name) const;
  /// Several columns (all, where none are named) as numbers, float64 (rows, columns).
  Tensor columns(const std::vector<std::string>& names = {}, Site site = Site::here()) const;
  /// The cells of a column as they stand, without quotes and the blanks around them.
  std::vector<std::string> text(Name name) const;
  /// Where a row stands, for messages: "row 3 (line 5)". Rows count from 0 here, and from 1 in the text.
  std::string place(std::int64_t row, Site site = Site::here()) const;

 private:
  friend SCANGRAD_API CsvTable read_csv(const std::string& path, const CsvOptions& options, Site site);
  explicit CsvTable(std::shared_ptr<const io::Csv> csv) noexcept : csv_(std::move(csv)) {}
  std::shared_ptr<const io::Csv> csv_;
};

/// Reads a csv file: the names of the columns in the first line, then rows with as many cells. A cell may stand in quotes, and then
/// hold separators, line ends and (doubled) quotes. Blanks around cells do not count; empty lines are skipped.
SCANGRAD_API CsvTable read_csv(const std::string& path, const CsvOptions& options = {}, Site site = Site::here());

}  // namespace scangrad::inline v0
