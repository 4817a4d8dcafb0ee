// Perplexity and divergence of a generated model in several formats against llama.cpp's figures
// (build d99724f, 8 chunks of 512 tokens of WikiText-2). Skips where the vocabulary and the text
// are absent.
#include "eval/perplexity.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "compress/collect_importance.h"
#include "compress/quantize.h"
#include "eval/divergence.h"
#include "store/gguf_output.h"
#include "tests/support/engine.h"
#include "tests/support/real_model.h"
#include "tests/support/temp_folder.h"
#include "text/tokenizer.h"

namespace pomona::eval {
namespace {

namespace fs = std::filesystem;

/// Tensors of the model, each with values of its own seed: offset + scale * u, u in -1 .. 1 from a
/// linear congruential generator (multiplier and increment of Knuth's MMIX).
class GeneratedModel {
 public:
  explicit GeneratedModel(const fs::path& vocabulary) : vocabulary_(vocabulary) {
    output_ = store::output_of(vocabulary_);
    output_.tensors.clear();
    output_.set("general.architecture", std::string_view("llama"));
    const std::pair<const char*, std::uint32_t> sizes[] = {
        {"llama.block_count", 2},          {"llama.context_length", 512},
        {"llama.embedding_length", kD},    {"llama.feed_forward_length", kF},
        {"llama.attention.head_count", 4}, {"llama.attention.head_count_kv", 2},
        {"llama.rope.dimension_count", 64}};
    for (const auto& [key, value] : sizes) output_.set(key, value);
    output_.set("llama.attention.layer_norm_rms_epsilon", 1e-5F);
    output_.set("llama.rope.freq_base", 10000.0F);
    add("token_embd.weight", {kV, kD}, 0, 1);
    for (int layer = 0; layer < 2; ++layer) {
      const auto name = [&](const char* part) {
        return fmt::format("blk.{}.{}.weight", layer, part);
      };
      add(name("attn_norm"), {kD}, 1, 0.1F);
      add(name("attn_q"), {kD, kD}, 0, 0.15F);
      add(name("attn_k"), {kD / 2, kD}, 0, 0.15F);
      add(name("attn_v"), {kD / 2, kD}, 0, 0.15F);
      add(name("attn_output"), {kD, kD}, 0, 0.15F);
      add(name("ffn_norm"), {kD}, 1, 0.1F);
      add(name("ffn_gate"), {kF, kD}, 0, 0.1F);
      add(name("ffn_up"), {kF, kD}, 0, 0.1F);
      add(name("ffn_down"), {kD, kF}, 0, 0.1F);
    }
    add("output_norm.weight", {kD}, 1, 0.1F);
    add("output.weight", {kV, kD}, 0, 0.15F);
  }

  void write(const fs::path& path) const { store::write_gguf(path, output_); }

 private:
  static constexpr std::uint32_t kD = 256, kF = 512, kV = 50257;

  void add(const std::string& name, std::vector<std::int64_t> shape, float offset, float scale) {
    const std::uint64_t seed = 1001 + output_.tensors.size();
    std::int64_t count = 1;
    for (const std::int64_t size : shape) count *= size;
    output_.tensors.push_back(
        {name, store::element_type(DType::f32), std::move(shape), [=](const store::ByteSink& sink) {
           std::vector<float> values(static_cast<std::size_t>(count));
           std::uint64_t state = seed;
           for (float& value : values) {
             state = state * 6364136223846793005ULL + 1442695040888963407ULL;
             const auto t = static_cast<float>(state >> 40);
             value = offset + scale * ((t - 0x1p23F) / 0x1p23F);
           }
           sink(std::as_bytes(std::span(values)));
         }});
  }

  const store::GgufFile vocabulary_;
  store::GgufOutput output_;
};

class GeneratedModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto vocabulary = test::shared_data("oracles/tokenizers/ggml-vocab-gpt-2.gguf");
    const auto text = test::shared_data("text/wikitext-2/test.txt");
    if (!vocabulary || !text) GTEST_SKIP() << "the vocabulary of GPT-2 or WikiText-2 is not here";
    GeneratedModel(*vocabulary).write(f32_);
    engine_.context.compute = Compute::f32;
    const model::Model model = model::load_model(f32_);
    tokens_ = model.tokenizer->encode(read_file(*text), {.add_special = true});
    LogitsFileWriter save(logits_);
    original_ = perplexity(model, engine_.context, tokens_, {.save = &save}, no_progress());
    save.commit();
  }

