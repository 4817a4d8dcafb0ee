#include "text/unigram.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/quote.h"
#include "text/code_points.h"
#include "text/merge_cuts.h"

namespace pomona::text {
namespace {

/// What an unknown character costs more than the rarest token, as in SentencePiece.
constexpr double kUnknownPenalty = 10.0;

constexpr TokenId kNone = -1;

/// U+2581, which stands for a space.
constexpr char32_t kMark = 0x2581;

bool is_made(TokenKind kind) {
  return kind == TokenKind::normal || kind == TokenKind::user_defined;
}

}  // namespace

UnigramModel::UnigramModel(std::shared_ptr<const Vocabulary> vocabulary, UnigramRules rules)
    : vocabulary_(std::move(vocabulary)), rules_(std::move(rules)) {
  if (rules_.scores.size() != vocabulary_->size())
    fail(ErrorKind::bad_file, "tokenizer of {}: {} tokens but {} scores", vocabulary_->origin(),
         vocabulary_->size(), rules_.scores.size());
  double least = 0;
  for (std::size_t i = 0; i < vocabulary_->size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const TokenKind kind = vocabulary_->kind(id);
    if (kind == TokenKind::normal) least = std::min(least, rules_.scores[i]);
    if (!vocabulary_->in_model(id)) continue;
    if (kind == TokenKind::user_defined && rules_.free_user_defined) rules_.scores[i] = 0;
    if (is_made(kind) && !vocabulary_->text(id).empty()) tokens_.add(vocabulary_->text(id), id);
  }
  unknown_score_ = least - kUnknownPenalty;
  if (rules_.byte_fallback) fallback_ = vocabulary_->byte_tokens();
}

void UnigramModel::encode(std::string_view word, std::vector<TokenId>& ids) const {
  struct Best {
    double score = -std::numeric_limits<double>::infinity();
    std::size_t begin = 0;
    TokenId token = kNone;
  };
  std::vector<Best> best(word.size() + 1);  // of the cuts of the first so many bytes
  best[0].score = 0;
  for (std::size_t at = 0; at < word.size();) {
    const double so_far = best[at].score;
    const std::size_t length = code_point_at(word, at).length;
    const auto offer = [&](std::size_t end, TokenId token, double score) {
      if (so_far + score > best[end].score) best[end] = {so_far + score, at, token};
    };
    bool known = false;
    std::uint32_t node = ByteTrie::kRoot;
    for (std::size_t end = at; end < word.size();) {
      node = tokens_.step(node, word[end++]);
      if (node == ByteTrie::kNowhere) break;
      const TokenId token = tokens_.value(node);
      if (token == kNone) continue;
      offer(end, token, rules_.scores[static_cast<std::size_t>(token)]);
      known = known || end - at == length;
    }
    if (!known) offer(at + length, kNone, unknown_score_);
    at += length;
  }
  std::vector<std::size_t> ends;
  for (std::size_t end = word.size(); end > 0; end = best[end].begin) ends.push_back(end);
  std::size_t unknown = word.size();  // where a run of unknown characters begins
  for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
    const Best& piece = best[*end];
    if (piece.token == kNone) {
      unknown = std::min(unknown, piece.begin);
      continue;
    }
    add_unknown(
        word.substr(std::min(unknown, piece.begin), piece.begin - std::min(unknown, piece.begin)),
        ids);
    unknown = word.size();
    ids.push_back(piece.token);
  }
  add_unknown(word.substr(unknown), ids);
}

void UnigramModel::add_unknown(std::string_view text, std::vector<TokenId>& ids) const {
  if (text.empty()) return;
  const auto token_of = [&](char c) { return fallback_[static_cast<unsigned char>(c)]; };
  if (!fallback_.empty() &&
      std::all_of(text.begin(), text.end(), [&](char c) { return token_of(c) != kNone; })) {
    for (const char c : text) ids.push_back(token_of(c));
  } else if (rules_.unknown) {
    ids.push_back(*rules_.unknown);
  } else {
    fail(ErrorKind::bad_argument,
         "tokenize: {} is not in the vocabulary of {}, which has no token "
         "for the unknown",
         quote_name(text), vocabulary_->origin());
  }
}

std::unique_ptr<SplitStep> UnigramModel::safe_cuts() const {
  if (!vocabulary_->find("\u2581")) return nullptr;
  auto cuts = std::make_unique<MergeCuts>(kMark);
  for (std::size_t i = 0; i < vocabulary_->size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string_view text = vocabulary_->text(id);
    if (text.empty() || !vocabulary_->in_model(id) || !is_made(vocabulary_->kind(id))) continue;
    for (std::size_t at = code_point_at(text, 0).length; at < text.size();
         at += code_point_at(text, at).length)
      cuts->join(text.substr(0, at), text.substr(at));
  }
  return cuts;
}

}  // namespace pomona::text
