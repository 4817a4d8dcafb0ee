#include "base/string_hash.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace pomona {
namespace {

constexpr std::uint64_t kSlots = 1 << 16;

/// `count` strings of 8 bytes that all hash to slot 0 under `seed`, found by trying.
std::vector<std::string> colliding(std::size_t count, std::uint64_t seed) {
  std::vector<std::string> keys;
  for (std::uint64_t i = 0; keys.size() < count; ++i) {
    std::string key(reinterpret_cast<const char*>(&i), sizeof i);
    if (hash_bytes(key, seed) % kSlots == 0) keys.push_back(std::move(key));
  }
  return keys;
}

template <class Hash>
std::size_t fullest_slot(const std::vector<std::string>& keys, Hash hash) {
  std::map<std::uint64_t, std::size_t> slots;
  std::size_t most = 0;
  for (const std::string& key : keys) most = std::max(most, ++slots[hash(key) % kSlots]);
  return most;
}

TEST(StringHash, KeysChosenForOneSeedDoNotCollideUnderAnother) {
  const std::vector<std::string> keys = colliding(64, 1);
  EXPECT_EQ(fullest_slot(keys, [](const auto& key) { return hash_bytes(key, 1); }), 64u);
  // 64 keys in 65536 slots: three in one slot have a chance of 1e-5.
  EXPECT_LE(fullest_slot(keys, [](const auto& key) { return hash_bytes(key, 2); }), 3u);
  EXPECT_LE(fullest_slot(keys, [](const auto& key) { return hash_bytes(key); }), 3u);
}

TEST(StringHash, NumbersChosenForOneSeedDoNotCollideUnderAnother) {
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t i = 0; numbers.size() < 64; ++i)
    if (hash_number(i, 1) % kSlots == 0) numbers.push_back(i);
  std::map<std::uint64_t, int> slots;
  for (const std::uint64_t number : numbers)
    EXPECT_LE(++slots[hash_number(number, hash_seed()) % kSlots], 3);
}

TEST(StringHash, SpreadsEvenly) {
  // 65536 keys in as many slots: Poisson with mean 1, so about e^-1 of the slots stay empty (the
  // standard deviation is 80) and a slot of 14 has a chance of 3e-7.
  std::map<std::uint64_t, std::size_t> slots;
  std::size_t most = 0;
  for (int i = 0; i < 65536; ++i)
    most = std::max(most, ++slots[hash_bytes("key" + std::to_string(i)) % kSlots]);
  EXPECT_NEAR(static_cast<double>(slots.size()), 65536 * 0.63212, 6 * 80);
  EXPECT_LE(most, 14u);
}

}  // namespace
}  // namespace pomona
