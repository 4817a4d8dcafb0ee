#include "eval/comparison.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace pomona::eval {
namespace {

const ScoredTexts::Entry& entry_of(const std::vector<ScoredTexts>& scored, std::string_view score) {
  for (const ScoredTexts& texts : scored) {
    for (const ScoredTexts::Entry& entry : texts.scores) {
      if (entry.score.name == score) return entry;
    }
  }
  fail(ErrorKind::bad_argument, "compare: no score \"{}\" among the metrics", score);
}

const MetricChoice& metric_of(const std::vector<MetricChoice>& metrics, std::string_view score) {
  const std::string_view name = metric::find_metric_of_score(score).name;
  for (const MetricChoice& choice : metrics) {
    if (choice.name == name) return choice;
  }
  fail(ErrorKind::bad_argument, "compare: \"{}\" is not among the metrics", score);
}

/// Differences to the first method with corrected p-values.
void test_against_first(std::vector<MethodScores>& methods, std::string_view score) {
  std::vector<double> p_values;
  const Sample baseline(entry_of(methods.front().test, score).score);
  for (std::size_t i = 1; i < methods.size(); ++i) {
    const Comparison found = compare(Sample(entry_of(methods[i].test, score).score), baseline);
    methods[i].difference = found.difference;
    p_values.push_back(found.p_value);
  }
  const std::vector<double> corrected = holm(p_values);
  for (std::size_t i = 1; i < methods.size(); ++i) methods[i].p_value = corrected[i - 1];
}

const MethodScores& best_on_valid(const std::vector<MethodScores>& methods) {
  const MethodScores* best = &methods.front();
  for (const MethodScores& method : methods) {
    if (method.valid && best->valid && method.valid->mean > best->valid->mean) best = &method;
  }
  return *best;
}

/// Sets what is promoted and why, from the pick and its test.
void decide(ComparisonResult& result, const std::vector<MethodAnswers>& methods, const Gate& gate) {
  const MethodScores& first = result.methods.front();
  const MethodScores& picked = best_on_valid(result.methods);
  result.picked = picked.name;
  result.promoted = first.name;
  const std::string score = shown_name(gate.score);
  if (result.methods.size() == 1) {
    result.why = fmt::format("{} is the only method of this run", first.name);
    return;
  }
  if (&picked == &first) {
    result.why =
        fmt::format("no method has a better {} than {} on the validation rows", score, first.name);
    return;
  }
  const double points = picked.difference->mean * result.shown_times;
  const bool significant = *picked.p_value < gate.significance;
  result.beats_baseline = points > 0 && significant;
  const double forgetting = methods[static_cast<std::size_t>(&picked - &first)].forgetting;
  if (result.beats_baseline && forgetting > gate.max_forgetting) {
    result.why = fmt::format(
        "{} is best on the validation rows, and on the test rows {:.1f} {} points above {} ({}), "
        "but it forgets: general text is {:.2f} nats a token less likely than before, allowed are "
        "{:.2f}",
        picked.name, points, score, first.name, p_text(*picked.p_value), forgetting,
        gate.max_forgetting);
  } else if (result.beats_baseline) {
    result.promoted = picked.name;
    result.why = fmt::format(
        "{} is best on the validation rows, and the test rows confirm it: {:.1f} {} points above "
        "{} "
        "({})",
        picked.name, points, score, first.name, p_text(*picked.p_value));
  } else if (points > 0) {
    result.why = fmt::format(
        "{} is best on the validation rows, but on the test rows its gain of {:.1f} {} points over "
        "{} is not significant ({}, needed below {})",
        picked.name, points, score, first.name, p_text(*picked.p_value), gate.significance);
  } else {
    result.why = fmt::format(
        "{} is best on the validation rows, but on the test rows it is {:.1f} {} points below {} "
        "({})",
        picked.name, -points, score, first.name, p_text(*picked.p_value));
  }
}

}  // namespace

ComparisonResult compare_methods(const std::vector<MethodAnswers>& methods,
                                 const std::vector<std::string>& valid_references,
                                 const std::vector<std::string>& test_references,
                                 const std::vector<MetricChoice>& metrics, const Gate& gate) {
  ComparisonResult result;
  const MetricChoice& gate_metric = metric_of(metrics, gate.score);
  result.shown_times = metric::find_metric(gate_metric.name).shown_times;
  for (const MethodAnswers& answers : methods) {
    MethodScores scores;
    scores.name = answers.name;
    for (const MetricChoice& choice : metrics)
      scores.test.push_back(
          score_texts(choice.name, choice.options, answers.test, test_references));
    if (!valid_references.empty()) {
      const std::vector<ScoredTexts> valid = {
          score_texts(gate_metric.name, gate_metric.options, answers.valid, valid_references)};
      scores.valid = entry_of(valid, gate.score).interval;
    }
    result.methods.push_back(std::move(scores));
  }
  test_against_first(result.methods, gate.score);
  decide(result, methods, gate);
  return result;
}

std::string p_text(double p) { return p < 0.001 ? "p < 0.001" : fmt::format("p = {:.3f}", p); }

std::string shown_name(std::string_view score) {
  if (score.starts_with("rouge")) return "ROUGE-" + std::string(score.substr(5));
  return replace_all(score, "_", " ");
}

}  // namespace pomona::eval
