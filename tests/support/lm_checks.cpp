#include "tests/support/lm_checks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace pomona::test {

double relative_error(const Tensor& found, const std::vector<double>& expected) {
  EXPECT_EQ(static_cast<std::size_t>(found.elements()), expected.size());
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    const double value = found.dtype() == DType::f64 ? found.data<double>()[at]
                                                     : static_cast<double>(found.data<float>()[at]);
    worst = std::max(worst, std::abs(value - expected[i]));
    largest = std::max(largest, std::abs(expected[i]));
  }
  return worst / largest;
}

std::vector<float> cached_logits(const model::CausalLm& lm, const Context& context,
                                 const std::vector<std::int32_t>& tokens, std::size_t piece,
                                 const std::vector<std::int32_t>& company) {
  nn::KvPool pool(model::kv_shape(lm.shape(), context.compute), 8);
  nn::KvSequence sequence(pool);
  std::vector<float> all;
  for (std::size_t at = 0; at < tokens.size(); at += piece) {
    const std::size_t count = std::min(piece, tokens.size() - at);
    nn::Batch batch;
    nn::KvSequence other(pool);
    if (!company.empty()) {
      other.extend(static_cast<std::int64_t>(company.size()));
      batch.append(company, 0, &other, nn::Batch::Logits::last);
    }
    const std::int64_t first = sequence.length();
    sequence.extend(static_cast<std::int64_t>(count));
    batch.append(std::span(tokens).subspan(at, count), first, &sequence, nn::Batch::Logits::all);
    const Tensor logits = lm.forward(batch, context);
    const std::int64_t skip = company.empty() ? 0 : 1;
    const float* const values = logits.data<float>() + skip * lm.shape().V;
    all.insert(all.end(), values, values + static_cast<std::int64_t>(count) * lm.shape().V);
  }
  return all;
}

}  // namespace pomona::test
