#include "text/tokenizer.h"

#include "text/detokenizer.h"

namespace pomona::text {

std::string Tokenizer::decode(std::span<const TokenId> ids, bool control_tokens) const {
  Detokenizer detokenizer(*this, control_tokens);
  std::string text;
  for (const TokenId id : ids) text += detokenizer.push(id);
  return text += detokenizer.flush();
}

}  // namespace pomona::text
