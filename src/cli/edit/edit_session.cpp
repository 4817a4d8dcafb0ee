#include "cli/edit/edit_session.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "text/unicode.h"

namespace pomona::cli {
namespace {

/// The front that all of `words` have.
std::string_view common_front(const std::vector<std::string_view>& words) {
  std::string_view front = words.front();
  for (const std::string_view word : words)
    front = front.substr(
        0, static_cast<std::size_t>(std::ranges::mismatch(front, word).in1 - front.begin()));
  return front;
}

void remove_last_character(std::string& text) {
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) text.pop_back();
  if (!text.empty()) text.pop_back();
}

}  // namespace

bool quotes_are_open(std::string_view text) {
  text = trim(text);
  return text.starts_with(kLongQuotes) &&
         !(text.size() >= 2 * kLongQuotes.size() && text.ends_with(kLongQuotes));
}

std::optional<std::string> quoted_message(std::string_view text) {
  text = trim(text);
  if (!text.starts_with(kLongQuotes) || quotes_are_open(text)) return std::nullopt;
  text.remove_prefix(kLongQuotes.size());
  text.remove_suffix(kLongQuotes.size());
  if (text.starts_with('\n')) text.remove_prefix(1);
  if (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text);
}

EditSession::Outcome EditSession::press(const KeyPress& press) {
  if (search_) {
    if (const auto outcome = press_in_search(press)) return *outcome;
  }
  if (move(press.key) || cut(press.key)) return Outcome::edited;
  switch (press.key) {
    case Key::text:
      text_.insert(press.text);
      break;
    case Key::line_break:
      text_.insert("\n");
      break;
    case Key::enter:
      return enter();
    case Key::tab:
      return complete();
    case Key::search:
      search_ = Search{"", place_, true, text_};
      break;
    case Key::end_or_remove:
      if (text_.empty()) return Outcome::ended;
      text_.erase_right();
      break;
    case Key::interrupt:
      return Outcome::interrupted;
    case Key::clear_screen:
      return Outcome::clear_screen;
    case Key::suspend:
      return Outcome::suspend;
    default:
      break;
  }
  return Outcome::edited;
}

void EditSession::clear() {
  text_.set("");
  draft_.clear();
  place_ = earlier_.size();
}

bool EditSession::move(Key key) {
  switch (key) {
    case Key::left:
      text_.left();
      return true;
    case Key::right:
      text_.right();
      return true;
    case Key::word_left:
      text_.word_left();
      return true;
    case Key::word_right:
      text_.word_right();
      return true;
    case Key::line_begin:
      text_.line_begin();
      return true;
    case Key::line_end:
      text_.line_end();
      return true;
    case Key::up:
      if (text_.line_up()) return true;
      [[fallthrough]];
    case Key::older:
      if (place_ > 0) go_to(place_ - 1);
      return true;
    case Key::down:
      if (text_.line_down()) return true;
      [[fallthrough]];
    case Key::newer:
      if (place_ < earlier_.size()) go_to(place_ + 1);
      return true;
    case Key::oldest:
      go_to(0);
      return true;
    case Key::newest:
      go_to(earlier_.size());
      return true;
    default:
      return false;
  }
}

bool EditSession::cut(Key key) {
  switch (key) {
    case Key::backspace:
      text_.erase_left();
      return true;
    case Key::remove:
      text_.erase_right();
      return true;
    case Key::cut_word_left:
      text_.cut_word_left();
      return true;
    case Key::cut_to_word_begin:
      text_.cut_to_word_begin();
      return true;
    case Key::cut_to_word_end:
      text_.cut_to_word_end();
      return true;
    case Key::cut_to_line_begin:
      text_.cut_to_line_begin();
      return true;
    case Key::cut_to_line_end:
      text_.cut_to_line_end();
      return true;
    case Key::paste:
      text_.paste();
      return true;
    default:
      return false;
  }
}

EditSession::Outcome EditSession::enter() {
  if (text_.at_end() && text().ends_with('\\')) {
    text_.erase_left();
    text_.insert("\n");
    return Outcome::edited;
  }
  if (quotes_are_open(text())) {
    text_.insert("\n");
    return Outcome::edited;
  }
  return Outcome::submitted;
}

EditSession::Outcome EditSession::complete() {
  std::vector<std::string_view> fitting;
  for (const std::string_view command : commands_)
    if (!text_.empty() && command.starts_with(text())) fitting.push_back(command);
  if (fitting.empty()) return Outcome::edited;
  const std::string_view front = common_front(fitting);
  if (front.size() > text().size() || fitting.size() == 1) {
    text_.set(std::string(front));
    return Outcome::edited;
  }
  hint_ = fmt::format("{}", fmt::join(fitting, "  "));
  return Outcome::told;
}

void EditSession::go_to(std::size_t place) {
  if (place_ == earlier_.size()) draft_ = text();
  place_ = place;
  text_.set(place == earlier_.size() ? draft_ : earlier_[place]);
}

std::optional<std::string> EditSession::search_prompt() const {
  if (!search_) return std::nullopt;
  return fmt::format("({}: {}) ", search_->found ? "search" : "not found", search_->query);
}

std::optional<EditSession::Outcome> EditSession::press_in_search(const KeyPress& press) {
  switch (press.key) {
    case Key::text:
      search_->query += press.text;
      search_from(search_->place + 1);
      return Outcome::edited;
    case Key::backspace:
      remove_last_character(search_->query);
      search_from(earlier_.size());
      return Outcome::edited;
    case Key::search:
      search_from(search_->place);
      return Outcome::edited;
    case Key::cancel:
    case Key::interrupt:
      text_ = search_->before;
      search_.reset();
      return Outcome::edited;
    default:
      if (search_->place < earlier_.size() && search_->place != place_) {
        const std::size_t cursor = text_.cursor();
        if (place_ == earlier_.size()) draft_ = search_->before.text();
        place_ = search_->place;
        text_.set(earlier_[place_], cursor);
      }
      search_.reset();
      return std::nullopt;
  }
}

/// Shows the newest entry before `end` that has the query in it; where there is none, what is shown
/// stays.
void EditSession::search_from(std::size_t end) {
  search_->found = search_->query.empty();
  if (search_->query.empty()) return;
  for (std::size_t place = std::min(end, earlier_.size()); place-- > 0;) {
    const std::size_t at = earlier_[place].find(search_->query);
    if (at == std::string::npos) continue;
    search_->found = true;
    search_->place = place;
    text_.set(earlier_[place], at);
    return;
  }
}

}  // namespace pomona::cli
