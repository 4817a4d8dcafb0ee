// Whole files: split models, importance matrices of both kinds, and what is refused.
#include "compress/quantize.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "store/gguf_output.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::compress {
namespace {

constexpr std::string_view kWeighed = "blk.0.attn_q.weight";  // (32, 32)

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
  std::filesystem::path dat_importances(std::int32_t count) {
    std::string bytes;
    const auto put = [&](std::int32_t value) {
      bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    };
    put(1);
    put(static_cast<std::int32_t>(kWeighed.size()));
    bytes += kWeighed;
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
  const auto parts =
      store::write_gguf(folder_ / "m.gguf", store::output_of(store::GgufFile(tiny_)), 60'000);
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
