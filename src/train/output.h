// What comes out of a run: a PEFT folder with what was added to the model, or the model's own files
// with the weights that were trained.
#pragma once
#include <filesystem>

#include "base/progress.h"
#include "train/setup.h"

namespace pomona::train {

/// Writes `folder`/adapter, `folder`/model.gguf or `folder`/model, in place of an earlier one.
/// Returns which. Throws what writing throws.
std::filesystem::path write_output(const Setup& setup, const std::filesystem::path& folder,
                                   ProgressSink& progress, const StopToken& stop);

}  // namespace pomona::train
