// Whole files: split models, importance matrices of both kinds, and what is refused.
#include "compress/quantize.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "store/gguf_output.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::compress {
namespace {

constexpr std::string_view kWeighed = "blk.0.attn_q.weight";  // (64, 32)

class QuantizeTest : public ::testing::Test {
 protected:
  std::string quantized(const std::filesystem::path& from,
                        const ImportanceMatrix* importance = nullptr) {
    options_.importance = importance;
    quantize_to(from, folder_ / "q.gguf");
    return read_file(folder_ / "q.gguf");
  }

  void quantize_to(const std::filesystem::path& from, const std::filesystem::path& to) {
    ThreadPool pool(2);
    quantize(from, to, recipe_named("Q4_0"), options_, pool, no_progress(), stop_);
  }

  /// The mean squares of the columns of kWeighed's input.
  std::vector<float> columns() const {
    std::vector<float> values(32, 1.0F);
    values[0] = first_importance_;
    values[3] = 100.0F;
    return values;
  }

  /// NAME.in_sum2 and NAME.counts, the sums over four tokens.
  std::filesystem::path gguf_importances() {
    store::GgufOutput output;
    output.metadata.emplace_back("general.type", std::string_view("imatrix"));
    const auto add = [&](std::string_view ending, const std::vector<float>& values) {
      const auto count = static_cast<std::int64_t>(values.size());
      output.tensors.push_back(
          {std::string(kWeighed) + std::string(ending),
           store::element_type(DType::f32),
           {1, count},
           [values](const store::ByteSink& sink) { sink(std::as_bytes(std::span(values))); }});
    };
    std::vector<float> sums = columns();
    for (float& sum : sums) sum *= 4;
    add(".in_sum2", sums);
    add(".counts", {4.0F});
    store::write_gguf(folder_ / "i.gguf", output);
    return folder_ / "i.gguf";
  }

  /// The older file: the mean times the number of calls.
  std::filesystem::path dat_importances(std::int32_t count, std::string_view tensor = kWeighed) {
    std::string bytes;
    const auto put = [&](std::int32_t value) {
      bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    };
    put(1);
    put(static_cast<std::int32_t>(tensor.size()));
    bytes += tensor;
    put(2);
    put(count);
    for (std::int32_t i = 0; i < count; ++i) {
      const float sum = 2 * columns()[static_cast<std::size_t>(i)];
      bytes.append(reinterpret_cast<const char*>(&sum), sizeof sum);
    }
    write_file(folder_ / "i.dat", bytes);
    return folder_ / "i.dat";
  }

  const test::TempFolder folder_;
  const std::filesystem::path tiny_ = golden::path_of("llama_tiny.gguf");
  float first_importance_ = 1.0F;
  QuantizeOptions options_;
  StopToken stop_;
};

TEST_F(QuantizeTest, PartsGiveTheFileThatTheWholeGives) {
  const store::GgufFile whole(tiny_);
  const auto parts = store::write_gguf(folder_ / "m.gguf", store::output_of(whole), 60'000);
  ASSERT_GT(parts.size(), 1u);
  EXPECT_EQ(quantized(parts[1]), quantized(tiny_));
}

TEST_F(QuantizeTest, BothKindsOfImportancesWeighAlike) {
  const std::string plain = quantized(tiny_);
  const ImportanceMatrix newer(gguf_importances()), older(dat_importances(32));
  EXPECT_EQ(newer.size(), 1u);
  const std::string weighed = quantized(tiny_, &newer);
  EXPECT_EQ(quantized(tiny_, &older), weighed);
  EXPECT_EQ(weighed.size(), plain.size());
  EXPECT_NE(weighed, plain);
}

TEST_F(QuantizeTest, ImportancesOfAnotherShapeAreRefused) {
  const ImportanceMatrix narrow(dat_importances(31));
  EXPECT_EQ(test::refused([&] { quantized(tiny_, &narrow); }),
            "bad_file: " + (folder_ / "i.dat").string() +
                ": 31 importances for blk.0.attn_q.weight, which has 32 columns");
}

TEST_F(QuantizeTest, NoPartOfTheModelIsWrittenOver) {
  const store::GgufFile whole(tiny_);
  const auto parts = store::write_gguf(folder_ / "m.gguf", store::output_of(whole), 60'000);
  ASSERT_GT(parts.size(), 1u);
  const std::string before = read_file(parts[1]);
  EXPECT_EQ(test::refused([&] { quantize_to(parts[0], parts[1]); }),
            "bad_argument: quantize: " + parts[1].string() +
                " cannot be read and written at once; name another file");
  EXPECT_EQ(read_file(parts[1]), before);
}

TEST_F(QuantizeTest, TheNewNameIsThatOfAModel) {
  EXPECT_EQ(test::refused([&] { quantize_to(tiny_, folder_ / "small"); }),
            "bad_argument: quantize: " + (folder_ / "small").string() +
                " is no name of a model's file; let it end in .gguf");
}

TEST_F(QuantizeTest, APatternWithoutATensorIsRefused) {
  options_.choices.patterns.push_back({"attn_w", std::regex("attn_w"), DType::q8_0});
  EXPECT_EQ(
      test::refused([&] { quantized(tiny_); }),
      "bad_argument: quantize: " + tiny_.string() + " has no tensor whose name has \"attn_w\"");
}

TEST_F(QuantizeTest, ImportancesOfAnotherModelAreRefused) {
  const ImportanceMatrix foreign(dat_importances(32, "blk.7.attn_q.weight"));
  EXPECT_EQ(test::refused([&] { quantized(tiny_, &foreign); }),
            "bad_argument: quantize: " + (folder_ / "i.dat").string() +
                " has no importances for any tensor of " + tiny_.string());
}

TEST_F(QuantizeTest, ImportancesAreNumbersFromZero) {
  for (const float bad : {-1.0F, std::nanf(""), HUGE_VALF}) {
    first_importance_ = bad;
    EXPECT_EQ(
        test::refused([&] { ImportanceMatrix(dat_importances(32)); }),
        fmt::format("bad_file: {}: column 0 of \"blk.0.attn_q.weight\" has the importance {}, "
                    "which no mean of squares can be",
                    (folder_ / "i.dat").string(), bad));
  }
}

TEST_F(QuantizeTest, WeightsAreNumbers) {
  const store::GgufFile whole(tiny_);
  store::GgufOutput output = store::output_of(whole);
  store::TensorOutput& tensor = *output.find(kWeighed);
  tensor.type = store::element_type(DType::f32);
  tensor.write = [](const store::ByteSink& sink) {
    std::vector<float> values(64 * 32, 1.0F);
    values[32 * 3 + 5] = std::nanf("");
    sink(std::as_bytes(std::span(values)));
  };
  store::write_gguf(folder_ / "nan.gguf", output);
  EXPECT_EQ(test::refused([&] { quantized(folder_ / "nan.gguf"); }),
            "bad_file: quantize: row 3 of \"blk.0.attn_q.weight\" has values that are no finite "
            "numbers");
}

TEST_F(QuantizeTest, FoldersAreRefused) {
  EXPECT_EQ(test::refused([&] { quantized(folder_.path()); }),
            "unsupported: quantize: " + folder_.path().string() +
                " is a folder; this version quantises models in GGUF files");
}

TEST_F(QuantizeTest, AStopLeavesNothing) {
  stop_.request();
  EXPECT_EQ(test::error_of([&] { quantized(tiny_); }).kind(), ErrorKind::cancelled);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

}  // namespace
}  // namespace pomona::compress
