#include "store/torch_file.h"

#include <cstring>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/quote.h"
#include "base/string_hash.h"
#include "store/pickle.h"
#include "store/torch_legacy.h"
#include "store/torch_tensors.h"
#include "store/zip.h"

namespace pomona::store {
namespace {

using Entries = std::unordered_map<std::string_view, ZipEntry, StringHash>;

std::string_view text_of(const ZipEntry& entry) {
  return {reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size()};
}

/// The entries under the archive's one folder, by their names in it.
Entries read_entries(std::span<const std::byte> bytes, const std::string& origin) {
  Entries entries;
  std::string_view folder;
  for (const ZipEntry& entry : parse_zip(bytes, origin)) {
    const std::size_t slash = entry.name.find('/');
    if (slash == std::string_view::npos) continue;
    if (entries.empty()) folder = entry.name.substr(0, slash);
    if (entry.name.substr(0, slash) != folder)
      fail(ErrorKind::bad_file, "read PyTorch: {}: byte {}: the folders {} and {} in one archive",
           origin, entry.offset, quote_name(folder), quote_name(entry.name.substr(0, slash)));
    entries.emplace(entry.name.substr(slash + 1), entry);
  }
  return entries;
}

bool is_big_endian(const Entries& entries, const std::string& origin) {
  const auto order = entries.find("byteorder");
  if (order == entries.end() || text_of(order->second) == "little") return false;
  if (text_of(order->second) != "big")
    fail(ErrorKind::bad_file, "read PyTorch: {}: byte {}: the byte order is {}", origin,
         order->second.offset, quote_name(text_of(order->second)));
  return true;
}

}  // namespace

bool looks_like_torch(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 &&
         (std::memcmp(bytes.data(), "PK", 2) == 0 || bytes.front() == std::byte{0x80});
}

std::vector<StoredTensor> parse_torch_file(std::span<const std::byte> bytes,
                                           const std::string& origin) {
  if (!bytes.empty() && bytes.front() == std::byte{0x80}) return parse_torch_legacy(bytes, origin);
  const Entries entries = read_entries(bytes, origin);
  const auto object = entries.find("data.pkl");
  if (object == entries.end())
    fail(ErrorKind::bad_file, "read PyTorch: {}: a zip file without data.pkl: not a checkpoint",
         origin);
  if (entries.contains("constants.pkl"))
    fail(ErrorKind::unsupported,
         "read PyTorch: {}: a TorchScript program; only saved dictionaries of tensors are read",
         origin);
  const Pickle pickle =
      parse_pickle(object->second.bytes, origin, object->second.offset, is_torch_global);
  const TorchStorages storages =
      [&](std::string_view key) -> std::optional<std::span<const std::byte>> {
    const auto found = entries.find(fmt::format("data/{}", key));
    if (found == entries.end()) return std::nullopt;
    return found->second.bytes;
  };
  return tensors_in(pickle, storages, is_big_endian(entries, origin), origin);
}

TensorSource open_torch_file(const std::filesystem::path& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  std::vector<StoredTensor> tensors = parse_torch_file(file->bytes(), path.string());
  for (StoredTensor& tensor : tensors) tensor.file = file;
  return TensorSource(path.string(), std::move(tensors));
}

}  // namespace pomona::store
