// Values by key, in the order of their first setting, as Python's dict.
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/string_hash.h"

namespace pomona::text::jinja {

/// How names are compared.
struct NameKeys {
  static std::uint64_t hash(std::string_view name) { return hash_bytes(name); }
  static bool same(std::string_view a, std::string_view b) { return a == b; }
};

/// Keys::hash and Keys::same take keys and whatever else find() is asked for.
template <class Key, class Item, class Keys>
class OrderedMap {
 public:
  using Entry = std::pair<Key, Item>;

  template <class Probe>
  const Item* find(const Probe& key) const {
    const std::size_t at = position(key);
    return at < entries_.size() ? &entries_[at].second : nullptr;
  }

  /// True if the key is new.
  bool set(Key key, Item item) {
    const std::size_t at = position(key);
    if (at < entries_.size()) {
      entries_[at].second = std::move(item);
      return false;
    }
    entries_.emplace_back(std::move(key), std::move(item));
    if (entries_.size() > kFew) index_last();
    return true;
  }

  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

  /// Bytes that an entry takes, with its share of the index.
  static constexpr std::size_t kEntryBytes = sizeof(Entry) + 32;

 private:
  /// So many are looked through; more have an index.
  static constexpr std::size_t kFew = 8;
  static constexpr std::uint32_t kEmpty = ~std::uint32_t{0};
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t position = kEmpty;
  };

  /// Where `key` is among the entries; their number if it is none.
  template <class Probe>
  std::size_t position(const Probe& key) const {
    if (slots_.empty()) {
      const auto same = [&](const Entry& entry) { return Keys::same(entry.first, key); };
      return static_cast<std::size_t>(std::find_if(begin(), end(), same) - begin());
    }
    const auto hash = static_cast<std::uint32_t>(Keys::hash(key));
    for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.position == kEmpty) return entries_.size();
      if (slot.hash == hash && Keys::same(entries_[slot.position].first, key)) return slot.position;
    }
  }

  void index_last() {
    std::size_t first = entries_.size() - 1;
    if (entries_.size() * 2 > slots_.size()) {
      slots_.assign(std::bit_ceil(entries_.size() * 2), Slot());
      first = 0;
    }
    for (std::size_t i = first; i < entries_.size(); ++i) {
      const auto hash = static_cast<std::uint32_t>(Keys::hash(entries_[i].first));
      std::size_t at = hash & (slots_.size() - 1);
      while (slots_[at].position != kEmpty) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = {hash, static_cast<std::uint32_t>(i)};
    }
  }

  std::vector<Entry> entries_;
  std::vector<Slot> slots_;  // by hash, at most half full
};

}  // namespace pomona::text::jinja
