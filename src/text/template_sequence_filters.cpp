// The filters of chat templates for lists and other sequences.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>

#include "text/template_filters.h"
#include "text/unicode.h"

namespace pomona::text::jinja {
namespace {

/// item.a.b, or item[0] for digits: how map(attribute=...) and the like look into items.
Value look_up(const Value& item, const Value& path, Budget& budget) {
  if (path.string() == nullptr) return item_of(item, path, budget);
  const std::string_view names = *path.string();
  Value value = item;
  for (std::size_t start = 0; start <= names.size();) {
    const std::size_t end = std::min(names.find('.', start), names.size());
    const std::string_view name = names.substr(start, end - start);
    std::int64_t index = 0;
    const char* const behind = std::to_address(name.end());
    const auto [parsed, error] = std::from_chars(std::to_address(name.begin()), behind, index);
    const bool digits = error == std::errc() && parsed == behind;
    value = item_of(value, digits ? Value(index) : Value(std::string(name)), budget);
    start = end + 1;
  }
  return value;
}

Value length(const Value& input, const Arguments&, Budget& budget) {
  if (const std::string* text = input.string()) {
    budget.charge_scan(text->size());
    return static_cast<std::int64_t>(character_count(*text));
  }
  if (const List* list = input.list()) return static_cast<std::int64_t>(list->items.size());
  if (const Dict* dict = input.dict()) return static_cast<std::int64_t>(dict->items.size());
  if (input.is_undefined()) return std::int64_t{0};
  template_error(fmt::format("object of type '{}' has no len()", type_name(input)));
}

Value list_filter(const Value& input, const Arguments&, Budget& budget) {
  ListWriter out(budget);
  for (const Value& item : iterate(input, budget)) out.add(item);
  return out.take();
}

Value first(const Value& input, const Arguments&, Budget& budget) {
  const Sequence items = iterate(input, budget);
  return items.empty() ? undefined("No first item, sequence was empty.", budget) : items[0];
}

Value last(const Value& input, const Arguments&, Budget& budget) {
  const Sequence items = iterate(input, budget);
  return items.empty() ? undefined("No last item, sequence was empty.", budget)
                       : items[items.size() - 1];
}

Value reverse(const Value& input, const Arguments&, Budget& budget) {
  const Sequence items = iterate(input, budget);
  if (input.string() == nullptr) {
    ListWriter out(budget);
    for (const Value& item : items) out.add(item);
    return out.take_reversed();
  }
  Writer out(budget);
  for (std::size_t i = items.size(); i-- > 0;) out.put(*items[i].string());
  return make_string(std::move(out));
}

Value join(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "join", {"d", "attribute"});
  const std::string separator = bound[0] ? to_text(*bound[0], budget) : "";
  Writer out(budget);
  bool is_first = true;
  for (const Value& item : iterate(input, budget)) {
    if (!std::exchange(is_first, false)) out.put(separator);
    write_text(out, bound[1] ? look_up(item, *bound[1], budget) : item);
  }
  return make_string(std::move(out));
}

Value items_filter(const Value& input, const Arguments&, Budget& budget) {
  ListWriter out(budget);
  if (input.is_undefined()) return out.take();
  if (input.dict() == nullptr) template_error("Can only get item pairs from a mapping.");
  for (const auto& [key, value] : input.dict()->items)
    out.add(make_list({key, value}, budget, true));
  return out.take();
}

/// What sort, min, max and unique compare: an attribute, without regard to case unless told.
Value sort_key(const Value& item, const std::optional<Value>& attribute, bool case_sensitive,
               Budget& budget) {
  Value key = attribute && !attribute->is_none() ? look_up(item, *attribute, budget) : item;
  if (!case_sensitive && key.string() != nullptr) return make_string(lower(*key.string()), budget);
  return key;
}

/// Items with the keys to order them by.
class Keyed {
 public:
  explicit Keyed(Budget& budget) : budget_(budget) {}

  void add(Value key, Value item) {
    budget_.allocate(2 * sizeof entries_[0]);  // sorting moves them to a place of their own
    entries_.emplace_back(std::move(key), std::move(item));
  }

  /// Stable order by key.
  void sort(bool backwards) {
    std::stable_sort(entries_.begin(), entries_.end(), [&](const auto& a, const auto& b) {
      return backwards ? less(b.first, a.first, budget_) : less(a.first, b.first, budget_);
    });
  }

  const std::vector<std::pair<Value, Value>>& entries() const { return entries_; }

  Value items() const {
    ListWriter out(budget_);
    for (const auto& entry : entries_) out.add(entry.second);
    return out.take();
  }

