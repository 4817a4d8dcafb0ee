#include "store/gguf_output.h"

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/quote.h"
#include "store/gguf_split.h"
#include "store/gguf_writer.h"

namespace pomona::store {
namespace {

constexpr std::string_view kAlignment = "general.alignment";
// Limits of ggml, which reads these files (GGML_MAX_DIMS, GGML_MAX_NAME with its end).
constexpr std::size_t kMostDims = 4, kLongestName = 63;

void check(const std::filesystem::path& path, const TensorOutput& tensor) {
  const bool empty = std::find(tensor.shape.begin(), tensor.shape.end(), 0) != tensor.shape.end();
  if (tensor.name.size() > kLongestName || tensor.shape.size() > kMostDims || empty)
    fail(ErrorKind::bad_argument,
         "write GGUF: {}: tensor {} {}: names have up to {} bytes, shapes up to {} sizes above 0",
         path.string(), quote_name(tensor.name), shape_text(tensor.shape), kLongestName, kMostDims);
  if (!gguf_type_of(tensor.type))
    fail(ErrorKind::bad_argument,
         "write GGUF: {}: tensor {} holds {}, which the format does not have", path.string(),
         quote_name(tensor.name), tensor.type.name);
}

void declare(GgufWriter& writer, std::span<const TensorOutput> tensors) {
  for (const TensorOutput& tensor : tensors) {
    const std::vector<std::int64_t> dims(tensor.shape.rbegin(), tensor.shape.rend());
    writer.declare(tensor.name, dims, *gguf_type_of(tensor.type), tensor.size());
  }
}

void write_all(GgufWriter& writer, std::span<const TensorOutput> tensors) {
  for (const TensorOutput& tensor : tensors)
    write_values(tensor,
                 [&](std::span<const std::byte> part) { writer.write_data(tensor.name, part); });
}

bool numbers_parts(std::string_view key) {
  return key == kSplitNumber || key == kSplitCount || key == kSplitTensors;
}

/// The first part has the metadata, each its number; the alignment holds for every part.
void add_metadata(GgufWriter& writer, const GgufOutput& output, std::size_t number,
                  std::size_t count) {
  for (const auto& [key, value] : output.metadata)
    if (number == 0 || key == kAlignment) writer.add(key, value);
  writer.add(kSplitNumber, static_cast<std::uint16_t>(number));
  writer.add(kSplitCount, static_cast<std::uint16_t>(count));
  writer.add(kSplitTensors, static_cast<std::int32_t>(output.tensors.size()));
}

std::vector<std::filesystem::path> write_parts(const std::filesystem::path& path,
                                               const GgufOutput& output,
                                               std::span<const std::size_t> ends) {
  if (ends.size() > std::numeric_limits<std::uint16_t>::max())
    fail(ErrorKind::bad_argument, "write GGUF: {}: {} parts are too many", path.string(),
         ends.size());
  std::vector<std::filesystem::path> paths;
  std::vector<std::unique_ptr<GgufWriter>> writers;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    paths.push_back(path.parent_path() / gguf_part_name(path.stem().string(), i, ends.size()));
    writers.push_back(std::make_unique<GgufWriter>(paths.back()));
    const auto part = std::span(output.tensors).subspan(begin, ends[i] - begin);
    add_metadata(*writers.back(), output, i, ends.size());
    declare(*writers.back(), part);
    write_all(*writers.back(), part);
    begin = ends[i];
  }
  for (const auto& writer : writers) writer->commit();
  return paths;
}

}  // namespace

void GgufOutput::set(std::string_view key, GgufValue value) {
  const auto found = std::find_if(metadata.begin(), metadata.end(),
                                  [&](const auto& pair) { return pair.first == key; });
  if (found == metadata.end()) {
    metadata.emplace_back(key, std::move(value));
  } else {
    found->second = std::move(value);
  }
}

void GgufOutput::unset(std::string_view key) {
  std::erase_if(metadata, [&](const auto& pair) { return pair.first == key; });
}

TensorOutput* GgufOutput::find(std::string_view name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const TensorOutput& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

GgufOutput output_of(const GgufFile& file) {
  GgufOutput output;
  for (const auto& [key, value] : file.metadata().entries())
    if (!numbers_parts(key)) output.metadata.emplace_back(key, value);
  output.tensors = outputs_of(tensors_of(file));
  return output;
}

std::vector<std::filesystem::path> write_gguf(const std::filesystem::path& path,
                                              const GgufOutput& output, std::uint64_t most) {
  for (const TensorOutput& tensor : output.tensors) check(path, tensor);
  const std::vector<std::size_t> ends = deal_out(output.tensors, most);
  if (ends.size() > 1) return write_parts(path, output, ends);
  GgufWriter writer(path);
  for (const auto& [key, value] : output.metadata) writer.add(key, value);
  declare(writer, output.tensors);
  write_all(writer, output.tensors);
  writer.commit();
  return {path};
}

}  // namespace pomona::store
