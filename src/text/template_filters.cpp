// The filters of chat templates for text, numbers and any value.
#include "text/template_filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <memory>

#include "base/quote.h"
#include "base/text.h"
#include "text/template_lexer.h"
#include "text/unicode.h"

namespace pomona::text::jinja {

bool flag(const std::optional<Value>& value, bool fallback) {
  return value ? truthy(*value) : fallback;
}

Value make_title(std::string_view text, bool (*breaks)(char32_t), Budget& budget) {
  budget.charge(text.size());
  Writer out(budget);
  bool inside = false;
  each_code_point(text, [&](char32_t c, std::string_view character) {
    out.put(inside ? lower(character) : upper(character));
    inside = !breaks(c);
  });
  return make_string(std::move(out));
}

std::int64_t number(const std::optional<Value>& value, std::int64_t fallback,
                    std::string_view what) {
  return value ? to_integer(*value, what) : fallback;
}

namespace {

// --- text ---

/// Text whose characters are looked at one by one.
std::string scanned_text(const Value& value, Budget& budget) {
  std::string text = to_text(value, budget);
  budget.charge_scan(text.size());
  return text;
}

Value lower_filter(const Value& input, const Arguments&, Budget& budget) {
  return make_string(lower(scanned_text(input, budget)), budget);
}

Value upper_filter(const Value& input, const Arguments&, Budget& budget) {
  return make_string(upper(scanned_text(input, budget)), budget);
}

Value capitalize(const Value& input, const Arguments&, Budget& budget) {
  const std::string text = scanned_text(input, budget);
  const std::size_t first = character_offset(text, 1);
  return make_string(upper(text.substr(0, first)) + lower(text.substr(first)), budget);
}

bool breaks_word(char32_t c) {
  return is_python_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
}

/// Words are what Jinja's filter takes for words.
Value title(const Value& input, const Arguments&, Budget& budget) {
  return make_title(to_text(input, budget), breaks_word, budget);
}

Value trim_filter(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "trim", {"chars"});
  Arguments chars;
  if (bound[0]) chars.positional.push_back(*bound[0]);
  const Value text = make_string(to_text(input, budget), budget);
  return method_of(text, "strip", budget)
      ->as<std::shared_ptr<const Callable>>()
      ->get()
      ->call(chars);
}

Value replace(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "replace", {"old", "new", "count"});
  if (!bound[0] || !bound[1]) template_error("replace expected at least 2 arguments");
  const std::string text = to_text(input, budget);
  const std::string from = to_text(*bound[0], budget);
  const std::string to = to_text(*bound[1], budget);
  // A negative number stands for no limit.
  auto left = static_cast<std::uint64_t>(
      bound[2] && !bound[2]->is_none() ? to_integer(*bound[2], "count") : -1);
  Writer out(budget);
  const Finder places(text, from, budget);
  std::size_t at = 0;
  for (; left > 0 && at <= text.size(); --left) {
    const std::size_t found = places.next(at);
    if (found == std::string::npos) break;
    out.put(std::string_view(text).substr(at, found - at));
    out.put(to);
    at = found + from.size();
    if (!from.empty()) continue;
    // The empty text stands between all characters.
    const std::size_t step =
        at < text.size() ? character_offset(std::string_view(text).substr(at), 1) : 1;
    if (at < text.size()) out.put(std::string_view(text).substr(at, step));
    at += step;
  }
  if (at < text.size()) out.put(std::string_view(text).substr(at));
  return make_string(std::move(out));
}

Value string_filter(const Value& input, const Arguments&, Budget& budget) {
  return make_string(to_text(input, budget), budget);
}

Value format_filter(const Value& input, const Arguments& arguments, Budget& budget) {
  const Value values =
      arguments.named.empty() ? make_list(arguments.positional, budget, true) : [&] {
        std::vector<std::pair<Value, Value>> items;
        items.reserve(arguments.named.size());
        for (const auto& [name, value] : arguments.named) items.emplace_back(Value(name), value);
        return make_dict(items, budget);
      }();
  return format_percent(to_text(input, budget), values, budget);
}

Value indent(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "indent", {"width", "first", "blank"});
  std::string prefix = "    ";
  if (bound[0] && bound[0]->string() != nullptr) {
    prefix = *bound[0]->string();
  } else if (bound[0]) {
    const std::int64_t width = std::clamp<std::int64_t>(to_integer(*bound[0], "width"), 0, 1000);
    prefix.assign(static_cast<std::size_t>(width), ' ');
  }
  const std::string text = to_text(input, budget);
  Writer out(budget);
  const bool first = flag(bound[1], false);
  const bool blank = flag(bound[2], false);
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    if (start > 0) out.put('\n');
    if (start == 0 ? first : end > start || blank) out.put(prefix);
    out.put(std::string_view(text).substr(start, end - start));
    start = end + 1;
  }
  return make_string(std::move(out));
}

Value escape(const Value& input, const Arguments&, Budget& budget) {
  if (input.markup) return input;
  Writer out(budget);
  write_html(out, to_text(input, budget));
  Value escaped = make_string(std::move(out));
  escaped.markup = true;
  return escaped;
}

Value wordcount(const Value& input, const Arguments&, Budget& budget) {
  const std::string text = scanned_text(input, budget);
  std::int64_t count = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto c = decode_utf8(std::string_view(text).substr(at));
    const bool word =
        c && (is_letter(c->code_point) || text::is_number(c->code_point) || text[at] == '_');
    count += word && !inside;
    inside = word;
    at += c ? c->length : 1;
  }
  return count;
}

