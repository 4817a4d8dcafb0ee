#include "text/vocabulary.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.h"

namespace pomona::text {
namespace {

/// Names under which vocabularies keep the token that ends a chat's turn, and other ends of text.
constexpr std::array<std::string_view, 7> kTurnEnds = {
    "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|EOT|>", "<|eom_id|>", "<|return|>"};
constexpr std::array<std::string_view, 5> kTextEnds = {"<|endoftext|>", "<|end_of_text|>", "</s>",
                                                       "<｜end▁of▁sentence｜>", "<|eos|>"};

}  // namespace

std::string_view StringArena::keep(std::string_view text) {
  if (text.empty()) return {};
  if (text.size() > left_) {
    left_ = std::max(kBlock, text.size());
    blocks_.push_back(std::make_unique<char[]>(left_));
    at_ = blocks_.back().get();
  }
  std::memcpy(at_, text.data(), text.size());
  const std::string_view kept(at_, text.size());
  at_ += text.size();
  left_ -= text.size();
  return kept;
}

Vocabulary::Vocabulary(const VocabularySpec& spec)
    : origin_(spec.origin), index_(spec.tokens.size()), special_(spec.special) {
  if (spec.tokens.empty()) fail(ErrorKind::bad_file, "tokenizer of {}: no tokens", origin_);
  if (!spec.kinds.empty() && spec.kinds.size() != spec.tokens.size())
    fail(ErrorKind::bad_file, "tokenizer of {}: {} tokens but {} token types", origin_,
         spec.tokens.size(), spec.kinds.size());
  tokens_.reserve(spec.tokens.size());
  for (std::size_t i = 0; i < spec.tokens.size(); ++i) {
    const std::string_view text = arena_.keep(spec.tokens[i]);
    const TokenKind kind = spec.kinds.empty() ? TokenKind::normal : spec.kinds[i];
    const bool is_first = !text.empty() && index_.add(text, static_cast<TokenId>(i));
    tokens_.push_back({text, text, text, kind, true, is_first});
  }
  for (const TokenId id : spec.apart) tokens_.at(static_cast<std::size_t>(id)).in_model = false;
  all_in_model_ = spec.apart.empty();
  check_special();
  collect_ends(spec.ends);
}

void Vocabulary::check_special() const {
  for (const auto& id :
       {special_.bos, special_.eos, special_.eot, special_.unknown, special_.padding}) {
    if (id && (*id < 0 || static_cast<std::size_t>(*id) >= tokens_.size()))
      fail(ErrorKind::bad_file, "tokenizer of {}: special token {} is not one of the {} tokens",
           origin_, *id, tokens_.size());
  }
  if ((special_.add_bos && !special_.bos) || (special_.add_eos && !special_.eos))
    fail(ErrorKind::bad_file, "tokenizer of {}: it adds a BOS or EOS token but names none",
         origin_);
}

void Vocabulary::collect_ends(const std::vector<TokenId>& more) {
  const auto add_end = [&](std::optional<TokenId> id) {
    if (id && std::find(ends_.begin(), ends_.end(), *id) == ends_.end()) ends_.push_back(*id);
  };
  const auto find_control = [&](std::string_view name) -> std::optional<TokenId> {
    const auto id = find(name);
    if (!id || kind(*id) == TokenKind::normal) return std::nullopt;
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
  for (const TokenId id : more) add_end(id);
}

const Vocabulary::Token& Vocabulary::at(TokenId id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= tokens_.size())
    fail(ErrorKind::bad_argument, "token {} is not one of the {} in the vocabulary", id,
         tokens_.size());
  return tokens_[static_cast<std::size_t>(id)];
}

void Vocabulary::set_bytes(TokenId id, std::string_view bytes, std::string_view first_bytes) {
  at(id);
  Token& token = tokens_[static_cast<std::size_t>(id)];
  token.bytes = bytes == token.text ? token.text : arena_.keep(bytes);
  if (first_bytes == token.bytes) {
    token.first_bytes = token.bytes;
  } else if (token.bytes.ends_with(first_bytes)) {
    token.first_bytes = token.bytes.substr(token.bytes.size() - first_bytes.size());
  } else {
    token.first_bytes = arena_.keep(first_bytes);
  }
}

std::optional<TokenId> Vocabulary::find_in_model(std::string_view text) const {
  const auto id = find(text);
  return id && (all_in_model_ || in_model(*id)) ? id : std::nullopt;
}

bool Vocabulary::is_found_as(TokenId id, std::string_view left, std::string_view right) const {
  if (id < 0 || static_cast<std::size_t>(id) >= tokens_.size()) return false;
  const Token& token = tokens_[static_cast<std::size_t>(id)];
  return token.is_first && token.in_model && token.text.size() == left.size() + right.size() &&
         token.text.starts_with(left) && token.text.ends_with(right);
}

bool Vocabulary::ends_generation(TokenId id) const {
  return std::find(ends_.begin(), ends_.end(), id) != ends_.end();
}

std::vector<TokenId> Vocabulary::byte_tokens() const {
  std::vector<TokenId> tokens(256, -1);
  for (std::size_t byte = 0; byte < 256; ++byte)
    tokens[byte] = find(fmt::format("<0x{:02X}>", byte)).value_or(-1);
  return tokens;
}

std::optional<unsigned char> byte_of_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  int value = 0;
  for (const char c : text.substr(3, 2)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && !(c >= 'A' && c <= 'F')) return std::nullopt;
    value = value * 16 + (digit ? c - '0' : c - 'A' + 10);
  }
  return static_cast<unsigned char>(value);
}

}  // namespace pomona::text
