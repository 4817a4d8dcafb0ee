// Loads a model file, plans it and runs it; the fuzzer and the replay of its corpus share it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "model/model.h"
#include "tests/support/exercise.h"

namespace pomona::model {

/// True if the file loads and runs two tokens, in the modes f32 and fast, with a cache; false if an
/// Error says why not.
inline bool exercise_model_file(const std::filesystem::path& path) {
  return test::ends_well([&] {
    const Model model = load_model(path);
    const auto last = static_cast<std::int32_t>(model.lm->shape().V - 1);
    plan_memory(model, 2, 1, Compute::fast);
    for (const Compute compute : {Compute::f32, Compute::fast}) {
      ThreadPool threads(1);
      Arena arena(std::size_t{1} << 30);
      Context context{threads, arena, kernel::table()};
      context.compute = compute;
      nn::KvPool pool(kv_shape(model.lm->shape(), compute), 1);
      nn::KvSequence sequence(pool);
      sequence.extend(2);
      nn::Batch batch;
      batch.append(std::vector<std::int32_t>{0, last}, 0, &sequence, nn::Batch::Logits::last);
      const Tensor logits = model.lm->forward(batch, context);
      const std::int64_t best = context.kernels.argmax(logits.data<float>(), logits.size(1));
      if (best < 0 || best > last) throw std::logic_error("a token outside the vocabulary");
    }
  });
}

}  // namespace pomona::model
