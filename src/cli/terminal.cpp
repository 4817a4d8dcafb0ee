#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/text.h"
#include "text/unicode.h"

namespace pomona::cli {
namespace {

/// Wide blocks of Unicode 15's EastAsianWidth.txt, joined where the gaps are unassigned or rare.
bool is_wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0x303E) ||
         (c >= 0x3041 && c <= 0xA4CF) || (c >= 0xA960 && c <= 0xA97C) ||
         (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF01 && c <= 0xFF60) ||
         (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1F64F) ||
         (c >= 0x1F900 && c <= 0x1F9FF) || (c >= 0x20000 && c <= 0x3FFFD);
}

/// Zero-width spaces, joiners and direction marks, and the vowels and finals of Hangul syllables.
bool is_joined(char32_t c) {
  return (c >= 0x200B && c <= 0x200F) || (c >= 0x1160 && c <= 0x11FF) || c == 0xFEFF;
}

std::size_t width_of(char32_t c) {
  if (text::is_mark(c) || is_joined(c)) return 0;
  return is_wide(c) ? 2 : 1;
}

}  // namespace

bool is_terminal(int descriptor) {
  const char* kind = std::getenv("TERM");
  return ::isatty(descriptor) != 0 && (kind == nullptr || std::string_view(kind) != "dumb");
}

TerminalSize terminal_size(int descriptor) {
  TerminalSize known;
  struct winsize size = {};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0) return known;
  if (size.ws_col > 0) known.columns = size.ws_col;
  if (size.ws_row > 0) known.rows = size.ws_row;
  return known;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  text::each_code_point(text, [&](char32_t c, std::string_view) { width += width_of(c); });
  return width;
}

std::string fit(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  std::string front;
  std::size_t width = 1;  // the ellipsis
  bool full = false;
  text::each_code_point(text, [&](char32_t c, std::string_view bytes) {
    width += width_of(c);
    full = full || width > columns;
    if (!full) front += bytes;
  });
  return front + "…";
}

std::string wrap(std::string_view text, std::size_t columns, std::size_t indent) {
  const std::string new_line = fmt::format("\n{:{}}", "", indent);
  std::string out;
  for (const std::string_view line : split(text, '\n')) {
    if (!out.empty()) out += new_line;
    std::size_t width = indent;
    bool first = true;
    for (const std::string_view word : split(line, ' ')) {
      const std::size_t more = display_width(word);
      if (!first && width + 1 + more > columns) {
        out += new_line;
        width = indent;
      } else if (!first) {
        out += ' ';
        ++width;
      }
      out += word;
      width += more;
      first = false;
    }
  }
  return out;
}

}  // namespace pomona::cli
