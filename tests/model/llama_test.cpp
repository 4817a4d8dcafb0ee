// Llama against PyTorch's numbers on tiny random weights: values, loss, gradients, and equality of
// the ways to run it (with and without cache, alone and in company, one thread and several).
#include "model/llama.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "store/gguf_writer.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "tests/support/lm_checks.h"
#include "tests/support/temp_folder.h"

namespace pomona::model {
namespace {

using golden::Golden;
using test::cached_logits;
using test::Engine;
using test::relative_error;

/// A model of f32 parameters as f64, where gradients are exact enough to compare.
std::unique_ptr<CausalLm> in_f64(const std::filesystem::path& path) {
  const store::GgufFile file(path);
  auto lm = load_llama(Checkpoint(file));
  lm->each_parameter([](const std::string&, Parameter& parameter) {
    const Tensor wide = Tensor::zeros(parameter.value.shape(), DType::f64);
    const float* values = parameter.value.data<float>();
    for (std::int64_t i = 0; i < wide.elements(); ++i)
      wide.data<double>()[i] = static_cast<double>(values[i]);
    parameter = Parameter(wide);
  });
  return lm;
}

/// Compares what the model shows with golden arrays "row.i.*".
void expect_blocks(const CausalLm& lm, Context context, const Golden& golden,
                   const std::string& row, double bound) {
  const std::vector<std::int32_t> tokens = golden.integers("tokens." + row);
  int seen = 0;
  const Probe probe = [&](std::string_view name, const Tensor& value) {
    std::string array = name == "embed_tokens" ? "embedding"
                        : name == "norm"       ? "norm"
                                               : "block" + std::string(name.substr(6));
    EXPECT_LT(relative_error(value, golden.numbers("row." + row + "." + array)), bound) << array;
    ++seen;
  };
  context.probe = &probe;
  nn::Batch batch;
  batch.append(tokens, 0, nullptr, nn::Batch::Logits::all);
  const Tensor logits = lm.forward(batch, context);
  EXPECT_LT(relative_error(logits, golden.numbers("row." + row + ".logits")), bound);
  EXPECT_EQ(seen, 4);
}

TEST(LlamaTiny, EveryBlockEqualsPyTorch) {
  const Golden golden("llama_tiny");
  Engine engine(2);
  engine.context.compute = Compute::f32;
  const auto exact = in_f64(golden::path_of("llama_tiny.gguf"));
  const store::GgufFile file(golden::path_of("llama_tiny.gguf"));
  const auto lm = load_llama(Checkpoint(file));
  for (const std::string row : {"0", "1"}) {
    expect_blocks(*exact, engine.context, golden, row,
                  1e-10);                                   // f64; the file holds eps as f32
    expect_blocks(*lm, engine.context, golden, row, 1e-4);  // the house bound for f32
  }
}

/// The tiny model's file with one tensor more, an f32 vector.
void write_with_vector(const std::filesystem::path& path, const std::string& name,
                       const std::vector<float>& values) {
  const store::GgufFile file(golden::path_of("llama_tiny.gguf"));
  store::GgufWriter writer(path);
  for (const auto& [key, value] : file.metadata().entries()) writer.add(key, value);
  for (const store::GgufTensor& tensor : file.tensors())
    writer.declare(tensor.name, tensor.dims, *tensor.dtype);
  writer.declare(name, std::vector{static_cast<std::int64_t>(values.size())}, DType::f32);
  for (const store::GgufTensor& tensor : file.tensors())
    writer.write_data(tensor.name, tensor.bytes);
  writer.write_data(name, std::as_bytes(std::span(values)));
  writer.commit();
}

TEST(LlamaTiny, StretchedWavesEqualPyTorch) {
  const Golden golden("llama_tiny_llama3"), texts("llama_tiny");
  const test::TempFolder folder;
  const std::vector<double> factors = golden.numbers("rope_freqs");
  write_with_vector(folder / "m.gguf", "rope_freqs.weight", {factors.begin(), factors.end()});
  Engine engine;
  engine.context.compute = Compute::f32;
  const auto exact = in_f64(folder / "m.gguf");
  const auto lm = load_llama(Checkpoint(store::GgufFile(folder / "m.gguf")));
  for (const std::string row : {"0", "1"}) {
    const auto norm = [&](const CausalLm& model) {
      double error = -1;
      const Probe probe = [&](std::string_view name, const Tensor& value) {
        if (name == "norm") error = relative_error(value, golden.numbers("row." + row + ".norm"));
      };
      Context context = engine.context;
      context.probe = &probe;
      nn::Batch batch;
      batch.append(texts.integers("tokens." + row), 0, nullptr, nn::Batch::Logits::all);
      model.forward(batch, context);
      return error;
    };
    EXPECT_LT(norm(*exact), 1e-10);  // f64; the file holds eps as f32
    EXPECT_LT(norm(*lm), 1e-4);      // the house bound for f32
    EXPECT_GT(norm(*exact), 0);
  }
}

TEST(LlamaTiny, LossAndGradientsEqualPyTorch) {
  const Golden golden("llama_tiny");
  Engine engine;
  Tape tape;
  engine.context.tape = &tape;
  const auto lm = in_f64(golden::path_of("llama_tiny.gguf"));
  lm->each_parameter(
      [](const std::string&, Parameter& parameter) { parameter.value.require_gradient(); });
  nn::Batch batch;
  std::vector<std::int32_t> next;
  for (const std::string row : {"0", "1"}) {
    const std::vector<std::int32_t> tokens = golden.integers("tokens." + row);
    batch.append(tokens, 0, nullptr, nn::Batch::Logits::all);
    next.insert(next.end(), tokens.begin() + 1, tokens.end());
    next.push_back(-1);
  }
  const Tensor targets = Tensor::zeros({static_cast<std::int64_t>(next.size())}, DType::i32);
  std::copy(next.begin(), next.end(), targets.data<std::int32_t>());
  const Tensor losses =
      op::cross_entropy(engine.context, lm->forward(batch, engine.context), targets);
  const Tensor loss =
      op::scaled_sum(engine.context, losses, 1.0 / static_cast<double>(next.size() - 2));
  const double expected = golden.facts().contains("loss") ? golden.facts().at("loss").get<double>()
                                                          : golden.numbers("loss").at(0);
  EXPECT_NEAR(*loss.data<double>(), expected, 1e-12 * expected);

  tape.backward(engine.context, loss);
  lm->each_parameter([&](const std::string& name, Parameter& parameter) {
    const Tensor& gradient = parameter.value.gradient();
    double squares = 0;
    for (std::int64_t i = 0; i < gradient.elements(); ++i)
      squares += gradient.data<double>()[i] * gradient.data<double>()[i];
    const double norm = golden.facts().at("gradient_norms").at(name).get<double>();
    EXPECT_NEAR(std::sqrt(squares), norm, 1e-9 * norm) << name;
  });
}

TEST(LlamaTiny, CacheCompanyAndThreadsChangeNoBit) {
  const Golden golden("llama_tiny");
  std::vector<std::int32_t> tokens = golden.integers("tokens.0");
  while (tokens.size() < 150) tokens.insert(tokens.end(), tokens.begin(), tokens.begin() + 20);
  const std::vector<std::int32_t> company = golden.integers("tokens.1");
  for (const char* file_name : {"llama_tiny.gguf", "llama_tiny_q4_1.gguf"}) {
    const store::GgufFile file(golden::path_of(file_name));
    for (int level = 0; level <= static_cast<int>(simd::highest_level()); ++level) {
      for (const Compute compute : {Compute::f32, Compute::bf16, Compute::fast}) {
        SCOPED_TRACE(testing::Message()
                     << file_name << " level " << level << " mode " << name_of(compute));
        const auto lm = load_llama(Checkpoint(file));
        Engine one(1, static_cast<simd::Level>(level)), three(3, static_cast<simd::Level>(level));
        one.context.compute = three.context.compute = compute;
        const std::vector<float> whole = cached_logits(*lm, one.context, tokens, tokens.size(), {});
        for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}}) {
          const std::vector<float> pieces =
              cached_logits(*lm, three.context, tokens, piece, company);
          ASSERT_EQ(0, std::memcmp(whole.data(), pieces.data(), whole.size() * sizeof(float)))
              << "piece " << piece;
        }
      }
    }
  }
}

