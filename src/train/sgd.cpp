// Stochastic gradient descent with momentum (Sutskever et al. 2013), as torch.optim.SGD: the
// velocity sums gradients, decay is part of the gradient.
#include "train/optimiser_base.h"

namespace pomona::train {
namespace {

class Sgd : public OptimiserBase {
 public:
  Sgd(const OptimiserSettings& settings, std::span<const Trainable> trainables)
      : OptimiserBase(settings, trainables), pieces_(pieces_of(trainables)) {
    if (settings.momentum == 0) return;
    for (const Trainable& trainable : trainables)
      velocities_.push_back(new_state("momentum", trainable.name, trainable.value.shape()));
  }

 private:
  void update(const Context& context, std::span<const Trainable> trainables, double learning_rate,
              double gradient_scale, std::int64_t) override {
    context.pool.parallel_for(static_cast<std::int64_t>(pieces_.size()), [&](std::int64_t i) {
      const auto [which, begin, end] = pieces_[static_cast<std::size_t>(i)];
      const Trainable& trainable = trainables[which];
      const kernel::MomentumFactors<float> factors = {
          static_cast<float>(gradient_scale),
          static_cast<float>(trainable.decay ? settings_.weight_decay : 0),
          static_cast<float>(settings_.momentum),
          static_cast<float>(learning_rate * trainable.rate_factor)};
      context.kernels.f32.momentum(
          trainable.gradient.data<float>() + begin, trainable.value.data<float>() + begin,
          velocities_.empty() ? nullptr : velocities_[which].data<float>() + begin, end - begin,
          factors);
    });
  }

  std::vector<Piece> pieces_;
  std::vector<Tensor> velocities_;
};

}  // namespace

std::unique_ptr<Optimiser> make_sgd(const OptimiserSettings& settings,
                                    std::span<const Trainable> trainables) {
  return std::make_unique<Sgd>(settings, trainables);
}

}  // namespace pomona::train
