// Byte-pair encoding of words (Sennrich et al. 2016, arXiv:1508.07909), over bytes as in GPT-2 or
// over characters as in SentencePiece.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/bpe_merges.h"
#include "text/vocabulary.h"
#include "text/word_model.h"

namespace pomona::text {

/// A merge and the pair it is of.
struct BpeMerge {
  TokenId left, right;
  Merge merge;
};

struct BpeRules {
  bool byte_level = false;         // words are bytes, tokens are in the letters of byte_alphabet.h
  bool whole_words_first = false;  // a word that is a token stands for it without any merging
  bool byte_fallback = false;      // unknown characters become <0x..> tokens
  std::optional<TokenId> unknown;  // for what has no token; without it such a character is left out
  bool fuse_unknown = false;       // one unknown token for neighbouring unknown characters
  std::string prefix;              // stands in front of tokens that do not begin a word
  std::string suffix;              // stands behind tokens that end a word
  std::vector<BpeMerge> merges;
  /// Characters that are no tokens but parts of some; merges give them the numbers behind the
  /// vocabulary's. Those that stay unmerged are unknown.
  std::vector<std::string> extra_characters;
};

class BpeModel : public WordModel {
 public:
  BpeModel(std::shared_ptr<const Vocabulary> vocabulary, BpeRules rules);

  void encode(std::string_view word, std::vector<TokenId>& ids) const override;
  std::unique_ptr<SplitStep> safe_cuts() const override;

 private:
  void index_words();
  std::optional<TokenId> find_word(std::string_view word) const;
  /// Appends what one character or byte is before any merging.
  void add_symbol(std::string_view character, bool first, bool last,
                  std::vector<TokenId>& symbols) const;
  void add_unknown(std::vector<TokenId>& symbols) const;
  bool add_bytes(std::string_view character, std::vector<TokenId>& symbols) const;
  TokenId find_symbol(std::string_view character, bool first, bool last) const;
  void replace_extra(std::vector<TokenId>& symbols) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  BpeRules rules_;
  MergeTable merges_;
  StringIndex words_;  // by bytes, for byte-level vocabularies that look for whole words
  StringArena word_bytes_;
  StringIndex extra_;
  std::vector<TokenId> fallback_;          // the tokens of bytes, or empty
  std::array<TokenId, 256> letters_;       // byte-level: the tokens of bytes; else of ASCII
  std::array<TokenId, 256> last_letters_;  // with the suffix
};

/// Reads the merges of a file one after another, most frequent first. Tokens that do not begin a
/// word have `prefix` in front.
class MergeReader {
 public:
  explicit MergeReader(const Vocabulary& vocabulary, std::string prefix = {})
      : vocabulary_(vocabulary), prefix_(std::move(prefix)) {}

  /// The next merge. Throws bad_file naming the vocabulary's origin if it is no pair of tokens that
  /// together, without the right one's prefix, are another token.
  BpeMerge next(std::string_view left, std::string_view right);

 private:
  const Vocabulary& vocabulary_;
  std::string prefix_;
  std::uint32_t rank_ = 0;
  TokenId likely_ = 0;  // most vocabularies have their tokens in the order of the merges
};

/// The rules of SentencePiece's BPE, which merges the pair whose token has the highest score
/// (Kudo and Richardson 2018, arXiv:1808.06226): one merge for each way to cut a token in two, and
/// the bytes of unknown characters. Tokens that are not normal or user-defined are never made.
BpeRules sentencepiece_rules(const Vocabulary& vocabulary, const std::vector<float>& scores);

}  // namespace pomona::text