TEST(LlamaTiny, PlanningFindsTheExactPeak) {
  for (const char* file_name : {"llama_tiny.gguf", "llama_tiny_q4_1.gguf"}) {
    const store::GgufFile file(golden::path_of(file_name));
    const auto lm = load_llama(Checkpoint(file));
    Engine engine;
    nn::KvPool pool(kv_shape(lm->shape(), engine.context.compute), 2);
    nn::KvSequence sequence(pool);
    sequence.extend(70);
    nn::Batch batch;
    batch.append(std::vector<std::int32_t>(70, 5), 0, &sequence, nn::Batch::Logits::last);

    Arena counting = Arena::planning();
    Plan plan;
    Context context{engine.pool, counting, engine.context.kernels};
    context.plan = &plan;
    EXPECT_FALSE(lm->forward(batch, context).has_data());
    lm->forward(batch, engine.context);
    EXPECT_EQ(counting.peak(), engine.arena.peak());
    EXPECT_EQ(counting.in_use(), 0u);

    const double products =
        2.0 * 70 * 2 * (32 * 64 * 2 + 2 * 32 * 32 + 3 * 32 * 96) + 2.0 * 32 * 283;
    EXPECT_GT(plan.operations, products);
    EXPECT_LT(plan.operations, 1.5 * products) << "attention and rows on top";
  }
}

}  // namespace
}  // namespace pomona::model
