// Low-rank changes within weights: PEFT's merged weights, and the weights without them again.
#include "model/merge.h"

#include <cmath>

#include "tests/model/adapter_support.h"

namespace pomona::model {
namespace {

using golden::Golden;

/// How far apart two values are, in steps of `fraction` bits at the larger of both and `scale`.
double steps(double a, double b, double scale, int fraction) {
  const double size = std::max({std::abs(a), std::abs(b), std::abs(scale)});
  return size == 0 ? 0 : std::abs(a - b) / std::ldexp(1.0, std::ilogb(size) - fraction);
}

std::vector<float> values_of(const Tensor& tensor) {
  const Tensor wide = in_type(tensor, DType::f32);
  return {wide.data<float>(), wide.data<float>() + wide.elements()};
}

class Merged : public ::testing::TestWithParam<std::string> {
 protected:
  Merged() : golden("training/" + GetParam()) {
    const auto name = golden.facts().at("model").get<std::string>();
    family = name.substr(name.find('/') + 1);
  }
  Golden golden;
  std::string family;
};

TEST_P(Merged, IsPeftsMergedWeight) {
  Model model = tiny_model(family);
  attach(model, read_adapter(adapter_path(GetParam())));
  ThreadPool pool(2);
  merge_adapters(model, pool);
  const auto whole = golden.facts().at("whole").get<std::size_t>(),
             stride = golden.facts().at("stride").get<std::size_t>();
  int compared = 0;
  model.lm->each_parameter([&](const std::string& name, Parameter& parameter) {
    EXPECT_TRUE(parameter.adapters.empty());
    const bool is_table = &parameter == &model.lm->token_table() || name.find("wpe") < name.size();
    if (parameter.value.shape().rank() != 2 || is_table || name == "lm_head.weight") return;
    const std::vector<double> expected = golden.numbers("merged." + name);
    const std::vector<float> found =
        values_of(to_file(parameter.value, model.weight_names.at(name), Names::hub));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto value = static_cast<double>(found[found.size() > whole ? i * stride : i]);
      ASSERT_LE(steps(value, expected[i], 0, 23), 1) << name << " " << i;
    }
    ++compared;
  });
  EXPECT_GE(compared, 8);
}

TEST_P(Merged, ComesApartAgainWithinOneStep) {
  Model model = tiny_model(family);
  attach(model, read_adapter(adapter_path(GetParam())));
  ThreadPool one(1), three(3);
  for (const auto& [type, fraction] :
       {std::pair(DType::f32, 23), {DType::bf16, 7}, {DType::f16, 10}}) {
    model.lm->each_parameter(
        [&, dtype = type, bits = fraction](const std::string& name, Parameter& parameter) {
          if (parameter.adapters.empty()) return;
          const Tensor weight = in_type(parameter.value, dtype);
          const Tensor sum = merged(weight, parameter.adapters, dtype, one);
          const Tensor apart = unmerged(sum, parameter.adapters, dtype, three);
          EXPECT_EQ(values_of(sum), values_of(merged(weight, parameter.adapters, dtype, three)));
          const std::vector<float> a = values_of(apart), w = values_of(weight), s = values_of(sum);
          std::size_t changed = 0;
          for (std::size_t i = 0; i < a.size(); ++i) {
            ASSERT_LE(steps(a[i], w[i], s[i], bits), 1) << name << " " << i;
            changed += s[i] != w[i] ? 1 : 0;
          }
          EXPECT_GT(changed, a.size() / 2) << name;
        });
  }
}

INSTANTIATE_TEST_SUITE_P(All, Merged, ::testing::Values("llama_lora", "llama_rslora", "gpt2_lora"));

TEST(Merge, IntoBlocksIsTheNearestThatTheFormatHas) {
  ThreadPool pool(1);
  const Tensor weight = Tensor::zeros({2, 32}), a = Tensor::zeros({1, 32}),
               b = Tensor::zeros({2, 1});
  for (int k = 0; k < 32; ++k) a.data<float>()[k] = static_cast<float>(k - 16);
  b.data<float>()[0] = 1;
  b.data<float>()[1] = -2;
  const std::vector<std::shared_ptr<LowRank>> changes = {
      std::make_shared<LowRank>(LowRank{Parameter(a), Parameter(b), 0.5})};
  const Tensor sum = merged(weight, changes, DType::q8_0, pool);
  ASSERT_EQ(sum.dtype(), DType::q8_0);
  // A row has values up to 8 and 16: half a step of Q8_0 is the largest / 254, and an f16's
  // rounding of the step, 2^-11 of the largest.
  const std::vector<float> found = values_of(sum);
  for (int k = 0; k < 32; ++k) {
    EXPECT_NEAR(found[static_cast<std::size_t>(k)], 0.5 * (k - 16), 8.0 / 254 + 8.0 / 2048);
    EXPECT_NEAR(found[static_cast<std::size_t>(32 + k)], -1.0 * (k - 16), 16.0 / 254 + 16.0 / 2048);
  }
}

TEST(Merge, RefusesWhatItCannotHold) {
  ThreadPool pool(1);
  const Tensor weight = Tensor::zeros({1, 4}), a = Tensor::zeros({1, 4}), b = Tensor::zeros({1, 1});
  a.data<float>()[1] = 3e38F;
  b.data<float>()[0] = 1;
  const std::vector<std::shared_ptr<LowRank>> changes = {
      std::make_shared<LowRank>(LowRank{Parameter(a), Parameter(b), 4})};
  EXPECT_EQ(test::refused([&] { merged(weight, changes, DType::f32, pool); }),
            "bad_file: merge: row 0 has values that are no finite numbers");
  EXPECT_EQ(test::refused([&] { merged(weight, changes, DType::q8_0, pool); }),
            "unsupported: merge: rows of 4 values cannot be Q8_0");
  changes[0]->scale = 0.1;
  EXPECT_EQ(test::refused([&] { merged(weight, changes, DType::f16, pool); }),
            "unsupported: merge: row 0 has values too large for F16; take BF16 or F32");
}

}  // namespace
}  // namespace pomona::model
