#include "text/template_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <type_traits>

#include "base/error.h"

namespace pomona::text::jinja {
namespace {

constexpr std::uint64_t kHeaviest = 2'000'000;
constexpr int kDeepest = 64;

const Extent* extent_of(const Value& value) {
  if (const List* list = value.list()) return &list->extent;
  if (const Dict* dict = value.dict()) return &dict->extent;
  return nullptr;
}

void include(Extent& extent, const Value& value) {
  extent.weight += weight_of(value);
  extent.holds_references |= holds_references(value);
  if (const Extent* inner = extent_of(value))
    extent.depth = std::max(extent.depth, inner->depth + 1);
  if (extent.depth > kDeepest)
    fail(ErrorKind::exhausted, "template: lists are nested more than {} deep", kDeepest);
  if (extent.weight > kHeaviest) fail(ErrorKind::exhausted, "template: a list is too big");
}

/// What a string, an undefined value or a function takes on the heap beside its characters.
constexpr std::uint64_t kStringBytes = 64;
constexpr std::uint64_t kCallableBytes = 192;

/// a == b for all but lists and dicts.
bool equal_scalars(const Value& a, const Value& b) {
  if (is_numeric(a) && is_numeric(b)) {
    const auto* x = a.as<std::int64_t>();
    const auto* y = b.as<std::int64_t>();
    return x != nullptr && y != nullptr ? *x == *y : to_double(a) == to_double(b);
  }
  if (a.data.index() != b.data.index()) return false;
  if (a.is_undefined() || a.is_none()) return true;
  if (const std::string* text = a.string()) return *text == *b.string();
  return std::visit(
      [](const auto& x, const auto& y) {
        if constexpr (std::is_same_v<decltype(x), decltype(y)> && requires { x.get() == y.get(); })
          return x.get() == y.get();
        return false;
      },
      a.data, b.data);
}

/// A number for what is equal only to itself, or of which there is but one.
std::uint64_t identity(const Value& value) {
  return std::visit(
      [&](const auto& x) -> std::uint64_t {
        if constexpr (requires { x.get(); }) return reinterpret_cast<std::uintptr_t>(x.get());
        return value.data.index();
      },
      value.data);
}

bool equal_lists(const List& a, const List& b, Budget& budget) {
  if (a.tuple != b.tuple || a.items.size() != b.items.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i)
    if (!equal(a.items[i], b.items[i], budget)) return false;
  return true;
}

bool equal_dicts(const Dict& a, const Dict& b, Budget& budget) {
  if (a.items.size() != b.items.size()) return false;
  for (const auto& [key, value] : a.items) {
    budget.charge(weight_of(key));
    const Value* found = b.items.find(key);
    if (found == nullptr || !equal(value, *found, budget)) return false;
  }
  return true;
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

std::uint64_t ValueKeys::hash(const Value& key) {
  if (const std::string* text = key.string()) return hash_bytes(*text);
  if (!is_numeric(key)) return hash_number(identity(key), hash_seed());
  // A whole number and the float equal to it are the same key.
  const double real = to_double(key);
  const auto* whole = key.as<std::int64_t>();
  const bool exact =
      std::abs(real) < 0x1p62 && whole != nullptr && static_cast<std::int64_t>(real) == *whole;
  if (whole != nullptr && !exact)
    return hash_number(static_cast<std::uint64_t>(*whole), hash_seed());
  return hash_number(std::bit_cast<std::uint64_t>(real == 0 ? 0.0 : real), hash_seed());
}

bool ValueKeys::same(const Value& a, const Value& b) {
  return a.list() == nullptr && a.dict() == nullptr && equal_scalars(a, b);
}

bool ValueKeys::same(const Value& a, std::string_view b) {
  return a.string() != nullptr && *a.string() == b;
}

void template_error(const std::string& message) { throw Error(ErrorKind::bad_argument, message); }

Value undefined(std::string message, Budget& budget) {
  budget.allocate(kStringBytes + message.size());
  return Undefined{std::make_shared<const std::string>(std::move(message))};
}

Value make_list(std::vector<Value> items, Budget& budget, bool tuple) {
  budget.allocate(items.size(), sizeof(Value));
  budget.allocate(sizeof(List));
  auto list = std::make_shared<List>();
  for (const Value& item : items) include(list->extent, item);
  list->items = std::move(items);
  list->tuple = tuple;
  return Value(std::shared_ptr<const List>(std::move(list)));
}

Value ListWriter::take(bool tuple) { return make_list(std::exchange(items_, {}), budget_, tuple); }

Value ListWriter::take_reversed() {
  budget_.allocate(items_.size(), sizeof(Value));
  std::vector<Value> items(std::make_move_iterator(items_.rbegin()),
                           std::make_move_iterator(items_.rend()));
  items_.clear();
  return make_list(std::move(items), budget_);
}

Value make_dict(const std::vector<std::pair<Value, Value>>& items, Budget& budget) {
  budget.allocate(sizeof(Dict));
  auto dict = std::make_shared<Dict>();
  for (const auto& [key, value] : items) {
    if (key.list() != nullptr || key.dict() != nullptr)
      template_error(fmt::format("unhashable type: '{}'", type_name(key)));
    include(dict->extent, key);
    include(dict->extent, value);
    budget.charge(weight_of(key));
    budget.allocate(dict->items.kEntryBytes);
    dict->items.set(key, value);
  }
  return Value(std::shared_ptr<const Dict>(std::move(dict)));
}

Value make_string(std::string text, Budget& budget) {
  budget.allocate(kStringBytes + text.size());
  return Value(std::move(text));
}

Value make_string(Writer&& text) {
  text.budget().allocate(kStringBytes);
  return Value(text.take());
}

Value make_callable(std::string name, std::function<Value(Arguments&)> call, Budget& budget) {
  budget.allocate(kCallableBytes);
  return Value(std::make_shared<const Callable>(Callable{std::move(name), std::move(call)}));
}

std::uint64_t weight_of(const Value& value) {
  if (const std::string* text = value.string()) return 1 + text->size() / 256;
  const Extent* extent = extent_of(value);
  return extent == nullptr ? 1 : extent->weight;
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

bool equal(const Value& a, const Value& b, Budget& budget) {
  budget.charge(1);
  if (a.string() != nullptr && b.string() != nullptr && a.string()->size() == b.string()->size())
    budget.charge(weight_of(a));
  if (a.list() != nullptr && b.list() != nullptr) return equal_lists(*a.list(), *b.list(), budget);
  if (a.dict() != nullptr && b.dict() != nullptr) return equal_dicts(*a.dict(), *b.dict(), budget);
  return equal_scalars(a, b);
}

bool less(const Value& a, const Value& b, Budget& budget, std::string_view symbol) {
  require_defined(a);
  require_defined(b);
  budget.charge(1);
  if (is_numeric(a) && is_numeric(b)) {
    const auto* x = a.as<std::int64_t>();
    const auto* y = b.as<std::int64_t>();
    return x != nullptr && y != nullptr ? *x < *y : to_double(a) < to_double(b);
  }
  if (a.string() != nullptr && b.string() != nullptr) {
    budget.charge(std::min(weight_of(a), weight_of(b)));
    return *a.string() < *b.string();
  }
  if (a.list() != nullptr && b.list() != nullptr) {
    const auto& x = a.list()->items;
    const auto& y = b.list()->items;
    for (std::size_t i = 0; i < x.size() && i < y.size(); ++i)
      if (!equal(x[i], y[i], budget)) return less(x[i], y[i], budget, symbol);
    return x.size() < y.size();
  }
  template_error(fmt::format("'{}' not supported between instances of '{}' and '{}'", symbol,
                             type_name(a), type_name(b)));
}

Sequence iterate(const Value& value, Budget& budget) {
  if (value.is_undefined()) return {};
  budget.charge(weight_of(value));
  if (const auto* list = value.as<std::shared_ptr<const List>>()) return Sequence(*list);
  ListWriter items(budget);
  if (const Dict* dict = value.dict()) {
    for (const auto& entry : dict->items) items.add(entry.first);
  } else if (const std::string* text = value.string()) {
    budget.charge(text->size());
    for (std::size_t at = 0; at < text->size();) {
      const std::size_t length = character_offset(std::string_view(*text).substr(at), 1);
      items.add_string(std::string_view(*text).substr(at, length));
      at += length;
    }
  } else {
    template_error(fmt::format("'{}' object is not iterable", type_name(value)));
  }
  return Sequence(*items.take().as<std::shared_ptr<const List>>());
}

bool contains(const Value& container, const Value& item, Budget& budget) {
  if (const std::string* text = container.string()) {
    require_defined(item);
    if (item.string() == nullptr)
      template_error(
          fmt::format("'in <string>' requires string as left operand, not {}", type_name(item)));
    return Finder(*text, *item.string(), budget).next(0) != std::string::npos;
  }
  if (const List* list = container.list()) {
    for (const Value& element : list->items)
      if (equal(element, item, budget)) return true;
    return false;
  }
  if (const Dict* dict = container.dict()) {
    budget.charge(weight_of(item));
    return dict->items.find(item) != nullptr;
  }
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
