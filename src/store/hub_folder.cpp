#include "store/hub_folder.h"

#include <unistd.h>

#include <atomic>

#include "base/error.h"
#include "base/file.h"
#include "base/quote.h"
#include "base/text.h"
#include "store/checkpoint.h"

namespace pomona::store {
namespace {

/// Without the dots and the slash at the end that would hide its name.
fs::path plain(const fs::path& folder) {
  const fs::path normal = fs::absolute(folder).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

bool is_taken(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(folder, error);
  if (status.type() == fs::file_type::not_found) return false;
  const bool empty = fs::is_directory(status) && fs::is_empty(folder, error);
  return error || !empty;
}

}  // namespace

HubFolder::HubFolder(const fs::path& folder) : folder_(folder) {
  auto config = json(kConfigFile);
  if (!config)
    fail(ErrorKind::not_found, "open model folder: {}: no {} in it", folder.string(), kConfigFile);
  config_ = std::move(*config);
}

/// A pipe under one of these names would never end.
bool HubFolder::has(std::string_view name) const {
  const fs::path path = folder_ / name;
  if (!is_there(path)) return false;
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored))
    fail(ErrorKind::bad_file, "{}: expected a regular file", path.string());
  return true;
}

std::optional<Json> HubFolder::json(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  Json json = read_json(folder_ / name);
  if (!json.is_object())
    fail(ErrorKind::bad_file, "{}: expected a JSON object, found {}", (folder_ / name).string(),
         json.type_name());
  return json;
}

std::optional<std::string> HubFolder::text(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  std::string text = read_file(folder_ / name);
  if (const auto at = find_invalid_utf8(text))
    fail(ErrorKind::bad_file, "{}: byte {}: not UTF-8", (folder_ / name).string(), *at);
  return text;
}

std::optional<fs::path> HubFolder::weights_path() const {
  for (const std::string_view name : kWeightFiles)
    if (is_there(folder_ / name)) return folder_ / name;
  return std::nullopt;
}

TensorSource HubFolder::weights() const {
  if (const auto path = weights_path()) return open_checkpoint(*path);
  fail(ErrorKind::not_found,
       "open model folder: {}: no weights in it (model.safetensors or "
       "pytorch_model.bin, or the index of either)",
       folder_.string());
}

HubFolderWriter::HubFolderWriter(const fs::path& folder) : folder_(plain(folder)) {
  static std::atomic<unsigned> made = 0;
  if (is_taken(folder_))
    fail(ErrorKind::bad_argument,
         "write model folder: {} is there already; remove it or choose another name",
         folder.string());
  staging_ = fmt::format("{}.partial-{}-{}", folder_.string(), ::getpid(), ++made);
  make_folder(staging_);
}

HubFolderWriter::~HubFolderWriter() {
  if (staging_.empty()) return;
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
}

void HubFolderWriter::write_json(std::string_view name, const Json& json) const {
  write_text(name, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void HubFolderWriter::write_text(std::string_view name, std::string_view text) const {
  write_file(staging_ / name, text);
}

void HubFolderWriter::commit() {
  sync_folder(staging_);
  std::error_code error;
  fs::rename(staging_, folder_, error);
  if (error) fail_io("write model folder", folder_, error.value());
  staging_.clear();
  sync_folder(folder_.parent_path());
}

}  // namespace pomona::store
