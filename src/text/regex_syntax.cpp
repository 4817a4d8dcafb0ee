#include "text/regex_syntax.h"

#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"

namespace pomona::text {

using Kind = RegexNode::Kind;

RegexNode set_node(CharSet set) {
  RegexNode node;
  node.kind = Kind::set;
  node.set = std::move(set);
  return node;
}

RegexNode repeat_node(RegexNode part, int least, int most) {
  RegexNode node;
  node.kind = Kind::repeat;
  node.least = least;
  node.most = most;
  node.parts.push_back(std::move(part));
  return node;
}

namespace {

RegexNode look_node(CharSet set, bool negative) {
  RegexNode node = set_node(std::move(set));
  node.kind = Kind::look;
  node.negative = negative;
  return node;
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : pattern_(pattern) {}

  RegexNode parse() {
    RegexNode node = choice();
    if (!at_end()) refuse("a ) without its (");
    return node;
  }

 private:
  static constexpr int kDeepest = 50;
  static constexpr int kMostRepeats = 1000;

  [[noreturn]] void refuse(std::string_view what) const {
    fail(ErrorKind::unsupported, "pattern \"{}\": {} at byte {} is not supported",
         printable(pattern_, true), what, at_);
  }
  bool at_end() const { return at_ == pattern_.size(); }
  bool next_is(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool take(std::string_view text) {
    if (!next_is(text)) return false;
    at_ += text.size();
    return true;
  }
  char32_t take_code_point() {
    const auto character = decode_utf8(pattern_.substr(at_));
    if (!character) refuse("an end or ill-formed UTF-8");
    at_ += character->length;
    return character->code_point;
  }

  RegexNode choice() {
    if (++depth_ > kDeepest) refuse("a nesting so deep");
    const bool ignore_case = ignore_case_;
    RegexNode node;
    node.kind = Kind::choice;
    do {
      node.parts.push_back(sequence());
    } while (take("|"));
    --depth_;
    ignore_case_ = ignore_case;  // (?i) counts up to the end of its group
    if (node.parts.size() > 1) return node;
    RegexNode only = std::move(node.parts.front());
    return only;
  }

  RegexNode sequence() {
    RegexNode node;
    while (!at_end() && !next_is("|") && !next_is(")")) {
      RegexNode part = atom();
      while (repeats(part)) continue;
      node.parts.push_back(std::move(part));
    }
    return node;
  }

  RegexNode atom() {
    if (next_is("(")) return group();
    if (next_is("[")) return set_node(char_class());
    if (next_is("\\")) return one_of(escape());
    if (take(".")) return set_node(CharSet::of_range('\n', '\n').complement());
    if (take("$")) return look_node(CharSet::of_range('\n', '\n').complement(), true);
    for (const std::string_view operation : {"^", "*", "+", "?"})
      if (next_is(operation)) refuse(operation);
    const char32_t c = take_code_point();
    return one_of(CharSet::of_range(c, c));
  }

  RegexNode one_of(CharSet set) const {
    return set_node(ignore_case_ ? set.without_case() : std::move(set));
  }

  RegexNode group() {
    if (take("(?=")) return look(false);
    if (take("(?!")) return look(true);
    const bool ignore_case = ignore_case_;
    if (take("(?i)")) {
      ignore_case_ = true;
      return {};
    }
    if (take("(?i:")) {
      ignore_case_ = true;
    } else if (!take("(?:")) {
      if (next_is("(?")) refuse("the group (?");
      take("(");
    }
    RegexNode node = choice();
    ignore_case_ = ignore_case;
    if (!take(")")) refuse("a ( without its )");
    return node;
  }

  RegexNode look(bool negative) {
    const std::optional<CharSet> set = as_set(choice());
    if (!set) refuse("looking ahead by more than one character");
    if (!take(")")) refuse("a ( without its )");
    return look_node(*set, negative);
  }

  /// The one set that `node` is, if it is one.
  static std::optional<CharSet> as_set(const RegexNode& node) {
    if (node.kind == Kind::set) return node.set;
    if (node.kind == Kind::sequence && node.parts.size() == 1) return as_set(node.parts.front());
    if (node.kind != Kind::choice) return std::nullopt;
    CharSet all;
    for (const RegexNode& part : node.parts) {
      const auto set = as_set(part);
      if (!set) return std::nullopt;
      all = all.unite(*set);
    }
    return all;
  }

  /// Reads a repeat behind `part` and puts it around it; false if there is none.
  bool repeats(RegexNode& part) {
    int least = 0;
    int most = RegexNode::kUnbounded;
    bool braces = false;
    if (take("+")) {
      least = 1;
    } else if (take("?")) {
      most = 1;
    } else if (!take("*")) {
      if (!counts(least, most)) return false;
      braces = true;
    }
    if (!braces && take("+")) {
      part = possessive(std::move(part), least, most);
      return true;
    }
    part = repeat_node(std::move(part), least, most);
    part.lazy = take("?");
    return true;
  }

  /// {n}, {n,}, {,m} or {n,m}; other braces are literal.
  bool counts(int& least, int& most) {
    if (!next_is("{")) return false;
    const std::size_t end = pattern_.find('}', at_);
    if (end == std::string_view::npos) return false;
    const std::string_view inside = pattern_.substr(at_ + 1, end - at_ - 1);
    const std::size_t comma = inside.find(',');
    const auto low = number(inside.substr(0, comma));
    const auto high = comma == inside.npos ? low : number(inside.substr(comma + 1));
    if (!low || !high || (*low < 0 && (*high < 0 || comma == inside.npos))) return false;
    least = std::max(*low, 0);
    most = *high < 0 ? RegexNode::kUnbounded : *high;
    if (least > kMostRepeats || most > kMostRepeats) refuse("so great a count");
    if (most != RegexNode::kUnbounded && most < least) refuse("a range of counts that is empty");
    at_ = end + 1;
    return true;
  }

  /// The number, -1 for no digits, nullopt for anything else.
  static std::optional<int> number(std::string_view digits) {
    if (digits.empty()) return -1;
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || value < 0)
      return std::nullopt;
    return value;
  }

  /// A possessive repeat takes all it can: no member of the set may follow where more could be
  /// taken.
  RegexNode possessive(RegexNode part, int least, int most) {
    const auto set = as_set(part);
    if (!set) refuse("a possessive repeat of more than one character");
    RegexNode node;
    if (most == 1) {
      node.kind = Kind::choice;
      node.parts = {set_node(*set), look_node(*set, true)};
    } else {
      node.parts = {repeat_node(std::move(part), least, most), look_node(*set, true)};
    }
    return node;
  }

  CharSet char_class() {
    if (++depth_ > kDeepest) refuse("a nesting so deep");
    take("[");
    if (next_is(":")) refuse("a class [:name:]");
    const bool negative = take("^");
    CharSet all = CharSet::everything();
    CharSet part;
    bool first = true;
    while (first || !next_is("]")) {
      if (at_end()) refuse("a [ without its ]");
      if (take("&&")) {
        all = all.intersect(part);
        part = CharSet();
      } else {
        part = part.unite(next_is("[") ? char_class() : class_item());
      }
      first = false;
    }
    take("]");
    --depth_;
    all = all.intersect(part);
    if (ignore_case_) all = all.without_case();
    return negative ? all.complement() : all;
  }

  /// A code point, a range of them, or an escape that is a set.
  CharSet class_item() {
    if (next_is("\\") && !is_literal_escape()) return escape();
    const char32_t first = next_is("\\") ? literal_escape() : take_code_point();
    const bool range = next_is("-") && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']';
    if (!range) return CharSet::of_range(first, first);
    take("-");
    if (next_is("[") || (next_is("\\") && !is_literal_escape())) refuse("a range to a set");
    const char32_t last = next_is("\\") ? literal_escape() : take_code_point();
    if (last < first) refuse("a range that is empty");
    return CharSet::of_range(first, last);
  }

  bool is_literal_escape() const {
    if (at_ + 1 >= pattern_.size()) return false;
    const char c = pattern_[at_ + 1];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return !letter || std::string_view("rntfvxu").find(c) != std::string_view::npos;
  }

  CharSet escape() {
    if (is_literal_escape()) {
      const char32_t c = literal_escape();
      return CharSet::of_range(c, c);
    }
    if (take("\\s")) return CharSet::white_space();
    if (take("\\S")) return CharSet::white_space().complement();
    if (take("\\d")) return CharSet::digits();
    if (take("\\D")) return CharSet::digits().complement();
    if (take("\\w")) return word();
    if (take("\\W")) return word().complement();
    const bool negative = next_is("\\P");
    if (!negative && !next_is("\\p")) refuse("this escape");
    return property(negative);
  }

  /// As Oniguruma has it: with the numbers of Latin-1, without Join_Control.
  static CharSet word() {
    return CharSet::word()
        .intersect(CharSet::of_range(0x200C, 0x200D).complement())
        .unite(CharSet::of_range(0xB2, 0xB3))
        .unite(CharSet::of_range(0xB9, 0xB9))
        .unite(CharSet::of_range(0xBC, 0xBE));
  }

  CharSet property(bool negative) {
    const std::size_t start = at_;
    at_ += 2;
    const std::size_t end = pattern_.find('}', at_);
    if (!take("{") || end == std::string_view::npos) refuse("\\p without {name}");
    if (take("^")) negative = !negative;
    const std::string_view name = pattern_.substr(at_, end - at_);
    at_ = start;
    CharSet set;
    try {
      set = CharSet::of_property(name);
    } catch (const Error&) {
      refuse(fmt::format("the property {}", quote_name(name)));
    }
    at_ = end + 1;
    return negative ? set.complement() : set;
  }

  char32_t literal_escape() {
    take("\\");
    if (take("r")) return '\r';
    if (take("n")) return '\n';
    if (take("t")) return '\t';
    if (take("f")) return '\f';
    if (take("v")) return '\v';
    if (take("x{")) return hex(std::min(pattern_.find('}', at_), pattern_.size()) - at_, "}");
    if (take("x")) return hex(2, "");
    if (take("u")) return hex(4, "");
    return take_code_point();
  }

  char32_t hex(std::size_t digits, std::string_view close) {
    const std::string_view text = pattern_.substr(at_, digits);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (text.empty() || text.size() != digits || error != std::errc() ||
        end != text.data() + text.size() || value > 0x10FFFF)
      refuse("this number");
    at_ += digits;
    if (!take(close)) refuse("this number");
    return value;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool ignore_case_ = false;
};

}  // namespace

RegexNode parse_regex(std::string_view pattern) { return Parser(pattern).parse(); }

}  // namespace pomona::text
