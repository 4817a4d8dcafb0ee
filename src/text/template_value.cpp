#include "text/template_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "base/error.h"
#include "base/text.h"

namespace pomona::text::jinja {
namespace {

constexpr std::uint64_t kMostSteps = 20'000'000;
constexpr std::uint64_t kMostBytes = std::uint64_t{256} << 20;
constexpr std::uint64_t kHeaviest = 2'000'000;
constexpr int kDeepest = 64;

const Extent* extent_of(const Value& value) {
  if (const List* list = value.list()) return &list->extent;
  if (const Dict* dict = value.dict()) return &dict->extent;
  return nullptr;
}

void include(Extent& extent, const Value& value) {
  extent.weight += weight_of(value);
  extent.bytes += bytes_of(value);
  extent.holds_references |= holds_references(value);
  if (const Extent* inner = extent_of(value))
    extent.depth = std::max(extent.depth, inner->depth + 1);
  if (extent.depth > kDeepest)
    fail(ErrorKind::exhausted, "template: lists are nested more than {} deep", kDeepest);
  if (extent.weight > kHeaviest || extent.bytes > kMostBytes)
    fail(ErrorKind::exhausted, "template: a list is too big");
}

}  // namespace

const std::string* Value::string() const {
  const auto* text = as<StringPtr>();
  return text == nullptr ? nullptr : text->get();
}

const List* Value::list() const {
  const auto* list = as<std::shared_ptr<const List>>();
  return list == nullptr ? nullptr : list->get();
}

const Dict* Value::dict() const {
  const auto* dict = as<std::shared_ptr<const Dict>>();
  return dict == nullptr ? nullptr : dict->get();
}

const Value* Dict::find(const Value& key) const {
  for (const auto& [name, value] : items)
    if (equal(name, key)) return &value;
  return nullptr;
}

const Value* Dict::find_name(std::string_view key) const {
  for (const auto& [name, value] : items)
    if (name.string() != nullptr && *name.string() == key) return &value;
  return nullptr;
}

void Budget::charge(std::uint64_t steps) {
  steps_ += steps;
  if (steps_ > kMostSteps)
    fail(ErrorKind::exhausted, "template: stopped after {} steps; it may loop for ever",
         kMostSteps);
}

void Budget::allocate(std::uint64_t bytes) {
  bytes_ += bytes;
  if (bytes_ > kMostBytes)
    fail(ErrorKind::exhausted, "template: stopped after making {} of text",
         human_bytes(kMostBytes));
}

void template_error(const std::string& message) { throw Error(ErrorKind::bad_argument, message); }

Value undefined(std::string message) {
  return Undefined{std::make_shared<const std::string>(std::move(message))};
}

Value make_list(std::vector<Value> items, Budget& budget, bool tuple) {
  auto list = std::make_shared<List>();
  for (const Value& item : items) include(list->extent, item);
  budget.allocate(items.size() * sizeof(Value) + sizeof(List));
  list->items = std::move(items);
  list->tuple = tuple;
  return Value(std::shared_ptr<const List>(std::move(list)));
}

Value make_dict(std::vector<std::pair<Value, Value>> items, Budget& budget) {
  auto dict = std::make_shared<Dict>();
  for (auto& [key, value] : items) {
    if (key.list() != nullptr || key.dict() != nullptr)
      template_error(fmt::format("unhashable type: '{}'", type_name(key)));
    include(dict->extent, key);
    include(dict->extent, value);
    budget.charge(1 + dict->items.size() / 16);  // the search below
    bool replaced = false;
    for (auto& [known, old] : dict->items) {
      if (!equal(known, key)) continue;
      old = value;
      replaced = true;
    }
    if (!replaced) dict->items.emplace_back(std::move(key), std::move(value));
  }
  budget.allocate(items.size() * 2 * sizeof(Value) + sizeof(Dict));
  return Value(std::shared_ptr<const Dict>(std::move(dict)));
}

Value make_string(std::string text, Budget& budget) {
  budget.allocate(text.size() + sizeof(Value));
  return Value(std::move(text));
}

std::uint64_t weight_of(const Value& value) {
  if (const std::string* text = value.string()) return 1 + text->size() / 256;
  const Extent* extent = extent_of(value);
  return extent == nullptr ? 1 : extent->weight;
}

std::uint64_t bytes_of(const Value& value) {
  constexpr std::uint64_t kScalar = 16;
  if (const std::string* text = value.string()) return text->size() + kScalar;
  const Extent* extent = extent_of(value);
  return extent == nullptr ? kScalar : extent->bytes;
}

bool holds_references(const Value& value) {
  if (const Extent* extent = extent_of(value)) return extent->holds_references;
  return value.as<std::shared_ptr<Namespace>>() != nullptr ||
         value.as<std::shared_ptr<const Callable>>() != nullptr ||
         value.as<std::shared_ptr<Loop>>() != nullptr;
}

std::string_view type_name(const Value& value) {
  constexpr std::string_view kNames[] = {"Undefined", "NoneType", "bool",       "int",
                                         "float",     "str",      "list",       "dict",
                                         "Namespace", "function", "LoopContext"};
  if (const List* list = value.list(); list != nullptr && list->tuple) return "tuple";
  return kNames[value.data.index()];
}

void require_defined(const Value& value) {
  if (const auto* undefined = value.as<Undefined>())
    template_error(undefined->message ? *undefined->message : "a value is undefined");
}

bool truthy(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (const bool* flag = value.as<bool>()) return *flag;
  if (const auto* number = value.as<std::int64_t>()) return *number != 0;
  if (const double* number = value.as<double>()) return *number != 0;
  if (const std::string* text = value.string()) return !text->empty();
  if (const List* list = value.list()) return !list->items.empty();
  if (const Dict* dict = value.dict()) return !dict->items.empty();
  return true;
}

bool is_numeric(const Value& value) {
  return value.as<bool>() != nullptr || value.as<std::int64_t>() != nullptr ||
         value.as<double>() != nullptr;
}

double to_double(const Value& value) {
  if (const bool* flag = value.as<bool>()) return *flag ? 1 : 0;
  if (const auto* number = value.as<std::int64_t>()) return static_cast<double>(*number);
  return *value.as<double>();
}

std::int64_t to_integer(const Value& value, std::string_view what) {
  if (const bool* flag = value.as<bool>()) return *flag ? 1 : 0;
  if (const auto* number = value.as<std::int64_t>()) return *number;
  require_defined(value);
  template_error(fmt::format("{} must be an integer, not '{}'", what, type_name(value)));
}

bool equal(const Value& a, const Value& b) {
  if (is_numeric(a) && is_numeric(b)) {
    const auto* x = a.as<std::int64_t>();
    const auto* y = b.as<std::int64_t>();
    return x != nullptr && y != nullptr ? *x == *y : to_double(a) == to_double(b);
  }
  if (a.data.index() != b.data.index()) return false;
  if (a.is_undefined() || a.is_none()) return true;
  if (const std::string* text = a.string()) return *text == *b.string();
  if (const List* list = a.list()) {
    const List* other = b.list();
    if (list->tuple != other->tuple || list->items.size() != other->items.size()) return false;
    for (std::size_t i = 0; i < list->items.size(); ++i)
      if (!equal(list->items[i], other->items[i])) return false;
    return true;
  }
  if (const Dict* dict = a.dict()) {
    const Dict* other = b.dict();
    if (dict->items.size() != other->items.size()) return false;
    for (const auto& [key, value] : dict->items) {
      const Value* found = other->find(key);
      if (found == nullptr || !equal(value, *found)) return false;
    }
    return true;
  }
  return std::visit(
      [](const auto& x, const auto& y) {
        if constexpr (std::is_same_v<decltype(x), decltype(y)> && requires { x.get() == y.get(); })
          return x.get() == y.get();
        return false;
      },
      a.data, b.data);
}

bool less(const Value& a, const Value& b, std::string_view symbol) {
  require_defined(a);
  require_defined(b);
  if (is_numeric(a) && is_numeric(b)) {
    const auto* x = a.as<std::int64_t>();
    const auto* y = b.as<std::int64_t>();
    return x != nullptr && y != nullptr ? *x < *y : to_double(a) < to_double(b);
  }
  if (a.string() != nullptr && b.string() != nullptr) return *a.string() < *b.string();
  if (a.list() != nullptr && b.list() != nullptr) {
    const auto& x = a.list()->items;
    const auto& y = b.list()->items;
    for (std::size_t i = 0; i < x.size() && i < y.size(); ++i)
      if (!equal(x[i], y[i])) return less(x[i], y[i], symbol);
    return x.size() < y.size();
  }
  template_error(fmt::format("'{}' not supported between instances of '{}' and '{}'", symbol,
                             type_name(a), type_name(b)));
}

std::vector<Value> iterate(const Value& value, Budget& budget) {
  if (value.is_undefined()) return {};
  budget.charge(weight_of(value));
  if (const List* list = value.list()) return list->items;
  std::vector<Value> items;
  if (const Dict* dict = value.dict()) {
    for (const auto& entry : dict->items) items.push_back(entry.first);
    return items;
  }
  const std::string* text = value.string();
  if (text == nullptr) template_error(fmt::format("'{}' object is not iterable", type_name(value)));
  budget.charge(text->size());
  for (std::size_t at = 0; at < text->size();) {
    const auto character = decode_utf8(std::string_view(*text).substr(at));
    const std::size_t length = character ? character->length : 1;
    items.push_back(make_string(text->substr(at, length), budget));
    at += length;
  }
  return items;
}

bool contains(const Value& container, const Value& item) {
  if (const std::string* text = container.string()) {
    require_defined(item);
    if (item.string() == nullptr)
      template_error(
          fmt::format("'in <string>' requires string as left operand, not {}", type_name(item)));
    return text->find(*item.string()) != std::string::npos;
  }
  if (const List* list = container.list()) {
    for (const Value& element : list->items)
      if (equal(element, item)) return true;
    return false;
  }
  if (const Dict* dict = container.dict()) return dict->find(item) != nullptr;
  if (container.is_undefined()) return false;
  template_error(fmt::format("argument of type '{}' is not iterable", type_name(container)));
}

std::size_t character_count(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

std::size_t character_offset(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  while (at < text.size() && index > 0) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    --index;
  }
  return at;
}

}  // namespace pomona::text::jinja
