// What the files of filters share.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "text/template_functions.h"

namespace pomona::text::jinja {

using FilterFunction = Value (*)(const Value& input, const Arguments& arguments, Budget& budget);

struct FilterRow {
  std::string_view name;
  FilterFunction filter;
};

/// The filter of lists and other sequences with this name, or null.
FilterFunction find_sequence_filter(std::string_view name);

/// An optional argument as a truth value or an integer.
bool flag(const std::optional<Value>& value, bool fallback);
std::int64_t number(const std::optional<Value>& value, std::int64_t fallback,
                    std::string_view what);

}  // namespace pomona::text::jinja
