// One file from which training goes on as if it had never stopped: parameters, the optimiser's
// state, the step, and notes of the trainer. A safetensors file that is written beside the old one,
// put on the disk, and renamed, so that one whole state is there whatever happens.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "train/optimiser.h"

namespace pomona::train {

/// Tensors share their storage with whom they came from: reading a state writes into them.
struct TrainingState {
  std::int64_t step = 0;  // optimiser steps done
  std::vector<StateTensor> parameters;
  std::vector<StateTensor> optimiser;
  Json extras = Json::object();  // what else the trainer wants to know again
};

/// SHA-256 over names, types, shapes and values of the parameters and of the optimiser's state, in
/// the order of their names, and the step; nothing of extras, paths, time or threads.
std::string state_sha256(const TrainingState& state);

/// Writes the state; `path` names the old one until all of the new one is on the disk, which has to
/// hold both. The state's hash. Throws io; exhausted, saying which state is still there.
std::string write_state(const std::filesystem::path& path, const TrainingState& state);

/// Reads a state into one of the same names, types and shapes. Nothing is written to `state` unless
/// everything fits. Throws not_found, io; bad_file for a file that is damaged or no state;
/// bad_argument for the state of another run, naming the first differences.
void read_state(const std::filesystem::path& path, TrainingState& state);

/// Step and extras of a state file alone, for who must know them before there are tensors. Throws
/// as read_state.
TrainingState read_state_notes(const std::filesystem::path& path);

/// Bytes of a state's values: what one file of it takes, but for names.
std::uint64_t state_bytes(const TrainingState& state);

}  // namespace pomona::train
