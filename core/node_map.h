#pragma once
// NodeMap: node -> number, for one walk over a graph. Open addressing over addresses; the walk keeps the nodes alive.

#include <cstdint>
#include <vector>

namespace scangrad::inline v0::core {

class NodeMap {
 public:
  /// The number of `key`, which becomes `value` if it has none yet; says whether it was new.
  struct Found {
    std::int32_t* value;
    bool added;
  };
  Found insert(const void* key, std::int32_t value) {
    if (2 * (size_ + 1) > entries_.size()) grow();
    Entry& entry = probe(key);
    if (entry.key != nullptr) return {&entry.value, false};
    entry = {key, value};
    ++size_;
    return {&entry.value, true};
  }
  const std::int32_t* find(const void* key) const {
    if (entries_.empty()) return nullptr;
    const Entry& entry = const_cast<NodeMap*>(this)->probe(key);
    return entry.key == nullptr ? nullptr : &entry.value;
  }

 private:
  struct Entry {
    const void* key = nullptr;
    std::int32_t value = 0;
  };

  Entry& probe(const void* key) {
    const std::size_t mask = entries_.size() - 1;
    std::size_t i = (reinterpret_cast<std::uintptr_t>(key) * 0x9e3779b97f4a7c15u) >> 32 & mask;
    while (entries_[i].key != nullptr && entries_[i].key != key) i = (i + 1) & mask;
    return entries_[i];
  }

  void grow() {
    std::vector<Entry> old = std::move(entries_);
    entries_ = std::vector<Entry>(old.empty() ? 128 : 4 * old.size());
    for (const Entry& entry : old)
      if (entry.key != nullptr) probe(entry.key) = entry;
  }

  std::vector<Entry> entries_;
  std::size_t size_ = 0;
};

}  // namespace scangrad::inline v0::core
