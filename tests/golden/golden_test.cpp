#include "tests/support/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "tests/support/refused.h"

namespace pomona::golden {
namespace {

/// The best token after the last position of a row's logits (T, 283).
std::ptrdiff_t best_after(const std::vector<double>& logits) {
  const auto last = logits.end() - 283;
  return std::max_element(last, logits.end()) - last;
}

TEST(Golden, TinyLlamaAgreesWithItself) {
  const Golden tiny("llama_tiny"), stored("llama_tiny_q4_1");
  for (const std::string row : {"0", "1"}) {
    const auto tokens = tiny.integers("tokens." + row);
    const auto shape = tiny.shape("row." + row + ".logits");
    ASSERT_EQ(shape, (std::vector<std::size_t>{tokens.size(), 283}));
    for (const Golden* golden : {&tiny, &stored}) {
      const auto logits = golden->numbers("row." + row + ".logits");
      EXPECT_EQ(best_after(logits), golden->integers("greedy." + row).at(0));
    }
  }
  double square = 0;
  for (double g : tiny.numbers("gradient.model.norm.weight")) square += g * g;
  EXPECT_DOUBLE_EQ(std::sqrt(square), tiny.facts()["gradient_norms"]["model.norm.weight"]);
  EXPECT_NEAR(tiny.numbers("loss").at(0), tiny.numbers("loss_f32").at(0), 1e-5);
}

TEST(Golden, NamesWhatIsMissing) {
  const Golden tiny("llama_tiny");
  EXPECT_EQ(test::refused([&] { tiny.numbers("row.9"); }),
            "not_found: golden llama_tiny: no array named row.9");
  EXPECT_THROW(tiny.integers("loss"), Error);
  EXPECT_THROW(tiny.numbers("tokens.0"), Error);
}

}  // namespace
}  // namespace pomona::golden
