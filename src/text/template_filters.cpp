// The filters of chat templates for text, numbers and any value.
#include "text/template_filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <memory>

#include "base/text.h"
#include "text/template_lexer.h"
#include "text/unicode.h"

namespace pomona::text::jinja {

/// str(value), accounted for.
std::string text_of(const Value& value, Budget& budget) {
  budget.allocate(bytes_of(value));
  return to_text(value);
}

bool flag(const std::optional<Value>& value, bool fallback) {
  return value ? truthy(*value) : fallback;
}

std::int64_t number(const std::optional<Value>& value, std::int64_t fallback,
                    std::string_view what) {
  return value ? to_integer(*value, what) : fallback;
}

namespace {

// --- text ---

Value lower_filter(const Value& input, const Arguments&, Budget& budget) {
  return make_string(lower(text_of(input, budget)), budget);
}

Value upper_filter(const Value& input, const Arguments&, Budget& budget) {
  return make_string(upper(text_of(input, budget)), budget);
}

Value capitalize(const Value& input, const Arguments&, Budget& budget) {
  const std::string text = text_of(input, budget);
  const std::size_t first = character_offset(text, 1);
  return make_string(upper(text.substr(0, first)) + lower(text.substr(first)), budget);
}

Value title(const Value& input, const Arguments&, Budget& budget) {
  const std::string text = text_of(input, budget);
  std::string out;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_offset(std::string_view(text).substr(at), 1);
    const std::string character = text.substr(at, length);
    const auto decoded = decode_utf8(character);
    out += inside ? lower(character) : upper(character);
    inside = decoded && is_letter(decoded->code_point);
    at += length;
  }
  return make_string(std::move(out), budget);
}

Value trim_filter(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "trim", {"chars"});
  Arguments chars;
  if (bound[0]) chars.positional.push_back(*bound[0]);
  const Value text = make_string(text_of(input, budget), budget);
  return method_of(text, "strip", budget)
      ->as<std::shared_ptr<const Callable>>()
      ->get()
      ->call(chars);
}

Value replace(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "replace", {"old", "new", "count"});
  if (!bound[0] || !bound[1]) template_error("replace expected at least 2 arguments");
  const std::string text = text_of(input, budget);
  const std::string from = text_of(*bound[0], budget);
  const std::string to = text_of(*bound[1], budget);
  std::int64_t left = bound[2] && !bound[2]->is_none() ? to_integer(*bound[2], "count") : -1;
  std::string out;
  std::size_t at = 0;
  while (left-- != 0 && at <= text.size()) {
    const std::size_t found = from.empty() ? at : text.find(from, at);
    if (found == std::string::npos) break;
    budget.allocate(to.size());
    budget.charge(1);
    out.append(text, at, found - at).append(to);
    at = found + from.size();
    if (!from.empty()) continue;
    // The empty text stands between all characters.
    const std::size_t step =
        at < text.size() ? character_offset(std::string_view(text).substr(at), 1) : 1;
    if (at < text.size()) out.append(text, at, step);
    at += step;
  }
  if (at < text.size()) out.append(text, at);
  return make_string(std::move(out), budget);
}

Value string_filter(const Value& input, const Arguments&, Budget& budget) {
  return make_string(text_of(input, budget), budget);
}

Value format_filter(const Value& input, const Arguments& arguments, Budget& budget) {
  const Value values =
      arguments.named.empty() ? make_list(arguments.positional, budget, true) : [&] {
        std::vector<std::pair<Value, Value>> items;
        items.reserve(arguments.named.size());
        for (const auto& [name, value] : arguments.named) items.emplace_back(Value(name), value);
        return make_dict(std::move(items), budget);
      }();
  return make_string(format_percent(text_of(input, budget), values, budget), budget);
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
  const std::string text = text_of(input, budget);
  std::string out;
  bool first = true;
  for (const std::string_view line : split(text, '\n')) {
    budget.allocate(prefix.size());
    if (!first) out += '\n';
    if (first ? flag(bound[1], false) : !line.empty() || flag(bound[2], false)) out += prefix;
    out += line;
    first = false;
  }
  return make_string(std::move(out), budget);
}

Value escape(const Value& input, const Arguments&, Budget& budget) {
  if (input.markup) return input;
  Value escaped = make_string(escape_html(text_of(input, budget)), budget);
  escaped.markup = true;
  return escaped;
}

Value wordcount(const Value& input, const Arguments&, Budget& budget) {
  const std::string text = text_of(input, budget);
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

Value int_filter(const Value& input, const Arguments& arguments, Budget&) {
  const auto bound = bind(arguments, "int", {"default", "base"});
  Value fallback = bound[0].value_or(std::int64_t{0});
  if (const double* real = input.as<double>()) return truncated(*real).value_or(fallback);
  if (is_numeric(input)) return to_integer(input, "");
  const std::int64_t base = number(bound[1], 10, "base");
  if (input.string() == nullptr || base < 2 || base > 36) return fallback;
  if (const auto whole = parse_number<std::int64_t>(*input.string(), static_cast<int>(base)))
    return *whole;
  const auto real = parse_number<double>(*input.string());
  return real ? truncated(*real).value_or(fallback) : fallback;
}

Value float_filter(const Value& input, const Arguments& arguments, Budget&) {
  const auto bound = bind(arguments, "float", {"default"});
  if (is_numeric(input)) return to_double(input);
  if (input.string() != nullptr) {
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
  const std::uint64_t separators = style.item_separator.size() + style.key_separator.size() +
                                   static_cast<std::uint64_t>(std::max(0, style.indent)) * 8;
  budget.allocate(bytes_of(input) + weight_of(input) * separators);
  return make_string(to_json(input, style), budget);
}

Value safe(const Value& input, const Arguments&, Budget& budget) {
  Value text = make_string(text_of(input, budget), budget);
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
  template_error(fmt::format("No filter named '{}'.", name.substr(0, 40)));
}

}  // namespace pomona::text::jinja
