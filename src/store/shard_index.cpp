#include "store/shard_index.h"

#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/quote.h"

namespace pomona::store {
namespace {

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.front() != '.' &&
         name.find_first_of("/\\") == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

/// Takes the parser's events: only the pairs of "weight_map" count, everything else passes by.
class IndexEvents final : public nlohmann::json_sax<Json> {
 public:
  IndexEvents(const std::string& origin, ShardIndex& index) : origin_(origin), index_(index) {}

  bool has_map() const { return has_map_; }

  bool null() override { return other(); }
  bool boolean(bool) override { return other(); }
  bool number_integer(number_integer_t) override { return other(); }
  bool number_unsigned(number_unsigned_t) override { return other(); }
  bool number_float(number_float_t, const string_t&) override { return other(); }
  bool binary(binary_t&) override { return other(); }
  bool start_array(std::size_t) override { return start(false); }
  bool end_array() override { return end(); }
  bool start_object(std::size_t) override { return start(true); }
  bool end_object() override { return end(); }

  bool key(string_t& value) override {
    if (depth_ == 1) in_map_ = value == "weight_map";
    if (in_map_ && depth_ == 1 && has_map_)
      fail(ErrorKind::bad_file, "{}: \"weight_map\" occurs twice", origin_);
    if (in_map_ && depth_ == 2) tensor_ = std::move(value);
    return true;
  }

  bool string(string_t& value) override {
    if (!in_map_ || depth_ != 2 || !is_plain_name(value)) return other();
    if (!index_.file_of.emplace(tensor_, std::move(value)).second)
      fail(ErrorKind::bad_file, "{}: the tensor {} occurs twice", origin_, quote_name(tensor_));
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    fail(ErrorKind::bad_file, "{}: not valid JSON at byte {}", origin_, position);
  }

 private:
  bool start(bool is_object) {
    other();
    if (in_map_ && depth_ == 1) in_map_ = has_map_ = is_object;
    ++depth_;
    return true;
  }
  bool end() {
    --depth_;
    if (depth_ <= 1) in_map_ = false;
    return true;
  }
  /// Any value that is not the plain name of a tensor's file.
  bool other() const {
    if (in_map_ && depth_ == 2)
      fail(ErrorKind::bad_file, "{}: the file of tensor {} is not the name of a file beside it",
           origin_, quote_name(tensor_));
    return true;
  }

  const std::string& origin_;
  ShardIndex& index_;
  std::string tensor_;
  std::size_t depth_ = 0;
  bool in_map_ = false, has_map_ = false;
};

}  // namespace

ShardIndex parse_shard_index(std::string_view text, const std::string& origin) {
  ShardIndex index;
  IndexEvents events(origin, index);
  Json::sax_parse(text, &events);
  if (!events.has_map() || index.file_of.empty())
    fail(ErrorKind::bad_file, "{}: no object \"weight_map\" with the file of each tensor", origin);
  std::set<std::string> files;
  for (const auto& [tensor, file] : index.file_of) files.insert(file);
  index.files.assign(files.begin(), files.end());
  return index;
}

}  // namespace pomona::store
