// What low-rank changes add to linear maps that share their input (Hu et al. 2021,
// arXiv:2106.09685): y_i += scale_i (x a_i^T) b_i^T, and its gradients, in f32.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "op/product.h"
#include "tensor/tape.h"

namespace pomona::op {

/// The low-rank changes of the weights of one linear map.
class LowRanks {
 public:
  LowRanks() = default;
  /// `noise` may be null: nothing is dropped then.
  LowRanks(std::span<const Parameter* const> weights, Noise* noise);

  bool empty() const { return parts_.empty(); }
  /// Appends a and b of each, in order.
  void append_inputs(std::vector<Tensor>& inputs) const;
  std::size_t inputs() const { return 2 * parts_.size(); }

  /// Throws bad_shape where a or b does not fit its weight.
  void check(std::span<const Parameter* const> weights) const;

  /// Adds to y (T, sum N); if `saved` is not null, keeps what backward needs: scale x a^T of all
  /// parts side by side.
  void forward(const Context& context, const Tensor& x, const Tensor& y, Saved* saved) const;
  void plan_forward(const Context& context, const Tensor& x, Saved* saved) const;

  /// `gradients`: of each a and b, in order. dx may be undefined.
  void backward(const Context& context, const Tensor& dy, const Tensor& x, const Tensor& saved,
                const Tensor& dx, std::span<Tensor> gradients) const;
  void plan_backward(const Context& context, const Tensor& x, const Tensor& dx,
                     std::span<Tensor> gradients) const;

  /// Calls f(its weight's number, the change, number of its first rank among all) for each.
  template <class F>
  void each(F&& f) const {
    for (const Part& part : parts_) f(part.weight, *part.change, part.rank);
  }

 private:
  struct Part {
    std::size_t weight;
    std::shared_ptr<LowRank> change;
    std::int64_t column;  // of its weight in y
    std::int64_t rank;    // first of its ranks among all
    std::int64_t R() const { return change->a.value.size(0); }
  };
  std::int64_t ranks() const { return parts_.back().rank + parts_.back().R(); }
  Tensor stacked(const Context& context, const Tensor& x) const;
  Tensor seen(const Context& context, const Tensor& x) const;
  void drop(const Context& context, const Tensor& x, bool add, const Tensor& y) const;

  std::vector<Part> parts_;
  double dropout_ = 0;
  Noise noise_;  // of this call
};

}  // namespace pomona::op
