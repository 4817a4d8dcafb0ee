#include "store/gguf_value.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "base/quote.h"

namespace pomona::store {
namespace {

struct TypeRow {
  std::string_view name;
  std::size_t size;
};

constexpr std::array<TypeRow, 13> kTypes = {{{"u8", 1},
                                             {"i8", 1},
                                             {"u16", 2},
                                             {"i16", 2},
                                             {"u32", 4},
                                             {"i32", 4},
                                             {"f32", 4},
                                             {"bool", 1},
                                             {"string", 0},
                                             {"array", 0},
                                             {"u64", 8},
                                             {"i64", 8},
                                             {"f64", 8}}};

template <class T>
constexpr bool kIsInteger = std::is_integral_v<T> && !std::is_same_v<T, bool>;

std::optional<std::uint64_t> as_unsigned(const GgufValue& value) {
  return std::visit(
      [](const auto& x) -> std::optional<std::uint64_t> {
        using T = std::decay_t<decltype(x)>;
        if constexpr (kIsInteger<T>) {
          if (std::is_unsigned_v<T> || x >= T{}) return static_cast<std::uint64_t>(x);
        }
        return std::nullopt;
      },
      value);
}

std::optional<double> as_real(const GgufValue& value) {
  return std::visit(
      [](const auto& x) -> std::optional<double> {
        using T = std::decay_t<decltype(x)>;
        if constexpr (kIsInteger<T> || std::is_floating_point_v<T>) return static_cast<double>(x);
        return std::nullopt;
      },
      value);
}

template <class T>
T load(std::span<const std::byte> packed, std::size_t index) {
  T value;
  std::memcpy(&value, packed.data() + index * sizeof(T), sizeof(T));
  return value;
}

template <class T>
bool append_integers(const GgufArray& array, std::vector<std::int64_t>& values) {
  for (std::size_t i = 0; i < array.count; ++i) {
    const T value = load<T>(array.packed, i);
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return false;
    }
    values.push_back(static_cast<std::int64_t>(value));
  }
  return true;
}

bool append_any_integers(const GgufArray& array, std::vector<std::int64_t>& values) {
  switch (array.type) {
    case GgufType::u8:
      return append_integers<std::uint8_t>(array, values);
    case GgufType::i8:
      return append_integers<std::int8_t>(array, values);
    case GgufType::u16:
      return append_integers<std::uint16_t>(array, values);
    case GgufType::i16:
      return append_integers<std::int16_t>(array, values);
    case GgufType::u32:
      return append_integers<std::uint32_t>(array, values);
    case GgufType::i32:
      return append_integers<std::int32_t>(array, values);
    case GgufType::u64:
      return append_integers<std::uint64_t>(array, values);
    case GgufType::i64:
      return append_integers<std::int64_t>(array, values);
    default:
      return false;
  }
}

}  // namespace

std::string_view name_of(GgufType type) { return kTypes.at(static_cast<std::size_t>(type)).name; }
std::size_t size_of(GgufType type) { return kTypes.at(static_cast<std::size_t>(type)).size; }

GgufArray gguf_array(std::vector<std::string_view> strings) {
  GgufArray array;
  array.type = GgufType::string;
  array.count = strings.size();
  array.strings = std::move(strings);
  return array;
}

std::string describe_type(const GgufValue& value) {
  if (const auto* array = std::get_if<GgufArray>(&value))
    return fmt::format("array of {}", name_of(array->type));
  return std::string(name_of(type_of(value)));
}

bool GgufMetadata::add(std::string_view key, GgufValue value) {
  if (!index_.emplace(key, entries_.size()).second) return false;
  entries_.emplace_back(key, std::move(value));
  return true;
}

const GgufValue* GgufMetadata::find(std::string_view key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &entries_[found->second].second;
}

const GgufValue& GgufMetadata::require(std::string_view key) const {
  if (const GgufValue* value = find(key)) return *value;
  fail(ErrorKind::bad_file, "key {} of {}: missing", quote_name(key), origin_);
}

void GgufMetadata::wrong_type(std::string_view key, std::string_view expected,
                              const GgufValue& found) const {
  fail(ErrorKind::bad_file, "key {} of {}: expected {}, found {}", quote_name(key), origin_,
       expected, describe_type(found));
}

std::uint64_t GgufMetadata::unsigned_integer(std::string_view key) const {
  const GgufValue& value = require(key);
  if (const auto number = as_unsigned(value)) return *number;
  const std::string found = std::visit(
      [&](const auto& x) {
        if constexpr (kIsInteger<std::decay_t<decltype(x)>>) return fmt::format("{}", x);
        return describe_type(value);
      },
      value);
  fail(ErrorKind::bad_file, "key {} of {}: expected an unsigned integer, found {}", quote_name(key),
       origin_, found);
}

std::uint64_t GgufMetadata::unsigned_integer(std::string_view key, std::uint64_t fallback) const {
  return find(key) == nullptr ? fallback : unsigned_integer(key);
}

std::optional<std::uint64_t> GgufMetadata::find_unsigned_integer(std::string_view key) const {
  if (find(key) == nullptr) return std::nullopt;
  return unsigned_integer(key);
}

double GgufMetadata::real(std::string_view key) const {
  const GgufValue& value = require(key);
  if (const auto number = as_real(value)) return *number;
  wrong_type(key, "a number", value);
}

double GgufMetadata::real(std::string_view key, double fallback) const {
  return find(key) == nullptr ? fallback : real(key);
}

bool GgufMetadata::boolean(std::string_view key) const {
  const GgufValue& value = require(key);
  if (const bool* flag = std::get_if<bool>(&value)) return *flag;
  wrong_type(key, "a bool", value);
}

bool GgufMetadata::boolean(std::string_view key, bool fallback) const {
  return find(key) == nullptr ? fallback : boolean(key);
}

std::string_view GgufMetadata::string(std::string_view key) const {
  const GgufValue& value = require(key);
  if (const auto* text = std::get_if<std::string_view>(&value)) return *text;
  wrong_type(key, "a string", value);
}

std::string_view GgufMetadata::string(std::string_view key, std::string_view fallback) const {
  return find(key) == nullptr ? fallback : string(key);
}

const GgufArray& GgufMetadata::require_array(std::string_view key,
                                             std::string_view expected) const {
  const GgufValue& value = require(key);
  if (const auto* array = std::get_if<GgufArray>(&value)) return *array;
  wrong_type(key, expected, value);
}

std::span<const std::string_view> GgufMetadata::strings(std::string_view key) const {
  const GgufArray& array = require_array(key, "an array of strings");
  if (array.type != GgufType::string) wrong_type(key, "an array of strings", array);
  return array.strings;
}

std::vector<std::int64_t> GgufMetadata::integers(std::string_view key) const {
  const GgufArray& array = require_array(key, "an array of integers");
  std::vector<std::int64_t> values;
  values.reserve(array.count);
  if (!append_any_integers(array, values)) wrong_type(key, "an array of integers", array);
  return values;
}

std::vector<float> GgufMetadata::reals(std::string_view key) const {
  const GgufArray& array = require_array(key, "an array of f32");
  if (array.type != GgufType::f32) wrong_type(key, "an array of f32", array);
  std::vector<float> values(array.count);
  for (std::size_t i = 0; i < array.count; ++i) {
    values[i] = load<float>(array.packed, i);
    if (std::isnan(values[i]))
      fail(ErrorKind::bad_file, "key {} of {}: value {} is not a number", quote_name(key), origin_,
           i);
  }
  return values;
}

}  // namespace pomona::store
