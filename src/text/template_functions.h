// What chat templates can do with values: operators, attributes, methods, filters and tests.
// Reference: Jinja 3.1 documentation, "List of Builtin Filters" and "List of Builtin Tests".
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/template_ast.h"
#include "text/template_value.h"

namespace pomona::text::jinja {

/// left op right, for all operators but "and" and "or". Throws bad_argument with Python's message.
Value apply_binary(BinaryOperator op, const Value& left, const Value& right, Budget& budget);
bool apply_comparison(Comparison op, const Value& left, const Value& right, Budget& budget);
Value apply_sign(UnaryOperator op, const Value& operand);

/// object.name: methods go before the entries of a dictionary. A missing name gives an undefined
/// value; an undefined object throws.
Value attribute_of(const Value& object, const std::string& name, Budget& budget);
/// object[index]: the entries of a dictionary go before its methods.
Value item_of(const Value& object, const Value& index, Budget& budget);
/// object[start:stop:step] with none for what is left out.
Value slice_of(const Value& object, const Value& start, const Value& stop, const Value& step,
               Budget& budget);

/// The method of a string, list or dictionary, bound to it; nullopt if there is none.
std::optional<Value> method_of(const Value& object, const std::string& name, Budget& budget);

/// Throws bad_argument: "No filter named 'x'." and so on.
Value apply_filter(const std::string& name, const Value& input, const Arguments& arguments,
                   Budget& budget);
bool apply_test(const std::string& name, const Value& input, const Arguments& arguments,
                Budget& budget);

/// The text in lower case but for the characters at its start and behind those that break words.
Value make_title(std::string_view text, bool (*breaks)(char32_t), Budget& budget);

/// Python's isupper() and islower(): the text has letters with case, all of them of the wanted one.
bool is_cased(const std::string& text, bool wants_upper, Budget& budget);

/// Python's `format % arguments`.
Value format_percent(const std::string& format, const Value& arguments, Budget& budget);
/// Python's format.format(...), with fields {}, {0} and {name} and no further format.
Value format_braces(const std::string& format, const Arguments& arguments, Budget& budget);
/// Python's datetime.strftime of an ISO 8601 local time such as 2026-01-02T03:04:05. Throws
/// bad_argument for another form.
Value format_time(const std::string& format, const std::string& iso_time, Budget& budget);

/// The arguments by parameter; nullopt where one was not given. Throws Python's message for too
/// many or unknown ones.
std::vector<std::optional<Value>> bind(const Arguments& arguments, std::string_view function,
                                       std::initializer_list<std::string_view> parameters);

/// The contents of a string argument. Throws "FUNCTION: expected a str, found 'int'".
const std::string& require_string(const Value& value, std::string_view function);

}  // namespace pomona::text::jinja
