#include "store/gguf.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>
#include <unordered_set>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"

namespace pomona::store {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF files are read in place");

constexpr std::uint64_t kLongestKey = 65535;
constexpr std::uint64_t kMostDims = 4;
constexpr int kDeepestArray = 16;
constexpr std::uint64_t kDefaultAlignment = 32;
// The smallest encodings, which bound how many items the remaining bytes can hold.
constexpr std::uint64_t kSmallestPair = 8 + 4 + 1;
constexpr std::uint64_t kSmallestTensor = 8 + 4 + 4 + 8;

/// A position in the file's bytes; every read is checked.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& origin)
      : bytes_(bytes), origin_(origin) {}

  std::uint64_t at() const { return at_; }
  std::uint64_t left() const { return bytes_.size() - at_; }

  template <class... Args>
  [[noreturn]] void bad(std::uint64_t offset, fmt::format_string<Args...> format,
                        Args&&... args) const {
    fail(ErrorKind::bad_file, "read GGUF: {}: byte {}: {}", origin_, offset,
         fmt::format(format, std::forward<Args>(args)...));
  }

  std::span<const std::byte> take(std::uint64_t count, std::string_view what) {
    if (count > left())
      bad(at_, "the file ends inside {} ({} bytes wanted, {} left)", what, count, left());
    const auto part = bytes_.subspan(at_, count);
    at_ += count;
    return part;
  }

  template <class T>
  T number(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  std::string_view string(std::string_view what) {
    const auto length = number<std::uint64_t>(what);
    const auto part = take(length, what);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

  /// A count of items that take at least `smallest` bytes each.
  std::uint64_t count(std::uint64_t smallest, std::string_view what) {
    const std::uint64_t start = at_;
    const auto value = number<std::uint64_t>(what);
    if (value > left() / smallest) bad(start, "{} is {}, more than the file can hold", what, value);
    return value;
  }

  GgufType type(std::string_view what) {
    const std::uint64_t start = at_;
    const auto value = number<std::uint32_t>(what);
    if (value > static_cast<std::uint32_t>(GgufType::f64))
      bad(start, "{} is {}, not a GGUF value type", what, value);
    return static_cast<GgufType>(value);
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& origin_;
  std::uint64_t at_ = 0;
};

void check_bools(const Reader& reader, std::uint64_t start, std::span<const std::byte> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::to_integer<unsigned>(values[i]) > 1)
      reader.bad(start + i, "a bool is {}, not 0 or 1", std::to_integer<unsigned>(values[i]));
  }
}

GgufArray read_array(Reader& reader, int depth) {
  GgufArray array;
  const std::uint64_t start = reader.at();
  array.type = reader.type("an array's type");
  if (array.type == GgufType::array && depth >= kDeepestArray)
    reader.bad(start, "arrays are nested more than {} deep", kDeepestArray);
  const std::size_t size = size_of(array.type);
  const std::uint64_t smallest = size != 0 ? size : array.type == GgufType::string ? 8 : 12;
  array.count = reader.count(smallest, "an array's length");
  if (array.type == GgufType::string) {
    array.strings.reserve(array.count);
    for (std::size_t i = 0; i < array.count; ++i)
      array.strings.push_back(reader.string("a string of an array"));
  } else if (array.type == GgufType::array) {
    array.arrays.reserve(array.count);
    for (std::size_t i = 0; i < array.count; ++i)
      array.arrays.push_back(read_array(reader, depth + 1));
  } else {
    const std::uint64_t values_start = reader.at();
    array.packed = reader.take(array.count * size, "an array");
    if (array.type == GgufType::boolean) check_bools(reader, values_start, array.packed);
  }
  return array;
}

/// Reads the value of the type that stands at `index` of the variant.
template <std::size_t index = 0>
GgufValue read_value(Reader& reader, GgufType type) {
  if constexpr (index == std::variant_size_v<GgufValue>) {
    fail(ErrorKind::internal, "read GGUF: no value type {}", static_cast<int>(type));
  } else {
    if (index != static_cast<std::size_t>(type)) return read_value<index + 1>(reader, type);
    using T = std::variant_alternative_t<index, GgufValue>;
    if constexpr (std::is_same_v<T, GgufArray>) {
      return read_array(reader, 1);
    } else if constexpr (std::is_same_v<T, std::string_view>) {
      return reader.string("a string");
    } else if constexpr (std::is_same_v<T, bool>) {
      const std::uint64_t start = reader.at();
      const auto byte = reader.take(1, "a bool");
      check_bools(reader, start, byte);
      return byte[0] == std::byte{1};
    } else {
      return reader.number<T>("a value");
    }
  }
}

void check_name(const Reader& reader, std::uint64_t start, std::string_view name,
                std::string_view what) {
  if (name.empty()) reader.bad(start, "{} is empty", what);
  if (name.size() > kLongestKey)
    reader.bad(start, "{} has {} bytes, more than {}", what, name.size(), kLongestKey);
  if (find_invalid_utf8(name)) reader.bad(start, "{} {} is not UTF-8", what, quote_name(name));
}

void read_metadata(Reader& reader, std::uint64_t count, GgufMetadata& metadata) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t start = reader.at();
    const std::string_view key = reader.string("a metadata key");
    check_name(reader, start, key, "a metadata key");
    const GgufType type = reader.type("a metadata value's type");
    if (!metadata.add(key, read_value(reader, type)))
      reader.bad(start, "the key {} occurs twice", quote_name(key));
  }
}

