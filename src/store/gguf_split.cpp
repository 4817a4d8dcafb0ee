#include "store/gguf_split.h"

#include <charconv>

#include "base/error.h"
#include "base/quote.h"

namespace pomona::store {
namespace {

// The numbers in the names have five digits.
constexpr std::uint64_t kMostParts = 99999;

}  // namespace

std::optional<GgufSplit> read_gguf_split(const GgufMetadata& metadata) {
  const std::uint64_t count = metadata.unsigned_integer(kSplitCount, 0);
  if (count <= 1) return std::nullopt;
  const std::uint64_t number = metadata.unsigned_integer(kSplitNumber);
  if (count > kMostParts || number >= count)
    fail(ErrorKind::bad_file, "key {} of {}: part {} of {} cannot be", quote_name(kSplitNumber),
         metadata.origin(), number, count);
  return GgufSplit{number, count, metadata.find_unsigned_integer(kSplitTensors)};
}

void check_gguf_part(const GgufMetadata& metadata, const GgufSplit& whole, std::size_t number) {
  const auto part = read_gguf_split(metadata);
  if (part && part->number == number && part->count == whole.count &&
      part->tensors == whole.tensors)
    return;
  fail(ErrorKind::bad_file, "read GGUF: {}: expected part {} of {} of the same model, found {}",
       metadata.origin(), number + 1, whole.count,
       part ? fmt::format("part {} of {}{}", part->number + 1, part->count,
                          part->tensors == whole.tensors ? "" : " with other counts of tensors")
            : "a model of its own");
}

std::string gguf_part_name(std::string_view prefix, std::size_t number, std::size_t count) {
  return fmt::format("{}-{:05}-of-{:05}.gguf", prefix, number + 1, count);
}

std::vector<std::filesystem::path> gguf_part_paths(const std::filesystem::path& path,
                                                   const GgufSplit& split) {
  const std::string name = path.filename().string();
  const std::string ending = gguf_part_name("", split.number, split.count);
  if (!name.ends_with(ending))
    fail(ErrorKind::bad_file,
         "read GGUF: {} is part {} of {}, but its name does not end with {}, so the others cannot "
         "be found",
         path.string(), split.number + 1, split.count, ending);
  const std::string prefix = name.substr(0, name.size() - ending.size());
  std::vector<std::filesystem::path> paths;
  paths.reserve(split.count);
  for (std::size_t i = 0; i < split.count; ++i)
    paths.push_back(path.parent_path() / gguf_part_name(prefix, i, split.count));
  return paths;
}

std::vector<std::filesystem::path> gguf_part_paths(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  constexpr std::string_view kEnding = "-00001-of-00001.gguf";
  if (name.size() < kEnding.size()) return {path};
  const std::string_view ending = std::string_view(name).substr(name.size() - kEnding.size());
  std::uint64_t number = 0, count = 0;
  std::from_chars(ending.data() + kEnding.find('1') - 4, ending.data() + ending.size(), number);
  std::from_chars(ending.data() + kEnding.rfind('1') - 4, ending.data() + ending.size(), count);
  if (number == 0 || number > count || gguf_part_name("", number - 1, count) != ending)
    return {path};
  return gguf_part_paths(path, {.number = number - 1, .count = count, .tensors = {}});
}

}  // namespace pomona::store
