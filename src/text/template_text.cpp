// How values become text: str() and repr() as Python writes them, and JSON as json.dumps does.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "text/template_value.h"

namespace pomona::text::jinja {
namespace {

constexpr int kDeepestJson = 60;

std::string repr_of_string(const std::string& text) {
  const bool has_single = text.find('\'') != std::string::npos;
  const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\\' || c == quote) {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + quote;
}

std::string repr_of_list(const List& list) {
  std::string out(1, list.tuple ? '(' : '[');
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) out += ", ";
    out += to_repr(list.items[i]);
  }
  if (list.tuple && list.items.size() == 1) out += ',';
  return out + (list.tuple ? ')' : ']');
}

std::string repr_of_dict(const Dict& dict) {
  std::string out = "{";
  for (std::size_t i = 0; i < dict.items.size(); ++i) {
    if (i > 0) out += ", ";
    out += to_repr(dict.items[i].first) + ": " + to_repr(dict.items[i].second);
  }
  return out + "}";
}

/// \u and four hexadecimal digits, as two surrogates above U+FFFF.
std::string json_escape(char32_t c) {
  const auto unit = [](char32_t value) {
    return fmt::format("\\u{:04x}", static_cast<unsigned>(value));
  };
  if (c < 0x10000) return unit(c);
  c -= 0x10000;
  return unit(0xD800 + (c >> 10)) + unit(0xDC00 + (c & 0x3FF));
}

void put_json_string(std::string& out, std::string_view text, bool ascii_only) {
  constexpr std::string_view kEscaped = "\"\\\n\r\t\b\f";
  constexpr std::string_view kLetters = "\"\\nrtbf";
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const auto decoded = decode_utf8(text.substr(at));
    const std::size_t length = decoded ? decoded->length : 1;
    const char32_t c = decoded ? decoded->code_point : 0xFFFD;
    const std::size_t escaped = kEscaped.find(text[at]);
    if (escaped != std::string_view::npos) {
      out += '\\';
      out += kLetters[escaped];
    } else if (c < 0x20 || (ascii_only && c > 0x7E)) {
      out += json_escape(c);
    } else {
      out += text.substr(at, length);
    }
    at += length;
  }
  out += '"';
}

/// Writes JSON with the layout of Python's json.dumps.
class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style) : style_(style) {}

  void put(const Value& value) {
    if (const std::string* text = value.string()) {
      put_json_string(out, *text, style_.ascii_only);
    } else if (const List* list = value.list()) {
      put_items('[', ']', list->items.size(), [&](std::size_t i) { put(list->items[i]); });
    } else if (const Dict* dict = value.dict()) {
      auto items = dict->items;
      if (style_.sorted_keys) {
        std::stable_sort(items.begin(), items.end(),
                         [](const auto& a, const auto& b) { return less(a.first, b.first); });
      }
      put_items('{', '}', items.size(), [&](std::size_t i) {
        put_key(items[i].first);
        out += style_.key_separator;
        put(items[i].second);
      });
    } else {
      out += scalar(value);
    }
  }

  std::string out;

 private:
  static std::string scalar(const Value& value) {
    if (value.is_none()) return "null";
    if (const bool* flag = value.as<bool>()) return *flag ? "true" : "false";
    if (const auto* number = value.as<std::int64_t>()) return std::to_string(*number);
    if (const double* number = value.as<double>()) {
      if (std::isnan(*number)) return "NaN";
      if (std::isinf(*number)) return *number > 0 ? "Infinity" : "-Infinity";
      return float_text(*number);
    }
    template_error(fmt::format("Object of type {} is not JSON serializable", type_name(value)));
  }

  void put_key(const Value& key) {
    if (key.string() != nullptr) {
      put_json_string(out, *key.string(), style_.ascii_only);
    } else {
      put_json_string(out, scalar(key), style_.ascii_only);
    }
  }

  template <class PutItem>
  void put_items(char open, char close, std::size_t count, PutItem put_item) {
    out += open;
    level_ += 1;
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) out += style_.item_separator;
      new_line();
      put_item(i);
    }
    level_ -= 1;
    if (count > 0) new_line();
    out += close;
  }

  void new_line() {
    if (style_.indent < 0) return;
    out += '\n';
    out.append(static_cast<std::size_t>(style_.indent) * level_, ' ');
  }

  const JsonStyle& style_;
  std::size_t level_ = 0;
};

Value read_json(const Json& json, Budget& budget, int depth) {
  if (depth > kDeepestJson)
    fail(ErrorKind::bad_argument, "template: the data is nested more than {} deep", kDeepestJson);
  if (json.is_null()) return None{};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_unsigned() &&
      json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
    return json.get<double>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return Value(json.get<std::string>());
  if (json.is_array()) {
    std::vector<Value> items;
    for (const Json& item : json) items.push_back(read_json(item, budget, depth + 1));
    return make_list(std::move(items), budget);
  }
  std::vector<std::pair<Value, Value>> items;
  for (const auto& item : json.items())
    items.emplace_back(Value(item.key()), read_json(item.value(), budget, depth + 1));
  return make_dict(std::move(items), budget);
}

}  // namespace

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  // Python switches to exponents at 1e16 and below 1e-4, as fmt's shortest form does.
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&#34;";
    } else if (c == '\'') {
      out += "&#39;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string to_text(const Value& value) {
  if (value.is_undefined()) return "";
  if (const std::string* text = value.string()) return *text;
  return to_repr(value);
}

std::string to_repr(const Value& value) {
  if (value.is_undefined()) return "Undefined";
  if (value.is_none()) return "None";
  if (const bool* flag = value.as<bool>()) return *flag ? "True" : "False";
  if (const auto* number = value.as<std::int64_t>()) return std::to_string(*number);
  if (const double* number = value.as<double>()) return float_text(*number);
  if (const std::string* text = value.string()) return repr_of_string(*text);
  if (const List* list = value.list()) return repr_of_list(*list);
  if (const Dict* dict = value.dict()) return repr_of_dict(*dict);
  return fmt::format("<{}>", type_name(value));
}

Value from_json(const Json& json, Budget& budget) { return read_json(json, budget, 0); }

std::string to_json(const Value& value, const JsonStyle& style) {
  JsonWriter writer(style);
  writer.put(value);
  return std::move(writer.out);
}

}  // namespace pomona::text::jinja
