// Turns tokens into text one by one, never handing out part of a character.
#pragma once
#include <string>

#include "text/tokenizer.h"

namespace pomona::text {

/// Bytes that can no longer become a character turn into U+FFFD, one for each maximal subpart of an
/// ill-formed sequence (Unicode 15, section 3.9, "U+FFFD substitution of maximal subparts").
class Detokenizer {
 public:
  /// `tokenizer` must outlive this. Control tokens are left out unless `control_tokens`.
  /// With `continues`, the tokens go on after a text that somebody else has.
  explicit Detokenizer(const Tokenizer& tokenizer, bool control_tokens = false,
                       bool continues = false)
      : tokenizer_(tokenizer), control_tokens_(control_tokens), first_(!continues) {}

  /// The text that `id` completes: possibly empty, always well-formed. Throws bad_argument for an
  /// id outside the vocabulary.
  std::string push(TokenId id);

  /// What is left at the end of the tokens; afterwards a new text may begin.
  std::string flush();

 private:
  const Tokenizer& tokenizer_;
  bool control_tokens_;
  bool first_;           // nothing was handed in yet
  std::string pending_;  // bytes not handed out yet
};

/// `bytes` with every maximal ill-formed subpart replaced by U+FFFD. Unless `last`, bytes at the
/// end that more bytes could complete stay behind in `bytes`, which is otherwise emptied.
std::string take_well_formed(std::string& bytes, bool last);

}  // namespace pomona::text
