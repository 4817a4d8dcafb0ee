// Sets of code points as patterns name them: general categories, ranges, and what is made of both.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace pomona::text {

/// A set of general categories: bit c is the category number c of unicode.h.
using CategoryMask = std::uint32_t;

class CharSet {
 public:
  /// The empty set.
  CharSet() = default;
  static CharSet everything();
  static CharSet of_categories(CategoryMask categories);
  static CharSet of_range(char32_t first, char32_t last);

  /// The set of a name as in \p{Lu}, \p{L} or \p{Han}. Throws unsupported for names it does not
  /// know.
  static CharSet of_property(std::string_view name);

  /// Property White_Space; decimal digits Nd; letters, marks, digits and connectors as \w has them.
  static CharSet white_space();
  static CharSet digits();
  static CharSet word();

  CharSet unite(const CharSet& other) const;
  CharSet intersect(const CharSet& other) const;
  CharSet complement() const;

  /// With the other case of each ASCII letter in it, and what folds to one (U+017F, U+212A).
  CharSet without_case() const;

  /// Whether `code_point`, which is of `category`, is in the set.
  bool contains(char32_t code_point, int category) const;
  bool contains(char32_t code_point) const;

  /// Where membership depends on more than the category: between two neighbouring bounds the
  /// category decides.
  struct Segment {
    char32_t first;           // up to the next segment
    CategoryMask categories;  // whose code points belong to the set
    bool operator==(const Segment&) const = default;
  };
  const std::vector<Segment>& segments() const { return segments_; }
  bool operator==(const CharSet&) const = default;

 private:
  template <class Combine>
  CharSet combined(const CharSet& other, Combine combine) const;
  std::vector<Segment> segments_ = {{0, 0}};
};

}  // namespace pomona::text
