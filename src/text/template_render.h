// Runs a parsed chat template.
#pragma once
#include <string>

#include "base/json.h"
#include "text/template_ast.h"

namespace pomona::text::jinja {

/// The text of the template with the names of `context`. `now` is the local time that strftime_now
/// gives, as ISO 8601. Throws bad_argument with the template's own message or Python's, exhausted
/// when the template takes too much.
std::string render_block(const Block& block, const Json& context, const std::string& now);

}  // namespace pomona::text::jinja
