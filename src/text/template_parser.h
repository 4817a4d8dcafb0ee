// Parses whole chat templates into statements.
#pragma once
#include <string>
#include <string_view>

#include "text/template_ast.h"

namespace pomona::text::jinja {

/// Throws bad_file naming `origin` and the line for what is no template, unsupported for the parts
/// of Jinja that need other files (include, import, extends, block).
Block parse_template(std::string_view source, const std::string& origin);

}  // namespace pomona::text::jinja
