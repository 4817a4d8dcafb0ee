// Every decoder family against PyTorch's numbers on tiny random weights, from a hub folder and from
// a GGUF file, and equality of the ways to run it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "model/registry.h"
#include "op/ops.h"
#include "store/gguf.h"
#include "store/hub_folder.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "tests/support/lm_checks.h"

namespace pomona::model {
namespace {

using golden::Golden;
using test::cached_logits;
using test::Engine;
using test::relative_error;

enum class World { hub, gguf };

struct Family {
  std::string name;
  World world;
};
void PrintTo(const Family& family, std::ostream* out) { *out << family.name; }

class Families : public ::testing::TestWithParam<Family> {
 protected:
  Families() : golden("families/" + GetParam().name), lm(load()) {
    engine.context.compute = Compute::f32;
  }

  static std::unique_ptr<CausalLm> load() {
    const std::string base = "families/" + GetParam().name;
    if (GetParam().world == World::gguf) {
      const store::GgufFile file(golden::path_of(base + ".gguf"));
      const std::string architecture(file.metadata().string("general.architecture"));
      return find_architecture(architecture, file.path()).load(Checkpoint(file));
    }
    const store::HubFolder folder(golden::path_of(base));
    Config config(folder.config(), "config.json");
    const std::string architecture = config.text("model_type", "");
    return find_architecture(architecture, folder.path())
        .load(Checkpoint(std::move(config), folder.weights()));
  }

  std::vector<std::int32_t> tokens(int row) const {
    return golden.integers("tokens." + std::to_string(row));
  }

  Golden golden;
  Engine engine;
  std::unique_ptr<CausalLm> lm;
};

/// The house bound for models in f32 is 1e-4; PyTorch's own f32 is within 2e-6 of its f64 here, so
/// a tenth of it leaves room for another order of addition, but not for a wrong constant.
constexpr double kBound = 1e-5;

TEST_P(Families, EveryBlockEqualsPyTorch) {
  for (int row = 0; row < 2; ++row) {
    const std::string prefix = "row." + std::to_string(row) + ".";
    std::int64_t seen = 0;
    const Probe probe = [&](std::string_view name, const Tensor& value) {
      const std::string array = name == "embed_tokens" ? "embedding"
                                : name == "norm"       ? "norm"
                                                       : "block" + std::string(name.substr(6));
      EXPECT_LT(relative_error(value, golden.numbers(prefix + array)), kBound) << array;
      ++seen;
    };
    Context context = engine.context;
    context.probe = &probe;
    nn::Batch batch;
    batch.append(tokens(row), 0, nullptr, nn::Batch::Logits::all);
    const Tensor logits = lm->forward(batch, context);
    EXPECT_LT(relative_error(logits, golden.numbers(prefix + "logits")), kBound);
    EXPECT_EQ(seen, lm->shape().L + 2);
  }
}

TEST_P(Families, LossOfARaggedBatchEqualsPyTorch) {
  nn::Batch batch;
  std::vector<std::int32_t> next;
  for (int row = 0; row < 2; ++row) {
    const std::vector<std::int32_t> ids = tokens(row);
    batch.append(ids, 0, nullptr, nn::Batch::Logits::all);
    next.insert(next.end(), ids.begin() + 1, ids.end());
    next.push_back(-1);
  }
  const Tensor targets = Tensor::zeros({batch.T()}, DType::i32);
  std::copy(next.begin(), next.end(), targets.data<std::int32_t>());
  const Tensor losses =
      op::cross_entropy(engine.context, lm->forward(batch, engine.context), targets);
  const Tensor loss =
      op::scaled_sum(engine.context, losses, 1.0 / static_cast<double>(next.size() - 2));
  const double expected = golden.numbers("loss").at(0);
  EXPECT_NEAR(static_cast<double>(*loss.data<float>()), expected, kBound * expected);
}

std::int32_t best_of(const Tensor& logits, std::int64_t V) {
  const float* const last = logits.data<float>() + (logits.elements() - V);
  return static_cast<std::int32_t>(std::max_element(last, last + V) - last);
}

TEST_P(Families, GreedyTokensEqualPyTorchs) {
  const std::int64_t V = lm->shape().V;
  for (int row = 0; row < 2; ++row) {
    const std::vector<std::int32_t> expected = golden.integers("greedy." + std::to_string(row));
    std::vector<std::int32_t> ids = tokens(row), cached, recomputed;
    nn::KvPool pool(kv_shape(lm->shape(), engine.context.compute), 8);
    nn::KvSequence sequence(pool);
    std::vector<std::int32_t> fresh = ids;
    while (cached.size() < expected.size()) {
      const std::int64_t first = sequence.length();
      sequence.extend(static_cast<std::int64_t>(fresh.size()));
      nn::Batch with_cache, without;
      with_cache.append(fresh, first, &sequence, nn::Batch::Logits::last);
      without.append(ids, 0, nullptr, nn::Batch::Logits::last);
      cached.push_back(best_of(lm->forward(with_cache, engine.context), V));
      recomputed.push_back(best_of(lm->forward(without, engine.context), V));
      ids.push_back(expected[cached.size() - 1]);
      fresh = {ids.back()};
    }
    EXPECT_EQ(cached, expected);
    EXPECT_EQ(recomputed, expected);
  }
}

TEST_P(Families, CacheCompanyAndThreadsChangeNoBit) {
  std::vector<std::int32_t> ids = tokens(0);
  while (ids.size() < 90) ids.insert(ids.end(), ids.begin(), ids.begin() + 11);
  for (const Compute compute : {Compute::f32, Compute::bf16}) {
    Engine one(1), three(3);
    one.context.compute = three.context.compute = compute;
    const auto fresh = load();  // its weights are packed for one mode
    const std::vector<float> whole = cached_logits(*fresh, one.context, ids, ids.size(), {});
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}}) {
      const std::vector<float> pieces = cached_logits(*fresh, three.context, ids, piece, tokens(1));
      ASSERT_EQ(0, std::memcmp(whole.data(), pieces.data(), whole.size() * sizeof(float)))
          << name_of(compute) << ", pieces of " << piece;
    }
  }
}

std::vector<Family> all_families() {
  std::vector<Family> all;
  for (const char* name :
       {"gemma2", "gemma3", "gpt2", "gpt_neox", "llama", "mistral", "phi3", "qwen2", "qwen3"}) {
    for (const World world : {World::hub, World::gguf}) all.push_back({name, world});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, Families, ::testing::ValuesIn(all_families()), [](const auto& one) {
  return one.param.name + (one.param.world == World::hub ? "_hub" : "_gguf");
});

}  // namespace
}  // namespace pomona::model
