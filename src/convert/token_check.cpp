#include <algorithm>

#include "base/random.h"
#include "base/text.h"
#include "convert/tokenizers.h"
#include "text/normalizer.h"

namespace pomona::convert {
namespace {

using text::TokenId;
using text::Tokenizer;

constexpr std::string_view kProse =
    "The pear tree of 1984 stood in the orchard: \"three apples, 12.5 kg!\" she said.\n\n"
    "  Ångström naïve café — Ελλάδα, Россия; 東京 の 梨は 3 個。 مرحبا "
    "🍐👩‍🌾\tint "
    "main() "
    "{ "
    "return 0; }\r\n"
    "don't we'll I'M   x==y\n";

/// A text of `count` tokens drawn from the vocabulary; those that are no whole characters, and
/// control tokens, are left out.
std::string drawn_text(const Tokenizer& tokenizer, const Random& random, std::uint64_t first,
                       std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = static_cast<TokenId>(random.below(first + i, tokenizer.vocabulary_size()));
    const std::string_view bytes = tokenizer.token_bytes(id);
    const bool plain = tokenizer.kind(id) == text::TokenKind::normal ||
                       tokenizer.kind(id) == text::TokenKind::user_defined;
    if (plain && !find_invalid_utf8(bytes)) text.append(bytes);
  }
  return text;
}

}  // namespace

TokenCheck compare_tokens(const model::ModelText& a, const model::ModelText& b) {
  constexpr std::size_t kTexts = 256, kTokens = 32;
  const Random random(0, 0);
  const text::Normalizer::Step compose = text::normal_form_step(text::NormalForm::nfc);
  std::vector<std::string> texts = {std::string(kProse)};
  if (a.chat_template) texts.push_back(*a.chat_template);
  for (std::size_t i = 0; i < kTexts; ++i)
    texts.push_back(drawn_text(*a.tokenizer, random, i * kTokens, kTokens));

  TokenCheck check;
  for (std::string& text : texts) {
    compose(text);  // GGUF's tokenisers leave texts as they are, and most people write composed
    const text::EncodeOptions plain, special = {.add_special = true, .parse_special = true};
    const bool same = a.tokenizer->encode(text, plain) == b.tokenizer->encode(text, plain) &&
                      a.tokenizer->encode(text, special) == b.tokenizer->encode(text, special);
    ++check.texts;
    if (same) continue;
    if (check.different++ == 0) check.example = text;
  }
  return check;
}

}  // namespace pomona::convert
