// What the tests of adapters share: the tiny models, and what PEFT does with them.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "model/adapter.h"
#include "op/ops.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "tests/support/lm_checks.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::model {

inline std::filesystem::path adapter_path(const std::string& name) {
  return golden::path_of("training/" + name);
}

/// A tiny model of a family: its folder, or its GGUF file.
inline Model tiny_model(const std::string& family, Names names = Names::hub) {
  return load_model(golden::path_of("families/" + family + (names == Names::gguf ? ".gguf" : "")));
}

/// Logits in f32 of all tokens, whose rows are behind those of virtual ones.
inline std::vector<float> logits_of(const Model& model, const std::vector<std::int32_t>& tokens) {
  test::Engine engine;
  engine.context.compute = Compute::f32;
  nn::Batch batch;
  batch.append(model.lm->with_virtual_tokens(tokens), 0, nullptr, nn::Batch::Logits::all);
  const Tensor logits = model.lm->forward(batch, engine.context);
  const std::int64_t before = model.lm->virtual_count() * logits.size(1);
  return {logits.data<float>() + before, logits.data<float>() + logits.elements()};
}

inline const std::vector<std::int32_t>& some_tokens() {
  static const std::vector<std::int32_t> tokens = {5, 17, 99, 3, 41, 64, 8, 23, 77};
  return tokens;
}

/// Largest difference over largest value of b.
inline double difference(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<double> wide(b.begin(), b.end());
  const Tensor found = Tensor::zeros({static_cast<std::int64_t>(a.size())});
  std::copy(a.begin(), a.end(), found.data<float>());
  return test::relative_error(found, wide);
}

/// The error without the paths of this computer.
template <class F>
std::string refusal(F&& f) {
  std::string error = test::refused(std::forward<F>(f));
  const std::string golden = golden::path_of("").string();
  for (std::size_t at; (at = error.find(golden)) != std::string::npos;)
    error.erase(at, golden.size());
  return error;
}

}  // namespace pomona::model
