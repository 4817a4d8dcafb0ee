#include "cli/user_text.h"

#include "base/text.h"
#include "text/detokenizer.h"

namespace pomona::cli {

std::string well_formed(std::string text, std::string_view what, Console& console) {
  const auto at = find_invalid_utf8(text);
  if (!at) return text;
  console.note(
      fmt::format("{} is not valid UTF-8 at byte {}; the model reads U+FFFD there", what, *at));
  return text::take_well_formed(text, true);
}

}  // namespace pomona::cli
