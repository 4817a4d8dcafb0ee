// Low-rank changes within a weight (Hu et al. 2021, arXiv:2106.09685, section 4.1), and out of it
// again.
#pragma once
#include <memory>
#include <span>

#include "base/thread_pool.h"
#include "model/model.h"

namespace pomona::model {

using LowRankRefs = std::span<const std::shared_ptr<LowRank>>;

/// W + sum scale_i b_i a_i as `dtype`, W (N, K) of any type that is decoded. The sum is exact up to
/// the rounding to f32, and from there to `dtype`; block formats are searched anew, without
/// importances. Throws bad_file for a sum that is no finite number, unsupported for one too large
/// for f16 or rows that do not divide into blocks.
Tensor merged(const Tensor& weight, LowRankRefs changes, DType dtype, ThreadPool& pool);

/// W - sum scale_i b_i a_i in the same way.
Tensor unmerged(const Tensor& weight, LowRankRefs changes, DType dtype, ThreadPool& pool);

/// Puts all low-rank changes that are attached to the model into its weights. Throws unsupported
/// for weights in a block format, whose answers that would change; nothing changes then.
void merge_adapters(Model& model, ThreadPool& pool);

}  // namespace pomona::model
