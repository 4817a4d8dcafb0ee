// Cuts a text where no merge of byte-pair encoding joins the two characters: merging the parts one
// by one gives the tokens of the whole.
#pragma once
#include <array>
#include <bitset>
#include <memory>

#include "base/string_hash.h"
#include "text/code_points.h"
#include "text/pretokenizer.h"

namespace pomona::text {

class MergeCuts : public SplitStep {
 public:
  /// Cuts everywhere, or only in front of `before`.
  explicit MergeCuts(char32_t before = 0) : before_(before) {}

  /// There is a merge of two tokens with these texts, which are not empty.
  void join(std::string_view left, std::string_view right) {
    std::size_t last = left.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(left[last]) & 0xC0) == 0x80) --last;
    joined_->set(place(code_point_at(left, last).value, code_point_at(right, 0).value));
  }

  void split(const Piece& piece, PieceSink next) const override {
    const std::string_view text = piece.text;
    std::size_t begin = 0;
    CodePoint left = code_point_at(text, 0);
    for (std::size_t at = left.length; at < text.size();) {
      const CodePoint right = code_point_at(text, at);
      const bool may = before_ == 0 || right.value == before_;
      if (may && !joined_->test(place(left.value, right.value))) {
        next(Piece{text.substr(begin, at - begin), piece.at_start && begin == 0});
        begin = at;
      }
      left = right;
      at += right.length;
    }
    next(Piece{text.substr(begin), piece.at_start && begin == 0});
  }

 private:
  char32_t before_;
  /// Two ASCII characters have a place of their own; others share theirs, which costs cuts only.
  static std::size_t place(char32_t left, char32_t right) {
    if ((left | right) < 128) return left << 7 | right;
    return hash_number(std::uint64_t{left} << 32 | right, 0) >> 44;
  }
  std::unique_ptr<std::bitset<std::size_t{1} << 20>> joined_ =
      std::make_unique<std::bitset<std::size_t{1} << 20>>();
};

}  // namespace pomona::text
