#include "text/bpe.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"
#include "text/byte_alphabet.h"

namespace pomona::text {
namespace {

/// Names under which vocabularies keep the token that ends a chat's turn, and other ends of text.
constexpr std::array<std::string_view, 7> kTurnEnds = {
    "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|EOT|>", "<|eom_id|>", "<|return|>"};
constexpr std::array<std::string_view, 5> kTextEnds = {"<|endoftext|>", "<|end_of_text|>", "</s>",
                                                       "<｜end▁of▁sentence｜>", "<|eos|>"};

Pretokenizer find_pretokenizer(const BpeSpec& spec) {
  if (auto found = Pretokenizer::find(spec.pretokenizer)) return *std::move(found);
  const std::vector<std::string> names = Pretokenizer::names();
  fail(ErrorKind::unsupported, "tokenizer of {}: pre-tokeniser {} is unknown; known are {}",
       spec.origin, quote_name(spec.pretokenizer), fmt::join(names, ", "));
}

}  // namespace

/// A direct-mapped cache from short words to their tokens: text repeats its words.
class BpeTokenizer::WordCache {
 public:
  /// Appends the word's tokens if they are known.
  bool find(std::string_view word, std::vector<TokenId>& ids) const {
    if (word.size() > kBytes) return false;
    const Entry& entry = entries_[slot(word)];
    if (entry.length != word.size() || std::memcmp(entry.word, word.data(), word.size()) != 0)
      return false;
    ids.insert(ids.end(), entry.ids, entry.ids + entry.count);
    return true;
  }

  void add(std::string_view word, std::span<const TokenId> ids) {
    if (word.size() > kBytes || ids.size() > kIds) return;
    Entry& entry = entries_[slot(word)];
    entry.length = static_cast<std::uint8_t>(word.size());
    entry.count = static_cast<std::uint8_t>(ids.size());
    std::memcpy(entry.word, word.data(), word.size());
    std::copy(ids.begin(), ids.end(), entry.ids);
  }

 private:
  static constexpr std::size_t kBytes = 30;
  static constexpr std::size_t kIds = 8;
  static constexpr std::size_t kEntries = std::size_t{1} << 15;
  struct Entry {
    char word[kBytes] = {};
    std::uint8_t length = 0;
    std::uint8_t count = 0;
    TokenId ids[kIds] = {};
  };
  std::size_t slot(std::string_view word) const { return hash_bytes(word, seed_) & (kEntries - 1); }
  std::vector<Entry> entries_ = std::vector<Entry>(kEntries);
  std::uint64_t seed_ = hash_seed();
};

BpeTokenizer::BpeTokenizer(const BpeSpec& spec)
    : index_(spec.tokens.size()),
      merges_(spec.merges.size()),
      pretokenizer_(find_pretokenizer(spec)),
      special_(spec.special) {
  read_tokens(spec);
  read_merges(spec);
  check_special(spec);
  collect_ends();
  collect_added(spec.origin);
}

BpeTokenizer::~BpeTokenizer() = default;

void BpeTokenizer::read_tokens(const BpeSpec& spec) {
  if (spec.tokens.empty()) fail(ErrorKind::bad_file, "tokenizer of {}: no tokens", spec.origin);
  if (!spec.kinds.empty() && spec.kinds.size() != spec.tokens.size())
    fail(ErrorKind::bad_file, "tokenizer of {}: {} tokens but {} token types", spec.origin,
         spec.tokens.size(), spec.kinds.size());
  tokens_.reserve(spec.tokens.size());
  if (pretokenizer_.whole_words_first()) words_ = StringIndex(spec.tokens.size());
  for (std::size_t i = 0; i < spec.tokens.size(); ++i) {
    Token& token = tokens_.emplace_back();
    token.text = spec.tokens[i];
    if (!spec.kinds.empty()) token.kind = spec.kinds[i];
    // Added tokens are plain text; so is, to be lenient, a normal token outside the alphabet.
    token.bytes = token.text;
    if (token.kind == TokenKind::normal) {
      if (auto bytes = bytes_of_letters(token.text)) token.bytes = *std::move(bytes);
    }
    index_.add(token.text, static_cast<TokenId>(i));
    if (pretokenizer_.whole_words_first() && token.kind == TokenKind::normal)
      words_.add(token.bytes, static_cast<TokenId>(i));
  }
  for (int byte = 0; byte < 256; ++byte) {
    std::string letter;
    append_utf8(letter, letter_of_byte(static_cast<unsigned char>(byte)));
    byte_tokens_[static_cast<std::size_t>(byte)] = index_.find(letter).value_or(-1);
  }
}

void BpeTokenizer::read_merges(const BpeSpec& spec) {
  std::string joined;
  for (std::size_t rank = 0; rank < spec.merges.size(); ++rank) {
    const std::string_view merge = spec.merges[rank];
    const std::size_t space = merge.find(' ', 1);  // a merge may begin with the token " "
    if (space == std::string_view::npos)
      fail(ErrorKind::bad_file, "tokenizer of {}: merge {} is not two tokens and a space between",
           spec.origin, rank);
    joined.assign(merge.substr(0, space)).append(merge.substr(space + 1));
    const auto left = index_.find(merge.substr(0, space));
    const auto right = index_.find(merge.substr(space + 1));
    const auto whole = index_.find(joined);
    if (!left || !right || !whole)
      fail(ErrorKind::bad_file,
           "tokenizer of {}: merge {} has a token that is not in the vocabulary", spec.origin,
           rank);
    merges_.add(*left, *right, {static_cast<std::uint32_t>(rank), *whole});
  }
}

void BpeTokenizer::check_special(const BpeSpec& spec) {
  for (const auto& id :
       {special_.bos, special_.eos, special_.eot, special_.unknown, special_.padding}) {
    if (id && (*id < 0 || static_cast<std::size_t>(*id) >= tokens_.size()))
      fail(ErrorKind::bad_file, "tokenizer of {}: special token {} is not one of the {} tokens",
           spec.origin, *id, tokens_.size());
  }
  if ((special_.add_bos && !special_.bos) || (special_.add_eos && !special_.eos))
    fail(ErrorKind::bad_file, "tokenizer of {}: it adds a BOS or EOS token but names none",
         spec.origin);
}

void BpeTokenizer::collect_ends() {
  const auto add_end = [&](std::optional<TokenId> id) {
    if (id && std::find(ends_.begin(), ends_.end(), *id) == ends_.end()) ends_.push_back(*id);
  };
  const auto find_control = [&](std::string_view name) -> std::optional<TokenId> {
    const auto id = index_.find(name);
    if (!id || at(*id).kind == TokenKind::normal) return std::nullopt;
    return id;
  };
  for (const std::string_view name : kTurnEnds) {
    const auto id = find_control(name);
    if (!special_.eot) special_.eot = id;
    add_end(id);
  }
  for (const std::string_view name : kTextEnds) add_end(find_control(name));
  add_end(special_.eos);
  add_end(special_.eot);
}

void BpeTokenizer::collect_added(const std::string& origin) {
  std::vector<AddedToken> all, user_defined;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const Token& token = tokens_[i];
    const bool added = token.kind == TokenKind::control || token.kind == TokenKind::unknown ||
                       token.kind == TokenKind::user_defined;
    if (!added || token.text.empty()) continue;
    if (token.text.size() > AddedTokens::kLongest)
      fail(ErrorKind::unsupported,
           "tokenizer of {}: token {} stands in text and has {} bytes, more "
           "than {}",
           origin, i, token.text.size(), AddedTokens::kLongest);
    all.push_back({token.text, static_cast<TokenId>(i)});
    if (token.kind == TokenKind::user_defined) user_defined.push_back(all.back());
  }
  added_ = AddedTokens(std::move(all));
  user_defined_ = AddedTokens(std::move(user_defined));
}

