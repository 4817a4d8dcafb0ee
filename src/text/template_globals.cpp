// The functions that every chat template has.
#include <fmt/format.h>

#include "text/template_functions.h"
#include "text/template_scope.h"

namespace pomona::text::jinja {
namespace {

constexpr std::int64_t kLongestRange = 100'000;  // as Jinja's sandbox

Value raise_exception(const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "raise_exception", {"message"});
  template_error(bound[0] ? to_text(*bound[0], budget) : "");
}

Value make_namespace(const Arguments& arguments, Budget& budget) {
  auto space = std::make_shared<Namespace>();
  if (!arguments.positional.empty() && arguments.positional[0].dict() != nullptr) {
    for (const auto& [key, value] : arguments.positional[0].dict()->items)
      set_attribute(*space, to_text(key, budget), value, budget);
  }
  for (const auto& [name, value] : arguments.named) set_attribute(*space, name, value, budget);
  budget.allocate(sizeof(Namespace));
  return Value(std::move(space));
}

Value make_dict_of_arguments(const Arguments& arguments, Budget& budget) {
  const auto bound = bind({arguments.positional, {}}, "dict", {"mapping"});
  std::vector<std::pair<Value, Value>> items;
  if (bound[0] && bound[0]->dict() != nullptr) {
    const auto& known = bound[0]->dict()->items;
    budget.allocate(known.size(), sizeof items[0]);
    items.assign(known.begin(), known.end());
  }
  for (const auto& [name, value] : arguments.named) items.emplace_back(Value(name), value);
  return make_dict(items, budget);
}

Value make_range(const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "range", {"start", "stop", "step"});
  if (!bound[0]) template_error("range expected at least 1 argument, got 0");
  std::int64_t start = to_integer(*bound[0], "range");
  const std::int64_t stop = bound[1] ? to_integer(*bound[1], "range") : std::exchange(start, 0);
  const std::int64_t step = bound[2] ? to_integer(*bound[2], "range") : 1;
  if (step == 0) template_error("range() arg 3 must not be zero");
  ListWriter items(budget);
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<std::int64_t>(items.size()) == kLongestRange)
      template_error("Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).");
    items.add(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return items.take();
}

}  // namespace

void set_attribute(Namespace& space, const std::string& name, const Value& value, Budget& budget) {
  if (holds_references(value)) template_error("a namespace cannot hold a namespace or a function");
  budget.charge(1 + name.size() / 256);
  if (space.items.find(std::string_view(name)) == nullptr)
    budget.allocate(space.items.kEntryBytes + name.size());
  space.items.set(name, value);
}

void add_globals(Scope& scope, const std::string& now, Budget& budget) {
  const auto add = [&](const char* name, Value (*function)(const Arguments&, Budget&)) {
    const auto call = [function, &budget](Arguments& arguments) {
      return function(arguments, budget);
    };
    scope.set(name, make_callable(name, call, budget));
  };
  add("raise_exception", raise_exception);
  add("namespace", make_namespace);
  add("dict", make_dict_of_arguments);
  add("range", make_range);
  const auto strftime_now = [&now, &budget](Arguments& arguments) {
    const auto bound = bind(arguments, "strftime_now", {"format"});
    const std::string& format = require_string(bound[0].value_or(None{}), "strftime_now");
    return format_time(format, now, budget);
  };
  scope.set("strftime_now", make_callable("strftime_now", strftime_now, budget));
}

}  // namespace pomona::text::jinja
