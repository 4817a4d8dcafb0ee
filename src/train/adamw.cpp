// AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2) with states in f32, as
// torch.optim.AdamW: decay is multiplied with the learning rate.
#include <cmath>

#include "train/adamw.h"
#include "train/optimiser_base.h"

namespace pomona::train {

kernel::AdamWFactors<float> adamw_factors(const OptimiserSettings& settings,
                                          const Trainable& trainable, double learning_rate,
                                          double gradient_scale, std::int64_t t) {
  const double rate = learning_rate * trainable.rate_factor;
  const double decay = trainable.decay ? settings.weight_decay : 0;
  const auto steps = static_cast<double>(t);
  return {static_cast<float>(gradient_scale),
          static_cast<float>(1 - settings.beta1),
          static_cast<float>(settings.beta2),
          static_cast<float>(1 - settings.beta2),
          static_cast<float>(1 - rate * decay),
          static_cast<float>(rate / (1 - std::pow(settings.beta1, steps))),
          static_cast<float>(1 / std::sqrt(1 - std::pow(settings.beta2, steps))),
          static_cast<float>(settings.epsilon)};
}

namespace {

class AdamW : public OptimiserBase {
 public:
  AdamW(const OptimiserSettings& settings, std::span<const Trainable> trainables)
      : OptimiserBase(settings, trainables), pieces_(pieces_of(trainables)) {
    for (const Trainable& trainable : trainables) {
      means_.push_back(new_state("exp_avg", trainable.name, trainable.value.shape()));
      squares_.push_back(new_state("exp_avg_sq", trainable.name, trainable.value.shape()));
    }
  }

 private:
  void update(const Context& context, std::span<const Trainable> trainables, double learning_rate,
              double gradient_scale, std::int64_t t) override {
    const auto pieces = static_cast<std::int64_t>(pieces_.size());
    context.pool.parallel_for(pieces, [&](std::int64_t i) {
      const auto [which, begin, end] = pieces_[static_cast<std::size_t>(i)];
      const Trainable& trainable = trainables[which];
      context.kernels.f32.adamw(
          trainable.gradient.data<float>() + begin, trainable.value.data<float>() + begin,
          means_[which].data<float>() + begin, squares_[which].data<float>() + begin, end - begin,
          adamw_factors(settings_, trainable, learning_rate, gradient_scale, t));
    });
  }

  std::vector<Piece> pieces_;
  std::vector<Tensor> means_, squares_;
};

}  // namespace

std::unique_ptr<Optimiser> make_adamw(const OptimiserSettings& settings,
                                      std::span<const Trainable> trainables) {
  return std::make_unique<AdamW>(settings, trainables);
}

}  // namespace pomona::train
