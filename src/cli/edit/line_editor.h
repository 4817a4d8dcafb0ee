// Reads messages from a terminal, with everything that people expect of keys there.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "cli/console.h"
#include "cli/edit/edit_layout.h"
#include "cli/edit/edit_session.h"
#include "cli/edit/history.h"
#include "cli/edit/key_reader.h"
#include "cli/edit/terminal_mode.h"

namespace pomona::cli {

class LineEditor {
 public:
  enum class Ending { message, interrupt, end };
  struct Reading {
    Ending ending = Ending::message;
    std::string text = {};
    bool quoted = false;  // it stood in long quotes
  };

  /// Standard input and standard error are terminals. Keys typed from now on wait for read().
  /// `commands` must outlive this.
  LineEditor(Console& console, History history, std::span<const std::string_view> commands)
      : console_(console), history_(std::move(history)), commands_(commands) {}

  /// A message; `interrupt` for Ctrl-C where nothing is written, `end` for Ctrl-D there. Throws
  /// cancelled when a signal asks for an end, io.
  Reading read();

 private:
  KeyPress next_key();
  bool fill(bool& nothing_follows);
  bool handle(EditSession::Outcome outcome, EditSession& session, Reading& reading);
  void finish(EditSession& session);
  void remember(const std::string& text);
  void paint(const EditSession& session);
  void forget_paint();

  Console& console_;
  History history_;
  std::span<const std::string_view> commands_;
  TerminalMode mode_;
  KeyReader keys_;
  bool at_end_ = false;  // of the input

  // What is on the terminal of the message that is being written.
  EditRows painted_;
  std::size_t painted_columns_ = 0;
  std::size_t first_ = 0;  // of all rows, the first that is shown
};

}  // namespace pomona::cli
