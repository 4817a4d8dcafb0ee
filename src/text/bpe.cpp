#include "text/bpe.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "text/byte_alphabet.h"
#include "text/code_points.h"
#include "text/merge_cuts.h"

namespace pomona::text {
namespace {

/// A character's place at which no token is.
constexpr TokenId kNone = -1;

}  // namespace

BpeModel::BpeModel(std::shared_ptr<const Vocabulary> vocabulary, BpeRules rules)
    : vocabulary_(std::move(vocabulary)),
      rules_(std::move(rules)),
      merges_(rules_.merges.size()),
      extra_(rules_.extra_characters.size()) {
  for (const BpeMerge& merge : rules_.merges) merges_.add(merge.left, merge.right, merge.merge);
  TokenId number = static_cast<TokenId>(vocabulary_->size());
  for (const std::string& character : rules_.extra_characters) extra_.add(character, number++);
  if (rules_.byte_fallback) fallback_ = vocabulary_->byte_tokens();
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::string letter;
    if (rules_.byte_level) {
      append_utf8(letter, letter_of_byte(static_cast<unsigned char>(byte)));
    } else if (byte < 0x80) {
      letter = static_cast<char>(byte);
    }
    letters_[byte] = vocabulary_->find_in_model(letter).value_or(kNone);
    last_letters_[byte] = vocabulary_->find_in_model(letter + rules_.suffix).value_or(kNone);
    if (!rules_.byte_level && letters_[byte] == kNone && rules_.suffix.empty())
      letters_[byte] = last_letters_[byte] = extra_.find(letter).value_or(kNone);
  }
  if (rules_.byte_level && rules_.whole_words_first) index_words();
}

void BpeModel::index_words() {
  words_ = StringIndex(vocabulary_->size());
  for (std::size_t i = 0; i < vocabulary_->size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (vocabulary_->kind(id) != TokenKind::normal || !vocabulary_->in_model(id)) continue;
    if (const auto bytes = bytes_of_letters(vocabulary_->text(id)); bytes && !bytes->empty())
      words_.add(word_bytes_.keep(*bytes), id);
  }
}

std::optional<TokenId> BpeModel::find_word(std::string_view word) const {
  return rules_.byte_level ? words_.find(word) : vocabulary_->find_in_model(word);
}

void BpeModel::encode(std::string_view word, std::vector<TokenId>& ids) const {
  if (rules_.whole_words_first) {
    if (const auto id = find_word(word)) {
      ids.push_back(*id);
      return;
    }
  }
  std::vector<TokenId> symbols;
  symbols.reserve(word.size());
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t length = rules_.byte_level ? 1 : code_point_at(word, at).length;
    add_symbol(word.substr(at, length), at == 0, at + length == word.size(), symbols);
    at += length;
  }
  merge_word(merges_, symbols);
  if (!rules_.extra_characters.empty()) replace_extra(symbols);
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

void BpeModel::add_symbol(std::string_view character, bool first, bool last,
                          std::vector<TokenId>& symbols) const {
  const TokenId id = find_symbol(character, first, last);
  if (id != kNone) {
    symbols.push_back(id);
  } else if (!add_bytes(character, symbols)) {
    add_unknown(symbols);
  }
}

TokenId BpeModel::find_symbol(std::string_view character, bool first, bool last) const {
  const bool prefixed = !first && !rules_.prefix.empty();
  const auto byte = static_cast<unsigned char>(character[0]);
  if (!prefixed && (rules_.byte_level || byte < 0x80))
    return last ? last_letters_[byte] : letters_[byte];
  std::string text = prefixed ? rules_.prefix : std::string();
  if (rules_.byte_level) {
    append_utf8(text, letter_of_byte(byte));
  } else {
    text += character;
  }
  if (last) text += rules_.suffix;
  if (const auto id = vocabulary_->find_in_model(text)) return *id;
  return extra_.find(text).value_or(kNone);
}

bool BpeModel::add_bytes(std::string_view character, std::vector<TokenId>& symbols) const {
  if (fallback_.empty()) return false;
  const auto token_of = [&](char c) { return fallback_[static_cast<unsigned char>(c)]; };
  for (const char c : character)
    if (token_of(c) == kNone) return false;
  for (const char c : character) symbols.push_back(token_of(c));
  return true;
}

void BpeModel::add_unknown(std::vector<TokenId>& symbols) const {
  if (!rules_.unknown) return;
  const bool fused = rules_.fuse_unknown && !symbols.empty() && symbols.back() == *rules_.unknown;
  if (!fused) symbols.push_back(*rules_.unknown);
}

void BpeModel::replace_extra(std::vector<TokenId>& symbols) const {
  const auto count = static_cast<TokenId>(vocabulary_->size());
  if (std::none_of(symbols.begin(), symbols.end(), [&](TokenId id) { return id >= count; })) return;
  std::vector<TokenId> known;
  for (const TokenId id : symbols) {
    if (id < count) {
      known.push_back(id);
      continue;
    }
    const std::string& character = rules_.extra_characters[static_cast<std::size_t>(id - count)];
    if (!add_bytes(character, known)) add_unknown(known);
  }
  symbols = std::move(known);
}

std::unique_ptr<SplitStep> BpeModel::safe_cuts() const {
  const bool all_bytes =
      !fallback_.empty() && std::find(fallback_.begin(), fallback_.end(), kNone) == fallback_.end();
  const bool fuses = rules_.unknown && rules_.fuse_unknown && !all_bytes;
  const bool whole = rules_.whole_words_first || !rules_.prefix.empty() || !rules_.suffix.empty();
  if (rules_.byte_level || whole || fuses) return nullptr;
  auto cuts = std::make_unique<MergeCuts>();
  const auto text_of = [&](TokenId id) -> std::string_view {
    const std::size_t count = vocabulary_->size();
    const auto number = static_cast<std::size_t>(id);
    return number < count ? vocabulary_->text(id) : rules_.extra_characters[number - count];
  };
  for (const BpeMerge& merge : rules_.merges) {
    // Bytes of unknown characters are merged by their names, which say nothing of the text.
    if (byte_of_token(text_of(merge.left)) || byte_of_token(text_of(merge.right))) return nullptr;
    cuts->join(text_of(merge.left), text_of(merge.right));
  }
  return cuts;
}

BpeMerge MergeReader::next(std::string_view left, std::string_view right) {
  const auto left_id = vocabulary_.find_in_model(left);
  const auto right_id = vocabulary_.find_in_model(right);
  if (!prefix_.empty() && right.starts_with(prefix_)) right.remove_prefix(prefix_.size());
  const auto whole = vocabulary_.is_found_as(likely_, left, right)
                         ? likely_
                         : vocabulary_.find_in_model(std::string(left).append(right));
  if (!left_id || !right_id || !whole)
    fail(ErrorKind::bad_file, "tokenizer of {}: merge {} has a token that is not in the vocabulary",
         vocabulary_.origin(), rank_);
  likely_ = *whole + 1;
  return {*left_id, *right_id, {rank_++, *whole}};
}

}  // namespace pomona::text
