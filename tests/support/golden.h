// Reads golden files: arrays and facts that a reference library computed (tests/golden/README.md).
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace pomona::golden {

/// The path of a file in tests/golden.
std::filesystem::path path_of(std::string_view file);

/// NAME.json and NAME.bin of tests/golden.
class Golden {
 public:
  /// Throws not_found or bad_file.
  explicit Golden(std::string_view name);

  /// Sizes of an array, outermost first; empty for a scalar. Throws not_found naming the array.
  std::vector<std::size_t> shape(std::string_view array) const;

  /// All values of an f64 or f32 array, row-major. Throws not_found, or bad_argument for integers.
  std::vector<double> numbers(std::string_view array) const;

  /// All values of an i32 array. Throws not_found, or bad_argument for floats.
  std::vector<std::int32_t> integers(std::string_view array) const;

  /// Texts and numbers beside the arrays.
  const Json& facts() const { return header_.at("facts"); }

 private:
  struct Entry {
    std::string dtype;
    std::vector<std::size_t> shape;
    const char* data;
    std::size_t count;
  };
  Entry entry(std::string_view array) const;

  std::string name_;
  Json header_;
  std::string bytes_;
};

}  // namespace pomona::golden
