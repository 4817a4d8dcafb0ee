// A whole run: steps, evaluations, checkpoints, the best of them, and what comes out: an adapter or
// a model. In the folder of its output:
//   state.safetensors  from which it goes on, written whole or not at all
//   best.safetensors   the trained parameters that did best on the valid rows
//   metrics.jsonl, curves.html
//   adapter/ or model.gguf, and run.json, which tells what was done
#pragma once
#include "base/json.h"
#include "base/progress.h"
#include "train/run_file.h"

namespace pomona::train {

/// Trains. With `resume`, goes on from the folder's state, to the bits of a run that was never
/// interrupted, or begins where there is none. Returns `steps`, `tokens`, `tokens_per_second`,
/// `train_loss`, `eval_loss`, `trainable_parameters`, `total_parameters`, `peak_bytes`,
/// `predicted_peak_bytes`, `predicted_seconds`, `seconds`, `forgetting`, `best_step`, `output`,
/// `state_sha256`; null for what was not measured. Throws what its parts throw; bad_argument if the
/// folder holds a run that has not ended and `resume` is not set, or the state of another run;
/// cancelled after the state is written when a stop is asked for.
Json tune(const RunFile& run, bool resume, ProgressSink& progress, const StopToken& stop);

/// What it would take: `steps`, `tokens`, the bytes of `parameters`, `gradients`, `optimiser`,
/// `activations`, `weights` and of all together, `predicted_peak_bytes`, and `predicted_seconds`,
/// for which a step or two are computed and thrown away.
Json plan_tune(const RunFile& run, ProgressSink& progress, const StopToken& stop);

/// The same without the time: reads the data and opens the model, computes nothing.
Json foresee_tune(const RunFile& run, const StopToken& stop);

}  // namespace pomona::train
