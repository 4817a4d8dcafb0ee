#include "cli/edit/key_reader.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "text/detokenizer.h"

namespace pomona::cli {
namespace {

constexpr char kEscape = '\x1b';
constexpr std::string_view kPasteBegin = "\x1b[200~";
constexpr std::string_view kPasteEnd = "\x1b[201~";

struct Sequence {
  std::string_view bytes;  // behind Esc
  Key key;
};

constexpr Sequence kSequences[] = {
    {"[A", Key::up},
    {"OA", Key::up},
    {"[B", Key::down},
    {"OB", Key::down},
    {"[C", Key::right},
    {"OC", Key::right},
    {"[D", Key::left},
    {"OD", Key::left},
    {"[1;5C", Key::word_right},
    {"[1;3C", Key::word_right},
    {"Oc", Key::word_right},
    {"f", Key::word_right},
    {"[1;5D", Key::word_left},
    {"[1;3D", Key::word_left},
    {"Od", Key::word_left},
    {"b", Key::word_left},
    {"[H", Key::line_begin},
    {"OH", Key::line_begin},
    {"[1~", Key::line_begin},
    {"[7~", Key::line_begin},
    {"[F", Key::line_end},
    {"OF", Key::line_end},
    {"[4~", Key::line_end},
    {"[8~", Key::line_end},
    {"[3~", Key::remove},
    {"[3;5~", Key::cut_to_word_end},
    {"d", Key::cut_to_word_end},
    {"\x7f", Key::cut_to_word_begin},
    {"\b", Key::cut_to_word_begin},
    {"<", Key::oldest},
    {">", Key::newest},
    {"[5~", Key::older},
    {"[6~", Key::newer},
    {"\r", Key::line_break},
    {"\n", Key::line_break},
    {"[13;2u", Key::line_break},  // Shift-Enter, Alt-Enter, Ctrl-Enter where a terminal tells them
    {"[13;3u", Key::line_break},
    {"[13;5u", Key::line_break},
    {"[27;2;13~", Key::line_break},
    {"[27;5;13~", Key::line_break},
    {"OM", Key::enter},  // the number pad's
};

/// Ctrl-@ to Ctrl-_, in the order of their codes.
constexpr std::array<Key, 32> kControls = {Key::none,          Key::line_begin,
                                           Key::left,          Key::interrupt,
                                           Key::end_or_remove, Key::line_end,
                                           Key::right,         Key::cancel,
                                           Key::backspace,     Key::tab,
                                           Key::line_break,    Key::cut_to_line_end,
                                           Key::clear_screen,  Key::enter,
                                           Key::newer,         Key::none,
                                           Key::older,         Key::none,
                                           Key::search,        Key::none,
                                           Key::none,          Key::cut_to_line_begin,
                                           Key::none,          Key::cut_word_left,
                                           Key::none,          Key::paste,
                                           Key::suspend,       Key::none,
                                           Key::none,          Key::none,
                                           Key::none,          Key::none};

/// The bytes of the sequence that begins with Esc; 0 if it may go on.
std::size_t sequence_length(std::string_view bytes) {
  if (bytes.size() < 2) return 0;
  if (bytes[1] == 'O') return bytes.size() < 3 ? 0 : 3;
  if (bytes[1] != '[') return 2;
  std::size_t at = bytes.starts_with("\x1b[[") ? 3 : 2;  // the Linux console's function keys
  while (at < bytes.size() && bytes[at] >= 0x20 && bytes[at] < 0x40) ++at;
  return at == bytes.size() ? 0 : at + 1;
}

/// Without C1 controls (U+0080 to U+009F), which steer a terminal as Esc does.
std::string without_controls(std::string_view well_formed) {
  std::string text;
  text.reserve(well_formed.size());
  for (std::size_t at = 0; at < well_formed.size(); ++at) {
    const bool control = well_formed[at] == '\xC2' && well_formed[at + 1] < '\xA0';
    if (control) {
      ++at;
    } else {
      text += well_formed[at];
    }
  }
  return text;
}

/// Without what would be more than text on a terminal, or to the model.
std::string as_text(std::string_view pasted) {
  std::string bytes = replace_all(replace_all(pasted, "\r\n", "\n"), "\r", "\n");
  std::erase_if(bytes, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == '\x7f';
  });
  return without_controls(text::take_well_formed(bytes, true));
}

}  // namespace

std::optional<KeyPress> KeyReader::next(bool nothing_follows) {
  if (bytes_.empty()) return std::nullopt;
  if (bytes_.starts_with(kPasteBegin)) return pasted(nothing_follows);
  if (bytes_.front() == kEscape) return escape(nothing_follows);
  const auto first = static_cast<unsigned char>(bytes_.front());
  if (first < kControls.size()) return take(1, kControls[first]);
  if (first == 0x7f) return take(1, Key::backspace);
  return characters(nothing_follows);
}

KeyPress KeyReader::take(std::size_t size, Key key) {
  bytes_.erase(0, size);
  return {key};
}

std::optional<KeyPress> KeyReader::escape(bool nothing_follows) {
  const std::size_t length = sequence_length(bytes_);
  if (length == 0) {
    if (!nothing_follows) return std::nullopt;
    return bytes_.size() == 1 ? take(1, Key::cancel) : take(bytes_.size(), Key::none);
  }
  const std::string_view sequence = std::string_view(bytes_).substr(1, length - 1);
  const auto* const found = std::ranges::find(kSequences, sequence, &Sequence::bytes);
  if (found != std::end(kSequences)) return take(length, found->key);
  // Esc before another key is not that key's: Esc, then the key.
  if (length == 2 &&
      (sequence.front() == kEscape || static_cast<signed char>(sequence.front()) < ' '))
    return take(1, Key::cancel);
  return take(length, Key::none);
}

std::optional<KeyPress> KeyReader::pasted(bool nothing_follows) {
  constexpr std::string_view kLeave = "\x03\x03";
  const std::size_t end = bytes_.find(kPasteEnd);
  if (end == std::string::npos) {  // if its end got lost, Ctrl-C twice is the way out
    if (!nothing_follows || !bytes_.ends_with(kLeave)) return std::nullopt;
    return take(bytes_.size(), Key::interrupt);
  }
  KeyPress press = {Key::text, as_text(std::string_view(bytes_).substr(kPasteBegin.size(),
                                                                       end - kPasteBegin.size()))};
  bytes_.erase(0, end + kPasteEnd.size());
  return press;
}

std::optional<KeyPress> KeyReader::characters(bool nothing_follows) {
  const auto ends = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; };
  const auto size = static_cast<std::size_t>(std::ranges::find_if(bytes_, ends) - bytes_.begin());
  std::string front = bytes_.substr(0, size);
  const bool complete = nothing_follows || size < bytes_.size();
  std::string text = text::take_well_formed(front, complete);  // leaves a character's beginning
  if (text.empty() && !complete) return std::nullopt;
  bytes_.replace(0, size, front);
  return KeyPress{Key::text, without_controls(text)};
}

}  // namespace pomona::cli
