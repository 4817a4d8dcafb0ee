// Files of log probabilities and what follows from comparing a model with one.
#include "eval/divergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/file.h"
#include "eval/perplexity.h"
#include "store/gguf_output.h"
#include "tests/eval/logits_file_exercise.h"
#include "tests/support/corpus.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"
#include "text/tokenizer.h"

namespace pomona::eval {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kV = 7;

TEST(LogitsFile, HoldsLogProbabilitiesWithinHalfAStep) {
  const test::TempFolder folder;
  const std::vector<std::int32_t> tokens = {1, 2, 3, 4, 5, 6, 0, 1, 2, 3};  // two chunks of five
  const float rows[2][2][kV] = {{{0, 1, 2, 3, 4, 5, 6}, {-40, 2, 2, 2, 2, 2, 2}},
                                {{1, 1, 1, 1, 1, 1, 1}, {9, -1, -2, -3, -4, -5, -6}}};
  LogitsFileWriter writer(folder / "f");
  writer.begin(5, kV, tokens);
  for (const auto& chunk : rows) writer.write(&chunk[0][0], 2);
  writer.commit();
  const LogitsFile file(folder / "f");
  EXPECT_EQ(file.context(), 5);
  EXPECT_EQ(file.vocabulary(), kV);
  ASSERT_EQ(file.chunks(), 2);
  EXPECT_EQ(file.tokens(1)[0], 6);
  for (std::int64_t c = 0; c < 2; ++c) {
    for (std::int64_t i = 0; i < 2; ++i) {
      const auto& logits = rows[c][i];
      double sum = 0, best = logits[0];
      for (const float logit : logits) {
        sum += std::exp(logit);
        best = std::max<double>(best, logit);
      }
      const LogitsRow row = file.row(c, i);
      for (std::size_t v = 0; v < kV; ++v) {
        const double cut = std::max<double>(logits[v], best - 16);
        // Half a step of at most 16 / 65535, and single precision.
        EXPECT_NEAR(row.logprob(v), cut - std::log(sum), 1.3e-4) << c << i << v;
      }
    }
  }
}

std::string message_of(const std::string& bytes) {
  return test::refused([&] { LogitsFile(std::as_bytes(std::span(bytes)), "F"); });
}

TEST(LogitsFile, RefusesWhatCannotBe) {
  std::string bytes = "_logits_";
  const auto put = [&](std::int32_t value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  for (const std::int32_t value : {4, 3, 1, 0, 1, 2, 3}) put(value);
  bytes.resize(bytes.size() + 16);
  EXPECT_EQ(message_of(bytes), "bad_file: F: byte 32: token 3 of a vocabulary of 3");
  bytes[32] = 0;
  EXPECT_EQ(message_of(bytes + "x"),
            "bad_file: F: has 53 bytes, 1 chunks of 4 tokens out of 3 need 52");
  const LogitsFile file(std::as_bytes(std::span(bytes)), "F");
  EXPECT_EQ(file.row(0, 0).logprob(2), 0);
  const float bad = std::nanf("");
  std::memcpy(bytes.data() + 36, &bad, sizeof bad);
  EXPECT_EQ(test::refused([&] { file.row(0, 0); }),
            "bad_file: F: byte 36: a scale of nan above 0 cannot be");
  bytes[16] = -1, bytes[17] = -1, bytes[18] = -1, bytes[19] = 127;
  EXPECT_EQ(message_of(bytes),
            "bad_file: F: byte 8: 2147483647 chunks of 4 tokens out of 3 cannot be");
  EXPECT_EQ(message_of("GGUF"), "bad_file: F: byte 0: not a file of log probabilities");
}

TEST(LogitsFile, CorpusEndsWell) {
  test::replay_corpus("logits_file", 3, [](const fs::path& path) {
    const std::string bytes = read_file(path);
    return exercise_logits_file(std::as_bytes(std::span(bytes)));
  });
}

class DivergenceTest : public testing::Test {
 protected:
  DivergenceTest() { engine.context.compute = Compute::f32; }

  static model::Model tiny() { return model::load_model(golden::path_of("llama_tiny.gguf")); }

  /// What the tiny model says of 22 tokens.
  void save(const model::Model& model) {
    LogitsFileWriter writer(folder / "f");
    original = perplexity(model, engine.context, golden::Golden("llama_tiny").integers("tokens.0"),
                          {.context = 22, .save = &writer}, no_progress());
    writer.commit();
  }

  /// The tiny model with another head: logits times a factor, as sharper or softer predictions.
  model::Model sharpened(float factor) {
    const store::GgufFile file(golden::path_of("llama_tiny.gguf"));
    store::GgufOutput output = store::output_of(file);
    store::TensorOutput& norm = *output.find("output_norm.weight");
    norm.write = [factor, copy = norm.write](const store::ByteSink& sink) {
      std::vector<float> values;
      copy([&](std::span<const std::byte> bytes) {
        values.resize(values.size() + bytes.size() / sizeof(float));
        std::memcpy(values.data() + values.size() - bytes.size() / sizeof(float), bytes.data(),
                    bytes.size());
      });
      for (float& value : values) value *= factor;
      sink(std::as_bytes(std::span(values)));
    };
    store::write_gguf(folder / "sharp.gguf", output);
    return model::load_model(folder / "sharp.gguf");
  }

  Divergence against(const model::Model& model) {
    return kl_divergence(model, engine.context, LogitsFile(folder / "f"), no_progress());
  }

  test::TempFolder folder;
  test::Engine engine{2};
  Perplexity original;
};

TEST_F(DivergenceTest, OfAModelFromItselfIsNone) {
  const model::Model model = tiny();
  save(model);
  const Divergence found = against(model);
  EXPECT_EQ(found.tokens, 10);
  EXPECT_EQ(found.perplexity.mean, original.perplexity);
  // The file keeps log probabilities to 1.3e-4.
  EXPECT_NEAR(found.base_perplexity.mean, original.perplexity, 1.3e-4 * original.perplexity);
  EXPECT_NEAR(found.kl.mean, 0, 1.3e-4);
  EXPECT_EQ(found.same_top.mean, 1);
  EXPECT_NEAR(found.change_rms, 0, 1.3e-4);
}

TEST_F(DivergenceTest, EqualsTheSumOverTheVocabulary) {
  save(tiny());
  const model::Model sharp = sharpened(3);
  const Divergence found = against(sharp);
  const golden::Golden golden("llama_tiny");
  const std::vector<double> logits = golden.numbers("row.0.logits");
  const std::size_t V = golden.shape("row.0.logits")[1];
  double mean = 0, largest = 0;
  for (std::size_t t = 11; t < 21; ++t) {
    const double* row = logits.data() + t * V;
    double sum = 0, sharp_sum = 0, kl = 0;
    for (std::size_t v = 0; v < V; ++v) {
      sum += std::exp(row[v]);
      sharp_sum += std::exp(3 * row[v]);
    }
    for (std::size_t v = 0; v < V; ++v) {
      const double logprob = row[v] - std::log(sum);
      kl += std::exp(logprob) * (logprob - (3 * row[v] - std::log(sharp_sum)));
    }
    mean += kl / 10;
    largest = std::max(largest, kl);
  }
  ASSERT_GT(mean, 0.1);
  // The model's logits, here below 12, are held to 1e-4 of the largest, the file's to 1.3e-4.
  EXPECT_NEAR(found.kl.mean, mean, 3e-3);
  EXPECT_NEAR(found.kl_values.back(), largest, 3e-3);
  EXPECT_EQ(found.same_top.mean, 1);
  EXPECT_NEAR(found.log_ratio.mean, std::log(found.perplexity.mean / found.base_perplexity.mean),
              1e-12);
}

TEST_F(DivergenceTest, OtherVocabulariesAndLongChunksAreRefused) {
  LogitsFileWriter writer(folder / "f");
  const std::vector<std::int32_t> tokens = {0, 1, 2, 3};
  writer.begin(4, 5, tokens);
  const float row[5] = {};
  writer.write(row, 1);
  writer.commit();
  const model::Model model = tiny();
  EXPECT_EQ(test::error_of([&] { against(model); }).kind(), ErrorKind::bad_argument);
}

TEST(Percentile, LiesBetweenNeighbours) {
  const std::vector<float> values = {1, 2, 4, 8};
  EXPECT_EQ(percentile(values, 0), 1);
  EXPECT_EQ(percentile(values, 0.5), 3);
  EXPECT_EQ(percentile(values, 1), 8);
  EXPECT_EQ(percentile({5}, 0.3), 5);
}

}  // namespace
}  // namespace pomona::eval
