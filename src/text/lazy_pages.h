// A table over all code points whose pages are filled at first use.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace pomona::text {

/// Calls `fill` once for each code point of the pages that are asked for. Safe to use from several
/// threads: a page never changes once it is published.
template <class Value, class Fill>
class LazyPages {
 public:
  explicit LazyPages(Fill fill) : fill_(std::move(fill)) {}

  /// The value of `c`; the default value beyond the last code point.
  Value at(char32_t c) const {
    const std::size_t number = c / kPageSize;
    if (number >= kPages) return Value{};
    const Page* page = pages_[number].load(std::memory_order_acquire);
    if (page == nullptr) page = make(number);
    return (*page)[c % kPageSize];
  }

 private:
  static constexpr char32_t kPageSize = 256;
  static constexpr std::size_t kPages = 0x110000 / kPageSize;
  using Page = std::array<Value, kPageSize>;

  const Page* make(std::size_t number) const {
    const std::lock_guard lock(mutex_);
    if (const Page* page = pages_[number].load(std::memory_order_relaxed)) return page;
    auto page = std::make_unique<Page>();
    for (char32_t i = 0; i < kPageSize; ++i)
      (*page)[i] = fill_(static_cast<char32_t>(number) * kPageSize + i);
    owned_.push_back(std::move(page));
    pages_[number].store(owned_.back().get(), std::memory_order_release);
    return owned_.back().get();
  }

  Fill fill_;
  mutable std::array<std::atomic<const Page*>, kPages> pages_ = {};
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Page>> owned_;
};

}  // namespace pomona::text
