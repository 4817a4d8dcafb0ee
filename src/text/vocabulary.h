// The tokens of a vocabulary: their texts, what they stand for, and which have a role.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/bpe_merges.h"
#include "text/tokenizer.h"

namespace pomona::text {

/// A vocabulary as files describe it. The views need only live during the construction of
/// Vocabulary.
struct VocabularySpec {
  std::string origin;  // the file's name, for errors
  std::vector<std::string_view> tokens;
  std::vector<TokenKind> kinds;  // one for each token; empty: all normal
  SpecialTokens special;
  std::vector<TokenId> apart;  // tokens that only stand in text as themselves: the model has none
  std::vector<TokenId> ends;   // of generation, beside EOS and those with well-known names
};

/// Keeps strings at one place in memory.
class StringArena {
 public:
  std::string_view keep(std::string_view text);

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 16;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t left_ = 0;
  char* at_ = nullptr;
};

class Vocabulary {
 public:
  /// Throws bad_file for a vocabulary that contradicts itself.
  explicit Vocabulary(const VocabularySpec& spec);

  const std::string& origin() const { return origin_; }
  std::size_t size() const { return tokens_.size(); }

  /// These throw bad_argument for an id outside the vocabulary.
  std::string_view text(TokenId id) const { return at(id).text; }
  TokenKind kind(TokenId id) const { return at(id).kind; }

  /// What the token adds to a text in general, and at the text's very start; both are its own text
  /// unless set_bytes() says otherwise.
  std::string_view bytes(TokenId id) const { return at(id).bytes; }
  std::string_view first_bytes(TokenId id) const { return at(id).first_bytes; }
  void set_bytes(TokenId id, std::string_view bytes, std::string_view first_bytes);

  /// Of several tokens with the same text the first. Empty texts are not found.
  std::optional<TokenId> find(std::string_view text) const { return index_.find(text); }

  /// As find(), of the tokens that the model knows.
  std::optional<TokenId> find_in_model(std::string_view text) const;
  /// Whether find_in_model() gives `id` for the text `left` and `right` together; any number will
  /// do.
  bool is_found_as(TokenId id, std::string_view left, std::string_view right) const;
  bool in_model(TokenId id) const { return at(id).in_model; }

  /// The tokens of the bytes, <0x00> to <0xFF>; -1 where there is none.
  std::vector<TokenId> byte_tokens() const;

  const SpecialTokens& special() const { return special_; }
  bool ends_generation(TokenId id) const;

 private:
  struct Token {
    std::string_view text, bytes, first_bytes;
    TokenKind kind = TokenKind::normal;
    bool in_model = true;
    bool is_first = true;  // of those with this text
  };
  const Token& at(TokenId id) const;
  void check_special() const;
  void collect_ends(const std::vector<TokenId>& more);

  std::string origin_;
  StringArena arena_;
  std::vector<Token> tokens_;
  bool all_in_model_ = true;
  StringIndex index_;
  SpecialTokens special_;
  std::vector<TokenId> ends_;
};

/// The value of a token such as <0x0A>, or nullopt.
std::optional<unsigned char> byte_of_token(std::string_view text);

}  // namespace pomona::text
