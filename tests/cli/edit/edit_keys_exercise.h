// Presses the keys that any bytes of a terminal are; the fuzzer and the replay of its corpus share
// it.
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "cli/edit/edit_layout.h"
#include "cli/edit/edit_session.h"
#include "cli/edit/key_reader.h"
#include "tests/support/exercise.h"

namespace pomona::cli {

/// True: there are no bytes that a terminal may not send. They come in pieces of up to 7; after
/// each key the message is UTF-8, with a cursor inside, which stands in a row of the terminal.
inline bool exercise_edit_keys(std::string_view bytes) {
  constexpr std::string_view kCommands[] = {"/help", "/reset", "/save "};
  constexpr std::size_t kColumns = 9;
  return test::ends_well([&] {
    const std::vector<std::string> earlier = {"first pear", "two\n梨 lines", "e\u0301"};
    EditSession session(earlier, kCommands);
    KeyReader reader;
    for (std::size_t at = 0; at < bytes.size(); at += 7) {
      reader.feed(bytes.substr(at, 7));
      while (const auto press = reader.next(at % 2 == 1)) {
        if (session.press(*press) == EditSession::Outcome::interrupted) session.clear();
        if (find_invalid_utf8(session.text()) || session.cursor() > session.text().size())
          throw std::logic_error("a message that is not UTF-8, or a cursor outside");
        const EditRows rows = lay_out(session.search_prompt().value_or("> "), ". ", session.text(),
                                      session.cursor(), kColumns);
        if (rows.cursor_row >= rows.rows.size() || rows.cursor_column >= kColumns ||
            rows.cursor_column > rows.rows[rows.cursor_row].width)
          throw std::logic_error("a cursor outside the rows");
      }
    }
  });
}

}  // namespace pomona::cli
