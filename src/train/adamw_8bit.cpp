// AdamW with states of 8 bits (Dettmers et al. 2022, arXiv:2110.02861): each step decodes a block,
// does what AdamW does in f32, and codes it again. Small tensors, and those that ask for it, keep
// f32.
#include <algorithm>
#include <array>

#include "train/adamw.h"
#include "train/block_codes.h"
#include "train/optimiser_base.h"

namespace pomona::train {
namespace {

constexpr std::int64_t kSmall = 4096;  // values: fewer keep f32 (section 2.3 there)

bool is_coded(std::int64_t elements, bool exact_state) {
  return !exact_state && elements >= kSmall;
}

std::int64_t blocks_of(std::int64_t elements) { return (elements + kCodeBlock - 1) / kCodeBlock; }

class AdamW8Bit : public OptimiserBase {
 public:
  AdamW8Bit(const OptimiserSettings& settings, std::span<const Trainable> trainables)
      : OptimiserBase(settings, trainables), pieces_(pieces_of(trainables)) {
    for (const Trainable& t : trainables) {
      const std::int64_t n = t.value.elements(), blocks = blocks_of(n);
      if (is_coded(n, t.exact_state)) {
        const Shape codes = {blocks * kCodeBlock / 4};  // four codes in an i32
        states_.push_back({new_state("exp_avg_codes", t.name, codes, DType::i32),
                           new_state("exp_avg_sq_codes", t.name, codes, DType::i32),
                           new_state("exp_avg_scales", t.name, {blocks}),
                           new_state("exp_avg_sq_scales", t.name, {blocks})});
      } else {
        states_.push_back({new_state("exp_avg", t.name, t.value.shape()),
                           new_state("exp_avg_sq", t.name, t.value.shape()),
                           {},
                           {}});
      }
    }
  }

 private:
  struct State {
    Tensor mean, square;                // f32, or codes
    Tensor mean_scales, square_scales;  // of codes only
  };

  void update(const Context& context, std::span<const Trainable> trainables, double learning_rate,
              double gradient_scale, std::int64_t t) override {
    context.pool.parallel_for(static_cast<std::int64_t>(pieces_.size()), [&](std::int64_t i) {
      const auto [which, begin, end] = pieces_[static_cast<std::size_t>(i)];
      const Trainable& trainable = trainables[which];
      const State& state = states_[which];
      const float* const gradient = trainable.gradient.data<float>();
      float* const weight = trainable.value.data<float>();
      const auto factors = adamw_factors(settings_, trainable, learning_rate, gradient_scale, t);
      if (!state.mean_scales.defined()) {
        context.kernels.f32.adamw(gradient + begin, weight + begin,
                                  state.mean.data<float>() + begin,
                                  state.square.data<float>() + begin, end - begin, factors);
        return;
      }
      for (std::int64_t at = begin; at < end; at += kCodeBlock) {
        const std::int64_t n = std::min(kCodeBlock, end - at), block = at / kCodeBlock;
        auto* const means = reinterpret_cast<std::uint8_t*>(state.mean.raw()) + at;
        auto* const squares = reinterpret_cast<std::uint8_t*>(state.square.raw()) + at;
        float& mean_scale = state.mean_scales.data<float>()[block];
        float& square_scale = state.square_scales.data<float>()[block];
        std::array<float, kCodeBlock> mean, square;
        decode_means(means, mean_scale, mean.data(), n);
        decode_squares(squares, square_scale, square.data(), n);
        context.kernels.f32.adamw(gradient + at, weight + at, mean.data(), square.data(), n,
                                  factors);
        mean_scale = encode_means(mean.data(), means, n);
        const auto key = static_cast<std::uint32_t>(at + t * 0x9e3779b1);
        square_scale = encode_squares(square.data(), squares, n, key);
      }
    });
  }

  std::vector<Piece> pieces_;
  std::vector<State> states_;
};

}  // namespace

std::unique_ptr<Optimiser> make_adamw_8bit(const OptimiserSettings& settings,
                                           std::span<const Trainable> trainables) {
  return std::make_unique<AdamW8Bit>(settings, trainables);
}

std::int64_t adamw_8bit_state_bytes(const Shape& shape, bool exact_state) {
  const std::int64_t n = shape.elements();
  return is_coded(n, exact_state) ? 2 * blocks_of(n) * (kCodeBlock + 4)
                                  : 2 * bytes_of(DType::f32, n);
}

}  // namespace pomona::train
