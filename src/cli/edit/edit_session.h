// From key presses to a message: moves and cuts, the way through earlier messages, the search in
// them, messages of several lines, completion of commands. Knows nothing of terminals.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/edit/edit_text.h"
#include "cli/edit/key_reader.h"

namespace pomona::cli {

/// Three of these around a message let Enter break its lines.
inline constexpr std::string_view kLongQuotes = "\"\"\"";

class EditSession {
 public:
  /// What a key press leads to.
  enum class Outcome {
    edited,
    submitted,
    interrupted,
    ended,
    told,  // hint() is to be shown
    clear_screen,
    suspend,
  };

  /// `earlier`: messages, oldest first; `commands`: what Tab completes. Both must outlive this.
  EditSession(const std::vector<std::string>& earlier, std::span<const std::string_view> commands)
      : earlier_(earlier), commands_(commands), place_(earlier.size()) {}

  Outcome press(const KeyPress& press);

  const std::string& text() const { return text_.text(); }
  std::size_t cursor() const { return text_.cursor(); }
  /// A search in place of the usual prompt.
  std::optional<std::string> search_prompt() const;
  const std::string& hint() const { return hint_; }

  void move_to_end() { text_.set(text()); }
  void clear();

 private:
  struct Search {
    std::string query;
    std::size_t place;  // of the entry it stands at
    bool found = true;
    EditText before;
  };

  Outcome enter();
  Outcome complete();
  bool move(Key key);
  bool cut(Key key);
  void go_to(std::size_t place);
  /// nullopt: the search ended, and the key is to be pressed again.
  std::optional<Outcome> press_in_search(const KeyPress& press);
  void search_from(std::size_t end);

  const std::vector<std::string>& earlier_;
  std::span<const std::string_view> commands_;
  EditText text_;
  std::size_t place_;  // in earlier_; its size: the new message
  std::string draft_;  // the new message while an earlier one is shown
  std::optional<Search> search_;
  std::string hint_;
};

/// Whether a message begins with long quotes and does not end with them.
bool quotes_are_open(std::string_view text);

/// The message within long quotes; nullopt if it is in none.
std::optional<std::string> quoted_message(std::string_view text);

}  // namespace pomona::cli
