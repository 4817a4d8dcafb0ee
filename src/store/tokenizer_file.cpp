#include "store/tokenizer_file.h"

#include "base/error.h"
#include "base/quote.h"

namespace pomona::store {
namespace {

/// Takes the events of nlohmann-json's parser.
class Reader {
 public:
  explicit Reader(TokenizerFile& file) : file_(file) {}

  bool null() { return value(nullptr); }
  bool boolean(bool v) { return value(v); }
  bool number_integer(Json::number_integer_t v) { return number(v); }
  bool number_unsigned(Json::number_unsigned_t v) {
    if (v > std::uint64_t{1} << 62) refuse("a number is too large");
    return number(static_cast<Json::number_integer_t>(v));
  }
  bool number_float(Json::number_float_t v, const std::string&) {
    if (list_ != List::pieces) return value(v);
    return score(v);
  }
  bool binary(Json::binary_t&) { return true; }

  bool string(std::string& v) {
    if (list_ == List::none) return value(v);
    const std::string_view kept = file_.strings.keep(v);
    if (list_ == List::pieces && depth_ == list_depth_ + 1 && at_ == 0) {
      file_.pieces.emplace_back(kept, 0.0);
      ++at_;
    } else if (list_ == List::merges && depth_ == list_depth_) {
      const std::size_t space = kept.find(' ', 1);  // a merge may begin with the token " "
      if (kept.starts_with("#version")) return true;
      if (space == std::string_view::npos)
        refuse(fmt::format("model.merges[{}] is not two tokens and a space between",
                           file_.merges.size()));
      file_.merges.emplace_back(kept.substr(0, space), kept.substr(space + 1));
    } else if (list_ == List::merges && at_ < 2) {
      if (at_ == 0) file_.merges.emplace_back(kept, kept);
      if (at_ == 1) file_.merges.back().second = kept;
      ++at_;
    } else {
      refuse_element();
    }
    return true;
  }

  bool start_object(std::size_t) {
    if (list_ != List::none) refuse_element();
    if (starts_list("vocab")) return open_list(List::vocabulary);
    return open(Json::object());
  }
  bool key(std::string& k) {
    if (list_ == List::vocabulary) {
      token_ = file_.strings.keep(k);
    } else {
      Json& object = *open_.back();
      if (object.size() >= kMostKeys)
        refuse(fmt::format("an object has more than {} keys", kMostKeys));
      slot_ = &object[k];
      if (open_.size() == 1) root_key_ = k;
      last_key_ = k;
    }
    return true;
  }
  bool end_object() { return end(); }

  bool start_array(std::size_t) {
    if (list_ == List::pieces || list_ == List::merges) {
      if (depth_ != list_depth_) refuse_element();
      ++depth_;
      at_ = 0;
      return true;
    }
    if (list_ != List::none) refuse_element();
    if (starts_list("vocab")) {
      file_.has_pieces = true;
      return open_list(List::pieces);
    }
    if (starts_list("merges")) {
      file_.has_merges = true;
      return open_list(List::merges);
    }
    return open(Json::array());
  }
  bool end_array() {
    if (list_ != List::none && depth_ > list_depth_) {
      if (at_ != 2) refuse_element();
      --depth_;
      return true;
    }
    return end();
  }

  bool parse_error(std::size_t byte, const std::string&, const Json::exception& error) {
    if (dynamic_cast<const Json::parse_error*>(&error) == nullptr) refuse("a number is too large");
    refuse(fmt::format("not valid JSON at byte {}", byte));
  }

 private:
  enum class List { none, vocabulary, pieces, merges };
  static constexpr std::size_t kDeepest = 50;
  /// Json looks at keys one by one: a hostile file must not make that slow.
  static constexpr std::size_t kMostKeys = 2000;

  [[noreturn]] void refuse(const std::string& what) const {
    fail(ErrorKind::bad_file, "tokenizer {}: {}", file_.origin, what);
  }
  [[noreturn]] void refuse_element() const {
    switch (list_) {
      case List::vocabulary:
        refuse(fmt::format("model.vocab: {} has no id", quote_name(token_)));
      case List::pieces:
        refuse(fmt::format("model.vocab: element {} is not a text and a score",
                           file_.pieces.size() - (at_ > 0 ? 1 : 0)));
      default:
        refuse(fmt::format("model.merges: element {} is not two tokens",
                           file_.merges.size() - (at_ > 0 ? 1 : 0)));
    }
  }

  /// Whether the value that begins is model.NAME.
  bool starts_list(std::string_view name) const {
    return open_.size() == 2 && slot_ != nullptr && root_key_ == "model" && last_key_ == name;
  }
  bool open_list(List list) {
    put(nullptr);
    list_ = list;
    list_depth_ = depth_ = 0;
    return true;
  }

  bool number(Json::number_integer_t v) {
    if (list_ == List::none) return value(v);
    if (list_ == List::pieces) return score(static_cast<double>(v));
    if (list_ != List::vocabulary) refuse_element();
    file_.vocabulary.emplace_back(token_, v);
    return true;
  }
  bool score(double v) {
    if (depth_ != list_depth_ + 1 || at_ != 1) refuse_element();
    file_.pieces.back().second = v;
    ++at_;
    return true;
  }

  template <class Value>
  bool value(Value&& v) {
    if (list_ != List::none) refuse_element();
    put(std::forward<Value>(v));
    return true;
  }
  /// Puts a value where it belongs: the root, the open array, or the slot of the last key.
  template <class Value>
  Json& put(Value&& v) {
    if (open_.empty()) return file_.rest = std::forward<Value>(v);
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::forward<Value>(v));
      return open_.back()->back();
    }
    Json& slot = *slot_;
    slot_ = nullptr;
    return slot = std::forward<Value>(v);
  }

  bool open(Json container) {
    if (open_.size() >= kDeepest) refuse("it is nested too deeply");
    open_.push_back(&put(std::move(container)));
    return true;
  }
  bool end() {
    if (list_ == List::none) open_.pop_back();
    list_ = List::none;
    return true;
  }

  TokenizerFile& file_;
  std::vector<Json*> open_;  // the containers around the next value
  std::string root_key_, last_key_;
  Json* slot_ = nullptr;  // where the value of the last key goes
  List list_ = List::none;
  std::size_t list_depth_ = 0, depth_ = 0;
  int at_ = 0;  // the place in an element of a list
  std::string_view token_;
};

}  // namespace

TokenizerFile parse_tokenizer_file(std::string_view json, std::string origin) {
  TokenizerFile file;
  file.origin = std::move(origin);
  Reader reader(file);
  Json::sax_parse(json, &reader);
  if (!file.rest.is_object())
    fail(ErrorKind::bad_file, "tokenizer {}: it is no JSON object", file.origin);
  return file;
}

}  // namespace pomona::store
