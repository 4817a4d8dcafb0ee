// TOML 1.0 by toml++: tables that know which keys were asked for, so that a key nobody knows is an
// error with a suggestion, and every error names file, line and table.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace pomona {

/// One table of a TOML document; a cheap handle, copies share the document.
///
/// Read every key with get, find, table or tables, then call finish() on the root: it fails on the
/// first key that was never asked for, anywhere below. All faults of the text carry the kind given
/// to read(), and start like `app.toml:12: [prompt] shots: `.
///
/// T is one of bool, int, std::int64_t, double, std::string and std::vector of the last three;
/// a double takes whole numbers too.
class TomlTable {
 public:
  /// Throws not_found or io for the file, `kind` for what stands in it.
  static TomlTable read(const std::filesystem::path& path,
                        ErrorKind kind = ErrorKind::bad_argument);
  /// `origin` stands for the file name in messages.
  static TomlTable parse(std::string_view text, std::string_view origin,
                         ErrorKind kind = ErrorKind::bad_argument);

  /// Overrides one value below this table, as `--set tune.lora.rank=16` does; makes missing tables.
  /// To be called before anything is read.
  /// `value` is a TOML value, or else taken as a string. Throws bad_argument for a key that is no
  /// dotted key, or that leads through something that is no table.
  void set(std::string_view dotted_key, std::string_view value);

  /// The value of a key that must be there. Throws as missing() if it is not.
  template <class T>
  T get(std::string_view key) const;

  /// The value of a key, or `fallback` if it is absent.
  template <class T>
  T get(std::string_view key, T fallback) const {
    return find<T>(key).value_or(std::move(fallback));
  }

  /// The value of a key, or nullopt if it is absent.
  template <class T>
  std::optional<T> find(std::string_view key) const;

  /// The texts of a key, be they a list or one alone, or nullopt if it is absent.
  std::optional<std::vector<std::string>> find_texts(std::string_view key) const;

  /// The table under a key; an empty one if it is absent.
  TomlTable table(std::string_view key) const;
  /// The tables of an array of tables (`[[key]]`); none if it is absent.
  std::vector<TomlTable> tables(std::string_view key) const;

  /// Whether the key is there; counts as asking for it.
  bool has(std::string_view key) const;

  /// Where the value of `key` stands and what it is called, for a message about it:
  /// `app.toml:12: [prompt] shots`. For an absent key, the table's own line.
  std::string where(std::string_view key) const;

  /// Throws the document's kind: `where(key): formatted message`.
  template <class... Args>
  [[noreturn]] void reject(std::string_view key, fmt::format_string<Args...> format,
                           Args&&... args) const {
    throw Error(kind(), where(key) + ": " + fmt::format(format, std::forward<Args>(args)...));
  }

  /// Throws the document's kind: `where(key): is missing; WHY`. If a key that nobody has asked for
  /// yet looks like it (or, where the whole table is missing, a table like it), that one is called
  /// unknown instead; so ask first for what may look like a key that must be there.
  [[noreturn]] void missing(std::string_view key, std::string_view why) const;

  /// Throws the document's kind if this table or one below it holds a key that nobody asked for;
  /// the message suggests the nearest key that was asked for there, or lists them.
  void finish() const;

 private:
  struct Node;
  explicit TomlTable(std::shared_ptr<Node> node) : node_(std::move(node)) {}
  ErrorKind kind() const;
  std::shared_ptr<Node> node_;
};

}  // namespace pomona
