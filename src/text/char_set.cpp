#include "text/char_set.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/quote.h"
#include "text/unicode.h"

namespace pomona::text {
namespace {

constexpr CategoryMask kAll = (CategoryMask{1} << kCategories) - 1;

/// The two-letter names of the general categories by their numbers.
constexpr std::array<std::string_view, kCategories> kNames = {
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co"};

struct Range {
  char32_t first, last;
};

CharSet of_ranges(std::initializer_list<Range> ranges) {
  CharSet set;
  for (const Range& range : ranges) set = set.unite(CharSet::of_range(range.first, range.last));
  return set;
}

/// Script=Han (Unicode 15, Scripts.txt).
CharSet han() {
  return of_ranges({{0x2E80, 0x2E99},   {0x2E9B, 0x2EF3},   {0x2F00, 0x2FD5},   {0x3005, 0x3005},
                    {0x3007, 0x3007},   {0x3021, 0x3029},   {0x3038, 0x303B},   {0x3400, 0x4DBF},
                    {0x4E00, 0x9FFF},   {0xF900, 0xFA6D},   {0xFA70, 0xFAD9},   {0x16FE2, 0x16FE3},
                    {0x16FF0, 0x16FF1}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B739}, {0x2B740, 0x2B81D},
                    {0x2B820, 0x2CEA1}, {0x2CEB0, 0x2EBE0}, {0x2F800, 0x2FA1D}, {0x30000, 0x3134A},
                    {0x31350, 0x323AF}});
}

}  // namespace

CharSet CharSet::everything() { return of_categories(kAll); }

CharSet CharSet::of_categories(CategoryMask categories) {
  CharSet set;
  set.segments_ = {{0, categories}};
  return set;
}

CharSet CharSet::of_range(char32_t first, char32_t last) {
  CharSet set;
  if (first > 0) set.segments_.push_back({first, kAll});
  set.segments_.back().categories = kAll;
  set.segments_.push_back({last + 1, 0});
  return set;
}

CharSet CharSet::of_property(std::string_view name) {
  CategoryMask categories = 0;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const bool whole_class = name.size() == 1 && kNames[i].front() == name.front();
    if (whole_class || kNames[i] == name) categories |= CategoryMask{1} << i;
  }
  if (categories != 0) return of_categories(categories);
  if (name == "Han") return han();
  fail(ErrorKind::unsupported, "the property {} is unknown", quote_name(name));
}

CharSet CharSet::white_space() {
  return of_ranges({{0x09, 0x0D},
                    {0x20, 0x20},
                    {0x85, 0x85},
                    {0xA0, 0xA0},
                    {0x1680, 0x1680},
                    {0x2000, 0x200A},
                    {0x2028, 0x2029},
                    {0x202F, 0x202F},
                    {0x205F, 0x205F},
                    {0x3000, 0x3000}});
}

CharSet CharSet::digits() { return of_property("Nd"); }

/// Unicode Technical Standard 18, annex C: Alphabetic, M, Nd, Pc and Join_Control. Alphabetic is
/// L, Nl, some M, and the circled and squared letters.
CharSet CharSet::word() {
  CharSet set;
  for (const std::string_view name : {"L", "M", "Nd", "Nl", "Pc"})
    set = set.unite(of_property(name));
  return set.unite(of_ranges({{0x200C, 0x200D},
                              {0x24B6, 0x24E9},
                              {0x1F130, 0x1F149},
                              {0x1F150, 0x1F169},
                              {0x1F170, 0x1F189}}));
}

template <class Combine>
CharSet CharSet::combined(const CharSet& other, Combine combine) const {
  CharSet result;
  result.segments_.clear();
  std::size_t a = 0, b = 0;
  for (char32_t first = 0;;) {
    const CategoryMask mask =
        combine(segments_[a].categories, other.segments_[b].categories) & kAll;
    if (result.segments_.empty() || result.segments_.back().categories != mask)
      result.segments_.push_back({first, mask});
    const bool more_a = a + 1 < segments_.size();
    const bool more_b = b + 1 < other.segments_.size();
    if (!more_a && !more_b) return result;
    const char32_t next_a = more_a ? segments_[a + 1].first : ~char32_t{0};
    const char32_t next_b = more_b ? other.segments_[b + 1].first : ~char32_t{0};
    first = std::min(next_a, next_b);
    if (next_a == first) ++a;
    if (next_b == first) ++b;
  }
}

CharSet CharSet::unite(const CharSet& other) const {
  return combined(other, [](CategoryMask a, CategoryMask b) { return a | b; });
}

CharSet CharSet::intersect(const CharSet& other) const {
  return combined(other, [](CategoryMask a, CategoryMask b) { return a & b; });
}

CharSet CharSet::complement() const {
  return combined(*this, [](CategoryMask a, CategoryMask) { return ~a; });
}

CharSet CharSet::without_case() const {
  CharSet set = *this;
  for (char32_t lower = 'a'; lower <= 'z'; ++lower) {
    CharSet letter = of_range(lower, lower).unite(of_range(lower - 32, lower - 32));
    if (lower == 's') letter = letter.unite(of_range(0x17F, 0x17F));
    if (lower == 'k') letter = letter.unite(of_range(0x212A, 0x212A));
    if (contains(lower) || contains(lower - 32)) set = set.unite(letter);
  }
  return set;
}

bool CharSet::contains(char32_t code_point, int category) const {
  const auto after =
      std::upper_bound(segments_.begin(), segments_.end(), code_point,
                       [](char32_t c, const Segment& segment) { return c < segment.first; });
  return (std::prev(after)->categories >> category & 1) != 0;
}

bool CharSet::contains(char32_t code_point) const {
  return contains(code_point, general_category(code_point));
}

}  // namespace pomona::text
