// A direct-mapped cache from short words to their tokens: text repeats its words.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/string_hash.h"
#include "text/tokenizer.h"

namespace pomona::text {

class WordCache {
 public:
  /// Appends the word's tokens if they are known.
  bool find(std::string_view word, std::vector<TokenId>& ids) const {
    if (word.size() > kBytes) return false;
    const Entry& entry = entries_[slot(word)];
    if (entry.length != word.size() || std::memcmp(entry.word, word.data(), word.size()) != 0)
      return false;
    ids.insert(ids.end(), entry.ids, entry.ids + entry.count);
    return true;
  }

  void add(std::string_view word, std::span<const TokenId> ids) {
    if (word.size() > kBytes || ids.size() > kIds) return;
    Entry& entry = entries_[slot(word)];
    entry.length = static_cast<std::uint8_t>(word.size());
    entry.count = static_cast<std::uint8_t>(ids.size());
    std::memcpy(entry.word, word.data(), word.size());
    std::copy(ids.begin(), ids.end(), entry.ids);
  }

 private:
  static constexpr std::size_t kBytes = 30;
  static constexpr std::size_t kIds = 8;
  static constexpr std::size_t kEntries = std::size_t{1} << 15;
  struct Entry {
    char word[kBytes] = {};
    std::uint8_t length = 0;
    std::uint8_t count = 0;
    TokenId ids[kIds] = {};
  };
  std::size_t slot(std::string_view word) const { return hash_bytes(word, seed_) & (kEntries - 1); }
  std::vector<Entry> entries_ = std::vector<Entry>(kEntries);
  std::uint64_t seed_ = hash_seed();
};

}  // namespace pomona::text
