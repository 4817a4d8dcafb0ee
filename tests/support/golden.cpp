#include "tests/support/golden.h"

#include <cstring>

#include "base/error.h"
#include "base/file.h"

namespace pomona::golden {
namespace {

template <class Stored, class Out>
std::vector<Out> copy_as(const char* data, std::size_t count) {
  std::vector<Out> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, data + i * sizeof stored, sizeof stored);
    values[i] = stored;
  }
  return values;
}

}  // namespace

std::filesystem::path path_of(std::string_view file) {
  return std::filesystem::path(POMONA_SOURCE_DIR) / "tests" / "golden" / file;
}

Golden::Golden(std::string_view name)
    : name_(name),
      header_(read_json(path_of(name_ + ".json"))),
      bytes_(read_file(path_of(name_ + ".bin"))) {}

Golden::Entry Golden::entry(std::string_view array) const {
  const Json& arrays = header_.at("arrays");
  const auto found = arrays.find(std::string(array));
  if (found == arrays.end()) {
    fail(ErrorKind::not_found, "golden {}: no array named {}", name_, array);
  }
  Entry result{found->at("dtype").get<std::string>(),
               found->at("shape").get<std::vector<std::size_t>>(), nullptr, 1};
  for (std::size_t size : result.shape) result.count *= size;
  const auto offset = found->at("offset").get<std::size_t>();
  const std::size_t width = result.dtype == "f64" ? 8 : 4;
  if (offset > bytes_.size() || result.count > (bytes_.size() - offset) / width) {
    fail(ErrorKind::bad_file, "golden {}: {} ends after the file's {} bytes", name_, array,
         bytes_.size());
  }
  result.data = bytes_.data() + offset;
  return result;
}

std::vector<std::size_t> Golden::shape(std::string_view array) const { return entry(array).shape; }

std::vector<double> Golden::numbers(std::string_view array) const {
  const Entry e = entry(array);
  if (e.dtype == "f64") return copy_as<double, double>(e.data, e.count);
  if (e.dtype == "f32") return copy_as<float, double>(e.data, e.count);
  fail(ErrorKind::bad_argument, "golden {}: {} holds {}, not floats", name_, array, e.dtype);
}

std::vector<std::int32_t> Golden::integers(std::string_view array) const {
  const Entry e = entry(array);
  if (e.dtype == "i32") return copy_as<std::int32_t, std::int32_t>(e.data, e.count);
  fail(ErrorKind::bad_argument, "golden {}: {} holds {}, not integers", name_, array, e.dtype);
}

}  // namespace pomona::golden
