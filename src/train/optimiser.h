// Optimisers: how weights follow their gradients. One file beside this for each of AdamW
// (Loshchilov and Hutter 2019, arXiv:1711.05101), AdamW with states of 8 bits (Dettmers et al.
// 2022, arXiv:2110.02861), SGD with momentum, and Adafactor (Shazeer and Stern 2018,
// arXiv:1804.04235).
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/context.h"
#include "tensor/tensor.h"

namespace pomona::train {

enum class OptimiserKind { adamw, adamw_8bit, sgd, adafactor };

/// Throws bad_argument for an unknown name, suggesting the nearest of adamw, adamw-8bit, sgd,
/// adafactor.
OptimiserKind parse_optimiser(std::string_view name);
std::string_view name_of(OptimiserKind kind);

/// PyTorch's defaults, without weight decay; for Adafactor those of transformers where a learning
/// rate is given.
struct OptimiserSettings {
  OptimiserKind kind = OptimiserKind::adamw;
  double weight_decay = 0;
  double beta1 = 0.9;             // AdamW: how much of the mean of gradients stays
  double beta2 = 0.999;           // AdamW: how much of the mean of squares stays
  double epsilon = 1e-8;          // AdamW
  double momentum = 0.9;          // SGD
  double clip = 1;                // Adafactor: the largest root mean square of a tensor's update
  double decay_power = -0.8;      // Adafactor: in step t, 1 - t^power of the mean of squares stays
  double epsilon_square = 1e-30;  // Adafactor: added to squares of gradients
};

/// One tensor that is trained.
struct Trainable {
  std::string name;
  Tensor value;              // f32, no gaps; changed by step()
  Tensor gradient;           // of value's form; read by step() only
  bool decay = true;         // whether weight decay applies: not to norms and biases
  double rate_factor = 1;    // of the learning rate
  bool exact_state = false;  // 8-bit: states stay f32, as they should for embeddings
};

/// A part of an optimiser's state; shares its storage, so that writing to it is loading.
struct StateTensor {
  std::string name;  // "step", or "exp_avg." and so on with the trainable's name
  Tensor value;
};

class Optimiser {
 public:
  virtual ~Optimiser() = default;

  /// One step of every trainable, the same (names and shapes, in this order) as at the making.
  /// Gradients count `gradient_scale` times (clip_scale()). The same bits for any number of
  /// threads. Throws bad_argument naming the trainable if it is another one or has no gradient.
  virtual void step(const Context& context, std::span<const Trainable> trainables,
                    double learning_rate, double gradient_scale = 1) = 0;

  /// Everything that step() reads beside its arguments. Saved and written back, the next steps
  /// give the same bits.
  virtual std::vector<StateTensor> state() = 0;
};

/// State starts at zero. Only names, shapes and flags of `trainables` are read. Throws bad_argument
/// for settings out of range, bad_shape for a value that is not f32 without gaps.
std::unique_ptr<Optimiser> make_optimiser(const OptimiserSettings& settings,
                                          std::span<const Trainable> trainables);

/// Bytes of the state of one tensor, for a plan: what state() holds of it. The step counter (4
/// bytes) is not counted.
std::int64_t state_bytes(const OptimiserSettings& settings, const Shape& shape, bool exact_state);

}  // namespace pomona::train
