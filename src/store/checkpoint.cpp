#include "store/checkpoint.h"

#include <cstring>

#include "base/error.h"
#include "base/quote.h"
#include "store/gguf.h"
#include "store/safetensors.h"
#include "store/shard_index.h"
#include "store/torch_file.h"

namespace pomona::store {
namespace {

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

/// What the first bytes say. A safetensors file may begin with any byte, but its header begins with
/// a brace.
TensorSource open_file(const std::filesystem::path& path) {
  constexpr std::size_t kHeaderAt = 8;
  bool is_gguf = false, is_torch = false, is_safetensors = false, is_pointer = false;
  {
    const MappedFile file(path);
    const auto bytes = file.bytes();
    is_gguf = starts_with(bytes, "GGUF");
    is_torch = looks_like_torch(bytes);
    is_pointer = starts_with(bytes, "version https://git-lfs");
    is_safetensors = bytes.size() > kHeaderAt && bytes[kHeaderAt] == std::byte{'{'};
  }
  if (is_gguf) return tensors_of(GgufFile(path));
  if (is_safetensors) return open_safetensors(path).tensors;
  if (is_torch) return open_torch_file(path);
  if (is_pointer)
    fail(ErrorKind::bad_file,
         "open checkpoint: {}: a pointer of Git LFS, not the file itself; fetch that with git lfs "
         "pull",
         path.string());
  fail(ErrorKind::bad_file, "open checkpoint: {}: byte 0: neither GGUF, safetensors nor PyTorch",
       path.string());
}

TensorSource open_sharded(const std::filesystem::path& path) {
  const std::string origin = path.string();
  const ShardIndex index = parse_shard_index(read_file(path), origin);
  std::vector<StoredTensor> tensors;
  for (const std::string& file : index.files) {
    if (!is_there(path.parent_path() / file))
      fail(ErrorKind::not_found, "{}: the file {} that it names is missing", origin,
           quote_name(file));
    const TensorSource source = open_file(path.parent_path() / file);
    for (const StoredTensor& tensor : source.tensors()) {
      const auto holder = index.file_of.find(tensor.name);
      if (holder == index.file_of.end() || holder->second == file) tensors.push_back(tensor);
    }
  }
  TensorSource whole(origin, std::move(tensors));
  for (const auto& [name, file] : index.file_of) {
    if (whole.find(name) == nullptr)
      fail(ErrorKind::bad_file, "{}: the tensor {} is not in {}, where it should be", origin,
           quote_name(name), quote_name(file));
  }
  return whole;
}

}  // namespace

TensorSource open_checkpoint(const std::filesystem::path& path) {
  return path.string().ends_with(".index.json") ? open_sharded(path) : open_file(path);
}

}  // namespace pomona::store
