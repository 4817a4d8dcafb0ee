// The list of ops that the gradient check walks: one line each.
#include "base/random.h"
#include "op/ops.h"

namespace pomona::op {

std::vector<Sample> samples_activate();
std::vector<Sample> samples_add();
std::vector<Sample> samples_attention();
std::vector<Sample> samples_cross_entropy();
std::vector<Sample> samples_embedding();
std::vector<Sample> samples_gated();
std::vector<Sample> samples_layer_norm();
std::vector<Sample> samples_linear();
std::vector<Sample> samples_rms_norm();
std::vector<Sample> samples_rope();
std::vector<Sample> samples_rows();
std::vector<Sample> samples_scale();
std::vector<Sample> samples_soft_cap();

std::vector<Sample> all_samples() {
  std::vector<Sample> all;
  for (const auto list :
       {samples_activate, samples_add, samples_attention, samples_cross_entropy, samples_embedding,
        samples_gated, samples_layer_norm, samples_linear, samples_rms_norm, samples_rope,
        samples_rows, samples_scale, samples_soft_cap}) {
    for (Sample& sample : list()) all.push_back(std::move(sample));
  }
  return all;
}

Tensor sample_tensor(Shape shape, std::uint64_t stream, DType dtype) {
  const Tensor tensor = Tensor::zeros(shape, dtype);
  const Random random(42, stream);
  with_type(tensor, [&]<class T>() {
    for (std::int64_t i = 0; i < tensor.elements(); ++i) {
      tensor.data<T>()[i] = static_cast<T>(2 * random.uniform(static_cast<std::uint64_t>(i)) - 1);
    }
  });
  return tensor;
}

}  // namespace pomona::op
