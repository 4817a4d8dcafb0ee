#include "model/merge.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/quote.h"

namespace pomona::model {
namespace {

/// row += factor * a by ranks, of one row of W.
void add_changes(LowRankRefs changes, std::int64_t n, double sign, std::vector<double>& row) {
  const auto K = static_cast<std::int64_t>(row.size());
  for (const auto& change : changes) {
    const Tensor &a = change->a.value, &b = change->b.value;
    const std::int64_t R = a.size(0);
    for (std::int64_t r = 0; r < R; ++r) {
      const double factor = sign * change->scale * static_cast<double>(b.data<float>()[n * R + r]);
      const float* const from = a.data<float>() + r * K;
      for (std::int64_t k = 0; k < K; ++k)
        row[static_cast<std::size_t>(k)] += factor * static_cast<double>(from[k]);
    }
  }
}

Tensor with_changes(const Tensor& weight, LowRankRefs changes, double sign, DType dtype,
                    ThreadPool& pool) {
  const std::int64_t K = weight.size(-1), N = weight.elements() / K;
  if (K % info(dtype).block != 0 || info(dtype).pack == nullptr)
    fail(ErrorKind::unsupported, "merge: rows of {} values cannot be {}", K, info(dtype).name);
  const Tensor sum = Tensor::zeros(weight.shape(), dtype);
  const std::int64_t from_bytes = bytes_of(weight.dtype(), K), to_bytes = bytes_of(dtype, K);
  const bool narrow = dtype == DType::f16;
  pool.parallel_for(N, [&](std::int64_t n) {
    std::vector<float> values(static_cast<std::size_t>(K));
    info(weight.dtype()).unpack(weight.raw() + n * from_bytes, values.data(), K);
    std::vector<double> row(values.begin(), values.end());
    add_changes(changes, n, sign, row);
    std::ranges::transform(row, values.begin(), [](double x) { return static_cast<float>(x); });
    if (!std::ranges::all_of(values, [](float x) { return std::isfinite(x); }))
      fail(ErrorKind::bad_file, "merge: row {} has values that are no finite numbers", n);
    info(dtype).pack(values.data(), nullptr, sum.raw() + n * to_bytes, K);
    constexpr float kLargestF16 = 65504;
    if (narrow && std::ranges::any_of(values, [](float x) { return std::abs(x) > kLargestF16; }))
      fail(ErrorKind::unsupported, "merge: row {} has values too large for F16; take BF16 or F32",
           n);
  });
  return sum;
}

}  // namespace

Tensor merged(const Tensor& weight, LowRankRefs changes, DType dtype, ThreadPool& pool) {
  return with_changes(weight, changes, 1, dtype, pool);
}

Tensor unmerged(const Tensor& weight, LowRankRefs changes, DType dtype, ThreadPool& pool) {
  return with_changes(weight, changes, -1, dtype, pool);
}

void merge_adapters(Model& model, ThreadPool& pool) {
  std::vector<Parameter*> changed;
  model.lm->each_parameter([&](const std::string& name, Parameter& parameter) {
    if (parameter.adapters.empty()) return;
    if (is_block_format(parameter.value.dtype()))
      fail(ErrorKind::unsupported,
           "merge: {} is {}: its values are decoded, changed and encoded again, which `pomona "
           "merge` does in files and measures",
           quote_name(name), info(parameter.value.dtype()).name);
    changed.push_back(&parameter);
  });
  for (Parameter* const parameter : changed)
    *parameter =
        Parameter(merged(parameter->value, parameter->adapters, parameter->value.dtype(), pool));
}

}  // namespace pomona::model