 private:
  Budget& budget_;
  std::vector<std::pair<Value, Value>> entries_;
};

Value sort(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "sort", {"reverse", "case_sensitive", "attribute"});
  Keyed keyed(budget);
  for (const Value& item : iterate(input, budget))
    keyed.add(sort_key(item, bound[2], flag(bound[1], false), budget), item);
  keyed.sort(flag(bound[0], false));
  return keyed.items();
}

Value dictsort(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "dictsort", {"case_sensitive", "by", "reverse"});
  require_defined(input);
  if (input.dict() == nullptr) template_error("dictsort: expected a mapping");
  const bool by_value = bound[1] && require_string(*bound[1], "dictsort") == "value";
  Keyed keyed(budget);
  for (const auto& [key, value] : input.dict()->items)
    keyed.add(sort_key(by_value ? value : key, std::nullopt, flag(bound[0], false), budget),
              make_list({key, value}, budget, true));
  keyed.sort(flag(bound[2], false));
  return keyed.items();
}

template <bool largest>
Value extreme(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, largest ? "max" : "min", {"case_sensitive", "attribute"});
  std::optional<std::pair<Value, Value>> best;
  for (const Value& item : iterate(input, budget)) {
    Value key = sort_key(item, bound[1], flag(bound[0], false), budget);
    if (!best || (largest ? less(best->first, key, budget) : less(key, best->first, budget)))
      best.emplace(std::move(key), item);
  }
  return best ? best->second : undefined("No aggregated item, sequence was empty.", budget);
}

Value unique(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "unique", {"case_sensitive", "attribute"});
  ListWriter keys(budget);
  ListWriter out(budget);
  for (const Value& item : iterate(input, budget)) {
    const Value key = sort_key(item, bound[1], flag(bound[0], false), budget);
    const bool known = std::any_of(keys.items().begin(), keys.items().end(),
                                   [&](const Value& k) { return equal(k, key, budget); });
    if (known) continue;
    keys.add(key);
    out.add(item);
  }
  return out.take();
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
  ListWriter rows(budget);
  ListWriter row(budget);
  for (const Value& item : iterate(input, budget)) {
    row.add(item);
    if (row.size() == static_cast<std::size_t>(count)) rows.add(row.take());
  }
  if (row.size() == 0) return rows.take();
  while (bound[1] && !bound[1]->is_none() && row.size() < static_cast<std::size_t>(count))
    row.add(*bound[1]);
  rows.add(row.take());
  return rows.take();
}

/// The items of an input that map and select read: nothing of an empty or none one.
Sequence items_if_any(const Value& input, Budget& budget) {
  return truthy(input) ? iterate(input, budget) : Sequence();
}

Value map(const Value& input, const Arguments& arguments, Budget& budget) {
  ListWriter out(budget);
  if (arguments.positional.empty()) {
    const auto bound = bind(arguments, "map", {"attribute", "default"});
    if (!bound[0]) template_error("map requires a filter argument");
    for (const Value& item : items_if_any(input, budget)) {
      const Value value = look_up(item, *bound[0], budget);
      out.add(value.is_undefined() && bound[1] ? *bound[1] : value);
    }
  } else {
    const std::string& name = require_string(arguments.positional[0], "map");
    Arguments rest = arguments;
    rest.positional.erase(rest.positional.begin());
    for (const Value& item : items_if_any(input, budget))
      out.add(apply_filter(name, item, rest, budget));
  }
  return out.take();
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
  ListWriter out(budget);
  for (const Value& item : items_if_any(input, budget)) {
    const Value subject = by_attribute ? look_up(item, attribute, budget) : item;
    const bool holds = test ? apply_test(*test, subject, rest, budget) : truthy(subject);
    if (holds == wanted) out.add(item);
  }
  return out.take();
}

Value groupby(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto bound = bind(arguments, "groupby", {"attribute", "default", "case_sensitive"});
  if (!bound[0]) template_error("groupby: missing the attribute");
  Keyed keyed(budget);
  for (const Value& item : iterate(input, budget))
    keyed.add(sort_key(item, bound[0], flag(bound[2], false), budget), item);
  keyed.sort(false);
  const auto& entries = keyed.entries();
  ListWriter groups(budget);
  for (std::size_t i = 0; i < entries.size();) {
    ListWriter members(budget);
    const Value key = look_up(entries[i].second, *bound[0], budget);
    std::size_t end = i;
    do {  // a key may not equal itself
      members.add(entries[end++].second);
    } while (end < entries.size() && equal(entries[end].first, entries[i].first, budget));
    groups.add(make_list({key, members.take()}, budget, true));
    i = end;
  }
  return groups.take();
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