std::uint64_t read_alignment(const GgufMetadata& metadata) {
  const std::uint64_t alignment = metadata.unsigned_integer("general.alignment", kDefaultAlignment);
  if (!std::has_single_bit(alignment) || alignment > kLargestGgufAlignment)
    fail(ErrorKind::bad_file, "key \"general.alignment\" of {}: {} is not a power of two up to {}",
         metadata.origin(), alignment, kLargestGgufAlignment);
  return alignment;
}

/// The bytes of the tensor's data by its type and dimensions. Only for known types.
std::uint64_t data_size(const Reader& reader, std::uint64_t start, const GgufTensor& tensor) {
  const ElementType& type = tensor.type;
  const std::int64_t row = tensor.dims.empty() ? 1 : tensor.dims[0];
  if (row % type.block != 0)
    reader.bad(start, "tensor {}: rows of {} values do not divide into {} blocks of {}",
               quote_name(tensor.name), row, type.name, type.block);
  std::int64_t count = 1;
  for (const std::int64_t dim : tensor.dims) count *= dim;
  const std::int64_t blocks = count / type.block;
  if (blocks > std::numeric_limits<std::int64_t>::max() / type.bytes)
    reader.bad(start, "tensor {}: its size overflows", quote_name(tensor.name));
  return static_cast<std::uint64_t>(blocks * type.bytes);
}

void read_dims(Reader& reader, GgufTensor& tensor) {
  const std::uint64_t start = reader.at();
  const auto rank = reader.number<std::uint32_t>("a tensor's number of dimensions");
  if (rank > kMostDims)
    reader.bad(start, "tensor {} has {} dimensions, more than {}", quote_name(tensor.name), rank,
               kMostDims);
  std::int64_t count = 1;
  for (std::uint32_t d = 0; d < rank; ++d) {
    const std::uint64_t at = reader.at();
    const auto dim = reader.number<std::int64_t>("a tensor's dimensions");
    if (dim <= 0) reader.bad(at, "tensor {}: dimension {} is {}", quote_name(tensor.name), d, dim);
    if (dim > std::numeric_limits<std::int64_t>::max() / count)
      reader.bad(at, "tensor {}: its number of values overflows", quote_name(tensor.name));
    count *= dim;
    tensor.dims.push_back(dim);
  }
}

/// Where a tensor's description stands and what it says about its data, until the data's start is
/// known.
struct Pending {
  std::uint64_t info_at;
  std::uint64_t relative_offset;
  std::uint64_t size;
};