  Divergence divergence(const char* recipe, const compress::QuantizeOptions& how = {}) {
    const fs::path path = folder_ / (std::string(recipe) + ".gguf");
    compress::quantize(f32_, path, compress::recipe_named(recipe), how, engine_.pool, no_progress(),
                       stop_);
    const model::Model model = model::load_model(path);
    return kl_divergence(model, engine_.context, LogitsFile(logits_), no_progress());
  }

  const test::TempFolder folder_;
  const fs::path f32_ = folder_ / "f32.gguf", logits_ = folder_ / "f32.logits";
  test::Engine engine_{2};
  StopToken stop_;
  std::vector<std::int32_t> tokens_;
  Perplexity original_;
};

// Bounds, relative: llama.cpp's cache in f32 instead of f16 alone moves the figures by 3.4e-5.
constexpr double kSame = 5e-5;

TEST_F(GeneratedModelTest, SaysOfATextWhatLlamaCppSays) {
  EXPECT_EQ(original_.tokens, 8 * 255);
  EXPECT_NEAR(original_.perplexity, 131827.7327, kSame * 131827.7327);
  EXPECT_NEAR(original_.standard_error, 3843, 1);
  const LogitsFile file(logits_);
  const std::vector<std::int32_t> start(file.tokens(0).begin(), file.tokens(0).begin() + 10);
  EXPECT_EQ(start, (std::vector<std::int32_t>{220, 198, 796, 5199, 1279, 2954, 29, 796, 220, 198}));
}

struct Expected {
  const char* recipe;
  double perplexity, kl, same_top;  // llama.cpp's with the same weights expanded to f32
};

TEST_F(GeneratedModelTest, DivergesAsMuchAsLlamaCpp) {
  for (const Expected& expected : {Expected{"Q8_0", 131868.999, 0.000246, 0.97598},
                                   Expected{"Q4_K_M", 129532.650, 0.044835, 0.56618},
                                   Expected{"Q4_0", 130805.295, 0.064076, 0.50392}}) {
    const Divergence found = divergence(expected.recipe);
    EXPECT_EQ(found.tokens, 8 * 255);
    EXPECT_NEAR(found.perplexity.mean, expected.perplexity, kSame * expected.perplexity)
        << expected.recipe;
    EXPECT_NEAR(found.kl.mean, expected.kl, 0.01 * expected.kl) << expected.recipe;
    EXPECT_NEAR(found.same_top.mean, expected.same_top, 0.005) << expected.recipe;
  }
}

// Activations in 8 bits, in blocks of other sizes than llama.cpp's: near, not equal.
TEST_F(GeneratedModelTest, FastIsAsNearAsLlamaCppsIntegers) {
  engine_.context.compute = Compute::fast;
  for (const Expected& expected : {Expected{"Q8_0", 131918.742, 0.000518, 0.95686},
                                   Expected{"Q4_0", 130743.826, 0.064332, 0.50392}}) {
    const Divergence found = divergence(expected.recipe);
    EXPECT_NEAR(found.perplexity.mean, expected.perplexity, 1e-3 * expected.perplexity)
        << expected.recipe;
    EXPECT_LT(found.kl.mean, 1.05 * expected.kl) << expected.recipe;
    EXPECT_NEAR(found.same_top.mean, expected.same_top, 0.01) << expected.recipe;
  }
}

TEST_F(GeneratedModelTest, ImportancesAreLlamaCpps) {
  const fs::path path = folder_ / "i.gguf";
  const auto made = compress::collect_importance(model::load_model(f32_), engine_.context, tokens_,
                                                 {.chunks = 8}, path, no_progress());
  EXPECT_EQ(made.entries, 14);
  EXPECT_EQ(made.tokens, 8 * 512);
  const compress::ImportanceMatrix matrix(path);
  const auto expect = [&](const char* tensor, std::int64_t columns, std::array<float, 3> expected,
                          float bound) {
    const auto found = matrix.of(tensor, columns);
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_NEAR(found[i], expected[i], bound * expected[i]) << tensor;
  };
  // The first see the embedding alone: sums of 4096 squares, in single precision there. The others
  // come behind attention, whose cache is f16 there.
  expect("blk.0.attn_q.weight", 256, {1.2156480F, 1.0694610F, 1.0783836F}, 2e-5F);
  expect("blk.1.ffn_down.weight", 512, {0.2166041F, 0.1654429F, 0.2930409F}, 5e-4F);
  const Divergence found = divergence("Q4_K_M", {.importance = &matrix});
  EXPECT_NEAR(found.perplexity.mean, 131108.292, 1e-3 * 131108.292);
  EXPECT_NEAR(found.kl.mean, 0.0438, 0.05 * 0.0438);
  EXPECT_NEAR(found.same_top.mean, 0.56912, 0.01);
}

}  // namespace
}  // namespace pomona::eval
