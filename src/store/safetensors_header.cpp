#include "store/safetensors_header.h"

#include <unordered_set>

#include "base/error.h"
#include "base/json.h"
#include "base/quote.h"
#include "base/string_hash.h"

namespace pomona::store {
namespace {

constexpr std::size_t kLengthBytes = 8;

/// Takes the parser's events one by one, so that a header of 100 MB needs no tree and repeated keys
/// are seen.
class HeaderEvents final : public nlohmann::json_sax<Json> {
 public:
  HeaderEvents(const std::string& origin, SafetensorsHeader& header)
      : origin_(origin), header_(header) {}

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a bool"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return unexpected("a fraction"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::shape) {
      entry().shape.push_back(value);
    } else if (place_ == Place::offsets && offsets_ < 2) {
      (offsets_ == 0 ? entry().begin : entry().end) = value;
      ++offsets_;
    } else {
      unexpected("a number");
    }
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata) {
      header_.metadata.emplace_back(key_, std::move(value));
    } else if (place_ == Place::tensor && key_ == "dtype") {
      entry().dtype = std::move(value);
    } else {
      unexpected("text");
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::start) {
      place_ = Place::root;
    } else if (place_ == Place::root && key_ == "__metadata__") {
      place_ = Place::metadata;
    } else if (place_ == Place::root) {
      place_ = Place::tensor;
      header_.entries.push_back({key_, {}, {}, 0, 0});
    } else {
      unexpected("an object");
    }
    inner_keys_.clear();
    return true;
  }

  bool key(string_t& value) override {
    auto& keys = place_ == Place::root ? outer_keys_ : inner_keys_;
    if (!keys.insert(value).second) bad("the key {} occurs twice", quote_name(value));
    if (place_ == Place::tensor && value != "dtype" && value != "shape" && value != "data_offsets")
      bad("an unknown key {}", quote_name(value));
    key_ = std::move(value);
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor) {
      for (const char* wanted : {"dtype", "shape", "data_offsets"})
        if (!inner_keys_.contains(wanted)) bad("the key \"{}\" is missing", wanted);
    }
    place_ = Place::root;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::tensor && key_ == "shape") {
      place_ = Place::shape;
    } else if (place_ == Place::tensor && key_ == "data_offsets") {
      place_ = Place::offsets;
      offsets_ = 0;
    } else {
      unexpected("an array");
    }
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offsets && offsets_ != 2) bad("\"data_offsets\" has one number, not two");
    place_ = Place::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    fail(ErrorKind::bad_file, "read safetensors: {}: byte {}: the header is not valid JSON",
         origin_, kLengthBytes + (position == 0 ? 0 : position - 1));
  }

 private:
  enum class Place { start, root, metadata, tensor, shape, offsets };

  SafetensorsEntry& entry() { return header_.entries.back(); }

  template <class... Args>
  [[noreturn]] void bad(fmt::format_string<Args...> format, Args&&... args) const {
    const bool in_tensor = place_ != Place::start && place_ != Place::root;
    const std::string where = !in_tensor ? "header"
                              : place_ == Place::metadata
                                  ? "__metadata__"
                                  : "tensor " + quote_name(header_.entries.back().name);
    fail(ErrorKind::bad_file, "read safetensors: {}: {}: {}", origin_, where,
         fmt::format(format, std::forward<Args>(args)...));
  }

  bool unexpected(std::string_view what) const {
    if (place_ == Place::start) bad("{} instead of an object", what);
    bad("{} at the key {}", what, quote_name(key_));
  }

  const std::string& origin_;
  SafetensorsHeader& header_;
  Place place_ = Place::start;
  std::string key_;
  int offsets_ = 0;
  std::unordered_set<std::string, StringHash> outer_keys_, inner_keys_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& origin) {
  SafetensorsHeader header;
  HeaderEvents events(origin, header);
  if (!text.starts_with('{'))
    fail(ErrorKind::bad_file, "read safetensors: {}: byte {}: the header does not start with {{",
         origin, kLengthBytes);
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos)
    fail(ErrorKind::bad_file, "read safetensors: {}: byte {}: the header is not valid JSON", origin,
         kLengthBytes + zero);
  Json::sax_parse(text, &events);
  return header;
}

}  // namespace pomona::store
