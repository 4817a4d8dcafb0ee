#include "metric/rouge.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/text.h"
#include "metric/tokens.h"
#include "text/unicode.h"

namespace pomona::metric {
namespace {

using Ids = std::vector<std::uint32_t>;
using Sentences = std::vector<Ids>;

PrecisionRecall from_hits(std::size_t hits, std::size_t predicted, std::size_t referenced) {
  PrecisionRecall score;
  score.precision =
      static_cast<double>(hits) / static_cast<double>(std::max<std::size_t>(predicted, 1));
  score.recall =
      static_cast<double>(hits) / static_cast<double>(std::max<std::size_t>(referenced, 1));
  const double sum = score.precision + score.recall;
  if (sum > 0) score.f1 = 2 * score.precision * score.recall / sum;
  return score;
}

/// The n-grams of one or two tokens as numbers, sorted.
std::vector<std::uint64_t> sorted_ngrams(const Ids& tokens, std::size_t n) {
  std::vector<std::uint64_t> ngrams;
  for (std::size_t i = 0; i + n <= tokens.size(); ++i) {
    std::uint64_t ngram = tokens[i];
    if (n == 2) ngram = (ngram << 32) | tokens[i + 1];
    ngrams.push_back(ngram);
  }
  std::sort(ngrams.begin(), ngrams.end());
  return ngrams;
}

PrecisionRecall rouge_n(const Ids& prediction, const Ids& reference, std::size_t n) {
  const auto a = sorted_ngrams(prediction, n);
  const auto b = sorted_ngrams(reference, n);
  std::vector<std::uint64_t> common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  return from_hits(common.size(), a.size(), b.size());
}

/// The table of longest common subsequences, of which only the last row is kept:
/// t[i][j] of the first i tokens of the reference and the first j of the candidate.
/// `visit(i, j, left, up)` sees t[i][j-1] and t[i-1][j] of every mismatch. Returns t's last entry.
template <class Visit>
std::uint32_t longest_common(const Ids& reference, const Ids& candidate, Visit visit) {
  std::vector<std::uint32_t> row(candidate.size() + 1, 0);
  for (std::size_t i = 1; i <= reference.size(); ++i) {
    std::uint32_t diagonal = 0;
    for (std::size_t j = 1; j <= candidate.size(); ++j) {
      const std::uint32_t up = row[j];
      if (reference[i - 1] == candidate[j - 1]) {
        row[j] = diagonal + 1;
      } else {
        visit(i, j, row[j - 1], up);
        row[j] = std::max(up, row[j - 1]);
      }
      diagonal = up;
    }
  }
  return row.back();
}

PrecisionRecall rouge_l(const Ids& prediction, const Ids& reference) {
  const auto hits = longest_common(reference, prediction, [](auto...) {});
  return from_hits(hits, prediction.size(), reference.size());
}

/// Marks the places of one longest common subsequence in `reference`. Of several, the reference
/// package's: from the end, on a mismatch to the left only where t is larger there, else up.
void mark_common(const Ids& reference, const Ids& candidate, std::vector<bool>& marks) {
  const std::size_t columns = candidate.size() + 1;
  std::vector<bool> left_is_larger((reference.size() + 1) * columns);
  longest_common(reference, candidate,
                 [&](std::size_t i, std::size_t j, std::uint32_t left, std::uint32_t up) {
                   if (left > up) left_is_larger[i * columns + j] = true;
                 });
  std::size_t i = reference.size(), j = candidate.size();
  while (i > 0 && j > 0) {
    if (reference[i - 1] == candidate[j - 1]) {
      marks[--i] = true;
      --j;
    } else if (left_is_larger[i * columns + j]) {
      --j;
    } else {
      --i;
    }
  }
}

/// How many tokens the sentences have, in all and of each number.
struct Counts {
  Counts(const Sentences& sentences, std::size_t vocabulary) : of(vocabulary, 0) {
    for (const Ids& sentence : sentences) {
      total += sentence.size();
      for (const std::uint32_t token : sentence) ++of[token];
    }
  }
  std::size_t total = 0;
  std::vector<std::uint32_t> of;
};

/// Lin 2004, section 3.2, with the rule of ROUGE 1.5.5 that no token counts more often than either
/// text has it: the prediction's are counted down, and each of the reference's is met only once.
PrecisionRecall rouge_lsum(const Sentences& prediction, const Sentences& reference,
                           std::size_t vocabulary) {
  Counts predicted(prediction, vocabulary);
  std::size_t referenced = 0;
  std::size_t hits = 0;
  for (const Ids& sentence : reference) {
    referenced += sentence.size();
    std::vector<bool> marks(sentence.size(), false);
    for (const Ids& candidate : prediction) mark_common(sentence, candidate, marks);
    for (std::size_t i = 0; i < sentence.size(); ++i) {
      const std::uint32_t token = sentence[i];
      if (!marks[i] || predicted.of[token] == 0) continue;
      ++hits;
      --predicted.of[token];
    }
  }
  return from_hits(hits, predicted.total, referenced);
}

/// The sentences (lines) of a text, as numbers. A line break separates tokens, so the lines joined
/// are the whole text's tokens.
Sentences sentences_of(std::string_view text, const MetricOptions& options, Interner& interner) {
  Sentences sentences;
  for (const std::string_view line : split(text, '\n')) {
    sentences.push_back(
        interner.ids(options.characters ? characters(line) : words(line, options.stemmer)));
  }
  return sentences;
}

Ids joined(const Sentences& sentences) {
  Ids all;
  for (const Ids& sentence : sentences) all.insert(all.end(), sentence.begin(), sentence.end());
  return all;
}

std::string rouge_signature(const MetricOptions& options) {
  if (options.characters) {
    return fmt::format(
        "rouge|tok:characters-nfkc-casefold|unicode:{}|stem:no|lsum:newline|score:f1",
        text::unicode_version());
  }
  return fmt::format("rouge|tok:a-z0-9|stem:{}|lsum:newline|score:f1|as:rouge-score-0.1.2",
                     options.stemmer ? "porter-nltk" : "no");
}

constexpr std::array<std::string_view, 4> kScores = {"rouge1", "rouge2", "rougeL", "rougeLsum"};

std::vector<Score> score_rouge(const MetricOptions& options,
                               std::span<const std::string> predictions,
                               std::span<const std::string> references) {
  std::vector<Score> scores(kScores.size());
  for (std::size_t k = 0; k < kScores.size(); ++k) scores[k].name = kScores[k];
  for (std::size_t row = 0; row < references.size(); ++row) {
    if (!options.characters) {
      check_has_words("rouge", "reference", row, references[row], options);
      if (!options.foreign_prediction_scores_zero) {
        check_has_words("rouge", "prediction", row, predictions[row], options);
      }
    }
    const RougeScores item = rouge(predictions[row], references[row], options);
    scores[0].items.push_back(item.rouge1.f1);
    scores[1].items.push_back(item.rouge2.f1);
    scores[2].items.push_back(item.rouge_l.f1);
    scores[3].items.push_back(item.rouge_lsum.f1);
  }
  return scores;
}

}  // namespace

RougeScores rouge(std::string_view prediction, std::string_view reference,
                  const MetricOptions& options) {
  Interner interner;
  const Sentences predicted = sentences_of(prediction, options, interner);
  const Sentences referenced = sentences_of(reference, options, interner);
  const Ids p = joined(predicted), r = joined(referenced);
  return {rouge_n(p, r, 1), rouge_n(p, r, 2), rouge_l(p, r),
          rouge_lsum(predicted, referenced, interner.size())};
}

constinit const Metric kRouge = {
    .name = "rouge",
    .summary = "overlap of words, word pairs and longest common subsequences (summaries)",
    .scores = kScores,
    .takes_stemmer = true,
    .takes_characters = true,
    .shown_times = 100,
    .signature = rouge_signature,
    .score = score_rouge,
};

}  // namespace pomona::metric
