// Reads pickles as data, never running anything: a call stays a node that names the function and
// its arguments. Format: CPython's pickletools.py, the opcodes of protocols 2 to 5 that plain
// containers, numbers, text, globals, calls and persistent ids use.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pomona::store {

/// Limits of what is read; a state dictionary of 100 000 tensors stays far below.
inline constexpr std::size_t kLargestPickle = std::size_t{64} << 20;  // bytes
inline constexpr std::size_t kMostPickleValues = std::size_t{1} << 22;
inline constexpr std::uint64_t kMostPickleMemo = std::uint64_t{1} << 22;

enum class PickleKind {
  none,
  boolean,       // integer 0 or 1
  integer,       // integer
  long_integer,  // text: the little-endian bytes of what int64 does not hold
  real,          // real
  text,          // text
  bytes,         // text
  tuple,         // items
  list,          // items
  dict,          // items: key, value, key, value ...
  global,        // text: "module.name"
  call,          // items: function, arguments (a tuple); entries: keys and values set afterwards
  persistent,    // items: the id
};

/// The name of a kind as errors show it.
std::string_view name_of(PickleKind kind);

/// One value; others refer to it by its place in Pickle::values, so values may be shared, even by
/// themselves.
struct PickleValue {
  PickleKind kind = PickleKind::none;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view text;  // views the pickle, or Pickle::names for globals
  std::vector<std::uint32_t> items;
  std::vector<std::uint32_t> entries;
};

struct Pickle {
  std::vector<PickleValue> values;
  std::deque<std::string> names;  // of the globals
  std::uint32_t root = 0;
  std::size_t size = 0;  // bytes up to the end of the pickle

  const PickleValue& operator[](std::uint32_t place) const { return values[place]; }
};

/// Reads one pickle at the front of `bytes`. `allowed` says which globals ("module.name") may be
/// named at all. `origin` names the bytes in errors, and `offset` is where they begin. Throws
/// bad_file with the byte, or unsupported for other globals, opcodes and protocols.
Pickle parse_pickle(std::span<const std::byte> bytes, const std::string& origin,
                    std::uint64_t offset, const std::function<bool(std::string_view)>& allowed);

}  // namespace pomona::store
