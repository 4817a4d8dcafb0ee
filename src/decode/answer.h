// The text of one answer as its tokens come: whole characters, ended by stop texts that are not
// part of it.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/detokenizer.h"

namespace pomona::decode {

class Answer {
 public:
  /// `on_text` (may be empty) receives text that no stop text can take back any more.
  Answer(const text::Tokenizer& tokenizer, std::vector<std::string> stop,
         std::function<void(std::string_view)> on_text)
      : detokenizer_(tokenizer), stop_(std::move(stop)), on_text_(std::move(on_text)) {}

  /// Adds a token; true if a stop text is complete, which ends the answer before it. Text of a
  /// token that may not stop is never part of a stop text.
  bool push(text::TokenId token, bool may_stop = true) {
    return append(detokenizer_.push(token), may_stop);
  }

  /// No more tokens: hands out the rest.
  void finish();

  const std::string& text() const { return text_; }

 private:
  bool append(const std::string& piece, bool may_stop);
  void hand_out(std::size_t end);

  text::Detokenizer detokenizer_;
  std::vector<std::string> stop_;
  std::function<void(std::string_view)> on_text_;
  std::string text_;
  std::size_t handed_out_ = 0;
};

}  // namespace pomona::decode
