// Operators, attributes, items and slices of template values.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/quote.h"
#include "text/template_functions.h"

namespace pomona::text::jinja {
namespace {

constexpr std::array<std::string_view, 7> kSymbols = {"+", "-", "*", "/", "//", "%", "** or pow()"};

[[noreturn]] void unsupported(BinaryOperator op, const Value& left, const Value& right) {
  require_defined(left);
  require_defined(right);
  template_error(fmt::format("unsupported operand type(s) for {}: '{}' and '{}'",
                             kSymbols[static_cast<std::size_t>(op)], type_name(left),
                             type_name(right)));
}

[[noreturn]] void too_large() { template_error("an integer is too large"); }

bool is_whole(const Value& value) { return is_numeric(value) && value.as<double>() == nullptr; }

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (b == 0) template_error("integer division or modulo by zero");
  if (b == -1) {
    if (a == std::numeric_limits<std::int64_t>::min()) too_large();
    return -a;
  }
  const std::int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

std::int64_t floor_modulo(std::int64_t a, std::int64_t b) {
  if (b == 0) template_error("integer modulo by zero");
  if (b == -1) return 0;
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

Value whole_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) return std::pow(static_cast<double>(base), static_cast<double>(exponent));
  std::int64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) too_large();
    if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) too_large();
  }
  return result;
}

Value whole_arithmetic(BinaryOperator op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  switch (op) {
    case BinaryOperator::add:
      if (__builtin_add_overflow(a, b, &result)) too_large();
      return result;
    case BinaryOperator::subtract:
      if (__builtin_sub_overflow(a, b, &result)) too_large();
      return result;
    case BinaryOperator::multiply:
      if (__builtin_mul_overflow(a, b, &result)) too_large();
      return result;
    case BinaryOperator::floor_divide:
      return floor_divide(a, b);
    case BinaryOperator::modulo:
      return floor_modulo(a, b);
    case BinaryOperator::power:
      return whole_power(a, b);
    default:
      if (b == 0) template_error("division by zero");
      return static_cast<double>(a) / static_cast<double>(b);
  }
}

Value real_arithmetic(BinaryOperator op, double a, double b) {
  switch (op) {
    case BinaryOperator::add:
      return a + b;
    case BinaryOperator::subtract:
      return a - b;
    case BinaryOperator::multiply:
      return a * b;
    case BinaryOperator::power:
      return std::pow(a, b);
    default:
      break;
  }
  if (b == 0) template_error("float division by zero");
  if (op == BinaryOperator::divide) return a / b;
  // Python rounds the quotient of what is left without the rest: 1 // 0.1 is 9.
  double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest == 0) {
    rest = std::copysign(0.0, b);
  } else if ((rest < 0) != (b < 0)) {
    rest += b;
    quotient -= 1;
  }
  if (op == BinaryOperator::modulo) return rest;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double below = std::floor(quotient);
  return quotient - below > 0.5 ? below + 1 : below;
}

Value add_sequences(const Value& left, const Value& right, Budget& budget) {
  if (left.string() != nullptr) {
    require_defined(right);
    if (right.string() == nullptr)
      template_error(fmt::format("can only concatenate str (not \"{}\") to str", type_name(right)));
    Writer out(budget);
    for (const Value* part : {&left, &right}) {
      if (left.markup == right.markup || part->markup) {
        out.put(*part->string());
      } else {
        write_html(out, *part->string());
      }
    }
    Value sum = make_string(std::move(out));
    sum.markup = left.markup || right.markup;
    return sum;
  }
  require_defined(right);
  const List* tail = right.list();
  if (tail == nullptr || tail->tuple != left.list()->tuple)
    template_error(fmt::format("can only concatenate {} (not \"{}\") to {}", type_name(left),
                               type_name(right), type_name(left)));
  ListWriter sum(budget);
  for (const List* part : {left.list(), tail})
    for (const Value& item : part->items) sum.add(item);
  return sum.take(tail->tuple);
}

Value repeat(const Value& sequence, std::int64_t count, Budget& budget) {
  const auto times = static_cast<std::uint64_t>(std::max<std::int64_t>(0, count));
  if (const std::string* text = sequence.string()) {
    if (text->empty()) return sequence;
    budget.allocate(times, text->size());
    std::string out;
    out.reserve(text->size() * static_cast<std::size_t>(times));
    for (std::uint64_t i = 0; i < times; ++i) out += *text;
    return make_string(std::move(out), budget);
  }
  const List& list = *sequence.list();
  if (list.items.empty()) return sequence;
  ListWriter out(budget);
  for (std::uint64_t i = 0; i < times; ++i)
    for (const Value& item : list.items) out.add(item);
  return out.take(list.tuple);
}

bool is_sequence(const Value& value) {
  return value.string() != nullptr || value.list() != nullptr;
}

