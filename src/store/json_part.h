// A part of a JSON file with its place in it, for errors that name both.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace pomona::store {

/// Views `json`, which must outlive it.
class JsonPart {
 public:
  /// `origin` names the file in errors, e.g. "tokenizer x/tokenizer.json".
  JsonPart(const Json& json, std::string origin) : JsonPart(json, std::move(origin), "") {}

  const Json& json() const { return json_; }

  /// The value of `key`; nullopt where it is missing or null. Throws bad_file if this is no object,
  /// as all below for a value of another type than asked for.
  std::optional<JsonPart> find(std::string_view key) const;
  /// Throws bad_file if it is missing.
  JsonPart at(std::string_view key) const;

  std::string string(std::string_view key) const;
  bool boolean(std::string_view key, bool fallback) const;
  /// nullopt where it is missing or null. Not negative.
  std::optional<std::int64_t> integer(std::string_view key) const;

  std::string as_string() const;
  std::int64_t as_integer() const;
  /// The elements of an array.
  std::vector<JsonPart> elements() const;

  [[noreturn]] void refuse(std::string_view what) const;       // bad_file
  [[noreturn]] void unsupported(std::string_view what) const;  // unsupported

 private:
  JsonPart(const Json& json, std::string origin, std::string path)
      : json_(json), origin_(std::move(origin)), path_(std::move(path)) {}
  [[noreturn]] void wrong_type(std::string_view expected) const;
  std::string place() const;

  const Json& json_;
  std::string origin_, path_;
};

}  // namespace pomona::store
