// The methods of strings, lists and dictionaries that templates may call. Values cannot be changed,
// so list.append() and the like are refused, as in Jinja's immutable sandbox.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "text/template_functions.h"
#include "text/template_lexer.h"
#include "text/unicode.h"

namespace pomona::text::jinja {
namespace {

using Method = Value (*)(const Value& self, const Arguments& arguments, Budget& budget);

struct Row {
  std::string_view name;
  Method method;
};

/// `text` without characters of `set` at the chosen ends; without a set, without white space.
std::string_view strip(std::string_view text, const std::optional<Value>& set, bool left,
                       bool right) {
  if (!set || set->is_none()) return strip_space(text, left, right);
  const std::string& characters = require_string(*set, "strip");
  const auto in_set = [&](std::string_view c) { return characters.find(c) != std::string::npos; };
  while (left && !text.empty()) {
    const std::size_t length = character_offset(text, 1);
    if (!in_set(text.substr(0, length))) break;
    text.remove_prefix(length);
  }
  while (right && !text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    if (!in_set(text.substr(start))) break;
    text.remove_suffix(text.size() - start);
  }
  return text;
}

template <bool left, bool right>
Value strip_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "strip", {"chars"});
  return make_string(std::string(strip(*self.string(), bound[0], left, right)), budget);
}

/// Parts between runs of white space, at most `most` cuts.
std::vector<std::string_view> split_space(std::string_view text, std::int64_t most) {
  std::vector<std::string_view> parts;
  text = strip_space(text, true, false);
  while (!text.empty()) {
    if (most-- == 0) {
      parts.push_back(strip_space(text, false, true));
      break;
    }
    std::size_t end = 0;
    while (end < text.size()) {
      const auto c = decode_utf8(text.substr(end));
      if (c && is_python_space(c->code_point)) break;
      end += c ? c->length : 1;
    }
    parts.push_back(text.substr(0, end));
    text = strip_space(text.substr(end), true, false);
  }
  return parts;
}

std::vector<std::string_view> split_at(std::string_view text, std::string_view separator,
                                       std::int64_t most, bool from_right) {
  std::vector<std::string_view> parts;
  while (most-- != 0) {
    const std::size_t at = from_right ? text.rfind(separator) : text.find(separator);
    if (at == std::string_view::npos) break;
    parts.push_back(from_right ? text.substr(at + separator.size()) : text.substr(0, at));
    text = from_right ? text.substr(0, at) : text.substr(at + separator.size());
  }
  parts.push_back(text);
  if (from_right) std::reverse(parts.begin(), parts.end());
  return parts;
}

Value list_of(const std::vector<std::string_view>& parts, Budget& budget) {
  std::vector<Value> items;
  items.reserve(parts.size());
  for (const std::string_view part : parts) items.push_back(make_string(std::string(part), budget));
  return make_list(std::move(items), budget);
}

template <bool from_right>
Value split_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "split", {"sep", "maxsplit"});
  const std::int64_t most = bound[1] ? to_integer(*bound[1], "maxsplit") : -1;
  if (!bound[0] || bound[0]->is_none()) return list_of(split_space(*self.string(), most), budget);
  const std::string& separator = require_string(*bound[0], "split");
  if (separator.empty()) template_error("empty separator");
  return list_of(split_at(*self.string(), separator, most, from_right), budget);
}

Value splitlines(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "splitlines", {"keepends"});
  const bool keep = bound[0] && truthy(*bound[0]);
  std::vector<std::string_view> lines;
  std::string_view text = *self.string();
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    std::size_t next = std::min(end + 1, text.size());
    if (text.substr(end).starts_with("\r\n")) ++next;
    lines.push_back(text.substr(0, keep ? next : end));
    text.remove_prefix(next);
  }
  return list_of(lines, budget);
}

/// startswith and endswith, with one text or a tuple of them.
template <bool at_start>
Value affix_method(const Value& self, const Arguments& arguments, Budget&) {
  const auto bound = bind(arguments, at_start ? "startswith" : "endswith", {"affix"});
  if (!bound[0]) template_error("startswith and endswith take at least 1 argument");
  const auto matches = [&](const Value& affix) {
    const std::string& text = require_string(affix, at_start ? "startswith" : "endswith");
    return at_start ? self.string()->starts_with(text) : self.string()->ends_with(text);
  };
  if (const List* options = bound[0]->list())
    return Value(std::any_of(options->items.begin(), options->items.end(), matches));
  return matches(*bound[0]);
}