Value loop_attribute(const Loop& loop, const std::string& name, Budget& budget) {
  const auto index = static_cast<std::int64_t>(loop.index);
  const auto length = static_cast<std::int64_t>(loop.items.size());
  if (name == "index") return index + 1;
  if (name == "index0") return index;
  if (name == "revindex") return length - index;
  if (name == "revindex0") return length - index - 1;
  if (name == "first") return index == 0;
  if (name == "last") return index + 1 == length;
  if (name == "length") return length;
  if (name == "depth") return loop.depth;
  if (name == "depth0") return loop.depth - 1;
  if (name == "previtem")
    return index == 0 ? undefined("there is no previous item", budget) : loop.items[loop.index - 1];
  if (name == "nextitem")
    return index + 1 == length ? undefined("there is no next item", budget)
                               : loop.items[loop.index + 1];
  return undefined(
      fmt::format("'jinja2.runtime.LoopContext object' has no attribute '{}'", shortened(name)),
      budget);
}

Value cycle(const std::shared_ptr<Loop>& loop, Budget& budget) {
  return make_callable(
      "cycle",
      [loop](Arguments& arguments) {
        if (arguments.positional.empty()) template_error("no items for cycling given");
        return arguments.positional[loop->index % arguments.positional.size()];
      },
      budget);
}

Value changed(const std::shared_ptr<Loop>& loop, Budget& budget) {
  return make_callable(
      "changed",
      [loop, &budget](Arguments& arguments) {
        bool same =
            loop->changed_before && loop->last_changed.size() == arguments.positional.size();
        for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
          if (holds_references(arguments.positional[i]))
            template_error("loop.changed() takes plain values");
          same = same && equal(loop->last_changed[i], arguments.positional[i], budget);
        }
        loop->changed_before = true;
        loop->last_changed = arguments.positional;
        return Value(!same);
      },
      budget);
}

/// How Jinja names an object in the message of a missing attribute.
std::string object_name(const Value& object) {
  if (object.is_none()) return "None";
  return fmt::format("{} object", type_name(object));
}

Value no_attribute(const Value& object, const std::string& name, Budget& budget) {
  return undefined(fmt::format("'{}' has no attribute '{}'", object_name(object), shortened(name)),
                   budget);
}

/// The place of `index`, which counts from the end if negative, among `size` items; nullopt behind
/// them.
std::optional<std::size_t> place_of(std::int64_t index, std::size_t size) {
  if (index < 0) index += static_cast<std::int64_t>(size);
  if (index < 0 || index >= static_cast<std::int64_t>(size)) return std::nullopt;
  return static_cast<std::size_t>(index);
}

std::optional<Value> element(const List& list, std::int64_t index) {
  const auto place = place_of(index, list.items.size());
  return place ? std::optional(list.items[*place]) : std::nullopt;
}

std::optional<Value> character(std::string_view text, std::int64_t index, Budget& budget) {
  budget.charge_scan(text.size());
  const auto place = place_of(index, character_count(text));
  if (!place) return std::nullopt;
  text.remove_prefix(character_offset(text, *place));
  return make_string(std::string(text.substr(0, character_offset(text, 1))), budget);
}

/// The half-open index range of a slice, as Python's slice.indices().
struct Range {
  std::int64_t start;
  std::int64_t stop;
  std::int64_t step;
};

Range slice_range(const Value& start, const Value& stop, const Value& step, std::int64_t size) {
  constexpr std::string_view kWhat = "slice indices";
  Range range = {0, size, step.is_none() ? 1 : to_integer(step, kWhat)};
  if (range.step == 0) template_error("slice step cannot be zero");
  const bool back = range.step < 0;
  const auto place = [&](const Value& value, std::int64_t fallback) {
    if (value.is_none()) return fallback;
    std::int64_t index = to_integer(value, kWhat);
    if (index < 0) index = std::max<std::int64_t>(index, -size - 1) + size;
    return std::clamp<std::int64_t>(index, back ? -1 : 0, back ? size - 1 : size);
  };
  range.start = place(start, back ? size - 1 : 0);
  range.stop = place(stop, back ? -1 : size);
  return range;
}

/// Calls visit(index) for every index of the range.
template <class Visit>
void for_each_index(const Range& range, Visit visit) {
  for (std::int64_t i = range.start; range.step > 0 ? i < range.stop : i > range.stop;) {
    visit(static_cast<std::size_t>(i));
    if (__builtin_add_overflow(i, range.step, &i)) return;
  }
}

}  // namespace

Value apply_binary(BinaryOperator op, const Value& left, const Value& right, Budget& budget) {
  budget.charge(weight_of(left) + weight_of(right));
  if (op == BinaryOperator::concatenate) {
    Writer out(budget);
    write_text(out, left);
    write_text(out, right);
    return make_string(std::move(out));
  }
  if (is_whole(left) && is_whole(right))
    return whole_arithmetic(op, to_integer(left, ""), to_integer(right, ""));
  if (is_numeric(left) && is_numeric(right))
    return real_arithmetic(op, to_double(left), to_double(right));
  if (op == BinaryOperator::add && is_sequence(left)) return add_sequences(left, right, budget);
  if (op == BinaryOperator::multiply && is_sequence(left) && is_whole(right))
    return repeat(left, to_integer(right, ""), budget);
  if (op == BinaryOperator::multiply && is_whole(left) && is_sequence(right))
    return repeat(right, to_integer(left, ""), budget);
  if (op == BinaryOperator::modulo && left.string() != nullptr)
    return format_percent(*left.string(), right, budget);
  unsupported(op, left, right);
}

