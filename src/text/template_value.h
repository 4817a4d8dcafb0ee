// The values of chat templates, with the behaviour Python gives them: truth, text, equality, order.
// Reference: Jinja 3.1 documentation, "Template Designer Documentation", and Python's data model.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "text/template_budget.h"
#include "text/template_map.h"

namespace pomona::text::jinja {

struct Value;
struct List;
struct Dict;
struct Namespace;
struct Callable;
struct Loop;

/// The value of a name or attribute that does not exist; using it in most ways is an error with
/// this message.
struct Undefined {
  std::shared_ptr<const std::string> message;
};
struct None {};

using StringPtr = std::shared_ptr<const std::string>;

struct Value {
  using Data = std::variant<Undefined, None, bool, std::int64_t, double, StringPtr,
                            std::shared_ptr<const List>, std::shared_ptr<const Dict>,
                            std::shared_ptr<Namespace>, std::shared_ptr<const Callable>,
                            std::shared_ptr<Loop>>;
  Data data = None{};
  /// Of a string: text that counts as HTML already (the filters safe and escape). Adding a plain
  /// string to it escapes that one, as Jinja does even where nothing else is escaped.
  bool markup = false;

  // Conversions are implicit on purpose: a function of the template language returns what it has.
  // NOLINTBEGIN(google-explicit-constructor)
  Value() = default;
  Value(None) {}
  Value(Undefined undefined) : data(std::move(undefined)) {}
  Value(bool value) : data(value) {}
  Value(std::int64_t value) : data(value) {}
  Value(double value) : data(value) {}
  Value(std::string text) : data(std::make_shared<const std::string>(std::move(text))) {}
  Value(const char*) = delete;  // would become a bool
  Value(std::shared_ptr<const List> list) : data(std::move(list)) {}
  Value(std::shared_ptr<const Dict> dict) : data(std::move(dict)) {}
  Value(std::shared_ptr<Namespace> space) : data(std::move(space)) {}
  Value(std::shared_ptr<const Callable> callable) : data(std::move(callable)) {}
  Value(std::shared_ptr<Loop> loop) : data(std::move(loop)) {}
  // NOLINTEND(google-explicit-constructor)

  template <class T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
  /// The alternative's contents, or null if the value is of another kind.
  const std::string* string() const;
  const List* list() const;
  const Dict* dict() const;

  bool is_undefined() const { return as<Undefined>() != nullptr; }
  bool is_none() const { return as<None>() != nullptr; }
};

/// How big and deep a container is with all it holds, kept with it so that operations can be
/// charged before they run and cannot recurse without bound.
struct Extent {
  std::uint64_t weight = 1;  // in steps, see weight_of()
  int depth = 1;
  bool holds_references = false;  // a namespace or callable inside: may not go into a namespace
};

struct List {
  std::vector<Value> items;
  bool tuple = false;
  Extent extent;
};

/// How the keys of a dict are compared. Lists and dicts are no keys and equal none.
struct ValueKeys {
  static std::uint64_t hash(const Value& key);
  static std::uint64_t hash(std::string_view key) { return hash_bytes(key); }
  static bool same(const Value& a, const Value& b);
  static bool same(const Value& a, std::string_view b);
};

struct Dict {
  OrderedMap<Value, Value, ValueKeys> items;
  Extent extent;
};

/// namespace(): the one mutable value.
struct Namespace {
  OrderedMap<std::string, Value, NameKeys> items;
};

/// The arguments of a call, filter or test.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

/// A macro, a method bound to its object, or a function of the environment.
struct Callable {
  std::string name;
  std::function<Value(Arguments&)> call;
};

/// What a loop over a value visits; shares the items of a list.
class Sequence {
 public:
  Sequence() = default;
  explicit Sequence(std::shared_ptr<const List> list) : list_(std::move(list)) {}

  const Value* begin() const { return list_ == nullptr ? nullptr : list_->items.data(); }
  const Value* end() const { return begin() + size(); }
  std::size_t size() const { return list_ == nullptr ? 0 : list_->items.size(); }
  bool empty() const { return size() == 0; }
  const Value& operator[](std::size_t i) const { return begin()[i]; }

