#include "compress/imatrix.h"

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "base/quote.h"
#include "store/gguf.h"

namespace pomona::compress {
namespace {

/// Reads the fields of a .dat file one after another.
class Reader {
 public:
  Reader(std::string_view bytes, const std::filesystem::path& path) : bytes_(bytes), path_(path) {}

  std::int32_t count(std::string_view what, std::int64_t most) {
    std::int32_t value;
    std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
    if (value < 0 || value > most)
      fail(ErrorKind::bad_file, "{}: byte {}: {} is {}, expected 0 to {}", path_.string(),
           offset_ - sizeof value, what, value, most);
    return value;
  }

  std::string_view take(std::size_t size, std::string_view what) {
    if (bytes_.size() - offset_ < size)
      fail(ErrorKind::bad_file, "{}: byte {}: ends within {}", path_.string(), bytes_.size(), what);
    offset_ += size;
    return bytes_.substr(offset_ - size, size);
  }

 private:
  std::string_view bytes_;
  const std::filesystem::path& path_;
  std::size_t offset_ = 0;
};

constexpr std::int64_t kMostEntries = 1 << 20;
constexpr std::int64_t kMostColumns = 1 << 24;

std::vector<float> floats_of(std::span<const std::byte> bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

}  // namespace

ImportanceMatrix::ImportanceMatrix(const std::filesystem::path& path) : path_(path) {
  const MappedFile file(path);
  const bool gguf = file.bytes().size() >= 4 && std::memcmp(file.bytes().data(), "GGUF", 4) == 0;
  if (gguf) {
    read_gguf();
  } else {
    read_dat();
  }
  if (columns_.empty()) fail(ErrorKind::bad_file, "{}: holds no importances", path_.string());
  for (const auto& [name, values] : columns_) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!(values[i] >= 0) || !std::isfinite(values[i]))
        fail(ErrorKind::bad_file,
             "{}: column {} of {} has the importance {}, which no mean of "
             "squares can be",
             path_.string(), i, quote_name(name), values[i]);
    }
  }
}

/// Tensors NAME.in_sum2 (sums of squares by column) and NAME.counts (tokens).
void ImportanceMatrix::read_gguf() {
  const store::GgufFile file(path_);
  constexpr std::string_view kSums = ".in_sum2";
  for (const store::GgufTensor& sums : file.tensors()) {
    if (!sums.name.ends_with(kSums)) continue;
    const std::string name(sums.name.substr(0, sums.name.size() - kSums.size()));
    const store::GgufTensor& counts = file.tensor(name + ".counts");
    if (sums.dtype != DType::f32 || counts.dtype != DType::f32 ||
        counts.bytes.size() != sizeof(float)) {
      fail(ErrorKind::bad_file, "{}: {}: expected F32 sums and one F32 count", path_.string(),
           name);
    }
    std::vector<float> values = floats_of(sums.bytes);
    const float count = floats_of(counts.bytes)[0];
    if (!(count > 0)) continue;  // no token came by
    for (float& value : values) value /= count;
    columns_.emplace(name, std::move(values));
  }
}

/// i32 entries; for each i32 length, name, i32 calls, i32 columns, f32 values (mean times calls).
void ImportanceMatrix::read_dat() {
  const std::string bytes = read_file(path_);
  Reader reader(bytes, path_);
  const std::int32_t entries = reader.count("the number of entries", kMostEntries);
  for (std::int32_t entry = 0; entry < entries; ++entry) {
    const std::int32_t length = reader.count("the length of a name", 4096);
    const std::string name(reader.take(static_cast<std::size_t>(length), "a name"));
    const std::int32_t calls = reader.count("the number of calls", INT32_MAX);
    const std::int32_t columns = reader.count("the number of columns", kMostColumns);
    const std::string_view data =
        reader.take(static_cast<std::size_t>(columns) * sizeof(float), "the values");
    std::vector<float> values = floats_of(std::as_bytes(std::span(data)));
    if (calls > 0) {
      for (float& value : values) value /= static_cast<float>(calls);
    }
    columns_.emplace(name, std::move(values));
  }
}

std::span<const float> ImportanceMatrix::of(std::string_view tensor, std::int64_t columns) const {
  const auto found = columns_.find(std::string(tensor));
  if (found == columns_.end()) return {};
  if (static_cast<std::int64_t>(found->second.size()) != columns)
    fail(ErrorKind::bad_file, "{}: {} importances for {}, which has {} columns", path_.string(),
         found->second.size(), tensor, columns);
  return found->second;
}

}  // namespace pomona::compress
