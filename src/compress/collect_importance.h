// Makes importance matrices: reads a text and sums up the squares of what each weight matrix is
// multiplied with, column by column, as llama.cpp's llama-imatrix does.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/json.h"
#include "base/progress.h"
#include "model/model.h"
#include "tensor/context.h"

namespace pomona::compress {

struct CollectOptions {
  std::int64_t context = 512;  // tokens of a chunk, at least 2
  std::int64_t chunks = 0;     // the first ones; 0: all
  std::string text_name = {};  // kept in the file
};

struct CollectResult {
  std::int64_t entries = 0, chunks = 0, tokens = 0;
  double seconds = 0;

  Json to_json() const;
};

/// Writes a GGUF file (general.type "imatrix") with NAME.in_sum2 (1, K) and NAME.counts (1, 1) for
/// each matrix of the model's blocks, under GGUF's names. Reads whole chunks of `tokens`, the first
/// of each replaced by BOS where the model adds it. Nothing appears at `to` before it is whole.
/// Throws bad_argument for a text shorter than a chunk or a chunk longer than the model's context,
/// io, exhausted, cancelled.
CollectResult collect_importance(const model::Model& model, const Context& context,
                                 std::span<const std::int32_t> tokens,
                                 const CollectOptions& options, const std::filesystem::path& to,
                                 ProgressSink& progress);

}  // namespace pomona::compress