 private:
  std::shared_ptr<const List> list_;
};

/// The state behind the name `loop`.
struct Loop {
  Sequence items;
  std::size_t index = 0;  // from 0
  std::int64_t depth = 1;
  std::function<Value(const Value&)> recurse;  // empty unless the loop is recursive
  std::vector<Value> last_changed;
  bool changed_before = false;
};

/// Throws bad_argument with a message of the template language, e.g. "'x' is undefined".
[[noreturn]] void template_error(const std::string& message);

/// An undefined value. Names in its message should be shortened().
Value undefined(std::string message, Budget& budget);

/// Containers with their extent; throw exhausted for what is too deep or too big.
Value make_list(std::vector<Value> items, Budget& budget, bool tuple = false);
/// Of repeated keys the last value counts.
Value make_dict(const std::vector<std::pair<Value, Value>>& items, Budget& budget);
/// A string that the template made; a writer's text is charged already.
Value make_string(std::string text, Budget& budget);
Value make_string(Writer&& text);
/// A function value.
Value make_callable(std::string name, std::function<Value(Arguments&)> call, Budget& budget);

/// A list that grows.
class ListWriter {
 public:
  explicit ListWriter(Budget& budget) : budget_(budget) {}

  void add(Value item) {
    budget_.allocate(sizeof(Value));
    items_.push_back(std::move(item));
  }
  void add_string(std::string_view text) { add(make_string(std::string(text), budget_)); }
  /// These leave the writer empty.
  Value take(bool tuple = false);
  Value take_reversed();
  std::size_t size() const { return items_.size(); }
  const std::vector<Value>& items() const { return items_; }

 private:
  Budget& budget_;
  std::vector<Value> items_;
};

/// Steps that an operation looking at all of the value costs.
std::uint64_t weight_of(const Value& value);
/// Whether a namespace or callable is in the value: those stay out of other namespaces, so that no
/// value can hold itself.
bool holds_references(const Value& value);

/// Python's name of the type, e.g. "NoneType", "str".
std::string_view type_name(const Value& value);

/// Throws the message of an undefined value.
void require_defined(const Value& value);

bool truthy(const Value& value);
bool equal(const Value& a, const Value& b, Budget& budget);
/// Python's a < b with an order of numbers, strings and lists; throws for others, where
/// `symbol` is the operator shown in the message.
bool less(const Value& a, const Value& b, Budget& budget, std::string_view symbol = "<");

/// `text` with & < > " ' as HTML entities.
void write_html(Writer& out, std::string_view text);

/// str(value) and repr(value).
void write_text(Writer& out, const Value& value);
void write_repr(Writer& out, const Value& value);
std::string to_text(const Value& value, Budget& budget);
std::string to_repr(const Value& value, Budget& budget);
/// A float as Python writes it: the shortest digits that give it back, with ".0" for whole ones.
std::string float_text(double value);

/// Whether the value is one of the numbers, booleans included, and it as an integer or float.
bool is_numeric(const Value& value);
double to_double(const Value& value);
/// bool and int as an integer; others throw naming `what`.
std::int64_t to_integer(const Value& value, std::string_view what);

/// The items that a loop over the value visits: characters, elements or keys. Throws for others.
Sequence iterate(const Value& value, Budget& budget);

/// Whether `item in container`.
bool contains(const Value& container, const Value& item, Budget& budget);

/// The arguments of Python's json.dumps, with the defaults chat templates have.
struct JsonStyle {
  int indent = -1;  // below 0: all on one line
  bool ascii_only = false;
  bool sorted_keys = false;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};

Value from_json(const Json& json, Budget& budget);
void write_json(Writer& out, const Value& value, const JsonStyle& style);

/// Strings by characters, as Python counts them.
std::size_t character_count(std::string_view text);
/// The byte offset of character `index`; the size if it lies behind the end.
std::size_t character_offset(std::string_view text, std::size_t index);

}  // namespace pomona::text::jinja
