// The inner part of byte-pair encoding: tables of merges and strings, and merging one word.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/string_hash.h"

namespace pomona::text {

/// Positions of strings that somebody else keeps, by open addressing.
class StringIndex {
 public:
  explicit StringIndex(std::size_t expected = 0);

  /// Adds `text`, less than 4 GiB, which must outlive the index; false if it is there already.
  bool add(std::string_view text, std::int32_t position);
  std::optional<std::int32_t> find(std::string_view text) const;

 private:
  /// Small, so that large tables stay in the cache.
  struct Slot {
    const char* text = nullptr;
    std::uint32_t size = 0;
    std::int32_t position = -1;
    bool holds(std::string_view wanted) const {
      return size == wanted.size() && std::string_view(text, size) == wanted;
    }
  };
  std::vector<Slot> slots_;
  std::size_t mask_;
  std::uint64_t seed_ = hash_seed();
};

/// What a pair of neighbouring tokens becomes. Lower ranks merge first.
struct Merge {
  std::uint32_t rank;
  std::int32_t token;
};

/// The merges by their pair, by open addressing.
class MergeTable {
 public:
  explicit MergeTable(std::size_t expected = 0);

  /// Adds the merge of (left, right); of a repeated pair the last one counts, as in the reference.
  void add(std::int32_t left, std::int32_t right, Merge merge);

  /// The pair's merge, or null.
  const Merge* find(std::int32_t left, std::int32_t right) const;

 private:
  struct Slot {
    std::uint64_t pair = kEmpty;
    Merge merge = {0, 0};
  };
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};
  std::size_t place(std::uint64_t pair) const;

  std::vector<Slot> slots_;
  std::size_t mask_;
  std::uint64_t seed_ = hash_seed();
};

/// Merges the pair of lowest rank, leftmost first, until none is left. `symbols` are the tokens of
/// the single bytes before, and the word's tokens after. O(n log n) for long words.
void merge_word(const MergeTable& merges, std::vector<std::int32_t>& symbols);

/// The two ways merge_word chooses between by length; they give the same result.
void merge_word_by_scan(const MergeTable& merges, std::vector<std::int32_t>& symbols);
void merge_word_by_heap(const MergeTable& merges, std::vector<std::int32_t>& symbols);

}  // namespace pomona::text
