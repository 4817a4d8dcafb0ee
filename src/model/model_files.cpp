#include "model/model_files.h"

#include <set>
#include <unordered_map>

#include "base/error.h"
#include "base/file.h"
#include "base/quote.h"
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

/// The licence in the header of a folder's README.md ("license: apache-2.0"), or "". A README that
/// cannot be read has none: the model is none the worse for it.
std::string licence_of(const fs::path& folder) {
  std::string readme;
  try {
    const MappedFile file(folder / "README.md");
    readme.assign(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  } catch (const Error&) {
    return "";
  }
  const auto lines = split(readme, '\n');
  if (trim(lines.front()) != "---") return "";
  for (std::size_t i = 1; i < lines.size() && trim(lines[i]) != "---"; ++i) {
    constexpr std::string_view kKey = "license:";
    if (!lines[i].starts_with(kKey)) continue;
    std::string_view value = lines[i].substr(kKey.size());
    value = trim(value.substr(0, value.find(" #")));
    const bool quoted = value.size() > 1 && (value.front() == '"' || value.front() == '\'') &&
                        value.back() == value.front();
    return printable(quoted ? value.substr(1, value.size() - 2) : value, true);
  }
  return "";
}

/// A folder's own name; in the hub's cache, models--ORG--NAME/snapshots/REVISION, that of the
/// model.
std::string name_of(const fs::path& folder) {
  constexpr std::string_view kCached = "models--", kBetween = "--";
  fs::path whole = fs::absolute(folder).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  const std::string repository = whole.parent_path().parent_path().filename().string();
  if (whole.parent_path().filename() != "snapshots" || !repository.starts_with(kCached))
    return whole.filename().string();
  const std::size_t at = repository.find(kBetween, kCached.size());
  return at == std::string::npos ? repository : repository.substr(at + kBetween.size());
}

ModelFiles open_folder(const fs::path& path) {
  const store::HubFolder folder(path);
  Config config(folder.config(), (path / store::kConfigFile).string());
  std::string architecture = config.text("model_type", "");
  if (architecture.empty())
    fail(ErrorKind::bad_file, "{}: model_type is missing, expected for example \"llama\"",
         config.origin());
  return {.path = path,
          .name = name_of(path),
          .architecture = std::move(architecture),
          .licence = licence_of(path),
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

std::vector<TensorKind> ModelFiles::kinds() const {
  std::vector<TensorKind> kinds;
  std::unordered_map<std::string, std::size_t> known;
  for (const store::StoredTensor& tensor : checkpoint.tensors.tensors()) {
    const auto [place, added] = known.try_emplace(without_number(tensor.name).first, kinds.size());
    if (added) kinds.emplace_back().name = place->first;
    TensorKind& kind = kinds[place->second];
    ++kind.types[std::string(tensor.type.name)];
    kind.parameters += static_cast<std::uint64_t>(tensor.elements());
    kind.bytes += tensor.bytes.size();
  }
  return kinds;
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