GgufTensor read_tensor(Reader& reader, std::uint64_t alignment, Pending& pending) {
  GgufTensor tensor;
  pending.info_at = reader.at();
  tensor.name = reader.string("a tensor's name");
  check_name(reader, pending.info_at, tensor.name, "a tensor's name");
  read_dims(reader, tensor);
  tensor.gguf_type = reader.number<std::uint32_t>("a tensor's type");
  tensor.type = element_type_from_gguf(tensor.gguf_type);
  tensor.dtype = tensor.type.dtype;
  const std::uint64_t offset_at = reader.at();
  pending.relative_offset = reader.number<std::uint64_t>("a tensor's offset");
  if (pending.relative_offset % alignment != 0)
    reader.bad(offset_at, "tensor {}: its offset {} is not a multiple of the alignment {}",
               quote_name(tensor.name), pending.relative_offset, alignment);
  pending.size = tensor.type.is_known() ? data_size(reader, pending.info_at, tensor) : 0;
  return tensor;
}

/// Gives every tensor its bytes, once the data's start is known.
void place(const Reader& reader, std::span<const std::byte> bytes, std::span<const Pending> pending,
           GgufContents& contents) {
  const std::uint64_t available =
      contents.data_offset > bytes.size() ? 0 : bytes.size() - contents.data_offset;
  for (std::size_t i = 0; i < contents.tensors.size(); ++i) {
    GgufTensor& tensor = contents.tensors[i];
    const Pending& p = pending[i];
    if (p.relative_offset > available || p.size > available - p.relative_offset)
      reader.bad(p.info_at,
                 "tensor {} lies outside the file: {} bytes at offset {}, {} bytes of data",
                 quote_name(tensor.name), p.size, p.relative_offset, available);
    tensor.offset = contents.data_offset + p.relative_offset;
    tensor.bytes = bytes.subspan(tensor.offset, p.size);
  }
}

void check_overlaps(const Reader& reader, std::span<const Pending> pending,
                    const std::vector<GgufTensor>& tensors) {
  std::vector<std::size_t> order(tensors.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return tensors[a].offset != tensors[b].offset ? tensors[a].offset < tensors[b].offset : a < b;
  });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const GgufTensor& before = tensors[order[i - 1]];
    const GgufTensor& after = tensors[order[i]];
    const std::uint64_t end = before.offset + before.bytes.size();
    if (end > after.offset || (before.offset == after.offset && before.type.is_known()))
      reader.bad(pending[order[i]].info_at, "tensors {} and {} overlap", quote_name(before.name),
                 quote_name(after.name));
  }
}

std::uint32_t read_version(Reader& reader, const std::string& origin) {
  const auto magic = reader.take(4, "the magic");
  if (std::memcmp(magic.data(), "GGUF", 4) != 0)
    fail(ErrorKind::bad_file,
         "read GGUF: {}: byte 0: not a GGUF file (it does not start with "
         "\"GGUF\")",
         origin);
  const auto version = reader.number<std::uint32_t>("the version");
  if (version == 2 || version == 3) return version;
  if ((version & 0xFFFF) == 0)
    fail(ErrorKind::unsupported, "read GGUF: {}: a big-endian file; convert it to little-endian",
         origin);
  fail(ErrorKind::unsupported, "read GGUF: {}: version {}; versions 2 and 3 are read", origin,
       version);
}

}  // namespace

GgufContents parse_gguf(std::span<const std::byte> bytes, const std::string& origin) {
  Reader reader(bytes, origin);
  GgufContents contents;
  contents.metadata = GgufMetadata(origin);
  contents.version = read_version(reader, origin);
  const std::uint64_t tensor_count = reader.count(kSmallestTensor, "the number of tensors");
  const std::uint64_t pair_count = reader.count(kSmallestPair, "the number of metadata pairs");
  read_metadata(reader, pair_count, contents.metadata);
  contents.alignment = read_alignment(contents.metadata);

  std::vector<Pending> pending(tensor_count);
  std::unordered_set<std::string_view, StringHash> names;
  contents.tensors.reserve(tensor_count);
  for (Pending& p : pending) {
    contents.tensors.push_back(read_tensor(reader, contents.alignment, p));
    const std::string_view name = contents.tensors.back().name;
    if (!names.insert(name).second)
      reader.bad(p.info_at, "the tensor {} occurs twice", quote_name(name));
  }
  contents.data_offset =
      (reader.at() + contents.alignment - 1) / contents.alignment * contents.alignment;
  place(reader, bytes, pending, contents);
  check_overlaps(reader, pending, contents.tensors);
  return contents;
}

}  // namespace pomona::store
