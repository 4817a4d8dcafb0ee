// The metadata of GGUF files: typed values and getters whose errors name key and file.
// Format: GGUF specification version 3 (ggml documentation, docs/gguf.md).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/string_hash.h"

namespace pomona::store {

/// The value types, with their numbers in the file.
enum class GgufType : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

/// The type's name as errors show it, e.g. "u32".
std::string_view name_of(GgufType type);

/// The largest alignment of tensor data that is read or written.
inline constexpr std::uint64_t kLargestGgufAlignment = std::uint64_t{1} << 30;

/// Bytes of one value of a plain type; 0 for strings and arrays.
std::size_t size_of(GgufType type);

/// An array as it lies in the file. Only the member that fits `type` is filled: `packed` holds the
/// little-endian numbers without copying them (they may be unaligned), `strings` views into the
/// file.
struct GgufArray {
  GgufType type = GgufType::u8;
  std::size_t count = 0;
  std::span<const std::byte> packed;
  std::vector<std::string_view> strings;
  std::vector<GgufArray> arrays;
};

/// One metadata value. The alternatives stand in the order of GgufType, so index() is the type's
/// number. Strings and arrays are views: into the mapped file when read, into the caller's data
/// when written.
using GgufValue = std::variant<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t,
                               std::uint32_t, std::int32_t, float, bool, std::string_view,
                               GgufArray, std::uint64_t, std::int64_t, double>;

inline GgufType type_of(const GgufValue& value) { return static_cast<GgufType>(value.index()); }

/// An array value over `values`, which must outlive it. T is a number type of GgufType.
template <class T>
GgufArray gguf_array(std::span<const T> values) {
  GgufArray array;
  array.type = type_of(GgufValue(T{}));
  array.count = values.size();
  array.packed = std::as_bytes(values);
  return array;
}

/// An array value over strings, whose characters must outlive it.
GgufArray gguf_array(std::vector<std::string_view> strings);

/// The name of a value's type as errors show it, e.g. "u32", "array of string".
std::string describe_type(const GgufValue& value);

/// All metadata of one file, in the file's order. The getters throw bad_file naming key and file
/// when the key is missing or has another type; with a fallback, a missing key is no error but a
/// wrong type still is.
class GgufMetadata {
 public:
  GgufMetadata() = default;
  /// `origin` is the file's name in errors.
  explicit GgufMetadata(std::string origin) : origin_(std::move(origin)) {}

  /// Adds a value behind the others; false if the key is there already.
  bool add(std::string_view key, GgufValue value);

  /// The value of `key`, or null.
  const GgufValue* find(std::string_view key) const;

  const std::vector<std::pair<std::string_view, GgufValue>>& entries() const { return entries_; }
  const std::string& origin() const { return origin_; }

  /// Any integer type whose value is not negative.
  std::uint64_t unsigned_integer(std::string_view key) const;
  std::uint64_t unsigned_integer(std::string_view key, std::uint64_t fallback) const;
  std::optional<std::uint64_t> find_unsigned_integer(std::string_view key) const;

  /// Any number type.
  double real(std::string_view key) const;
  double real(std::string_view key, double fallback) const;

  bool boolean(std::string_view key) const;
  bool boolean(std::string_view key, bool fallback) const;

  std::string_view string(std::string_view key) const;
  std::string_view string(std::string_view key, std::string_view fallback) const;

  /// An array of strings.
  std::span<const std::string_view> strings(std::string_view key) const;

  /// An array of any integer type; bad_file also for a value above the range of int64.
  std::vector<std::int64_t> integers(std::string_view key) const;

  /// An array of f32; bad_file also where one is no number (NaN).
  std::vector<float> reals(std::string_view key) const;

 private:
  const GgufValue& require(std::string_view key) const;
  const GgufArray& require_array(std::string_view key, std::string_view expected) const;
  [[noreturn]] void wrong_type(std::string_view key, std::string_view expected,
                               const GgufValue& found) const;

  std::string origin_;
  std::vector<std::pair<std::string_view, GgufValue>> entries_;
  std::unordered_map<std::string_view, std::size_t, StringHash> index_;
};

}  // namespace pomona::store
