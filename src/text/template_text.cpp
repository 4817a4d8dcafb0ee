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

void write_string_repr(Writer& out, const std::string& text) {
  const bool has_single = text.find('\'') != std::string::npos;
  const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
  out.put(quote);
  for (const char c : text) {
    if (c == '\n') {
      out.put("\\n");
    } else if (c == '\r') {
      out.put("\\r");
    } else if (c == '\t') {
      out.put("\\t");
    } else if (c == '\\' || c == quote) {
      out.put('\\');
      out.put(c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out.put(fmt::format("\\x{:02x}", static_cast<unsigned char>(c)));
    } else {
      out.put(c);
    }
  }
  out.put(quote);
}

void write_list_repr(Writer& out, const List& list) {
  out.put(list.tuple ? '(' : '[');
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) out.put(", ");
    write_repr(out, list.items[i]);
  }
  if (list.tuple && list.items.size() == 1) out.put(',');
  out.put(list.tuple ? ')' : ']');
}

void write_dict_repr(Writer& out, const Dict& dict) {
  out.put('{');
  bool is_first = true;
  for (const auto& [key, value] : dict.items) {
    if (!std::exchange(is_first, false)) out.put(", ");
    write_repr(out, key);
    out.put(": ");
    write_repr(out, value);
  }
  out.put('}');
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

void write_json_string(Writer& out, std::string_view text, bool ascii_only) {
  constexpr std::string_view kEscaped = "\"\\\n\r\t\b\f";
  constexpr std::string_view kLetters = "\"\\nrtbf";
  out.put('"');
  for (std::size_t at = 0; at < text.size();) {
    const auto decoded = decode_utf8(text.substr(at));
    const std::size_t length = decoded ? decoded->length : 1;
    const char32_t c = decoded ? decoded->code_point : 0xFFFD;
    const std::size_t escaped = kEscaped.find(text[at]);
    if (escaped != std::string_view::npos) {
      out.put('\\');
      out.put(kLetters[escaped]);
    } else if (c < 0x20 || (ascii_only && c > 0x7E)) {
      out.put(json_escape(c));
    } else {
      out.put(text.substr(at, length));
    }
    at += length;
  }
  out.put('"');
}

/// Writes JSON with the layout of Python's json.dumps.
class JsonWriter {
 public:
  JsonWriter(Writer& out, const JsonStyle& style) : out_(out), style_(style) {}

  void put(const Value& value) {
    if (const std::string* text = value.string()) {
      write_json_string(out_, *text, style_.ascii_only);
    } else if (const List* list = value.list()) {
      put_items('[', ']', list->items, [&](const Value& item) { put(item); });
    } else if (const Dict* dict = value.dict()) {
      put_items('{', '}', entries(*dict), [&](const auto* entry) {
        put_key(entry->first);
        out_.put(style_.key_separator);
        put(entry->second);
      });
    } else {
      out_.put(scalar(value));
    }
  }

 private:
  using Entry = std::pair<Value, Value>;

  std::vector<const Entry*> entries(const Dict& dict) const {
    Budget& budget = out_.budget();
    budget.allocate(dict.items.size(), sizeof(const Entry*));
    std::vector<const Entry*> entries;
    for (const Entry& entry : dict.items) entries.push_back(&entry);
    if (style_.sorted_keys) {
      std::stable_sort(entries.begin(), entries.end(), [&](const Entry* a, const Entry* b) {
        return less(a->first, b->first, budget);
      });
    }
    return entries;
  }

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
    const std::string* text = key.string();
    write_json_string(out_, text != nullptr ? *text : scalar(key), style_.ascii_only);
  }

  template <class Items, class PutItem>
  void put_items(char open, char close, const Items& items, PutItem put_item) {
    out_.put(open);
    level_ += 1;
    bool is_first = true;
    for (const auto& item : items) {
      if (!std::exchange(is_first, false)) out_.put(style_.item_separator);
      new_line();
      put_item(item);
    }
    level_ -= 1;
    if (!items.empty()) new_line();
    out_.put(close);
  }

  void new_line() {
    if (style_.indent < 0) return;
    out_.put('\n');
    out_.fill(static_cast<std::uint64_t>(style_.indent) * level_, ' ');
  }

  Writer& out_;
  const JsonStyle& style_;
  std::uint64_t level_ = 0;
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
  return make_dict(items, budget);
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

void write_html(Writer& out, std::string_view text) {
  for (const char c : text) {
    if (c == '&') {
      out.put("&amp;");
    } else if (c == '<') {
      out.put("&lt;");
    } else if (c == '>') {
      out.put("&gt;");
    } else if (c == '"') {
      out.put("&#34;");
    } else if (c == '\'') {
      out.put("&#39;");
    } else {
      out.put(c);
    }
  }
}

void write_text(Writer& out, const Value& value) {
  if (value.is_undefined()) return;
  if (const std::string* text = value.string()) return out.put(*text);
  write_repr(out, value);
}

void write_repr(Writer& out, const Value& value) {
  if (value.is_undefined()) return out.put("Undefined");
  if (value.is_none()) return out.put("None");
  if (const bool* flag = value.as<bool>()) return out.put(*flag ? "True" : "False");
  if (const auto* number = value.as<std::int64_t>()) return out.put(std::to_string(*number));
  if (const double* number = value.as<double>()) return out.put(float_text(*number));
  if (const std::string* text = value.string()) return write_string_repr(out, *text);
  if (const List* list = value.list()) return write_list_repr(out, *list);
  if (const Dict* dict = value.dict()) return write_dict_repr(out, *dict);
  out.put(fmt::format("<{}>", type_name(value)));
}

std::string to_text(const Value& value, Budget& budget) {
  Writer out(budget);
  write_text(out, value);
  return out.take();
}

std::string to_repr(const Value& value, Budget& budget) {
  Writer out(budget);
  write_repr(out, value);
  return out.take();
}

Value from_json(const Json& json, Budget& budget) { return read_json(json, budget, 0); }

void write_json(Writer& out, const Value& value, const JsonStyle& style) {
  JsonWriter(out, style).put(value);
}

}  // namespace pomona::text::jinja
