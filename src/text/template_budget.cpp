#include "text/template_budget.h"

#include <cstring>

#include "base/error.h"
#include "base/text.h"

namespace pomona::text::jinja {

void Budget::out_of_steps() {
  fail(ErrorKind::exhausted, "template: stopped after {} steps; it may loop for ever", kMostSteps);
}

void Budget::out_of_bytes() {
  fail(ErrorKind::exhausted, "template: stopped after making {} of text", human_bytes(kMostBytes));
}

Finder::Finder(std::string_view text, std::string_view part, Budget& budget)
    : text_(text), part_(part), budget_(budget) {
  budget.charge_scan(text.size() + part.size());
}

std::size_t Finder::next(std::size_t from) const {
  budget_.charge(1);
  if (from > text_.size()) return std::string_view::npos;
  // The C library's memmem takes time linear in the text: two-way (Crochemore and Perrin 1991) for
  // long parts, for those up to 256 bytes at most 256 comparisons of 8 bytes or more at a place.
  const char* const start = text_.data() + from;
  // A single byte is memchr's: as fast, and AddressSanitizer looks at the whole text in memmem.
  const void* const found = part_.size() == 1
                                ? std::memchr(start, part_.front(), text_.size() - from)
                                : ::memmem(start, text_.size() - from, part_.data(), part_.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text_.data());
}

std::string reversed(std::string_view text, Budget& budget) {
  budget.allocate(text.size());
  budget.charge_scan(text.size());
  return std::string(text.rbegin(), text.rend());
}

}  // namespace pomona::text::jinja
