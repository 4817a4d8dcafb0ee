// What a terminal sends for the keys of a keyboard, as xterm, its relatives and the Linux console
// do (ECMA-48 control sequences; xterm's ctlseqs for modifiers and bracketed paste).
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace pomona::cli {

enum class Key {
  text,  // one or more characters
  enter,
  line_break,
  tab,
  left,
  right,
  up,
  down,
  word_left,
  word_right,
  line_begin,
  line_end,
  older,  // in the history, wherever the cursor is
  newer,
  oldest,
  newest,
  search,
  backspace,
  remove,
  cut_word_left,
  cut_to_word_begin,
  cut_to_word_end,
  cut_to_line_begin,
  cut_to_line_end,
  paste,
  clear_screen,
  cancel,
  interrupt,      // Ctrl-C
  end_or_remove,  // Ctrl-D
  suspend,        // Ctrl-Z
  none,           // one without a meaning here
};

struct KeyPress {
  Key key = Key::none;
  std::string text = {};  // of Key::text; well-formed, line breaks as \n
};

/// Makes key presses of bytes.
class KeyReader {
 public:
  void feed(std::string_view bytes) { bytes_ += bytes; }

  /// The next key press; nullopt if there is none, or not all of it is here yet. With
  /// `nothing_follows`, what is here is all: Esc alone is a key then.
  std::optional<KeyPress> next(bool nothing_follows);

  /// Whether bytes are left that are no whole key press.
  bool waits() const { return !bytes_.empty(); }

 private:
  KeyPress take(std::size_t size, Key key);
  std::optional<KeyPress> escape(bool nothing_follows);
  std::optional<KeyPress> pasted(bool nothing_follows);
  std::optional<KeyPress> characters(bool nothing_follows);

  std::string bytes_;
};

}  // namespace pomona::cli
