// What rendering a template may use in all: steps bound the time, bytes the memory. Templates come
// from strangers, so whatever grows is charged before it grows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace pomona::text::jinja {

class Budget {
 public:
  /// A step stands for about 100 ns: an expression, or 256 bytes of text copied or compared.
  /// Throws exhausted when all are used up.
  void charge(std::uint64_t steps) {
    if (steps > steps_left_) out_of_steps();
    steps_left_ -= steps;
  }

  /// For work that looks at each character of `bytes` bytes by itself.
  void charge_scan(std::uint64_t bytes) { charge(1 + bytes / 16); }

  /// Accounts for memory that the template is about to make; throws exhausted.
  void allocate(std::uint64_t bytes) {
    if (bytes > bytes_left_) out_of_bytes();
    bytes_left_ -= bytes;
  }

  /// The same for `count` things of `size` bytes, whatever the product.
  void allocate(std::uint64_t count, std::uint64_t size) {
    if (size > 0 && count > bytes_left_ / size) out_of_bytes();
    bytes_left_ -= count * size;
  }

 private:
  static constexpr std::uint64_t kMostSteps = 20'000'000;
  static constexpr std::uint64_t kMostBytes = std::uint64_t{256} << 20;

  [[noreturn]] static void out_of_steps();
  [[noreturn]] static void out_of_bytes();

  std::uint64_t steps_left_ = kMostSteps;
  std::uint64_t bytes_left_ = kMostBytes;
};

/// Text that grows.
class Writer {
 public:
  explicit Writer(Budget& budget) : budget_(budget) {}

  void put(std::string_view text) {
    budget_.allocate(text.size());
    text_ += text;
  }
  void put(char c) {
    budget_.allocate(1);
    text_ += c;
  }
  /// `count` times `c`.
  void fill(std::uint64_t count, char c) {
    budget_.allocate(count);
    text_.append(static_cast<std::size_t>(count), c);
  }

  std::string take() { return std::move(text_); }
  Budget& budget() const { return budget_; }

 private:
  Budget& budget_;
  std::string text_;
};

/// The places of a part in a text, from the front. Takes time linear in both, which
/// std::string::find does not, and is charged for it.
class Finder {
 public:
  Finder(std::string_view text, std::string_view part, Budget& budget);

  /// The first place at or behind `from`, npos if there is none. Calls must go forward and leave
  /// out what was found.
  std::size_t next(std::size_t from) const;

 private:
  std::string_view text_;
  std::string_view part_;
  Budget& budget_;
};

/// `text` with its bytes from the last to the first: searching from the back is searching in that.
std::string reversed(std::string_view text, Budget& budget);

}  // namespace pomona::text::jinja
