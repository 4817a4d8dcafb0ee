#include "hub/model_path.h"

#include <algorithm>

#include "base/error.h"
#include "hub/repository.h"
#include "store/gguf_split.h"
#include "store/hub_folder.h"

namespace pomona::hub {

void check_model_path(const fs::path& path) {
  if (!is_there(path))
    fail(ErrorKind::not_found, "model {}: no such file or folder", path.string());
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    if (!fs::is_regular_file(path / store::kConfigFile, ignored))
      fail(ErrorKind::not_found, "model {}: this folder holds no {}", path.string(),
           store::kConfigFile);
  } else if (path.extension() != ".gguf") {
    fail(ErrorKind::unsupported, "model {}: expected a .gguf file, or a folder with {}",
         path.string(), store::kConfigFile);
  }
}

bool names_path(const fs::path& folder, const std::string& model) {
  std::error_code ignored;
  if (parse_repository_name(model)) return fs::exists(folder / model, ignored);
  return model.find('/') != std::string::npos || model.ends_with(".gguf") ||
         fs::is_regular_file(folder / model / store::kConfigFile, ignored);
}

std::vector<fs::path> model_files(const fs::path& path) {
  std::vector<fs::path> files;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    auto place = fs::directory_iterator(path, error);
    for (; !error && place != fs::directory_iterator(); place.increment(error))
      if (place->path().extension() != ".gguf") files.push_back(place->path());
    std::sort(files.begin(), files.end());
  } else {
    files = store::gguf_part_paths(path);
  }
  std::erase_if(files, [](const fs::path& file) {
    std::error_code gone;  // files may go while we look
    return file.filename().string().starts_with('.') || !fs::is_regular_file(file, gone);
  });
  return files;
}

std::uint64_t model_bytes(const fs::path& path) {
  std::uint64_t sum = 0;
  for (const fs::path& file : model_files(path)) {
    std::error_code gone;
    const std::uint64_t bytes = fs::file_size(file, gone);
    if (!gone) sum += bytes;
  }
  return sum;
}

}  // namespace pomona::hub
