#include "metric/squad.h"

#include "text/unicode.h"

namespace pomona::metric {
namespace {

bool is_ascii_punctuation(char32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

/// White space as the reference (Python's str.split) has it: also the four ASCII separators.
bool separates(char32_t c) { return text::is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

bool is_article(std::string_view word) { return word == "a" || word == "an" || word == "the"; }

}  // namespace

std::string normalise_answer(std::string_view text) {
  std::string out, run;  // run: letters and numbers since the last other character
  bool space_due = false;
  const auto append = [&](std::string_view part) {
    if (space_due && !out.empty()) out += ' ';
    space_due = false;
    out += part;
  };
  const auto finish_run = [&] {
    if (is_article(run)) {
      space_due = true;
    } else if (!run.empty()) {
      append(run);
    }
    run.clear();
  };
  text::each_code_point(text::lower(text), [&](char32_t c, std::string_view bytes) {
    if (is_ascii_punctuation(c)) return;
    if (text::is_letter(c) || text::is_number(c)) {
      run += bytes;
      return;
    }
    finish_run();
    if (separates(c)) {
      space_due = true;
    } else {
      append(bytes);
    }
  });
  finish_run();
  return out;
}

}  // namespace pomona::metric
