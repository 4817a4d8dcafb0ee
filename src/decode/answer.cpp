#include "decode/answer.h"

#include <algorithm>

namespace pomona::decode {
namespace {

/// Length of the longest end of `text` that `stop` begins with.
std::size_t overlap(std::string_view text, std::string_view stop) {
  for (std::size_t length = std::min(text.size(), stop.size()); length > 0; --length) {
    if (text.substr(text.size() - length) == stop.substr(0, length)) return length;
  }
  return 0;
}

}  // namespace

bool Answer::append(const std::string& piece, bool may_stop) {
  if (piece.empty()) return false;
  text_ += piece;
  if (!may_stop) {
    hand_out(text_.size());
    return false;
  }
  std::size_t first = std::string::npos, held = 0;
  for (const std::string& stop : stop_) {
    if (stop.empty()) continue;
    first = std::min(first, text_.find(stop, handed_out_));
    held = std::max(held, overlap(std::string_view(text_).substr(handed_out_), stop));
  }
  if (first != std::string::npos) {
    text_.resize(first);
    hand_out(text_.size());
    return true;
  }
  hand_out(text_.size() - held);
  return false;
}

void Answer::finish() {
  append(detokenizer_.flush(), true);
  hand_out(text_.size());
}

void Answer::hand_out(std::size_t end) {
  if (end > handed_out_ && on_text_)
    on_text_(std::string_view(text_).substr(handed_out_, end - handed_out_));
  handed_out_ = std::max(handed_out_, end);
}

}  // namespace pomona::decode
