#include <algorithm>

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"
#include "convert/tokenizers.h"
#include "text/normalizer.h"

namespace pomona::convert {
namespace {

using text::TokenId;
using text::Tokenizer;

/// Scripts, numbers, kinds of space, contractions, and characters that compatibility forms change.
constexpr std::string_view kProse =
    "The pear tree of 1984 stood in the orchard: \"three apples, 12.5 kg!\" she said.\n\n"
    "  Ångström naïve café — Ελλάδα, Россия; 東京 の 梨は 3 個。 مرحبا "
    "🍐👩‍🌾\n"
    "\tint main() { return 0; }\r\ndon't we'll I'M   x==y \ufb01ve \uff12 \u00bd\n";

/// A text of `count` tokens drawn from the vocabulary; those that are no whole characters, and
/// control tokens, are left out.
std::string drawn_text(const Tokenizer& tokenizer, const Random& random, std::uint64_t first,
                       std::size_t count, bool with_added) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = static_cast<TokenId>(random.below(first + i, tokenizer.vocabulary_size()));
    const std::string_view bytes = tokenizer.token_bytes(id);
    const bool plain = tokenizer.kind(id) == text::TokenKind::normal ||
                       (with_added && tokenizer.kind(id) == text::TokenKind::user_defined);
    if (plain && !find_invalid_utf8(bytes)) text.append(bytes);
  }
  return text;
}

bool are_same(const std::string& text, const Tokenizer& a, const Tokenizer& b) {
  const text::EncodeOptions plain, special = {.add_special = true, .parse_special = true};
  return a.encode(text, plain) == b.encode(text, plain) &&
         a.encode(text, special) == b.encode(text, special);
}

/// The special tokens that take spaces with them, or stand for themselves only as words of their
/// own, in one of the two.
std::vector<std::string> differing_tokens(const Tokenizer& a, const Tokenizer& b) {
  constexpr int kMost = 1000;  // some vocabularies keep thousands for later
  std::vector<std::string> differing;
  int count = 0;
  for (TokenId id = 0; id < static_cast<TokenId>(a.vocabulary_size()) && count < kMost; ++id) {
    const text::TokenKind kind = a.kind(id);
    if (kind != text::TokenKind::control && kind != text::TokenKind::user_defined) continue;
    const std::string token(a.token_text(id));
    if (token.empty() || find_invalid_utf8(token)) continue;
    ++count;
    const std::string text = fmt::format("pear {0} tree{0}knife{0}\n hill", token);
    if (!are_same(text, a, b)) differing.push_back(token);
  }
  return differing;
}

}  // namespace

TokenCheck compare_tokens(const model::ModelText& a, const model::ModelText& b,
                          Beginnings beginnings) {
  const bool whole = beginnings == Beginnings::same;
  constexpr std::size_t kTexts = 256, kTokens = 32;
  const Random random(0, 0);
  const text::Normalizer::Step compose = text::normal_form_step(text::NormalForm::nfc);
  std::vector<std::string> texts = {std::string(kProse)};
  if (a.chat_template) texts.push_back(*a.chat_template);
  const std::size_t usual = texts.size();
  for (std::size_t i = 0; i < kTexts; ++i)
    texts.push_back(drawn_text(*a.tokenizer, random, i * kTokens, kTokens, whole));

  TokenCheck check;
  check.texts = static_cast<std::int64_t>(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    compose(texts[i]);  // GGUF's tokenisers leave texts as they are, and most people write composed
    if (!whole) texts[i].erase(0, texts[i].find_first_not_of(" \n\r\t"));
    if (whole ? are_same(texts[i], *a.tokenizer, *b.tokenizer)
              : a.tokenizer->encode(texts[i]) == b.tokenizer->encode(texts[i]))
      continue;
    if (check.different++ == 0) check.example = texts[i];
    check.usual_differ = check.usual_differ || i < usual;
  }
  if (whole) check.special = differing_tokens(*a.tokenizer, *b.tokenizer);
  return check;
}

}  // namespace pomona::convert
