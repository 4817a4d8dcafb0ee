#include "model/model_files.h"

#include <set>

#include "base/error.h"
#include "base/text.h"
#include "store/gguf.h"
#include "store/gguf_tokenizer.h"
#include "store/hub_folder.h"
#include "store/hub_tokenizer.h"

namespace pomona::model {
namespace {

namespace fs = std::filesystem;

ModelText text_of(const store::GgufMetadata& metadata) {
  return {store::read_tokenizer(metadata), store::read_chat_template(metadata)};
}

ModelText text_of_folder(const fs::path& path) {
  store::HubTokenizer files = store::read_hub_tokenizer(path);
  return {std::move(files.tokenizer), std::move(files.chat_template)};
}

ModelFiles open_gguf(const fs::path& path) {
  const store::GgufFile file(path);
  const store::GgufMetadata& metadata = file.metadata();
  return {.path = path,
          .name = std::string(metadata.string("general.name", path.stem().string())),
          .architecture = std::string(metadata.string("general.architecture")),
          .licence = std::string(metadata.string("general.license", "")),
          .checkpoint = Checkpoint(file),
          .text = text_of(metadata)};
}

/// The licence in the header of a folder's README.md ("license: apache-2.0"), or "".
std::string licence_of(const store::HubFolder& folder) {
  const auto readme = folder.text("README.md");
  if (!readme || !readme->starts_with("---\n")) return "";
  const std::string_view header = std::string_view(*readme).substr(0, readme->find("\n---", 4));
  for (const std::string_view line : split(header, '\n')) {
    constexpr std::string_view kKey = "license:";
    if (line.starts_with(kKey)) return std::string(trim(line.substr(kKey.size())));
  }
  return "";
}

ModelFiles open_folder(const fs::path& path) {
  const store::HubFolder folder(path);
  Config config(folder.config(), (path / store::kConfigFile).string());
  std::string architecture = config.text("model_type", "");
  if (architecture.empty())
    fail(ErrorKind::bad_file, "{}: model_type is missing, expected for example \"llama\"",
         config.origin());
  const fs::path whole = fs::absolute(path).lexically_normal();
  return {.path = path,
          .name = (whole.has_filename() ? whole : whole.parent_path()).filename().string(),
          .architecture = std::move(architecture),
          .licence = licence_of(folder),
          .checkpoint = Checkpoint(std::move(config), folder.weights()),
          .text = text_of_folder(path)};
}

}  // namespace

std::uint64_t ModelFiles::bytes() const {
  std::set<const MappedFile*> files;
  for (const store::StoredTensor& tensor : checkpoint.tensors.tensors())
    files.insert(tensor.file.get());
  std::uint64_t sum = 0;
  for (const MappedFile* file : files) sum += file->bytes().size();
  return sum;
}

std::uint64_t ModelFiles::parameters() const {
  std::uint64_t sum = 0;
  for (const store::StoredTensor& tensor : checkpoint.tensors.tensors())
    sum += static_cast<std::uint64_t>(tensor.elements());
  return sum;
}

std::map<std::string, int> ModelFiles::types() const {
  std::map<std::string, int> types;
  for (const store::StoredTensor& tensor : checkpoint.tensors.tensors())
    ++types[std::string(tensor.type.name)];
  return types;
}

ModelText open_model_text(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return text_of_folder(path);
  return text_of(store::GgufFile(path).metadata());
}

ModelFiles open_model_files(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) ? open_folder(path) : open_gguf(path);
}

}  // namespace pomona::model
