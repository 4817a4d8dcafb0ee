// Cuts a chat template into tokens, with Jinja's rules for white space around tags.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pomona::text::jinja {

enum class TokenType {
  data,            // text outside of tags
  variable_begin,  // {{
  variable_end,
  block_begin,  // {%
  block_end,
  name,
  string,
  integer,
  floating,
  op,  // one of the operators and brackets
  end,
};

struct Token {
  TokenType type;
  std::string text;  // a string's value, a number's digits, an operator
  int line;
};

/// The tokens of `source`, ending with one of type `end`. As transformers sets Jinja up: the line
/// feed behind a block tag goes away (trim_blocks), and so does white space between the start of a
/// line and a block tag (lstrip_blocks). Throws bad_file naming `origin` and the line.
std::vector<Token> tokenize_template(std::string_view source, std::string_view origin);

/// Throws bad_file: "template ORIGIN: line N: MESSAGE".
[[noreturn]] void syntax_error(std::string_view origin, int line, std::string_view message);

/// What Python's str.strip() removes: white space, and the separators U+001C to U+001F.
bool is_python_space(char32_t code_point);
/// `text` without such characters at the chosen ends.
std::string_view strip_space(std::string_view text, bool left, bool right);

}  // namespace pomona::text::jinja
