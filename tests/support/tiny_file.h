// A Llama file just large enough for every block format, as data that a test changes before it is
// written: D 32, L 1, H 2, G 1, E 16, F 32, V 5, the embedding serving as head.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quant/dtype.h"
#include "store/gguf_value.h"

namespace pomona::test {

class TinyFile {
 public:
  TinyFile();

  /// Adds a key or changes its value; strings and arrays are views that must outlive the writing.
  void set(std::string_view key, store::GgufValue value);
  void unset(std::string_view key);

  /// Adds a tensor or changes it; `shape` slowest first, small values of its type.
  void tensor(std::string_view name, std::vector<std::int64_t> shape, DType dtype = DType::f32);
  /// A tensor of zero bytes whose type has a number that Pomona does not read.
  void tensor_of_type(std::string_view name, std::vector<std::int64_t> shape,
                      std::uint32_t gguf_type, std::size_t size);
  void drop_tensor(std::string_view name);

  void write(const std::filesystem::path& path) const;

 private:
  struct Stored {
    std::string name;
    std::vector<std::int64_t> shape;
    std::uint32_t gguf_type;
    std::vector<std::byte> data;
  };
  void put(Stored stored);

  std::vector<std::pair<std::string, store::GgufValue>> pairs_;
  std::vector<Stored> tensors_;
};

}  // namespace pomona::test
