#include "text/char_class.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "text/unicode.h"

namespace pomona::text {
namespace {

constexpr char32_t kPageSize = 256;
constexpr std::size_t kPages = 0x110000 / kPageSize;

using Page = std::array<std::uint8_t, kPageSize>;

std::uint8_t classify(char32_t c) {
  int classes = 0;
  if (is_letter(c)) classes |= kLetter;
  if (is_number(c)) classes |= kNumber;
  if (is_white_space(c)) classes |= kSpace;
  if (c == '\r' || c == '\n') classes |= kNewline;
  if (is_mark(c)) classes |= kMark;
  if (is_punctuation(c)) classes |= kPunctuation;
  if (is_symbol(c)) classes |= kSymbol;
  return static_cast<std::uint8_t>(classes);
}

/// All pages made so far; a page never changes once it is published.
class Pages {
 public:
  std::uint8_t at(char32_t c) {
    const std::size_t number = c / kPageSize;
    if (number >= kPages) return 0;
    const Page* page = pages_[number].load(std::memory_order_acquire);
    if (page == nullptr) page = make(number);
    return (*page)[c % kPageSize];
  }

 private:
  const Page* make(std::size_t number) {
    const std::lock_guard lock(mutex_);
    if (const Page* page = pages_[number].load(std::memory_order_relaxed)) return page;
    auto page = std::make_unique<Page>();
    for (char32_t i = 0; i < kPageSize; ++i)
      (*page)[i] = classify(static_cast<char32_t>(number) * kPageSize + i);
    owned_.push_back(std::move(page));
    pages_[number].store(owned_.back().get(), std::memory_order_release);
    return owned_.back().get();
  }

  std::array<std::atomic<const Page*>, kPages> pages_ = {};
  std::mutex mutex_;
  std::vector<std::unique_ptr<Page>> owned_;
};

}  // namespace

std::uint8_t char_class(char32_t code_point) {
  static Pages pages;
  return pages.at(code_point);
}

}  // namespace pomona::text
