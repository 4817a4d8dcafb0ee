// The metadata of a GGUF file to be written, with the texts and lists that its values view.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/gguf_value.h"

namespace pomona::convert {

class GgufKeys {
 public:
  GgufKeys() = default;
  GgufKeys(const GgufKeys&) = delete;
  GgufKeys& operator=(const GgufKeys&) = delete;

  /// A number or a flag, of just this type in the file.
  template <class T>
  void set(std::string key, T value) {
    entries_.emplace_back(std::move(key), value);
  }
  /// A count or an id: u32, as all readers expect it.
  void count(std::string key, std::int64_t value) {
    set(std::move(key), static_cast<std::uint32_t>(value));
  }
  void real(std::string key, double value) { set(std::move(key), static_cast<float>(value)); }
  void text(std::string key, std::string value) {
    set(std::move(key), std::string_view(texts_.emplace_back(std::move(value))));
  }
  void texts(std::string key, std::vector<std::string> values);
  void reals(std::string key, std::vector<float> values) {
    entries_.emplace_back(
        std::move(key),
        store::gguf_array(std::span<const float>(reals_.emplace_back(std::move(values)))));
  }
  void integers(std::string key, std::vector<std::int32_t> values) {
    entries_.emplace_back(std::move(key), store::gguf_array(std::span<const std::int32_t>(
                                              integers_.emplace_back(std::move(values)))));
  }

  const std::vector<std::pair<std::string, store::GgufValue>>& entries() const { return entries_; }
  /// As a reader of the file gets them; views this.
  store::GgufMetadata metadata(const std::string& origin) const;

 private:
  std::vector<std::pair<std::string, store::GgufValue>> entries_;
  std::deque<std::string> texts_;
  std::deque<std::vector<std::string>> lists_;
  std::deque<std::vector<float>> reals_;
  std::deque<std::vector<std::int32_t>> integers_;
};

}  // namespace pomona::convert
