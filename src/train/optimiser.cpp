#include "train/optimiser.h"

#include <array>

#include "base/error.h"
#include "train/names.h"
#include "train/optimiser_base.h"

namespace pomona::train {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"adamw", "adamw-8bit", "sgd", "adafactor"};

void check(std::string_view name, double value, bool fits, std::string_view range) {
  if (!fits) fail(ErrorKind::bad_argument, "optimiser: {} {} is not {}", name, value, range);
}

void check(const OptimiserSettings& s) {
  check("weight_decay", s.weight_decay, s.weight_decay >= 0, "0 or more");
  check("beta1", s.beta1, s.beta1 >= 0 && s.beta1 < 1, "within 0 and below 1");
  check("beta2", s.beta2, s.beta2 >= 0 && s.beta2 < 1, "within 0 and below 1");
  check("epsilon", s.epsilon, s.epsilon > 0, "above 0");
  check("momentum", s.momentum, s.momentum >= 0 && s.momentum < 1, "within 0 and below 1");
  check("clip", s.clip, s.clip > 0, "above 0");
  check("decay_power", s.decay_power, s.decay_power < 0, "below 0");
  check("epsilon_square", s.epsilon_square, s.epsilon_square > 0, "above 0");
}

void check_values(const Tensor& tensor, const std::string& name, std::string_view what) {
  if (tensor.dtype() != DType::f32 || !tensor.is_contiguous())
    fail(ErrorKind::bad_shape, "optimiser: the {} of {} {} is {}, not F32 without gaps", what, name,
         tensor.shape().text(), info(tensor.dtype()).name);
}

}  // namespace

OptimiserKind parse_optimiser(std::string_view name) {
  return static_cast<OptimiserKind>(index_of(name, kNames, "optimiser"));
}

std::string_view name_of(OptimiserKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::vector<Piece> pieces_of(std::span<const Trainable> trainables) {
  constexpr std::int64_t kPiece = 1 << 14;
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < trainables.size(); ++i) {
    const std::int64_t n = trainables[i].value.elements();
    for (std::int64_t at = 0; at < n; at += kPiece)
      pieces.push_back({i, at, std::min(n, at + kPiece)});
  }
  return pieces;
}

OptimiserBase::OptimiserBase(const OptimiserSettings& settings,
                             std::span<const Trainable> trainables)
    : settings_(settings), count_(Tensor::zeros({1}, DType::i32)) {
  state_.push_back({"step", count_});
  for (const Trainable& trainable : trainables) {
    check_values(trainable.value, trainable.name, "value");
    known_.push_back({trainable.name, trainable.value.shape()});
  }
}

Tensor OptimiserBase::new_state(std::string_view part, const std::string& name, Shape shape,
                                DType dtype) {
  const auto bytes = static_cast<std::size_t>(bytes_of(dtype, shape.elements()));
  state_.push_back(
      {fmt::format("{}.{}", part, name), Tensor(lasting_storage(bytes), shape, dtype)});
  return state_.back().value;
}

void OptimiserBase::step(const Context& context, std::span<const Trainable> trainables,
                         double learning_rate, double gradient_scale) {
  if (trainables.size() != known_.size())
    fail(ErrorKind::bad_argument, "optimiser: made for {} tensors, given {}", known_.size(),
         trainables.size());
  for (std::size_t i = 0; i < trainables.size(); ++i) {
    const auto& [name, value, gradient, decay, rate_factor, exact_state] = trainables[i];
    if (name != known_[i].name || value.shape() != known_[i].shape)
      fail(ErrorKind::bad_argument, "optimiser: tensor {} was {} {}, now is {} {}", i,
           known_[i].name, known_[i].shape.text(), name, value.shape().text());
    if (!gradient.defined()) fail(ErrorKind::bad_argument, "optimiser: {} has no gradient", name);
    check_values(value, name, "value");
    check_values(gradient, name, "gradient");
    if (gradient.elements() != value.elements())
      fail(ErrorKind::bad_shape, "optimiser: the gradient of {} {} is {}", name,
           value.shape().text(), gradient.shape().text());
  }
  const std::int32_t t = ++*count_.data<std::int32_t>();
  update(context, trainables, learning_rate, gradient_scale, t);
}

std::vector<StateTensor> OptimiserBase::state() { return state_; }

std::unique_ptr<Optimiser> make_optimiser(const OptimiserSettings& settings,
                                          std::span<const Trainable> trainables) {
  check(settings);
  switch (settings.kind) {
    case OptimiserKind::adamw:
      return make_adamw(settings, trainables);
    case OptimiserKind::adamw_8bit:
      return make_adamw_8bit(settings, trainables);
    case OptimiserKind::sgd:
      return make_sgd(settings, trainables);
    case OptimiserKind::adafactor:
      return make_adafactor(settings, trainables);
  }
  fail(ErrorKind::internal, "optimiser: kind {}", static_cast<int>(settings.kind));
}

std::int64_t state_bytes(const OptimiserSettings& settings, const Shape& shape, bool exact_state) {
  const std::int64_t whole = bytes_of(DType::f32, shape.elements());
  switch (settings.kind) {
    case OptimiserKind::adamw:
      return 2 * whole;
    case OptimiserKind::adamw_8bit:
      return adamw_8bit_state_bytes(shape, exact_state);
    case OptimiserKind::sgd:
      return settings.momentum == 0 ? 0 : whole;
    case OptimiserKind::adafactor:
      return adafactor_state_bytes(shape);
  }
  fail(ErrorKind::internal, "optimiser: kind {}", static_cast<int>(settings.kind));
}

}  // namespace pomona::train