template <bool at_start>
Value remove_affix(const Value& self, const Arguments& arguments, Budget& budget) {
  const std::string& text = *self.string();
  const auto bound = bind(arguments, at_start ? "removeprefix" : "removesuffix", {"affix"});
  const std::string& affix = require_string(bound[0].value_or(None{}), "removeprefix");
  const bool has = at_start ? text.starts_with(affix) : text.ends_with(affix);
  if (!has) return self;
  return make_string(
      at_start ? text.substr(affix.size()) : text.substr(0, text.size() - affix.size()), budget);
}

Value replace_method(const Value& self, const Arguments& arguments, Budget& budget) {
  return apply_filter("replace", self, arguments, budget);
}

template <bool from_right>
Value find_method(const Value& self, const Arguments& arguments, Budget&) {
  const auto bound = bind(arguments, "find", {"sub"});
  const std::string& part = require_string(bound[0].value_or(None{}), "find");
  const std::size_t at = from_right ? self.string()->rfind(part) : self.string()->find(part);
  if (at == std::string::npos) return std::int64_t{-1};
  return static_cast<std::int64_t>(character_count(std::string_view(*self.string()).substr(0, at)));
}

Value count_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "count", {"value"});
  if (!bound[0]) template_error("count() takes exactly one argument (0 given)");
  std::int64_t count = 0;
  if (const List* list = self.list()) {
    budget.charge(weight_of(self) + list->items.size() * weight_of(*bound[0]));
    for (const Value& item : list->items) count += equal(item, *bound[0]);
    return count;
  }
  const std::string& part = require_string(*bound[0], "count");
  if (part.empty()) return static_cast<std::int64_t>(character_count(*self.string()) + 1);
  for (std::size_t at = self.string()->find(part); at != std::string::npos;
       at = self.string()->find(part, at + part.size()))
    ++count;
  return count;
}

Value join_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "join", {"iterable"});
  std::string out;
  const std::vector<Value> items = iterate(bound[0].value_or(None{}), budget);
  for (std::size_t i = 0; i < items.size(); ++i) {
    budget.allocate(self.string()->size());
    if (i > 0) out += *self.string();
    if (items[i].string() == nullptr)
      template_error(
          fmt::format("sequence item {}: expected str instance, {} found", i, type_name(items[i])));
    out += *items[i].string();
  }
  return make_string(std::move(out), budget);
}

Value format_method(const Value& self, const Arguments& arguments, Budget& budget) {
  return make_string(format_braces(*self.string(), arguments), budget);
}

Value zfill(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "zfill", {"width"});
  const std::string& text = *self.string();
  const std::int64_t width = to_integer(bound[0].value_or(None{}), "width");
  const auto size = static_cast<std::int64_t>(character_count(text));
  if (width <= size) return self;
  budget.allocate(static_cast<std::uint64_t>(width));
  const std::size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  return Value(text.substr(0, sign) + std::string(static_cast<std::size_t>(width - size), '0') +
               text.substr(sign));
}

/// Calls the filter of the same meaning.
template <const char* const& filter>
Value by_filter(const Value& self, const Arguments& arguments, Budget& budget) {
  return apply_filter(filter, self, arguments, budget);
}

constexpr const char* kUpper = "upper";
constexpr const char* kLower = "lower";
constexpr const char* kTitle = "title";
constexpr const char* kCapitalize = "capitalize";

/// Whether the text has characters and all of them satisfy `holds`.
template <bool (*holds)(char32_t)>
Value all_characters(const Value& self, const Arguments&, Budget& budget) {
  budget.charge(self.string()->size() / 16);
  std::string_view text = *self.string();
  if (text.empty()) return false;
  while (!text.empty()) {
    const auto c = decode_utf8(text);
    if (!c || !holds(c->code_point)) return false;
    text.remove_prefix(c->length);
  }
  return true;
}

bool is_alphanumeric(char32_t c) { return is_letter(c) || text::is_number(c); }

template <bool wants_upper>
Value has_case(const Value& self, const Arguments&, Budget& budget) {
  budget.allocate(self.string()->size());
  const std::string& text = *self.string();
  const std::string upper_text = upper(text);
  const std::string lower_text = lower(text);
  return upper_text != lower_text && text == (wants_upper ? upper_text : lower_text);
}

