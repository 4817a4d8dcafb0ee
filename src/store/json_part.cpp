#include "store/json_part.h"

#include "base/error.h"
#include "base/quote.h"

namespace pomona::store {

std::string JsonPart::place() const {
  return path_.empty() ? origin_ : fmt::format("{}: {}", origin_, printable(path_, true));
}

void JsonPart::refuse(std::string_view what) const {
  fail(ErrorKind::bad_file, "{}: {}", place(), what);
}

void JsonPart::unsupported(std::string_view what) const {
  fail(ErrorKind::unsupported, "{}: {}", place(), what);
}

void JsonPart::wrong_type(std::string_view expected) const {
  refuse(fmt::format("expected {}, found {}", expected, json_.type_name()));
}

std::optional<JsonPart> JsonPart::find(std::string_view key) const {
  if (!json_.is_object()) wrong_type("an object");
  const auto found = json_.find(key);
  if (found == json_.end() || found->is_null()) return std::nullopt;
  const std::string path = path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  return JsonPart(*found, origin_, path);
}

JsonPart JsonPart::at(std::string_view key) const {
  if (auto found = find(key)) return *std::move(found);
  refuse(fmt::format("{} is missing", quote_name(key)));
}

std::string JsonPart::string(std::string_view key) const { return at(key).as_string(); }

bool JsonPart::boolean(std::string_view key, bool fallback) const {
  const auto found = find(key);
  if (!found) return fallback;
  if (!found->json_.is_boolean()) found->wrong_type("true or false");
  return found->json_.get<bool>();
}

std::optional<std::int64_t> JsonPart::integer(std::string_view key) const {
  const auto found = find(key);
  if (!found) return std::nullopt;
  return found->as_integer();
}

std::string JsonPart::as_string() const {
  if (!json_.is_string()) wrong_type("a string");
  return json_.get<std::string>();
}

std::int64_t JsonPart::as_integer() const {
  if (!json_.is_number_integer() || json_ < 0) wrong_type("a number that is not negative");
  return json_.get<std::int64_t>();
}

std::vector<JsonPart> JsonPart::elements() const {
  if (!json_.is_array()) wrong_type("an array");
  std::vector<JsonPart> parts;
  for (const Json& element : json_)
    parts.push_back(JsonPart(element, origin_, fmt::format("{}[{}]", path_, parts.size())));
  return parts;
}

}  // namespace pomona::store
