#include "train/inspect.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/string_hash.h"

namespace pomona::train {
namespace {

std::uint64_t hash_of(const Example& example) {
  return hash_bytes({reinterpret_cast<const char*>(example.tokens.data()),
                     example.tokens.size() * sizeof(text::TokenId)});
}

}  // namespace

LengthFacts length_facts(const Examples& examples) {
  std::vector<std::int64_t> lengths;
  for (std::size_t i = 0; i < examples.size(); ++i) lengths.push_back(examples.length(i));
  if (lengths.empty()) return {};
  std::sort(lengths.begin(), lengths.end());
  const auto share = [&](std::size_t percent) {
    return lengths[(lengths.size() * percent + 99) / 100 - 1];
  };
  return {lengths.front(), share(50), share(95), lengths.back()};
}

std::uint64_t count_duplicates(const Examples& examples) {
  std::unordered_set<std::uint64_t> seen;
  for (std::size_t i = 0; i < examples.size(); ++i) seen.insert(hash_of(examples.example(i)));
  return examples.size() - seen.size();
}

std::uint64_t count_overlap(const Examples& examples, const Examples& other) {
  std::unordered_set<std::uint64_t> known;
  for (std::size_t i = 0; i < examples.size(); ++i) known.insert(hash_of(examples.example(i)));
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < other.size(); ++i)
    count += known.contains(hash_of(other.example(i))) ? 1 : 0;
  return count;
}

}  // namespace pomona::train
