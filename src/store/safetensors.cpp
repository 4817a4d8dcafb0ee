#include "store/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <tuple>

#include "base/error.h"
#include "base/quote.h"
#include "store/safetensors_header.h"

namespace pomona::store {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are read in place");

constexpr std::uint64_t kLengthBytes = 8;

/// The file's name and where its values begin, for errors.
struct Place {
  const std::string& origin;
  std::uint64_t data_offset;
};

template <class... Args>
[[noreturn]] void bad(const Place& place, const SafetensorsEntry& entry,
                      fmt::format_string<Args...> format, Args&&... args) {
  fail(ErrorKind::bad_file, "read safetensors: {}: tensor {}: {}", place.origin,
       quote_name(entry.name), fmt::format(format, std::forward<Args>(args)...));
}

std::string_view header_text(std::span<const std::byte> bytes, const std::string& origin) {
  std::uint64_t length = 0;
  if (bytes.size() < kLengthBytes)
    fail(ErrorKind::bad_file,
         "read safetensors: {}: byte 0: the file has {} bytes, too few for the header's length",
         origin, bytes.size());
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > kLargestSafetensorsHeader)
    fail(ErrorKind::bad_file,
         "read safetensors: {}: byte 0: the header's length is {}, more than {}: not a safetensors "
         "file",
         origin, length, kLargestSafetensorsHeader);
  if (length > bytes.size() - kLengthBytes)
    fail(ErrorKind::bad_file,
         "read safetensors: {}: byte {}: the header takes {} bytes, {} are left", origin,
         kLengthBytes, length, bytes.size() - kLengthBytes);
  return {reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length};
}

/// The shape and the bytes that the values take.
std::uint64_t read_shape(const Place& place, const SafetensorsEntry& entry, StoredTensor& tensor) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  // Sizes of 0 do not hide an overflow of the others: every partial product stays in range.
  std::uint64_t count = 1, product = 1;
  for (const std::uint64_t size : entry.shape) {
    if (size > kMost || (size != 0 && product > kMost / size))
      bad(place, entry, "its number of values overflows");
    if (size != 0) product *= size;
    count *= size;
    tensor.shape.push_back(static_cast<std::int64_t>(size));
  }
  const auto block = static_cast<std::uint64_t>(tensor.type.block);
  const auto block_bytes = static_cast<std::uint64_t>(tensor.type.bytes);
  if (count % block != 0)
    bad(place, entry, "{} values do not fill whole bytes of {}", count, tensor.type.name);
  if (count / block > kMost / block_bytes) bad(place, entry, "its size overflows");
  return count / block * block_bytes;
}

StoredTensor read_entry(const Place& place, const SafetensorsEntry& entry,
                        std::span<const std::byte> data) {
  StoredTensor tensor;
  tensor.name = entry.name;
  const auto type = element_type(entry.dtype);
  if (!type || !is_safetensors_type(*type))
    fail(ErrorKind::unsupported, "read safetensors: {}: tensor {} has the element type {}",
         place.origin, quote_name(entry.name), quote_name(entry.dtype));
  tensor.type = *type;
  if (entry.begin > entry.end || entry.end > data.size())
    bad(place, entry,
        "its values at {} to {} lie outside the {} bytes of data that begin at byte {}",
        entry.begin, entry.end, data.size(), place.data_offset);
  const std::uint64_t size = read_shape(place, entry, tensor);
  if (size != entry.end - entry.begin)
    bad(place, entry, "{} {} takes {} bytes, but its values at {} to {} have {}", tensor.type.name,
        shape_text(tensor.shape), size, entry.begin, entry.end, entry.end - entry.begin);
  tensor.bytes = data.subspan(entry.begin, size);
  return tensor;
}

/// The specification wants the data to be covered without holes; overlaps are refused with them.
void check_cover(const Place& place, std::span<const SafetensorsEntry> entries,
                 std::uint64_t available) {
  std::uint64_t at = 0;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin != at)
      bad(place, entry, "its values begin at {}, those before it end at {}", entry.begin, at);
    at = entry.end;
  }
  if (at != available)
    fail(ErrorKind::bad_file, "read safetensors: {}: byte {}: {} bytes of data belong to no tensor",
         place.origin, place.data_offset + at, available - at);
}

}  // namespace

SafetensorsContents parse_safetensors(std::span<const std::byte> bytes, const std::string& origin) {
  const std::string_view text = header_text(bytes, origin);
  SafetensorsHeader header = parse_safetensors_header(text, origin);
  std::sort(header.entries.begin(), header.entries.end(),
            [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
              return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
            });
  const Place place{origin, kLengthBytes + text.size()};
  const auto data = bytes.subspan(place.data_offset);
  SafetensorsContents contents;
  contents.metadata = std::move(header.metadata);
  contents.tensors.reserve(header.entries.size());
  for (const SafetensorsEntry& entry : header.entries)
    contents.tensors.push_back(read_entry(place, entry, data));
  check_cover(place, header.entries, data.size());
  return contents;
}

SafetensorsFile open_safetensors(const std::filesystem::path& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  SafetensorsContents contents = parse_safetensors(file->bytes(), path.string());
  for (StoredTensor& tensor : contents.tensors) tensor.file = file;
  return {std::move(contents.metadata), TensorSource(path.string(), std::move(contents.tensors))};
}

}  // namespace pomona::store
