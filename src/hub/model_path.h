// Models as paths: a .gguf file, one part of a split one, or a folder as the hub has them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "hub/home.h"

namespace pomona::hub {

/// Throws not_found, or unsupported unless `path` is a .gguf file or a folder with config.json.
void check_model_path(const fs::path& path);

/// Whether `model`, as a file in `folder` says it, is a path (from that folder) and not the name of
/// a model.
bool names_path(const fs::path& folder, const std::string& model);

/// The files that the model is read from, those that are there, in the order of their names: all
/// parts of a split GGUF whichever is named, the files that lie in a folder (no hidden ones, and no
/// GGUF files, which are models of their own).
std::vector<fs::path> model_files(const fs::path& path);

/// The size of those files.
std::uint64_t model_bytes(const fs::path& path);

}  // namespace pomona::hub
