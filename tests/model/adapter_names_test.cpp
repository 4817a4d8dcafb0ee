// Low-rank changes of every weight of every family: the same as the changed weights themselves,
// under the hub's names and under GGUF's.
#include <cmath>
#include <cstring>
#include <map>

#include "base/random.h"
#include "model/adapter_gguf.h"
#include "model/merge.h"
#include "tests/model/adapter_support.h"

namespace pomona::model {
namespace {

Tensor random_matrix(std::int64_t rows, std::int64_t columns, std::uint64_t stream) {
  const Tensor matrix = Tensor::zeros({rows, columns});
  const Random random(7, stream);
  for (std::int64_t i = 0; i < matrix.elements(); ++i)
    matrix.data<float>()[i] =
        static_cast<float>(0.2 * random.uniform(static_cast<std::uint64_t>(i)) - 0.1);
  return matrix;
}

/// A change of every matrix but the tables, b's rows in the model's order.
std::map<std::string, LowRank> random_changes(const Model& model) {
  std::map<std::string, LowRank> changes;
  const Parameter* const table = &model.lm->token_table();
  std::uint64_t stream = 0;
  model.lm->each_parameter([&](const std::string& name, Parameter& parameter) {
    const Tensor& value = parameter.value;
    if (value.shape().rank() != 2 || &parameter == table || name == "transformer.wpe.weight")
      return;
    changes[name] = {Parameter(random_matrix(3, value.size(1), stream)),
                     Parameter(random_matrix(value.size(0), 3, stream + 1)), 2};
    stream += 2;
  });
  return changes;
}

class AdapterNames : public ::testing::TestWithParam<std::string> {};

TEST_P(AdapterNames, AreThoseOfTheWeights) {
  Model oracle = tiny_model(GetParam());
  const auto changes = random_changes(oracle);
  Model trained = tiny_model(GetParam());
  trained.lm->each_parameter([&](const std::string& name, Parameter& parameter) {
    if (const auto found = changes.find(name); found != changes.end())
      parameter.adapters = {std::make_shared<LowRank>(found->second)};
  });
  const Adapter adapter = adapter_of(trained, 6);
  EXPECT_EQ(adapter.rank, 3);
  EXPECT_EQ(adapter.changes.size(), changes.size());
  oracle.lm->each_parameter([&](const std::string& name, Parameter& parameter) {
    const auto found = changes.find(name);
    if (found == changes.end()) return;
    const Tensor sum = in_type(parameter.value, DType::f32).detach();
    const Tensor changed = Tensor::zeros(sum.shape());
    const LowRank& change = found->second;
    for (std::int64_t n = 0; n < sum.size(0); ++n) {
      for (std::int64_t k = 0; k < sum.size(1); ++k) {
        double value = static_cast<double>(sum.data<float>()[n * sum.size(1) + k]);
        for (std::int64_t r = 0; r < 3; ++r)
          value += 2.0 * static_cast<double>(change.b.value.data<float>()[n * 3 + r]) *
                   static_cast<double>(change.a.value.data<float>()[r * sum.size(1) + k]);
        changed.data<float>()[n * sum.size(1) + k] = static_cast<float>(value);
      }
    }
    parameter = Parameter(changed);
  });
  const std::vector<float> expected = logits_of(oracle, some_tokens());

  // Both sides are f32 sums, of changed weights here and of two products there.
  constexpr double kBound = 1e-5;
  Model folder = tiny_model(GetParam()), file = tiny_model(GetParam(), Names::gguf);
  attach(folder, adapter);
  EXPECT_LT(difference(logits_of(folder, some_tokens()), expected), kBound);
  const test::TempFolder temp;
  write_gguf_adapter(temp / "a.gguf", in_names(adapter, folder, Names::gguf));
  attach(file, read_adapter(temp / "a.gguf"));
  EXPECT_LT(difference(logits_of(file, some_tokens()), expected), kBound);
  const Adapter back = in_names(read_adapter(temp / "a.gguf"), file, Names::hub);
  for (std::size_t i = 0; i < back.changes.size(); ++i) {
    EXPECT_EQ(back.changes[i].weight, adapter.changes[i].weight);
    EXPECT_EQ(0, std::memcmp(back.changes[i].b.raw(), adapter.changes[i].b.raw(),
                             static_cast<std::size_t>(back.changes[i].b.bytes())));
  }
  ThreadPool pool(2);
  merge_adapters(folder, pool);
  EXPECT_LT(difference(logits_of(folder, some_tokens()), expected), kBound);
}

TEST_P(AdapterNames, APromptOfTokensVectorsActsAsTheTokens) {
  Model model = tiny_model(GetParam());
  const std::vector<std::int32_t> first = {61, 7};
  std::vector<std::int32_t> all = first;
  all.insert(all.end(), some_tokens().begin(), some_tokens().end());
  const std::vector<float> expected = logits_of(model, all);
  const std::size_t V = expected.size() / all.size();

  Adapter adapter;
  adapter.kind = AdapterKind::prompt;
  const Tensor table = in_type(model.lm->token_table().value, DType::f32);
  const std::int64_t D = table.size(1);
  adapter.rows = Tensor::zeros({2, D});
  for (std::int64_t i = 0; i < 2 * D; ++i)  // what the first block is given
    adapter.rows.data<float>()[i] = static_cast<float>(
        model.lm->embedding_scale() *
        static_cast<double>(
            table.data<float>()[first[static_cast<std::size_t>(i / D)] * D + i % D]));
  attach(model, adapter);
  // The vectors are rounded once more on their way.
  EXPECT_LT(difference(logits_of(model, some_tokens()),
                       {expected.begin() + static_cast<std::ptrdiff_t>(2 * V), expected.end()}),
            1e-5);
}

INSTANTIATE_TEST_SUITE_P(All, AdapterNames,
                         ::testing::Values("gemma2", "gemma3", "gpt2", "gpt_neox", "llama",
                                           "mistral", "phi3", "qwen2", "qwen3"));

}  // namespace
}  // namespace pomona::model
