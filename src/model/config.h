// A model's numbers under the hub's names, whichever file they come from: config.json of a folder
// (https://huggingface.co/docs/transformers/main_classes/configuration; names that only older
// families have are read under the usual one) or a GGUF file's metadata
// (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), whose keys config.cpp lists.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "store/gguf_value.h"

namespace pomona::model {

class Config {
 public:
  /// The values of a config.json; `origin` is the file's name in errors.
  Config(Json values, std::string origin);
  /// The values of a GGUF file of the architecture `general.architecture`.
  explicit Config(const store::GgufMetadata& metadata);
  /// The same with what a family means where its files are silent; null in a file is no silence.
  Config with_defaults(const Json& defaults) const;

  const std::string& origin() const { return origin_; }
  bool from_gguf() const { return !prefix_.empty(); }
  bool has(std::string_view name) const { return values_.contains(name); }

  /// A number of things: 1 to 2^24. Throws bad_file naming the file's own key if it is missing
  /// (unless there is a fallback), no whole number, or out of range.
  std::int64_t size(std::string_view name) const;
  std::int64_t size(std::string_view name, std::int64_t fallback) const;
  /// A finite number above 0.
  double positive(std::string_view name) const;
  double positive(std::string_view name, double fallback) const;
  /// A list of such numbers.
  std::vector<double> positives(std::string_view name) const;
  bool flag(std::string_view name, bool fallback) const;
  std::string text(std::string_view name, std::string_view fallback) const;
  /// A list of texts.
  std::vector<std::string> texts(std::string_view name) const;
  /// The object `name` within a config.json; nullopt if it is missing or null.
  std::optional<Config> section(std::string_view name) const;
  /// The names that have a value.
  std::vector<std::string> keys() const;
  /// The value, or null if it is missing or null.
  const Json* find(std::string_view name) const;

  /// Throws bad_file unless `whole` is a multiple of `part`; the names are for the message.
  void check_divides(std::string_view whole_name, std::int64_t whole, std::string_view part_name,
                     std::int64_t part) const;

  /// The key of `name` in the file: "llama.embedding_length" for "hidden_size".
  std::string key_of(std::string_view name) const;

 private:
  const Json& require(std::string_view name, const char* expected) const;

  Json values_;
  std::string origin_;
  std::string prefix_;  // GGUF's architecture; empty for config.json
};

}  // namespace pomona::model
