#include "train/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"

namespace pomona::train {
namespace {

/// Streams of random numbers: one for the choice of sets, then one for each epoch of each set.
constexpr std::uint64_t kMixStream = std::uint64_t{1} << 40;
std::uint64_t order_stream(std::size_t set, std::int64_t epoch) {
  return (static_cast<std::uint64_t>(set) + 2) << 40 | static_cast<std::uint64_t>(epoch);
}

}  // namespace

Sampler::Sampler(std::vector<SampledSet> sets, double temperature, std::uint64_t seed)
    : sets_(std::move(sets)),
      seed_(seed),
      given_(sets_.size(), 0),
      orders_(sets_.size()),
      epochs_(sets_.size(), -1) {
  if (sets_.empty()) fail(ErrorKind::bad_argument, "training rows: no set to draw from");
  if (!(temperature > 0))
    fail(ErrorKind::bad_argument, "training rows: temperature {}, expected above 0", temperature);
  double total = 0;
  for (const SampledSet& set : sets_) {
    if (set.rows <= 0) fail(ErrorKind::bad_argument, "training rows: a set has no rows");
    if (!(set.weight > 0) || set.cap <= 0)
      fail(ErrorKind::bad_argument,
           "training rows: weight {} and cap {} of a set, expected above 0", set.weight, set.cap);
    shares_.push_back(set.weight *
                      std::pow(static_cast<double>(std::min(set.rows, set.cap)), 1 / temperature));
    total += shares_.back();
  }
  for (double& share : shares_) share /= total;
}

std::int64_t Sampler::epoch_rows() const {
  if (sets_.size() == 1) return sets_.front().rows;
  std::int64_t rows = 0;
  for (const SampledSet& set : sets_) rows += std::min(set.rows, set.cap);
  return rows;
}

std::int64_t Sampler::place(std::size_t set, std::int64_t draw) {
  const std::int64_t rows = sets_[set].rows, epoch = draw / rows;
  std::vector<std::int64_t>& order = orders_[set];
  if (epochs_[set] != epoch) {
    epochs_[set] = epoch;
    order.resize(static_cast<std::size_t>(rows));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    const Random random(seed_, order_stream(set, epoch));
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[random.below(i, i)]);
  }
  return order[static_cast<std::size_t>(draw % rows)];
}

RowId Sampler::next() {
  std::size_t set = 0;
  if (sets_.size() > 1) {
    double left = Random(seed_, kMixStream).uniform(static_cast<std::uint64_t>(draws_));
    while (set + 1 < sets_.size() && left >= shares_[set]) left -= shares_[set++];
  }
  ++draws_;
  const std::int64_t draw = given_[set]++;
  return {static_cast<std::int32_t>(set), place(set, draw)};
}

void Sampler::skip(std::int64_t rows) {
  for (std::int64_t i = 0; i < rows; ++i) next();
}

}  // namespace pomona::train
