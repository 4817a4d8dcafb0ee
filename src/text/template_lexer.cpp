#include "text/template_lexer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "text/unicode.h"

namespace pomona::text::jinja {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

constexpr std::size_t kLongestName = 200;

/// Longest first, so that the first that fits is the right one.
constexpr std::array<std::string_view, 25> kOperators = {
    "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "(",
    ")",  "[",  "]",  "{",  "}",  ",",  ".", ":", "|", "=", "<", ">"};

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Decodes Python's escapes in the inside of a string literal; unknown ones keep their backslash.
class Unescaper {
 public:
  explicit Unescaper(std::string_view text) : text_(text) {}

  std::optional<std::string> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c != '\\' || at_ == text_.size()) {
        out_ += c;
      } else if (!escape(text_[at_++])) {
        return std::nullopt;
      }
    }
    return std::move(out_);
  }

 private:
  bool escape(char c) {
    constexpr std::string_view kLetters = "\\'\"abfnrtv";
    constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
    if (const std::size_t i = kLetters.find(c); i != std::string_view::npos) {
      out_ += kMeanings[i];
      return true;
    }
    if (c == '\n') return true;  // a continued line
    if (c == 'x') return code_point(16, 2, 2);
    if (c == 'u') return code_point(16, 4, 4);
    if (c == 'U') return code_point(16, 8, 8);
    if (c >= '0' && c <= '7') {
      --at_;
      return code_point(8, 1, 3);
    }
    out_ += '\\';
    out_ += c;
    return true;
  }

  bool code_point(int base, int least, int most) {
    char32_t value = 0;
    int count = 0;
    for (; count < most && at_ < text_.size(); ++count, ++at_) {
      const int digit = hex_value(text_[at_]);
      if (digit < 0 || digit >= base) break;
      value = value * static_cast<char32_t>(base) + static_cast<char32_t>(digit);
    }
    if (count < least || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return false;
    append_utf8(out_, value);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
};

class Lexer {
 public:
  Lexer(std::string_view source, std::string_view origin) : source_(source), origin_(origin) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      const std::size_t tag = find_tag();
      take_data(tag);
      if (tag < source_.size()) take_tag();
    }
    add(TokenType::end, "");
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return source_.substr(at_); }
  bool starts(std::string_view text) const { return rest().starts_with(text); }

  void add(TokenType type, std::string text) { tokens_.push_back({type, std::move(text), line_}); }

  void advance(std::size_t count) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(at_ + count),
                                         '\n'));
    at_ += count;
  }

  std::size_t find_tag() const {
    for (std::size_t i = at_; i + 1 < source_.size(); ++i) {
      if (source_[i] == '{' &&
          (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#'))
        return i;
    }
    return source_.size();
  }

  /// Emits the text up to the tag at `tag`, less the white space that the tag takes away.
  void take_data(std::size_t tag) {
    std::string_view data = source_.substr(at_, tag - at_);
    if (tag < source_.size()) {
      const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      if (sign == '-') {
        data = strip_space(data, false, true);
      } else if (sign != '+' && source_[tag + 1] != '{') {
        const std::size_t line_start = data.rfind('\n') + 1;  // 0 if there is none
        if ((line_start > 0 || at_line_start_) &&
            strip_space(data.substr(line_start), true, false).empty())
          data = data.substr(0, line_start);
      }
    }
    if (!data.empty()) add(TokenType::data, std::string(data));
    advance(tag - at_);
  }

  void take_tag() {
    const char kind = source_[at_ + 1];
    if (kind == '#') return take_comment();
    const bool block = kind == '%';
    add(block ? TokenType::block_begin : TokenType::variable_begin, "");
    advance(2);
    if (starts("-") || (starts("+") && block)) advance(1);
    if (block && take_raw()) return;
    take_expression(block);
  }

  void take_comment() {
    const std::size_t end = source_.find("#}", at_ + 2);
    if (end == std::string_view::npos) syntax_error(origin_, line_, "Missing end of comment tag");
    const char sign = end > at_ + 2 ? source_[end - 1] : '\0';
    advance(end + 2 - at_);
    close_tag(sign, true);
  }

  /// Behind a closed tag: what its sign and trim_blocks take away.
  void close_tag(char sign, bool trims) {
    const std::size_t start = at_;
    if (sign == '-') {
      const std::string_view left = strip_space(rest(), true, false);
      advance(rest().size() - left.size());
    } else if (sign != '+' && trims && starts("\n")) {
      advance(1);
    }
    at_line_start_ = at_ > start && source_[at_ - 1] == '\n';
  }

  /// {% raw %} ... {% endraw %}, behind its opening sign. Becomes plain data.
  bool take_raw() {
    std::size_t i = at_;
    const auto skip_blanks = [&] {
      while (i < source_.size() && is_python_space(static_cast<unsigned char>(source_[i]))) ++i;
    };
    skip_blanks();
    if (!source_.substr(i).starts_with("raw")) return false;
    i += 3;
    skip_blanks();
    const char sign = i < source_.size() ? source_[i] : '\0';
    if (sign == '-' || sign == '+') ++i;
    if (!source_.substr(i).starts_with("%}")) return false;
    tokens_.pop_back();  // the block_begin
    advance(i + 2 - at_);
    close_tag(sign, false);
    for (std::size_t tag = source_.find("{%", at_); tag != std::string_view::npos;
         tag = source_.find("{%", tag + 2)) {
      i = tag + 2;
      if (i < source_.size() && (source_[i] == '-' || source_[i] == '+')) ++i;
      skip_blanks();
      if (!source_.substr(i).starts_with("endraw")) continue;
      i += 6;
      skip_blanks();
      const char end_sign = i < source_.size() ? source_[i] : '\0';
      if (end_sign == '-' || end_sign == '+') ++i;
      if (!source_.substr(i).starts_with("%}")) continue;
      take_data(tag);
      advance(i + 2 - at_);
      close_tag(end_sign, true);
      return true;
    }
    syntax_error(origin_, line_, "Missing end of raw directive");
  }

  /// The inside of a tag up to and with its end.
  void take_expression(bool block) {
    const std::string_view close = block ? "%}" : "}}";
    int depth = 0;  // of brackets: "}}" may also close two dictionaries
    for (;;) {
      while (at_ < source_.size() && is_python_space(static_cast<unsigned char>(source_[at_])))
        advance(1);
      if (at_ == source_.size()) syntax_error(origin_, line_, "unexpected end of template");
      const bool signed_end =
          (starts("-") || (block && starts("+"))) && rest().substr(1).starts_with(close);
      if (depth == 0 && (signed_end || starts(close))) {
        add(block ? TokenType::block_end : TokenType::variable_end, "");
        const char sign = signed_end ? source_[at_] : '\0';
        advance(close.size() + (signed_end ? 1 : 0));
        close_tag(sign, block);
        return;
      }
      take_token();
      if (tokens_.back().type == TokenType::op) {
        const std::string& text = tokens_.back().text;
        if (text == "(" || text == "[" || text == "{") ++depth;
        if (text == ")" || text == "]" || text == "}") --depth;
        if (depth < 0) syntax_error(origin_, line_, "unexpected '" + text + "'");
      }
    }
  }

  void take_token() {
    const char c = source_[at_];
    if (is_name_start(c)) return take_name();
    if (is_digit(c)) return take_number();
    if (c == '"' || c == '\'') return take_string(c);
    for (const std::string_view text : kOperators) {
      if (!starts(text)) continue;
      add(TokenType::op, std::string(text));
      advance(text.size());
      return;
    }
    syntax_error(origin_, line_, std::string("unexpected char '") + c + "'");
  }

  void take_name() {
    std::size_t end = at_;
    while (end < source_.size() && (is_name_start(source_[end]) || is_digit(source_[end]))) ++end;
    if (end - at_ > kLongestName)
      syntax_error(origin_, line_, fmt::format("a name has more than {} bytes", kLongestName));
    add(TokenType::name, std::string(source_.substr(at_, end - at_)));
    advance(end - at_);
  }

  void take_number() {
    std::size_t end = at_;
    bool floating = false;
    const auto digits = [&] {
      while (end < source_.size() && (is_digit(source_[end]) || source_[end] == '_')) ++end;
    };
    const auto digit_at = [&](std::size_t i) { return i < source_.size() && is_digit(source_[i]); };
    digits();
    if (end < source_.size() && source_[end] == '.' && digit_at(end + 1)) {
      floating = true;
      ++end;
      digits();
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      const bool has_sign =
          end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-');
      if (digit_at(end + (has_sign ? 2 : 1))) {
        floating = true;
        end += has_sign ? 2 : 1;
        digits();
      }
    }
    std::string text(source_.substr(at_, end - at_));
    std::erase(text, '_');
    add(floating ? TokenType::floating : TokenType::integer, std::move(text));
    advance(end - at_);
  }

  void take_string(char quote) {
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) syntax_error(origin_, line_, "a string does not end");
    auto value = Unescaper(source_.substr(at_ + 1, end - at_ - 1)).run();
    if (!value) syntax_error(origin_, line_, "a string has an escape that is no character");
    add(TokenType::string, *std::move(value));
    advance(end + 1 - at_);
  }

  std::string_view source_;
  std::string_view origin_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool at_line_start_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

void syntax_error(std::string_view origin, int line, std::string_view message) {
  fail(ErrorKind::bad_file, "template {}: line {}: {}", origin, line, message);
}

bool is_python_space(char32_t code_point) {
  return is_white_space(code_point) || (code_point >= 0x1C && code_point <= 0x1F);
}

std::string_view strip_space(std::string_view text, bool left, bool right) {
  while (left && !text.empty()) {
    const auto character = decode_utf8(text);
    if (!character || !is_python_space(character->code_point)) break;
    text.remove_prefix(character->length);
  }
  while (right && !text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    const auto character = decode_utf8(text.substr(start));
    if (!character || !is_python_space(character->code_point)) break;
    text.remove_suffix(text.size() - start);
  }
  return text;
}

std::vector<Token> tokenize_template(std::string_view source, std::string_view origin) {
  // As Jinja: one kind of line end, and one line end less at the end of the template.
  std::string unified = replace_all(replace_all(source, "\r\n", "\n"), "\r", "\n");
  if (unified.ends_with('\n')) unified.pop_back();
  return Lexer(unified, origin).run();
}

}  // namespace pomona::text::jinja
