// The tests of chat templates ("x is defined"), and how calls bind their arguments.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/quote.h"
#include "text/template_functions.h"
#include "text/unicode.h"

namespace pomona::text::jinja {
namespace {

using TestFunction = bool (*)(const Value& input, const Arguments& arguments, Budget& budget);

struct Row {
  std::string_view name;
  TestFunction test;
};

const Value& operand(const Arguments& arguments) {
  if (arguments.positional.size() != 1) template_error("the test takes exactly one argument");
  return arguments.positional[0];
}

template <Comparison op>
bool compares(const Value& input, const Arguments& arguments, Budget& budget) {
  return apply_comparison(op, input, operand(arguments), budget);
}

template <class T>
bool is_a(const Value& input, const Arguments&, Budget&) {
  return input.as<T>() != nullptr;
}

template <bool wanted>
bool is_defined(const Value& input, const Arguments&, Budget&) {
  return input.is_undefined() != wanted;
}

template <bool wanted>
bool is_boolean(const Value& input, const Arguments&, Budget&) {
  const bool* flag = input.as<bool>();
  return flag != nullptr && *flag == wanted;
}

bool is_number(const Value& input, const Arguments&, Budget&) { return is_numeric(input); }
bool is_string(const Value& input, const Arguments&, Budget&) { return input.string() != nullptr; }
bool is_mapping(const Value& input, const Arguments&, Budget&) { return input.dict() != nullptr; }

bool is_sequence(const Value& input, const Arguments&, Budget&) {
  return input.string() != nullptr || input.list() != nullptr || input.dict() != nullptr ||
         input.is_undefined();
}

bool is_callable(const Value& input, const Arguments&, Budget&) {
  return input.as<std::shared_ptr<const Callable>>() != nullptr;
}

template <std::int64_t rest>
bool is_rest_of_two(const Value& input, const Arguments&, Budget& budget) {
  const Value modulo = apply_binary(BinaryOperator::modulo, input, std::int64_t{2}, budget);
  return equal(modulo, rest, budget);
}

bool is_divisible(const Value& input, const Arguments& arguments, Budget& budget) {
  const Value modulo = apply_binary(BinaryOperator::modulo, input, operand(arguments), budget);
  return equal(modulo, std::int64_t{0}, budget);
}

bool is_same(const Value& input, const Arguments& arguments, Budget& budget) {
  const Value& other = operand(arguments);
  return input.data.index() == other.data.index() && equal(input, other, budget);
}

template <bool wants_upper>
bool has_case(const Value& input, const Arguments&, Budget& budget) {
  return is_cased(to_text(input, budget), wants_upper, budget);
}

constexpr std::array kTests = {
    Row{"defined", is_defined<true>},
    Row{"undefined", is_defined<false>},
    Row{"none", is_a<None>},
    Row{"boolean", is_a<bool>},
    Row{"true", is_boolean<true>},
    Row{"false", is_boolean<false>},
    Row{"integer", is_a<std::int64_t>},
    Row{"float", is_a<double>},
    Row{"number", is_number},
    Row{"string", is_string},
    Row{"mapping", is_mapping},
    Row{"sequence", is_sequence},
    Row{"iterable", is_sequence},
    Row{"callable", is_callable},
    Row{"even", is_rest_of_two<0>},
    Row{"odd", is_rest_of_two<1>},
    Row{"divisibleby", is_divisible},
    Row{"sameas", is_same},
    Row{"in", compares<Comparison::in>},
    Row{"eq", compares<Comparison::equal>},
    Row{"equalto", compares<Comparison::equal>},
    Row{"==", compares<Comparison::equal>},
    Row{"ne", compares<Comparison::not_equal>},
    Row{"!=", compares<Comparison::not_equal>},
    Row{"lt", compares<Comparison::less>},
    Row{"lessthan", compares<Comparison::less>},
    Row{"<", compares<Comparison::less>},
    Row{"le", compares<Comparison::less_equal>},
    Row{"<=", compares<Comparison::less_equal>},
    Row{"gt", compares<Comparison::greater>},
    Row{"greaterthan", compares<Comparison::greater>},
    Row{">", compares<Comparison::greater>},
    Row{"ge", compares<Comparison::greater_equal>},
    Row{">=", compares<Comparison::greater_equal>},
    Row{"upper", has_case<true>},
    Row{"lower", has_case<false>},
};

}  // namespace

bool apply_test(const std::string& name, const Value& input, const Arguments& arguments,
                Budget& budget) {
  budget.charge(1);
  for (const Row& row : kTests)
    if (row.name == name) return row.test(input, arguments, budget);
  template_error(fmt::format("No test named '{}'.", shortened(name)));
}

bool is_cased(const std::string& text, bool wants_upper, Budget& budget) {
  budget.charge_scan(text.size());
  budget.allocate(2, text.size());
  const std::string upper_text = upper(text);
  const std::string lower_text = lower(text);
  return upper_text != lower_text && text == (wants_upper ? upper_text : lower_text);
}

std::vector<std::optional<Value>> bind(const Arguments& arguments, std::string_view function,
                                       std::initializer_list<std::string_view> parameters) {
  std::vector<std::optional<Value>> bound(parameters.size());
  if (arguments.positional.size() > parameters.size())
    template_error(fmt::format("{}() takes at most {} arguments ({} given)", function,
                               parameters.size(), arguments.positional.size()));
  std::copy(arguments.positional.begin(), arguments.positional.end(), bound.begin());
  for (const auto& [name, value] : arguments.named) {
    const auto found = std::find(parameters.begin(), parameters.end(), name);
    if (found == parameters.end())
      template_error(
          fmt::format("{}() got an unexpected keyword argument '{}'", function, shortened(name)));
    auto& place = bound[static_cast<std::size_t>(found - parameters.begin())];
    if (place)
      template_error(
          fmt::format("{}() got multiple values for argument '{}'", function, shortened(name)));
    place = value;
  }
  return bound;
}

const std::string& require_string(const Value& value, std::string_view function) {
  require_defined(value);
  if (value.string() == nullptr)
    template_error(fmt::format("{}: expected a str, found '{}'", function, type_name(value)));
  return *value.string();
}

}  // namespace pomona::text::jinja
