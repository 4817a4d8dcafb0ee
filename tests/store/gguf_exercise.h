// Parses bytes as GGUF and touches everything the parser hands out; the fuzzer and the replay of
// its corpus share it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "store/gguf.h"
#include "tests/support/exercise.h"

namespace pomona::store {

/// A checksum over all bytes an array refers to.
inline std::uint64_t touch(const GgufArray& array) {
  std::uint64_t sum = array.count;
  for (const std::byte b : array.packed) sum += std::to_integer<std::uint64_t>(b);
  for (const std::string_view text : array.strings)
    for (const char c : text) sum += static_cast<unsigned char>(c);
  for (const GgufArray& inner : array.arrays) sum += touch(inner);
  return sum;
}

/// True if the bytes are a file Pomona accepts, false if an Error says why not.
inline bool exercise_gguf(std::span<const std::byte> bytes) {
  return test::ends_well([&] {
    const GgufContents contents = parse_gguf(bytes, "fuzz.gguf");
    volatile std::uint64_t sink = contents.data_offset;
    for (const auto& [key, value] : contents.metadata.entries()) {
      sink = sink + key.size() + describe_type(value).size();
      if (const auto* array = std::get_if<GgufArray>(&value)) sink = sink + touch(*array);
      if (const auto* text = std::get_if<std::string_view>(&value))
        for (const char c : *text) sink = sink + static_cast<unsigned char>(c);
    }
    for (const GgufTensor& tensor : contents.tensors) {
      sink = sink + tensor.shape().size();
      for (const std::byte b : tensor.bytes) sink = sink + std::to_integer<std::uint64_t>(b);
    }
  });
}

}  // namespace pomona::store
