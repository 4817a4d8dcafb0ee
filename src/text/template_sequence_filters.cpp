// The filters of chat templates for lists and other sequences.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "text/template_filters.h"
#include "text/unicode.h"

namespace pomona::text::jinja {
namespace {

/// item.a.b, or item[0] for digits: how map(attribute=...) and the like look into items.
Value look_up(const Value& item, const Value& path, Budget& budget) {
  if (path.string() == nullptr) return item_of(item, path, budget);
  Value value = item;
  for (const std::string_view part : split(*path.string(), '.')) {
    std::int64_t index = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool digits = error == std::errc() && end == part.data() + part.size() && !part.empty();
    value = item_of(value, digits ? Value(index) : Value(std::string(part)), budget);
  }
  return value;
}

Value length(const Value& input, const Arguments&, Budget& budget) {
  if (const std::string* text = input.string()) {
    budget.charge(text->size() / 256);
    return static_cast<std::int64_t>(character_count(*text));
  }
  if (const List* list = input.list()) return static_cast<std::int64_t>(list->items.size());
  if (const Dict* dict = input.dict()) return static_cast<std::int64_t>(dict->items.size());
  if (input.is_undefined()) return std::int64_t{0};
  template_error(fmt::format("object of type '{}' has no len()", type_name(input)));
}

Value list_filter(const Value& input, const Arguments&, Budget& budget) {
  return make_list(iterate(input, budget), budget);
}

Value first(const Value& input, const Arguments&, Budget& budget) {
  const std::vector<Value> items = iterate(input, budget);
  return items.empty() ? undefined("No first item, sequence was empty.") : items.front();
}

Value last(const Value& input, const Arguments&, Budget& budget) {
  const std::vector<Value> items = iterate(input, budget);
  return items.empty() ? undefined("No last item, sequence was empty.") : items.back();
}

Value reverse(const Value& input, const Arguments&, Budget& budget) {
  std::vector<Value> items = iterate(input, budget);
  std::reverse(items.begin(), items.end());
  if (input.string() == nullptr) return make_list(std::move(items), budget);
  std::string out;
  for (const Value& item : items) out += *item.string();
  return make_string(std::move(out), budget);
}

Value join(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "join", {"d", "attribute"});
  const std::string separator = bound[0] ? text_of(*bound[0], budget) : "";
  std::string out;
  bool is_first = true;
  for (const Value& item : iterate(input, budget)) {
    budget.allocate(separator.size());
    if (!is_first) out += separator;
    is_first = false;
    out += text_of(bound[1] ? look_up(item, *bound[1], budget) : item, budget);
  }
  return make_string(std::move(out), budget);
}

Value items_filter(const Value& input, const Arguments&, Budget& budget) {
  if (input.is_undefined()) return make_list({}, budget);
  if (input.dict() == nullptr) template_error("Can only get item pairs from a mapping.");
  std::vector<Value> out;
  for (const auto& [key, value] : input.dict()->items)
    out.push_back(make_list({key, value}, budget, true));
  return make_list(std::move(out), budget);
}

/// What sort, min, max and unique compare: an attribute, without regard to case unless told.
Value sort_key(const Value& item, const std::optional<Value>& attribute, bool case_sensitive,
               Budget& budget) {
  Value key = attribute && !attribute->is_none() ? look_up(item, *attribute, budget) : item;
  if (!case_sensitive && key.string() != nullptr) return make_string(lower(*key.string()), budget);
  return key;
}

/// Stable order by key; comparisons are charged.
void sort_by_key(std::vector<std::pair<Value, Value>>& keyed, bool backwards, Budget& budget) {
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    budget.charge(weight_of(a.first) + weight_of(b.first));
    return backwards ? less(b.first, a.first) : less(a.first, b.first);
  });
}

Value sort(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "sort", {"reverse", "case_sensitive", "attribute"});
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : iterate(input, budget))
    keyed.emplace_back(sort_key(item, bound[2], flag(bound[1], false), budget), item);
  sort_by_key(keyed, flag(bound[0], false), budget);
  std::vector<Value> out;
  out.reserve(keyed.size());
  for (auto& entry : keyed) out.push_back(std::move(entry.second));
  return make_list(std::move(out), budget);
}

Value dictsort(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "dictsort", {"case_sensitive", "by", "reverse"});
  require_defined(input);
  if (input.dict() == nullptr) template_error("dictsort: expected a mapping");
  const bool by_value = bound[1] && require_string(*bound[1], "dictsort") == "value";
  std::vector<std::pair<Value, Value>> keyed;
  for (const auto& [key, value] : input.dict()->items)
    keyed.emplace_back(
        sort_key(by_value ? value : key, std::nullopt, flag(bound[0], false), budget),
        make_list({key, value}, budget, true));
  sort_by_key(keyed, flag(bound[2], false), budget);
  std::vector<Value> out;
  out.reserve(keyed.size());
  for (auto& entry : keyed) out.push_back(std::move(entry.second));
  return make_list(std::move(out), budget);
}

template <bool largest>
Value extreme(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, largest ? "max" : "min", {"case_sensitive", "attribute"});
  std::optional<std::pair<Value, Value>> best;
  for (const Value& item : iterate(input, budget)) {
    Value key = sort_key(item, bound[1], flag(bound[0], false), budget);
    if (!best || (largest ? less(best->first, key) : less(key, best->first)))
      best.emplace(std::move(key), item);
  }
  return best ? best->second : undefined("No aggregated item, sequence was empty.");
}

