// The extents of a tensor: up to four sizes, slowest first, in the alphabet of docs/notation.md.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "base/error.h"

namespace pomona {

class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> sizes)
      : Shape(std::span(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const std::int64_t> sizes) {
    if (sizes.size() > kMaxRank)
      fail(ErrorKind::bad_shape, "shape: rank {} is above {}", sizes.size(), kMaxRank);
    for (const std::int64_t size : sizes) sizes_[static_cast<std::size_t>(rank_++)] = size;
  }

  int rank() const { return rank_; }
  /// Size of dimension `i`; negative counts from the last.
  std::int64_t operator[](int i) const {
    return sizes_[static_cast<std::size_t>(i < 0 ? rank_ + i : i)];
  }
  std::int64_t& operator[](int i) {
    return sizes_[static_cast<std::size_t>(i < 0 ? rank_ + i : i)];
  }
  std::int64_t elements() const {
    std::int64_t product = 1;
    for (int i = 0; i < rank_; ++i) product *= sizes_[static_cast<std::size_t>(i)];
    return product;
  }
  const std::int64_t* begin() const { return sizes_.data(); }
  const std::int64_t* end() const { return sizes_.data() + rank_; }
  bool operator==(const Shape&) const = default;

  /// "(2, 3)".
  std::string text() const;

 private:
  std::array<std::int64_t, kMaxRank> sizes_ = {};
  int rank_ = 0;
};

}  // namespace pomona
