// Opens GGUF models of one file or of several. The names and keys of split files are those of
// llama.cpp's gguf-split.
#include <algorithm>

#include "base/error.h"
#include "base/quote.h"
#include "store/gguf.h"
#include "store/gguf_split.h"

namespace pomona::store {

GgufFile::GgufFile(const std::filesystem::path& path) {
  open_parts(path);
  gather_tensors();
}

void GgufFile::open_parts(const std::filesystem::path& path) {
  const auto open = [](const std::filesystem::path& name) {
    Part part{std::make_shared<const MappedFile>(name), {}};
    part.contents = parse_gguf(part.mapping->bytes(), name.string());
    return part;
  };
  parts_.push_back(open(path));
  const auto split = read_gguf_split(parts_.front().contents.metadata);
  if (!split) return;
  const auto paths = gguf_part_paths(path, *split);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (i == split->number) continue;
    if (!is_there(paths[i]))
      fail(ErrorKind::not_found, "read GGUF: {} is part {} of {}, but {} is missing", path.string(),
           split->number + 1, split->count, quote_name(paths[i].string()));
    parts_.push_back(open(paths[i]));
    check_gguf_part(parts_.back().contents.metadata, *split, i);
  }
  // The one that was named came first.
  const auto place = static_cast<std::ptrdiff_t>(split->number);
  std::rotate(parts_.begin(), parts_.begin() + 1, parts_.begin() + place + 1);
  std::uint64_t count = 0;
  for (const Part& part : parts_) count += part.contents.tensors.size();
  if (split->tensors && *split->tensors != count)
    fail(ErrorKind::bad_file, "read GGUF: {}: its {} parts hold {} tensors, not {}", path.string(),
         split->count, count, *split->tensors);
}

void GgufFile::gather_tensors() {
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    for (GgufTensor tensor : parts_[i].contents.tensors) {
      tensor.part = i;
      tensors_.push_back(std::move(tensor));
    }
    parts_[i].contents.tensors.clear();
  }
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (!index_.emplace(tensors_[i].name, i).second)
      fail(ErrorKind::bad_file, "read GGUF: {}: two parts hold the tensor {}", path().string(),
           quote_name(tensors_[i].name));
  }
}

std::uint64_t GgufFile::bytes() const {
  std::uint64_t sum = 0;
  for (const Part& part : parts_) sum += part.mapping->bytes().size();
  return sum;
}

const GgufTensor* GgufFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

const GgufTensor& GgufFile::tensor(std::string_view name) const {
  const GgufTensor* found = find(name);
  if (found == nullptr)
    fail(ErrorKind::bad_file, "read GGUF: {}: no tensor {}", path().string(), quote_name(name));
  if (!found->dtype)
    fail(ErrorKind::unsupported, "read GGUF: {}: tensor {} has element type {}, which is not read",
         path().string(), quote_name(name),
         found->type.is_known() ? std::string(found->type.name)
                                : fmt::format("{}", found->gguf_type));
  return *found;
}

TensorSource tensors_of(const GgufFile& file) {
  std::vector<StoredTensor> tensors;
  for (const GgufTensor& tensor : file.tensors()) {
    StoredTensor stored;
    stored.name = tensor.name;
    stored.type = tensor.type;
    stored.shape = tensor.shape();
    stored.bytes = tensor.bytes;
    stored.file = file.mapping(tensor);
    tensors.push_back(std::move(stored));
  }
  return TensorSource(file.path().string(), std::move(tensors));
}

}  // namespace pomona::store
