#include "cli/edit/line_editor.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

#include "base/error.h"
#include "base/file.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"

namespace pomona::cli {
namespace {

constexpr std::string_view kPrompt = "> ";
constexpr std::string_view kMorePrompt = "… ";
constexpr int kEscapeMilliseconds = 50;  // the rest of a key's sequence comes within

std::string move_by(std::size_t count, char direction) {
  return count == 0 ? "" : fmt::format("\x1b[{}{}", count, direction);
}

}  // namespace

LineEditor::Reading LineEditor::read() {
  mode_.keys();
  struct Leave {
    ~Leave() { TerminalMode::busy(); }
  } const leave;
  EditSession session(history_.entries(), commands_);
  forget_paint();
  Reading reading;
  for (;;) {
    if (!keys_.waits()) paint(session);
    const KeyPress press = next_key();
    if (at_end_) return {.ending = Ending::end};
    if (handle(session.press(press), session, reading)) return reading;
  }
}

/// True once there is a reading.
bool LineEditor::handle(EditSession::Outcome outcome, EditSession& session, Reading& reading) {
  switch (outcome) {
    case EditSession::Outcome::edited:
      return false;
    case EditSession::Outcome::submitted: {
      finish(session);
      remember(session.text());
      auto quoted = quoted_message(session.text());
      reading = {.text = quoted.value_or(session.text()), .quoted = quoted.has_value()};
      return true;
    }
    case EditSession::Outcome::interrupted:
      finish(session);
      reading.ending = Ending::interrupt;
      if (session.text().empty()) return true;
      session.clear();
      return false;
    case EditSession::Outcome::ended:
      finish(session);
      reading.ending = Ending::end;
      return true;
    case EditSession::Outcome::told: {
      finish(session);
      console_.note(session.hint());
      return false;
    }
    case EditSession::Outcome::clear_screen:
      console_.prompt("\x1b[H\x1b[2J");
      forget_paint();
      return false;
    case EditSession::Outcome::suspend:
      finish(session);
      TerminalMode::suspend();
      return false;
  }
  return false;
}

/// Leaves the message as it is and goes below it.
void LineEditor::finish(EditSession& session) {
  session.move_to_end();
  paint(session);
  console_.prompt("\n");
  forget_paint();
}

void LineEditor::remember(const std::string& text) {
  try {
    history_.add(text);
  } catch (const Error& error) {
    console_.note(fmt::format("pomona: the history is not kept: {}", error.what()));
  }
}

/// Key::none when the message has to be painted anew, or at the end of the input.
KeyPress LineEditor::next_key() {
  for (bool nothing_follows = false;;) {
    if (auto press = keys_.next(nothing_follows)) return *std::move(press);
    if (!fill(nothing_follows)) return {};
  }
}

/// Waits for bytes, for a moment only where a key has begun. False at the end of the input, and
/// after a change of the terminal's size.
bool LineEditor::fill(bool& nothing_follows) {
  pollfd waited[] = {{STDIN_FILENO, POLLIN, 0},
                     {interrupt_descriptor(), POLLIN, 0},
                     {resize_descriptor(), POLLIN, 0}};
  const int ready = ::poll(waited, std::size(waited), keys_.waits() ? kEscapeMilliseconds : -1);
  console_.stop().check("reading standard input");
  nothing_follows = ready == 0;
  if (ready <= 0) return true;
  if (waited[2].revents != 0) {
    read_resize();
    return false;
  }
  if (waited[0].revents == 0) return true;
  char buffer[1 << 12];
  const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
  if (count > 0) keys_.feed({buffer, static_cast<std::size_t>(count)});
  if (count == 0 || (count < 0 && errno != EINTR)) at_end_ = true;
  return !at_end_;
}

void LineEditor::paint(const EditSession& session) {
  const TerminalSize size = terminal_size(STDERR_FILENO);
  const EditRows laid = lay_out(session.search_prompt().value_or(std::string(kPrompt)), kMorePrompt,
                                session.text(), session.cursor(), size.columns);
  std::size_t above = painted_.cursor_row;
  if (painted_columns_ != size.columns && !painted_.rows.empty())
    above = rows_above(painted_.rows, painted_.cursor_row, painted_.cursor_column, size.columns);
  first_ = first_shown(first_, laid.rows.size(), laid.cursor_row, size.rows);
  const std::size_t end = std::min(first_ + size.rows, laid.rows.size());
  std::string out = fmt::format("\r{}\x1b[J", move_by(above, 'A'));
  painted_ = {{}, laid.cursor_row - first_, laid.cursor_column};
  for (std::size_t row = first_; row < end; ++row) {
    if (row > first_) out += "\n";
    out += laid.rows[row].text;
    painted_.rows.push_back(laid.rows[row]);
  }
  painted_columns_ = size.columns;
  out += fmt::format("{}\r{}", move_by(painted_.rows.size() - 1 - painted_.cursor_row, 'A'),
                     move_by(painted_.cursor_column, 'C'));
  console_.prompt(out);
}

void LineEditor::forget_paint() {
  painted_ = {};
  first_ = 0;
}

}  // namespace pomona::cli
