// Pages of HTML that need nothing else: escaping, the frame that all have in common, and its parts.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pomona {

/// `text` as HTML text or attribute value: & < > " ' become entities; control characters that HTML
/// forbids become U+FFFD.
std::string escape_html(std::string_view text);

/// A table of facts, one a line: a name as text, and HTML.
std::string html_facts(const std::vector<std::pair<std::string, std::string>>& rows);

/// A part of a page under its title; both are HTML.
std::string html_section(std::string_view title, std::string_view body);

/// A whole page with its style. `kind` says what it is ("report"), `name` of what (as text); `body`
/// is HTML.
std::string html_page(std::string_view kind, std::string_view name, std::string_view body);

}  // namespace pomona
