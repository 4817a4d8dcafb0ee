// What every tokeniser offers: text to token ids and back.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pomona::text {

using TokenId = std::int32_t;

/// What a token is, with the numbers of tokenizer.ggml.token_type in GGUF files.
enum class TokenKind : std::uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,       // e.g. <|im_end|>: never made from plain text
  user_defined = 4,  // added text that is always one token
  unused = 5,
  byte = 6,
};

/// The tokens with a role; empty where the vocabulary has none.
struct SpecialTokens {
  std::optional<TokenId> bos;
  std::optional<TokenId> eos;
  std::optional<TokenId> eot;  // ends a turn of a chat
  std::optional<TokenId> unknown;
  std::optional<TokenId> padding;
  bool add_bos = false;
  bool add_eos = false;
};

struct EncodeOptions {
  /// Puts BOS in front and EOS behind where the vocabulary asks for them.
  bool add_special = false;
  /// Reads text such as <|im_end|> as the control token of that name; otherwise it is plain text.
  bool parse_special = false;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// The ids of `text`. Throws bad_argument with the byte offset for ill-formed UTF-8. May be
  /// called from several threads.
  virtual std::vector<TokenId> encode(std::string_view text, EncodeOptions options = {}) const = 0;

  virtual std::size_t vocabulary_size() const = 0;

  /// The bytes a token adds to a text; a control token's are those of its name. May be part of a
  /// character. Throws bad_argument for an id outside the vocabulary, as do the next two.
  virtual std::string_view token_bytes(TokenId id) const = 0;

  /// token_bytes() for a token that nothing stands in front of: without the space that separates
  /// words in most vocabularies made by SentencePiece or for BERT.
  virtual std::string_view first_bytes(TokenId id) const { return token_bytes(id); }

  /// The token as the vocabulary writes it.
  virtual std::string_view token_text(TokenId id) const = 0;

  virtual TokenKind kind(TokenId id) const = 0;

  /// The id of the token that the vocabulary writes so.
  virtual std::optional<TokenId> find(std::string_view token_text) const = 0;

  virtual const SpecialTokens& special() const = 0;

  /// Whether generation ends with this token: EOS, EOT, and control tokens with the well-known
  /// names of such, e.g. <|endoftext|>.
  virtual bool ends_generation(TokenId id) const = 0;

  /// The text of `ids`; ill-formed UTF-8 becomes U+FFFD. Control tokens are left out unless
  /// `control_tokens`.
  std::string decode(std::span<const TokenId> ids, bool control_tokens = false) const;
};

}  // namespace pomona::text