// --- numbers ---

/// All of `text` as a number, less space around it and one plus sign; `base` for whole ones only.
template <class Number, class... Base>
std::optional<Number> parse_number(std::string_view text, Base... base) {
  text = strip_space(text, true, true);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const char* const end = std::to_address(text.end());
  Number number = {};
  const auto parsed = std::from_chars(std::to_address(text.begin()), end, number, base...);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

/// A float without its fraction, or nullopt beyond the range of integers.
std::optional<Value> truncated(double real) {
  constexpr double kLimit = 9e18;
  if (!(std::abs(real) < kLimit)) return std::nullopt;
  return Value(static_cast<std::int64_t>(real));
}

Value int_filter(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "int", {"default", "base"});
  Value fallback = bound[0].value_or(std::int64_t{0});
  if (const double* real = input.as<double>()) return truncated(*real).value_or(fallback);
  if (is_numeric(input)) return to_integer(input, "");
  const std::int64_t base = number(bound[1], 10, "base");
  if (input.string() == nullptr || base < 2 || base > 36) return fallback;
  budget.charge_scan(input.string()->size());
  if (const auto whole = parse_number<std::int64_t>(*input.string(), static_cast<int>(base)))
    return *whole;
  const auto real = parse_number<double>(*input.string());
  return real ? truncated(*real).value_or(fallback) : fallback;
}

Value float_filter(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "float", {"default"});
  if (is_numeric(input)) return to_double(input);
  if (input.string() != nullptr) {
    budget.charge_scan(input.string()->size());
    if (const auto real = parse_number<double>(*input.string())) return *real;
  }
  return bound[0].value_or(0.0);
}

Value abs_filter(const Value& input, const Arguments&, Budget&) {
  if (const double* real = input.as<double>()) return std::abs(*real);
  const std::int64_t value = to_integer(input, "abs");
  return value < 0 ? apply_sign(UnaryOperator::negative, value) : Value(value);
}

Value round_filter(const Value& input, const Arguments& arguments, Budget&) {
  const auto bound = bind(arguments, "round", {"precision", "method"});
  require_defined(input);
  if (!is_numeric(input)) template_error("round: expected a number");
  const auto precision = std::clamp<std::int64_t>(number(bound[0], 0, "precision"), -300, 300);
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = to_double(input) * scale;
  const std::string method = bound[1] ? require_string(*bound[1], "round") : "common";
  if (method == "ceil") return std::ceil(scaled) / scale;
  if (method == "floor") return std::floor(scaled) / scale;
  return std::nearbyint(scaled) / scale;
}

// --- any value ---

Value default_filter(const Value& input, const Arguments& arguments, Budget&) {
  const auto bound = bind(arguments, "default", {"default_value", "boolean"});
  const bool missing = input.is_undefined() || (flag(bound[1], false) && !truthy(input));
  return missing ? bound[0].value_or(Value(std::string())) : input;
}

Value attr(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "attr", {"name"});
  return attribute_of(input, require_string(bound[0].value_or(None{}), "attr"), budget);
}

Value tojson(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound =
      bind(arguments, "tojson", {"ensure_ascii", "indent", "separators", "sort_keys"});
  constexpr std::int64_t kWidestIndent = 32;
  JsonStyle style;
  style.ascii_only = flag(bound[0], false);
  style.sorted_keys = flag(bound[3], false);
  if (bound[1] && !bound[1]->is_none()) {
    const std::int64_t width = to_integer(*bound[1], "indent");
    style.indent = static_cast<int>(std::clamp<std::int64_t>(width, 0, kWidestIndent));
    style.item_separator.assign(1, ',');
  }
  if (bound[2] && bound[2]->list() != nullptr && bound[2]->list()->items.size() == 2) {
    style.item_separator = require_string(bound[2]->list()->items[0], "separators");
    style.key_separator = require_string(bound[2]->list()->items[1], "separators");
  }
  Writer out(budget);
  write_json(out, input, style);
  return make_string(std::move(out));
}

Value safe(const Value& input, const Arguments&, Budget& budget) {
  Value text = make_string(to_text(input, budget), budget);
  text.markup = true;
  return text;
}

constexpr std::array kFilters = {
    FilterRow{"lower", lower_filter},
    FilterRow{"upper", upper_filter},
    FilterRow{"capitalize", capitalize},
    FilterRow{"title", title},
    FilterRow{"trim", trim_filter},
    FilterRow{"replace", replace},
    FilterRow{"string", string_filter},
    FilterRow{"format", format_filter},
    FilterRow{"indent", indent},
    FilterRow{"escape", escape},
    FilterRow{"e", escape},
    FilterRow{"wordcount", wordcount},
    FilterRow{"int", int_filter},
    FilterRow{"float", float_filter},
    FilterRow{"abs", abs_filter},
    FilterRow{"round", round_filter},
    FilterRow{"default", default_filter},
    FilterRow{"d", default_filter},
    FilterRow{"attr", attr},
    FilterRow{"tojson", tojson},
    FilterRow{"safe", safe},
};

}  // namespace

Value apply_filter(const std::string& name, const Value& input, const Arguments& arguments,
                   Budget& budget) {
  budget.charge(weight_of(input));
  for (const FilterRow& row : kFilters)
    if (row.name == name) return row.filter(input, arguments, budget);
  if (const FilterFunction filter = find_sequence_filter(name))
    return filter(input, arguments, budget);
  template_error(fmt::format("No filter named '{}'.", shortened(name)));
}

}  // namespace pomona::text::jinja
