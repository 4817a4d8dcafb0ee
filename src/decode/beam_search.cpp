#include "decode/beam_search.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "decode/logprobs.h"
#include "text/tokenizer.h"

namespace pomona::decode {

EarlyStopping parse_early_stopping(std::string_view name) {
  constexpr std::array<std::string_view, 3> kNames = {"no", "yes", "never"};
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end())
    fail(ErrorKind::bad_argument, "early stopping \"{}\": must be no, yes or never", name);
  return static_cast<EarlyStopping>(found - kNames.begin());
}

BeamSearch::BeamSearch(const kernel::Table& kernels, const model::Model& model,
                       const Request& request)
    : kernels_(kernels), model_(model), request_(request) {
  running_.push_back(
      std::make_shared<const Beam>(Beam{Answer(*model.tokenizer, request.stop, {}), {}, 0}));
}

std::vector<Ended> BeamSearch::advance(std::vector<Branch>& branches,
                                       std::span<const std::span<float>> logits) {
  std::vector<std::vector<float>> given;
  if (request_.logprobs) {
    for (const std::span<float> row : logits) given.emplace_back(row.begin(), row.end());
  }
  const auto beams = static_cast<std::size_t>(request_.search.beams);
  const std::vector<Extension> best = best_extensions(branches, logits);
  ++length_;
  std::vector<Branch> next;
  std::vector<BeamRef> going;
  for (std::size_t i = 0; i < best.size() && (i < beams || going.size() < beams); ++i) {
    const Extension& extension = best[i];
    bool ends = false;
    std::shared_ptr<Beam> beam = extend(extension, ends);
    if (request_.logprobs && !ends_generation(extension.token)) {
      beam->completion.logprobs.push_back(
          token_logprob(kernels_, given[extension.beam], extension.token, *request_.logprobs));
    }
    if (!ends && going.size() < beams) {
      Branch& branch = next.emplace_back(branches[extension.beam]);
      branch.tokens.push_back(extension.token);
      going.push_back(std::move(beam));
    } else if (ends && i < beams) {
      keep(std::move(beam));
    }
  }
  running_ = std::move(going);
  const bool over = is_over(running_);
  branches = over ? std::vector<Branch>() : std::move(next);
  return over ? best_answers(kept_) : std::vector<Ended>();
}

/// The likeliest, with enough among them that do not end; of equal ones the earlier beam's and
/// smaller token. Makes log probabilities of the logits.
std::vector<BeamSearch::Extension> BeamSearch::best_extensions(
    const std::vector<Branch>& branches, std::span<const std::span<float>> logits) const {
  const auto better = [](const Extension& a, const Extension& b) { return a.sum > b.sum; };
  const std::size_t count =
      std::max<std::size_t>(2, 1 + model_.end_tokens.size()) * static_cast<std::size_t>(width());
  std::vector<Extension> best;  // a heap with the worst in front
  for (std::size_t i = 0; i < branches.size(); ++i) {
    const std::span<float> row = logits[i];
    const auto all = static_cast<float>(log_sum_exp(kernels_, row));
    for (float& logit : row) logit -= all;
    adjust(request_.sampling, row, branches[i].tokens, request_.prompt.size());
    if (length_ < request_.min_new_tokens) forbid(model_.end_tokens, row);
    for (std::size_t token = 0; token < row.size(); ++token) {
      const double sum = running_[i]->sum + static_cast<double>(row[token]);
      if (best.size() == count && !(sum > best.front().sum)) continue;
      if (best.size() == count) {
        std::ranges::pop_heap(best, better);
        best.pop_back();
      }
      best.push_back({i, static_cast<std::int32_t>(token), sum});
      std::ranges::push_heap(best, better);
    }
  }
  std::ranges::sort(best, [](const Extension& a, const Extension& b) {
    return a.sum != b.sum ? a.sum > b.sum : std::pair(a.beam, a.token) < std::pair(b.beam, b.token);
  });
  return best;
}

std::shared_ptr<BeamSearch::Beam> BeamSearch::extend(const Extension& extension, bool& ends) const {
  auto beam = std::make_shared<Beam>(*running_[extension.beam]);
  beam->sum = extension.sum;
  Completion& completion = beam->completion;
  completion.reason = StopReason::end;
  ends = true;
  if (ends_generation(extension.token)) return beam;
  completion.tokens.push_back(extension.token);
  completion.reason = StopReason::stop;
  if (beam->text.push(extension.token, length_ > request_.min_new_tokens)) return beam;
  completion.reason = StopReason::length;
  completion.context_full =
      static_cast<std::int64_t>(request_.prompt.size()) - model_.lm->virtual_count() + length_ >=
      model_.lm->shape().context;
  ends = length_ == request_.max_new_tokens;
  return beam;
}

bool BeamSearch::ends_generation(std::int32_t token) const {
  return std::ranges::find(model_.end_tokens, token) != model_.end_tokens.end();
}

double BeamSearch::scored(double sum, std::int64_t length) const {
  return sum / std::pow(static_cast<double>(length), request_.search.length_penalty);
}

void BeamSearch::keep(std::shared_ptr<Beam> beam) {
  beam->completion.score = scored(beam->sum, length_);
  const auto place = std::ranges::find_if(kept_, [&](const BeamRef& kept) {
    return *kept->completion.score < *beam->completion.score;
  });
  kept_.insert(place, std::move(beam));
  if (static_cast<std::int64_t>(kept_.size()) > width()) kept_.pop_back();
}

bool BeamSearch::is_over(const std::vector<BeamRef>& going) {
  if (going.empty()) return true;
  if (static_cast<std::int64_t>(kept_.size()) < width()) return false;
  const BeamOptions& search = request_.search;
  if (search.early_stopping == EarlyStopping::yes) return true;
  const bool longest = search.early_stopping == EarlyStopping::never && search.length_penalty > 0;
  const double hope = scored(going.front()->sum, longest ? request_.max_new_tokens : length_);
  return !(hope > *kept_.back()->completion.score);
}

std::vector<Ended> BeamSearch::best_answers(const std::vector<BeamRef>& beams) const {
  std::vector<Ended> ended;
  for (const BeamRef& beam : beams) {
    const auto answer = static_cast<std::int64_t>(ended.size());
    if (answer == request_.answers) break;
    Answer text = beam->text;
    if (beam->completion.reason != StopReason::stop) text.finish();
    Completion completion = beam->completion;
    completion.text = text.text();
    completion.answer = answer;
    if (request_.on_text) request_.on_text(completion.text, answer);
    ended.push_back({std::move(completion), {}});
  }
  return ended;
}

/// The kept answers, then the beams that were running.
std::vector<Ended> BeamSearch::cancel(std::vector<Branch>& branches) {
  std::vector<BeamRef> beams = kept_;
  beams.insert(beams.end(), running_.begin(), running_.end());
  while (static_cast<std::int64_t>(beams.size()) < request_.answers) beams.push_back(beams.back());
  std::vector<Ended> ended = best_answers(beams);
  for (Ended& one : ended) one.completion.reason = StopReason::cancelled;
  branches.clear();
  running_.clear();
  return ended;
}

}  // namespace pomona::decode