Value unique(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "unique", {"case_sensitive", "attribute"});
  std::vector<Value> keys;
  std::vector<Value> out;
  for (const Value& item : iterate(input, budget)) {
    const Value key = sort_key(item, bound[1], flag(bound[0], false), budget);
    budget.charge(1 + keys.size() * weight_of(key));
    const bool known =
        std::any_of(keys.begin(), keys.end(), [&](const Value& k) { return equal(k, key); });
    if (known) continue;
    keys.push_back(key);
    out.push_back(item);
  }
  return make_list(std::move(out), budget);
}

Value sum(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "sum", {"attribute", "start"});
  Value total = bound[1].value_or(std::int64_t{0});
  for (const Value& item : iterate(input, budget)) {
    const bool inside = bound[0] && !bound[0]->is_none();
    total = apply_binary(BinaryOperator::add, total,
                         inside ? look_up(item, *bound[0], budget) : item, budget);
  }
  return total;
}

Value batch(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "batch", {"linecount", "fill_with"});
  const std::int64_t count = number(bound[0], 0, "linecount");
  if (count < 1) template_error("batch: linecount must be at least 1");
  std::vector<Value> rows;
  std::vector<Value> row;
  const auto finish = [&] { rows.push_back(make_list(std::exchange(row, {}), budget)); };
  for (const Value& item : iterate(input, budget)) {
    row.push_back(item);
    if (row.size() == static_cast<std::size_t>(count)) finish();
  }
  if (!row.empty()) {
    while (bound[1] && !bound[1]->is_none() && row.size() < static_cast<std::size_t>(count)) {
      budget.allocate(sizeof(Value));
      row.push_back(*bound[1]);
    }
    finish();
  }
  return make_list(std::move(rows), budget);
}

/// The items of an input that map and select read: nothing of an empty or none one.
std::vector<Value> items_if_any(const Value& input, Budget& budget) {
  return truthy(input) ? iterate(input, budget) : std::vector<Value>();
}

Value map(const Value& input, const Arguments& arguments, Budget& budget) {
  std::vector<Value> out;
  if (arguments.positional.empty()) {
    const auto bound = bind(arguments, "map", {"attribute", "default"});
    if (!bound[0]) template_error("map requires a filter argument");
    for (const Value& item : items_if_any(input, budget)) {
      out.push_back(look_up(item, *bound[0], budget));
      if (out.back().is_undefined() && bound[1]) out.back() = *bound[1];
    }
  } else {
    const std::string& name = require_string(arguments.positional[0], "map");
    Arguments rest = arguments;
    rest.positional.erase(rest.positional.begin());
    for (const Value& item : items_if_any(input, budget))
      out.push_back(apply_filter(name, item, rest, budget));
  }
  return make_list(std::move(out), budget);
}

/// select, reject, selectattr and rejectattr: items for which the test (by default: truth) of the
/// item or its attribute gives `wanted`.
template <bool wanted, bool by_attribute>
Value select(const Value& input, const Arguments& arguments, Budget& budget) {
  Arguments rest = arguments;
  Value attribute;
  if (by_attribute) {
    if (rest.positional.empty()) template_error("Missing parameter for attribute name");
    attribute = rest.positional.front();
    rest.positional.erase(rest.positional.begin());
  }
  std::optional<std::string> test;
  if (!rest.positional.empty()) {
    test = require_string(rest.positional.front(), "select");
    rest.positional.erase(rest.positional.begin());
  }
  std::vector<Value> out;
  for (const Value& item : items_if_any(input, budget)) {
    const Value subject = by_attribute ? look_up(item, attribute, budget) : item;
    const bool holds = test ? apply_test(*test, subject, rest, budget) : truthy(subject);
    if (holds == wanted) out.push_back(item);
  }
  return make_list(std::move(out), budget);
}

Value groupby(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "groupby", {"attribute", "default", "case_sensitive"});
  if (!bound[0]) template_error("groupby: missing the attribute");
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : iterate(input, budget))
    keyed.emplace_back(sort_key(item, bound[0], flag(bound[2], false), budget), item);
  sort_by_key(keyed, false, budget);
  std::vector<Value> groups;
  for (std::size_t i = 0; i < keyed.size();) {
    std::vector<Value> members;
    const Value key = look_up(keyed[i].second, *bound[0], budget);
    std::size_t end = i;
    for (; end < keyed.size() && equal(keyed[end].first, keyed[i].first); ++end)
      members.push_back(keyed[end].second);
    groups.push_back(make_list({key, make_list(std::move(members), budget)}, budget, true));
    i = end;
  }
  return make_list(std::move(groups), budget);
}

constexpr std::array kSequenceFilters = {
    FilterRow{"length", length},
    FilterRow{"count", length},
    FilterRow{"list", list_filter},
    FilterRow{"first", first},
    FilterRow{"last", last},
    FilterRow{"reverse", reverse},
    FilterRow{"join", join},
    FilterRow{"items", items_filter},
    FilterRow{"sort", sort},
    FilterRow{"dictsort", dictsort},
    FilterRow{"min", extreme<false>},
    FilterRow{"max", extreme<true>},
    FilterRow{"unique", unique},
    FilterRow{"sum", sum},
    FilterRow{"batch", batch},
    FilterRow{"map", map},
    FilterRow{"select", select<true, false>},
    FilterRow{"reject", select<false, false>},
    FilterRow{"selectattr", select<true, true>},
    FilterRow{"rejectattr", select<false, true>},
    FilterRow{"groupby", groupby},
};

}  // namespace

FilterFunction find_sequence_filter(std::string_view name) {
  for (const FilterRow& row : kSequenceFilters)
    if (row.name == name) return row.filter;
  return nullptr;
}

}  // namespace pomona::text::jinja
