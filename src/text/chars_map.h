// SentencePiece's precompiled table of replacements: a double-array trie (Aoe 1989; as the library
// Darts-clone lays it out) whose values are places in a block of texts.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/normalizer.h"

namespace pomona::text {

class CharsMap {
 public:
  /// `blob`: the trie's size in bytes (u32), the trie (u32 each, little-endian), the texts, each
  /// with a zero byte behind it. Throws bad_file for a blob that cannot be that.
  explicit CharsMap(std::string_view blob);

  struct Match {
    std::size_t length;  // bytes of the text
    std::string_view replacement;
  };

  /// The shortest and the longest front of `text` with a replacement.
  std::optional<Match> shortest(std::string_view text) const { return match(text, false); }
  std::optional<Match> longest(std::string_view text) const { return match(text, true); }

 private:
  std::optional<Match> match(std::string_view text, bool longest) const;

  std::vector<std::uint32_t> units_;
  std::string texts_;
};

/// As the hub's tokenizers library: the replacement of each short grapheme whole, else that of its
/// characters.
Normalizer::Step precompiled_step(std::shared_ptr<const CharsMap> map);

/// What SentencePiece does with space.
struct SpaceRules {
  bool prefix = true;         // a space in front of the first word
  bool merge_spaces = false;  // none around the text, one between words
};

/// As SentencePiece itself: from the front always a text of `kept`, which stays, or else the
/// longest replacement (of `map`, which may be null); then space, which becomes U+2581.
Normalizer::Step sentencepiece_step(std::shared_ptr<const CharsMap> map,
                                    std::shared_ptr<const AddedTokens> kept, SpaceRules rules);

}  // namespace pomona::text
