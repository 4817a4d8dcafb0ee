// The methods of strings, lists and dictionaries that templates may call. Values cannot be changed,
// so list.append() and the like are refused, as in Jinja's immutable sandbox.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/quote.h"
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

/// The characters of a text.
class CharacterSet {
 public:
  CharacterSet(std::string_view text, Budget& budget) {
    budget.charge(1 + text.size());
    budget.allocate(text.size(), sizeof(char32_t));
    each_code_point(text, [&](char32_t c, std::string_view) { characters_.push_back(c); });
    std::sort(characters_.begin(), characters_.end());
  }
  bool contains(char32_t c) const {
    return std::binary_search(characters_.begin(), characters_.end(), c);
  }

 private:
  std::vector<char32_t> characters_;
};

/// The start of the last character of `text`, which is not empty.
std::size_t last_character(std::string_view text) {
  std::size_t start = text.size() - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
  return start;
}

/// `text` without characters of `set` at the chosen ends; without a set, without white space.
std::string_view strip(std::string_view text, const std::optional<Value>& set, bool left,
                       bool right, Budget& budget) {
  if (!set || set->is_none()) {
    budget.charge_scan(text.size());
    return strip_space(text, left, right);
  }
  const CharacterSet characters(require_string(*set, "strip"), budget);
  const auto in_set = [&](std::string_view at) {
    budget.charge(1);
    const auto c = decode_utf8(at);
    return c && characters.contains(c->code_point);
  };
  while (left && !text.empty() && in_set(text)) text.remove_prefix(character_offset(text, 1));
  while (right && !text.empty() && in_set(text.substr(last_character(text))))
    text = text.substr(0, last_character(text));
  return text;
}

template <bool left, bool right>
Value strip_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "strip", {"chars"});
  return make_string(std::string(strip(*self.string(), bound[0], left, right, budget)), budget);
}

bool is_space_at(std::string_view text, std::size_t at) {
  const auto c = decode_utf8(text.substr(at));
  return c && is_python_space(c->code_point);
}

/// The parts between runs of white space, at most `most` cuts from the left.
Value split_space(std::string_view text, std::uint64_t most, Budget& budget) {
  budget.charge_scan(text.size());
  ListWriter parts(budget);
  for (text = strip_space(text, true, false); !text.empty();) {
    std::size_t end = 0;
    if (parts.size() == most) end = text.size();
    while (end < text.size() && !is_space_at(text, end))
      end += character_offset(text.substr(end), 1);
    parts.add_string(text.substr(0, end));
    text = strip_space(text.substr(end), true, false);
  }
  return parts.take();
}

/// The same with cuts from the right.
Value rsplit_space(std::string_view text, std::uint64_t most, Budget& budget) {
  budget.charge_scan(text.size());
  ListWriter parts(budget);
  for (text = strip_space(text, false, true); !text.empty();) {
    std::size_t start = text.size();
    if (parts.size() == most) start = 0;
    while (start > 0 && !is_space_at(text, last_character(text.substr(0, start))))
      start = last_character(text.substr(0, start));
    parts.add_string(text.substr(start));
    text = strip_space(text.substr(0, start), false, true);
  }
  return parts.take_reversed();
}

Value split_at(std::string_view text, std::string_view separator, std::uint64_t most,
               Budget& budget) {
  ListWriter parts(budget);
  const Finder separators(text, separator, budget);
  std::size_t from = 0;
  while (parts.size() < most) {
    const std::size_t at = separators.next(from);
    if (at == std::string_view::npos) break;
    parts.add_string(text.substr(from, at - from));
    from = at + separator.size();
  }
  parts.add_string(text.substr(from));
  return parts.take();
}

Value rsplit_at(std::string_view text, std::string_view separator, std::uint64_t most,
                Budget& budget) {
  ListWriter parts(budget);
  const std::string mirrored = reversed(text, budget);
  const std::string mirrored_separator = reversed(separator, budget);
  const Finder separators(mirrored, mirrored_separator, budget);
  std::size_t from = 0;  // bytes behind the rest
  while (parts.size() < most) {
    const std::size_t at = separators.next(from);
    if (at == std::string_view::npos) break;
    parts.add_string(text.substr(text.size() - at, at - from));
    from = at + separator.size();
  }
  parts.add_string(text.substr(0, text.size() - from));
  return parts.take_reversed();
}

template <bool from_right>
Value split_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "split", {"sep", "maxsplit"});
  // A negative number stands for no limit.
  const auto most = static_cast<std::uint64_t>(bound[1] ? to_integer(*bound[1], "maxsplit") : -1);
  const std::string& text = *self.string();
  if (!bound[0] || bound[0]->is_none())
    return from_right ? rsplit_space(text, most, budget) : split_space(text, most, budget);
  const std::string& separator = require_string(*bound[0], "split");
  if (separator.empty()) template_error("empty separator");
  return from_right ? rsplit_at(text, separator, most, budget)
                    : split_at(text, separator, most, budget);
}

Value splitlines(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "splitlines", {"keepends"});
  const bool keep = bound[0] && truthy(*bound[0]);
  ListWriter lines(budget);
  std::string_view text = *self.string();
  budget.charge_scan(text.size());
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    std::size_t next = std::min(end + 1, text.size());
    if (text.substr(end).starts_with("\r\n")) ++next;
    lines.add_string(text.substr(0, keep ? next : end));
    text.remove_prefix(next);
  }
  return lines.take();
}