bool apply_comparison(Comparison op, const Value& left, const Value& right, Budget& budget) {
  switch (op) {
    case Comparison::equal:
      return equal(left, right, budget);
    case Comparison::not_equal:
      return !equal(left, right, budget);
    case Comparison::less:
      return less(left, right, budget, "<");
    case Comparison::less_equal:
      return less(left, right, budget, "<=") || equal(left, right, budget);
    case Comparison::greater:
      less(left, right, budget, ">");  // checks the types with the operator's name
      return less(right, left, budget);
    case Comparison::greater_equal:
      less(left, right, budget, ">=");
      return less(right, left, budget) || equal(left, right, budget);
    case Comparison::in:
      return contains(right, left, budget);
    case Comparison::not_in:
      return !contains(right, left, budget);
  }
  return false;
}

Value apply_sign(UnaryOperator op, const Value& operand) {
  require_defined(operand);
  const bool negative = op == UnaryOperator::negative;
  if (!is_numeric(operand))
    template_error(fmt::format("bad operand type for unary {}: '{}'", negative ? '-' : '+',
                               type_name(operand)));
  if (const double* number = operand.as<double>()) return negative ? -*number : *number;
  const std::int64_t number = to_integer(operand, "");
  if (!negative) return number;
  if (number == std::numeric_limits<std::int64_t>::min()) too_large();
  return -number;
}

Value attribute_of(const Value& object, const std::string& name, Budget& budget) {
  require_defined(object);
  budget.charge(1 + name.size() / 256);
  if (const auto* loop = object.as<std::shared_ptr<Loop>>()) {
    if (name == "cycle") return cycle(*loop, budget);
    if (name == "changed") return changed(*loop, budget);
    return loop_attribute(**loop, name, budget);
  }
  if (const auto* space = object.as<std::shared_ptr<Namespace>>()) {
    if (const Value* value = (*space)->items.find(std::string_view(name))) return *value;
    return undefined(
        fmt::format("'jinja2.utils.Namespace object' has no attribute '{}'", shortened(name)),
        budget);
  }
  if (auto method = method_of(object, name, budget)) return *std::move(method);
  if (const Dict* dict = object.dict()) {
    if (const Value* value = dict->items.find(std::string_view(name))) return *value;
  }
  return no_attribute(object, name, budget);
}

Value item_of(const Value& object, const Value& index, Budget& budget) {
  require_defined(object);
  budget.charge(weight_of(index));
  if (const Dict* dict = object.dict()) {
    if (const Value* value = dict->items.find(index)) return *value;
  } else if (is_sequence(object) && is_whole(index)) {
    const std::int64_t at = to_integer(index, "");
    if (auto item = object.list() != nullptr ? element(*object.list(), at)
                                             : character(*object.string(), at, budget))
      return *std::move(item);
  }
  if (const std::string* name = index.string()) {
    if (object.dict() == nullptr) return attribute_of(object, *name, budget);
    if (auto method = method_of(object, *name, budget)) return *std::move(method);
    return no_attribute(object, *name, budget);
  }
  return undefined(
      fmt::format("{} has no element {}", object_name(object), shortened(to_repr(index, budget))),
      budget);
}

Value slice_of(const Value& object, const Value& start, const Value& stop, const Value& step,
               Budget& budget) {
  require_defined(object);
  budget.charge(weight_of(object));
  if (const List* list = object.list()) {
    const auto size = static_cast<std::int64_t>(list->items.size());
    ListWriter items(budget);
    for_each_index(slice_range(start, stop, step, size),
                   [&](std::size_t i) { items.add(list->items[i]); });
    return items.take(list->tuple);
  }
  if (object.string() == nullptr)
    template_error(fmt::format("'{}' object is not subscriptable", type_name(object)));
  const std::string_view text = *object.string();
  budget.charge_scan(text.size());
  const Range range =
      slice_range(start, stop, step, static_cast<std::int64_t>(character_count(text)));
  if (range.step == 1) {
    if (range.start >= range.stop) return Value(std::string());
    const std::string_view from =
        text.substr(character_offset(text, static_cast<std::size_t>(range.start)));
    const auto length = static_cast<std::size_t>(range.stop - range.start);
    return make_string(std::string(from.substr(0, character_offset(from, length))), budget);
  }
  const Sequence characters = iterate(object, budget);
  Writer out(budget);
  for_each_index(range, [&](std::size_t i) { out.put(*characters[i].string()); });
  return make_string(std::move(out));
}

}  // namespace pomona::text::jinja