const BpeTokenizer::Token& BpeTokenizer::at(TokenId id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= tokens_.size())
    fail(ErrorKind::bad_argument, "token {} is not one of the {} in the vocabulary", id,
         tokens_.size());
  return tokens_[static_cast<std::size_t>(id)];
}

std::string_view BpeTokenizer::token_bytes(TokenId id) const { return at(id).bytes; }
std::string_view BpeTokenizer::token_text(TokenId id) const { return at(id).text; }
TokenKind BpeTokenizer::kind(TokenId id) const { return at(id).kind; }

std::optional<TokenId> BpeTokenizer::find(std::string_view token_text) const {
  return index_.find(token_text);
}

bool BpeTokenizer::ends_generation(TokenId id) const {
  return std::find(ends_.begin(), ends_.end(), id) != ends_.end();
}

std::vector<TokenId> BpeTokenizer::encode(std::string_view text, EncodeOptions options) const {
  if (const auto bad = find_invalid_utf8(text))
    fail(ErrorKind::bad_argument, "tokenize: the text is not valid UTF-8 at byte {}", *bad);
  // One caller at a time uses the cache; others work without it rather than wait.
  const std::unique_lock lock(cache_mutex_, std::try_to_lock);
  if (lock.owns_lock() && cache_ == nullptr) cache_ = std::make_unique<WordCache>();
  WordCache* cache = lock.owns_lock() ? cache_.get() : nullptr;

  std::vector<TokenId> ids;
  ids.reserve(text.size() / 3 + 2);
  if (options.add_special && special_.add_bos) ids.push_back(*special_.bos);
  const AddedTokens& added = options.parse_special ? added_ : user_defined_;
  std::size_t plain = 0;
  for (std::size_t at = 0; at < text.size();) {
    const AddedToken* token = added.find(text.substr(at));
    if (token == nullptr) {
      ++at;
      continue;
    }
    encode_plain(text.substr(plain, at - plain), cache, ids);
    ids.push_back(token->id);
    at += token->text.size();
    plain = at;
  }
  encode_plain(text.substr(plain), cache, ids);
  if (options.add_special && special_.add_eos) ids.push_back(*special_.eos);
  return ids;
}

void BpeTokenizer::encode_plain(std::string_view text, WordCache* cache,
                                std::vector<TokenId>& ids) const {
  std::vector<std::string_view> words;
  pretokenizer_.split(text, words);
  for (const std::string_view word : words) {
    if (cache != nullptr && cache->find(word, ids)) continue;
    const std::size_t start = ids.size();
    encode_word(word, ids);
    if (cache != nullptr) cache->add(word, std::span(ids).subspan(start));
  }
}

void BpeTokenizer::encode_word(std::string_view word, std::vector<TokenId>& ids) const {
  if (pretokenizer_.whole_words_first()) {
    if (const auto id = words_.find(word)) {
      ids.push_back(*id);
      return;
    }
  }
  std::vector<TokenId> symbols;
  symbols.reserve(word.size());
  for (const char c : word) {
    const TokenId id = byte_tokens_[static_cast<unsigned char>(c)];
    if (id >= 0) symbols.push_back(id);
  }
  merge_word(merges_, symbols);
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

}  // namespace pomona::text
