// The tokens that stand in text as themselves, such as <|im_end|>, found at a place in it.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pomona::text {

struct AddedToken {
  std::string_view text;  // not empty; somebody else keeps it
  std::int32_t id;
  bool single_word = false;  // only where no letter, digit or the like is beside it
  bool strip_left = false;   // takes the space in front of it along
  bool strip_right = false;  // and that behind it
};

class AddedTokens {
 public:
  /// Bytes of the longest one: a search looks at so many bytes at most.
  static constexpr std::size_t kLongest = 256;

  AddedTokens() = default;
  /// Of several with the same text the first counts.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }

  /// The longest token that `text`, which is not empty, begins with, or null.
  const AddedToken* find(std::string_view text) const {
    const Range range = by_first_byte_[static_cast<unsigned char>(text[0])];
    return range.begin == range.end ? nullptr : find_in(range, text);
  }

  /// A token in a text, with the space it takes along; null and an empty place at the text's end if
  /// there is none.
  struct Place {
    const AddedToken* token;
    std::size_t begin, end;
  };

  /// The first token that begins at byte `from` of `text` or later. Space in front of `from` is
  /// not taken along.
  Place next(std::string_view text, std::size_t from) const;

 private:
  struct Range {
    std::uint32_t begin = 0, end = 0;
  };
  const AddedToken* find_in(Range range, std::string_view text) const;

  std::vector<AddedToken> tokens_;  // by text
  std::array<Range, 256> by_first_byte_ = {};
};

}  // namespace pomona::text
