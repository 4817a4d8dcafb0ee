// Byte-level byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909; over bytes as in GPT-2).
#pragma once
#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/bpe_merges.h"
#include "text/pretokenizer.h"
#include "text/tokenizer.h"

namespace pomona::text {

/// A byte-level BPE vocabulary as files describe it. The views need only live during the
/// construction of BpeTokenizer.
struct BpeSpec {
  std::string origin;                    // the file's name, for errors
  std::vector<std::string_view> tokens;  // in GPT-2's alphabet of visible characters for bytes
  std::vector<std::string_view> merges;  // "left right", most frequent first
  std::vector<TokenKind> kinds;          // one for each token; empty: all normal
  std::string pretokenizer;              // a name that Pretokenizer::find() knows
  SpecialTokens special;
};

class BpeTokenizer : public Tokenizer {
 public:
  /// Throws bad_file for a vocabulary that contradicts itself, unsupported for an unknown
  /// pre-tokeniser.
  explicit BpeTokenizer(const BpeSpec& spec);
  ~BpeTokenizer() override;

  /// As Tokenizer. A byte that has no token of its own is left out, as the reference does.
  std::vector<TokenId> encode(std::string_view text, EncodeOptions options = {}) const override;

  std::size_t vocabulary_size() const override { return tokens_.size(); }
  std::string_view token_bytes(TokenId id) const override;
  std::string_view token_text(TokenId id) const override;
  TokenKind kind(TokenId id) const override;
  std::optional<TokenId> find(std::string_view token_text) const override;
  const SpecialTokens& special() const override { return special_; }
  bool ends_generation(TokenId id) const override;

 private:
  struct Token {
    std::string text;   // as in the file
    std::string bytes;  // what it stands for
    TokenKind kind = TokenKind::normal;
  };
  class WordCache;

  void read_tokens(const BpeSpec& spec);
  void read_merges(const BpeSpec& spec);
  void check_special(const BpeSpec& spec);
  void collect_ends();
  void collect_added(const std::string& origin);
  const Token& at(TokenId id) const;
  void encode_plain(std::string_view text, WordCache* cache, std::vector<TokenId>& ids) const;
  void encode_word(std::string_view word, std::vector<TokenId>& ids) const;

  std::vector<Token> tokens_;
  StringIndex index_;                     // by Token::text
  StringIndex words_;                     // by Token::bytes, only for whole-word vocabularies
  std::array<TokenId, 256> byte_tokens_;  // -1 where a byte has none
  MergeTable merges_;
  Pretokenizer pretokenizer_;
  SpecialTokens special_;
  std::vector<TokenId> ends_;
  AddedTokens added_;  // with control tokens
  AddedTokens user_defined_;
  mutable std::mutex cache_mutex_;
  mutable std::unique_ptr<WordCache> cache_;
};

}  // namespace pomona::text