/// startswith and endswith, with one text or a tuple of them.
template <bool at_start>
Value affix_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, at_start ? "startswith" : "endswith", {"affix"});
  if (!bound[0]) template_error("startswith and endswith take at least 1 argument");
  const auto matches = [&](const Value& affix) {
    budget.charge(weight_of(affix));
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

Value find_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "find", {"sub"});
  const std::string_view text = *self.string();
  const std::string& part = require_string(bound[0].value_or(None{}), "find");
  const std::size_t at = Finder(text, part, budget).next(0);
  if (at == std::string::npos) return std::int64_t{-1};
  return static_cast<std::int64_t>(character_count(text.substr(0, at)));
}

Value rfind_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "rfind", {"sub"});
  const std::string_view text = *self.string();
  const std::string& part = require_string(bound[0].value_or(None{}), "find");
  const std::string mirrored = reversed(text, budget);
  const std::string mirrored_part = reversed(part, budget);
  const std::size_t behind = Finder(mirrored, mirrored_part, budget).next(0);
  if (behind == std::string::npos) return std::int64_t{-1};
  return static_cast<std::int64_t>(
      character_count(text.substr(0, text.size() - behind - part.size())));
}

Value count_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "count", {"value"});
  if (!bound[0]) template_error("count() takes exactly one argument (0 given)");
  std::int64_t count = 0;
  if (const List* list = self.list()) {
    for (const Value& item : list->items) count += equal(item, *bound[0], budget);
    return count;
  }
  const std::string& part = require_string(*bound[0], "count");
  if (part.empty()) return static_cast<std::int64_t>(character_count(*self.string()) + 1);
  const Finder places(*self.string(), part, budget);
  for (std::size_t at = places.next(0); at != std::string::npos; at = places.next(at + part.size()))
    ++count;
  return count;
}

Value join_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "join", {"iterable"});
  Writer out(budget);
  const Sequence items = iterate(bound[0].value_or(None{}), budget);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.put(*self.string());
    if (items[i].string() == nullptr)
      template_error(
          fmt::format("sequence item {}: expected str instance, {} found", i, type_name(items[i])));
    out.put(*items[i].string());
  }
  return make_string(std::move(out));
}

Value format_method(const Value& self, const Arguments& arguments, Budget& budget) {
  return format_braces(*self.string(), arguments, budget);
}

Value zfill(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "zfill", {"width"});
  const std::string& text = *self.string();
  const std::int64_t width = to_integer(bound[0].value_or(None{}), "width");
  const auto size = static_cast<std::int64_t>(character_count(text));
  if (width <= size) return self;
  const std::size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  Writer out(budget);
  out.put(text.substr(0, sign));
  out.fill(static_cast<std::uint64_t>(width - size), '0');
  out.put(text.substr(sign));
  return make_string(std::move(out));
}

/// Calls the filter of the same meaning.
template <const char* const& filter>
Value by_filter(const Value& self, const Arguments& arguments, Budget& budget) {
  return apply_filter(filter, self, arguments, budget);
}

constexpr const char* kUpper = "upper";
constexpr const char* kLower = "lower";
constexpr const char* kCapitalize = "capitalize";

/// Whether the text has characters and all of them satisfy `holds`.
template <bool (*holds)(char32_t)>
Value all_characters(const Value& self, const Arguments&, Budget& budget) {
  budget.charge_scan(self.string()->size());
  std::string_view text = *self.string();
  if (text.empty()) return false;
  while (!text.empty()) {
    const auto c = decode_utf8(text);
    if (!c || !holds(c->code_point)) return false;
    text.remove_prefix(c->length);
  }
  return true;
}

/// Words for Python's title() are of letters only.
Value title_method(const Value& self, const Arguments&, Budget& budget) {
  return make_title(*self.string(), [](char32_t c) { return !is_letter(c); }, budget);
}

bool is_alphanumeric(char32_t c) { return is_letter(c) || text::is_number(c); }

template <bool wants_upper>
Value has_case(const Value& self, const Arguments&, Budget& budget) {
  return is_cased(*self.string(), wants_upper, budget);
}

Value index_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "index", {"value"});
  const Value wanted = bound[0].value_or(None{});
  const auto& items = self.list()->items;
  for (std::size_t i = 0; i < items.size(); ++i)
    if (equal(items[i], wanted, budget)) return static_cast<std::int64_t>(i);
  template_error(fmt::format("{} is not in list", shortened(to_repr(wanted, budget))));
}

enum class Part { keys, values, items };

template <Part part>
Value dict_parts(const Value& self, const Arguments&, Budget& budget) {
  ListWriter out(budget);
  for (const auto& [key, value] : self.dict()->items) {
    if (part == Part::keys) out.add(key);
    if (part == Part::values) out.add(value);
    if (part == Part::items) out.add(make_list({key, value}, budget, true));
  }
  return out.take();
}

Value dict_get(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "get", {"key", "default"});
  if (!bound[0]) template_error("get expected at least 1 argument, got 0");
  budget.charge(weight_of(*bound[0]));
  const Value* found = self.dict()->items.find(*bound[0]);
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
    Row{"find", find_method},
    Row{"rfind", rfind_method},
    Row{"count", count_method},
    Row{"join", join_method},
    Row{"format", format_method},
    Row{"zfill", zfill},
    Row{"upper", by_filter<kUpper>},
    Row{"lower", by_filter<kLower>},
    Row{"title", title_method},
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
        fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, type_name(object)),
        budget);
  if (method == nullptr) return std::nullopt;
  return make_callable(
      name,
      [object, method, &budget](Arguments& given) {
        budget.charge(weight_of(object));
        return method(object, given, budget);
      },
      budget);
}

}  // namespace pomona::text::jinja
