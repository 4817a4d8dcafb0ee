// What all optimisers share: the step counter, the check of what step() is given, and the pieces in
// which tensors are dealt to the threads.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "train/optimiser.h"

namespace pomona::train {

/// Values [begin, end) of a trainable.
struct Piece {
  std::size_t trainable;
  std::int64_t begin, end;
};

class OptimiserBase : public Optimiser {
 public:
  void step(const Context& context, std::span<const Trainable> trainables, double learning_rate,
            double gradient_scale) final;
  std::vector<StateTensor> state() final;

 protected:
  OptimiserBase(const OptimiserSettings& settings, std::span<const Trainable> trainables);

  /// Step `t`, counted from 1, of trainables that were checked.
  virtual void update(const Context& context, std::span<const Trainable> trainables,
                      double learning_rate, double gradient_scale, std::int64_t t) = 0;

  /// A zeroed tensor that state() gives as "PART.NAME".
  Tensor new_state(std::string_view part, const std::string& name, Shape shape,
                   DType dtype = DType::f32);

  const OptimiserSettings settings_;

 private:
  struct Known {
    std::string name;
    Shape shape;
  };
  std::vector<Known> known_;
  Tensor count_;
  std::vector<StateTensor> state_;
};

/// The pieces of all trainables, by their sizes alone.
std::vector<Piece> pieces_of(std::span<const Trainable> trainables);

std::unique_ptr<Optimiser> make_adamw(const OptimiserSettings& settings,
                                      std::span<const Trainable> trainables);
std::unique_ptr<Optimiser> make_adamw_8bit(const OptimiserSettings& settings,
                                           std::span<const Trainable> trainables);
std::unique_ptr<Optimiser> make_sgd(const OptimiserSettings& settings,
                                    std::span<const Trainable> trainables);
std::unique_ptr<Optimiser> make_adafactor(const OptimiserSettings& settings,
                                          std::span<const Trainable> trainables);

/// What state_bytes() says of them.
std::int64_t adamw_8bit_state_bytes(const Shape& shape, bool exact_state);
std::int64_t adafactor_state_bytes(const Shape& shape);

}  // namespace pomona::train
