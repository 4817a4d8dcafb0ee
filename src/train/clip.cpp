#include "train/clip.h"

#include <cmath>
#include <vector>

#include "train/optimiser_base.h"

namespace pomona::train {

double gradient_norm(const Context& context, std::span<const Trainable> trainables) {
  const std::vector<Piece> pieces = pieces_of(trainables);
  std::vector<float> sums(pieces.size());
  context.pool.parallel_for(static_cast<std::int64_t>(pieces.size()), [&](std::int64_t i) {
    const auto [which, begin, end] = pieces[static_cast<std::size_t>(i)];
    const Tensor& gradient = trainables[which].gradient;
    if (!gradient.defined()) return;
    sums[static_cast<std::size_t>(i)] =
        context.kernels.f32.square_sum(gradient.data<float>() + begin, end - begin);
  });
  double sum = 0;
  for (const float part : sums) sum += static_cast<double>(part);
  return std::sqrt(sum);
}

double clip_scale(double norm, double largest) {
  const double scale = largest / (norm + 1e-6);
  return std::isfinite(norm) ? std::min(1.0, scale) : std::nan("");
}

}  // namespace pomona::train
