#include "store/safetensors_writer.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_set>

#include "base/error.h"
#include "base/json.h"
#include "base/quote.h"
#include "base/text.h"

namespace pomona::store {
namespace {

constexpr std::uint64_t kHeaderAlignment = 8;

/// Places in `tensors`, those with the widest elements first.
std::vector<std::size_t> by_width(std::span<const TensorOutput> tensors) {
  std::vector<std::size_t> order(tensors.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const std::int64_t wide_a = tensors[a].type.bytes, wide_b = tensors[b].type.bytes;
    return wide_a != wide_b ? wide_a > wide_b : a < b;
  });
  return order;
}

void check(const std::filesystem::path& path, std::span<const TensorOutput> tensors,
           const TextPairs& metadata) {
  std::unordered_set<std::string_view> names, keys;
  for (const auto& [key, value] : metadata) {
    check_utf8(key + value, "write safetensors: " + path.string() + ": the metadata");
    if (!keys.insert(key).second)
      fail(ErrorKind::bad_argument, "write safetensors: {}: the metadata {} twice", path.string(),
           quote_name(key));
  }
  for (const TensorOutput& tensor : tensors) {
    check_utf8(tensor.name, "write safetensors: " + path.string() + ": a tensor's name");
    if (!names.insert(tensor.name).second || tensor.name == "__metadata__")
      fail(ErrorKind::bad_argument, "write safetensors: {}: the name {} twice or reserved",
           path.string(), quote_name(tensor.name));
    if (!is_safetensors_type(tensor.type))
      fail(ErrorKind::bad_argument,
           "write safetensors: {}: tensor {} holds {}, which the format does not have",
           path.string(), quote_name(tensor.name), tensor.type.name);
  }
}

/// Put together entry by entry: a Json of many keys searches them all for each new one.
std::string header_of(std::span<const TensorOutput> tensors, std::span<const std::size_t> order,
                      const TextPairs& metadata) {
  std::string text = "{";
  const auto add = [&](const std::string& key, const Json& value) {
    text += fmt::format("{}{}:{}", text.size() > 1 ? "," : "", Json(key).dump(), value.dump());
  };
  if (!metadata.empty()) add("__metadata__", Json::object_t(metadata.begin(), metadata.end()));
  std::uint64_t at = 0;
  for (const std::size_t i : order) {
    const std::uint64_t end = at + tensors[i].size();
    add(tensors[i].name, {{"dtype", tensors[i].type.name},
                          {"shape", tensors[i].shape},
                          {"data_offsets", {at, end}}});
    at = end;
  }
  text += '}';
  text.resize((text.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::span<const TensorOutput> tensors,
                       const TextPairs& metadata) {
  check(path, tensors, metadata);
  const std::vector<std::size_t> order = by_width(tensors);
  const std::string header = header_of(tensors, order, metadata);
  const std::uint64_t length = header.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(header);
  for (const std::size_t i : order)
    write_values(tensors[i], [&](std::span<const std::byte> part) { file.write(part); });
  file.commit();
}

std::vector<std::string> write_safetensors_folder(const std::filesystem::path& folder,
                                                  std::span<const TensorOutput> tensors,
                                                  const TextPairs& metadata, std::uint64_t most) {
  const std::vector<std::size_t> ends = deal_out(tensors, most);
  if (ends.size() == 1) {
    write_safetensors(folder / "model.safetensors", tensors, metadata);
    return {"model.safetensors"};
  }
  check(folder, tensors, metadata);
  std::vector<std::string> names;
  std::map<std::string, std::string> file_of;  // sorted, as the reference writes it
  std::uint64_t total = 0;
  std::size_t begin = 0;
  for (std::size_t shard = 0; shard < ends.size(); ++shard) {
    names.push_back(fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, ends.size()));
    const auto part = tensors.subspan(begin, ends[shard] - begin);
    for (const TensorOutput& tensor : part) {
      file_of[tensor.name] = names.back();
      total += tensor.size();
    }
    write_safetensors(folder / names.back(), part, metadata);
    begin = ends[shard];
  }
  const nlohmann::json index = {{"metadata", {{"total_size", total}}}, {"weight_map", file_of}};
  write_file(folder / "model.safetensors.index.json", index.dump(2) + "\n");
  return names;
}

}  // namespace pomona::store
