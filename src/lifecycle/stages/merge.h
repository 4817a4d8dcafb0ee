// A model with what low-rank changes have learnt in its weights, as an artefact: what `compress`
// makes smaller types of.
#pragma once
#include "lifecycle/stage.h"

namespace pomona::lifecycle {

/// Whether the model answers with an adapter that weights can hold.
bool is_merged(const ModelFile& model);

/// Makes one model of both. Changed weights of block formats become BF16, so that merging itself
/// loses next to nothing.
Job merge_job(Run& run, const ModelFile& model);

/// That model, known by the job's key before it is there.
ModelFile merged_model(Run& run, const ModelFile& model, const Job& made);

}  // namespace pomona::lifecycle