Value index_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "index", {"value"});
  const Value wanted = bound[0].value_or(None{});
  const auto& items = self.list()->items;
  budget.charge(weight_of(self) + items.size() * weight_of(wanted));
  for (std::size_t i = 0; i < items.size(); ++i)
    if (equal(items[i], wanted)) return static_cast<std::int64_t>(i);
  template_error(fmt::format("{} is not in list", to_repr(wanted)));
}

enum class Part { keys, values, items };

template <Part part>
Value dict_parts(const Value& self, const Arguments&, Budget& budget) {
  std::vector<Value> out;
  for (const auto& [key, value] : self.dict()->items) {
    if (part == Part::keys) out.push_back(key);
    if (part == Part::values) out.push_back(value);
    if (part == Part::items) out.push_back(make_list({key, value}, budget, true));
  }
  return make_list(std::move(out), budget);
}

Value dict_get(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "get", {"key", "default"});
  if (!bound[0]) template_error("get expected at least 1 argument, got 0");
  budget.charge(self.dict()->items.size() / 16);
  const Value* found = self.dict()->find(*bound[0]);
  return found != nullptr ? *found : bound[1].value_or(None{});
}

Value copy(const Value& self, const Arguments&, Budget&) { return self; }

constexpr std::array kStringMethods = {
    Row{"strip", strip_method<true, true>},
    Row{"lstrip", strip_method<true, false>},
    Row{"rstrip", strip_method<false, true>},
    Row{"split", split_method<false>},
    Row{"rsplit", split_method<true>},
    Row{"splitlines", splitlines},
    Row{"startswith", affix_method<true>},
    Row{"endswith", affix_method<false>},
    Row{"removeprefix", remove_affix<true>},
    Row{"removesuffix", remove_affix<false>},
    Row{"replace", replace_method},
    Row{"find", find_method<false>},
    Row{"rfind", find_method<true>},
    Row{"count", count_method},
    Row{"join", join_method},
    Row{"format", format_method},
    Row{"zfill", zfill},
    Row{"upper", by_filter<kUpper>},
    Row{"lower", by_filter<kLower>},
    Row{"title", by_filter<kTitle>},
    Row{"capitalize", by_filter<kCapitalize>},
    Row{"isalpha", all_characters<is_letter>},
    Row{"isdigit", all_characters<text::is_number>},
    Row{"isalnum", all_characters<is_alphanumeric>},
    Row{"isspace", all_characters<is_python_space>},
    Row{"isupper", has_case<true>},
    Row{"islower", has_case<false>},
};

constexpr std::array kListMethods = {
    Row{"index", index_method},
    Row{"count", count_method},
    Row{"copy", copy},
};

constexpr std::array kDictMethods = {
    Row{"get", dict_get},
    Row{"items", dict_parts<Part::items>},
    Row{"keys", dict_parts<Part::keys>},
    Row{"values", dict_parts<Part::values>},
    Row{"copy", copy},
};

constexpr std::array<std::string_view, 8> kListChanges = {"append", "extend",  "insert", "pop",
                                                          "remove", "reverse", "sort",   "clear"};
constexpr std::array<std::string_view, 5> kDictChanges = {"clear", "pop", "popitem", "setdefault",
                                                          "update"};

template <class Rows>
Method find_row(const Rows& rows, std::string_view name) {
  for (const Row& row : rows)
    if (row.name == name) return row.method;
  return nullptr;
}

template <class Names>
bool has_name(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::optional<Value> method_of(const Value& object, const std::string& name, Budget& budget) {
  Method method = nullptr;
  bool changes = false;
  if (object.string() != nullptr) method = find_row(kStringMethods, name);
  if (object.list() != nullptr) {
    method = find_row(kListMethods, name);
    changes = has_name(kListChanges, name);
  }
  if (object.dict() != nullptr) {
    method = find_row(kDictMethods, name);
    changes = has_name(kDictChanges, name);
  }
  if (changes)
    return undefined(
        fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, type_name(object)));
  if (method == nullptr) return std::nullopt;
  return Value(
      std::make_shared<const Callable>(Callable{name, [object, method, &budget](Arguments& given) {
                                                  budget.charge(weight_of(object));
                                                  return method(object, given, budget);
                                                }}));
}

}  // namespace pomona::text::jinja
