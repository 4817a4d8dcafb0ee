#include "text/regex.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/quote.h"
#include "text/byte_alphabet.h"
#include "text/code_points.h"
#include "text/unicode.h"

namespace pomona::text {
namespace {

using Kind = RegexNode::Kind;

/// A step of the non-deterministic automaton; `next` and `other` are steps, `set` is one of sets.
struct Step {
  enum class Kind { set, look, look_not, fork, match } kind;
  int next = 0;
  int other = 0;  // fork: after `next`
  int set = 0;
};

/// Thompson's construction, from the end to the front: each node knows the step behind it.
class Compiler {
 public:
  std::vector<Step> steps;
  std::vector<CharSet> sets;

  int add(Step step) {
    if (steps.size() >= kMostSteps) fail(ErrorKind::unsupported, "it is too large");
    steps.push_back(step);
    return static_cast<int>(steps.size()) - 1;
  }

  /// The first step of `node` with `next` behind it.
  int compile(const RegexNode& node, int next) {
    switch (node.kind) {
      case Kind::set:
        return add({Step::Kind::set, next, 0, set_number(node.set)});
      case Kind::look:
        return add({node.negative ? Step::Kind::look_not : Step::Kind::look, next, 0,
                    set_number(node.set)});
      case Kind::sequence:
        for (auto part = node.parts.rbegin(); part != node.parts.rend(); ++part)
          next = compile(*part, next);
        return next;
      case Kind::choice: {
        int first = compile(node.parts.back(), next);
        for (auto part = std::next(node.parts.rbegin()); part != node.parts.rend(); ++part)
          first = add({Step::Kind::fork, compile(*part, next), first});
        return first;
      }
      case Kind::repeat:
        return compile_repeat(node, next);
    }
    return next;
  }

 private:
  static constexpr std::size_t kMostSteps = 5000;
  static constexpr std::size_t kMostSets = 200;

  int compile_repeat(const RegexNode& node, int next) {
    const RegexNode& part = node.parts.front();
    const auto fork = [&](int again, int done) {
      return node.lazy ? add({Step::Kind::fork, done, again})
                       : add({Step::Kind::fork, again, done});
    };
    int first = next;
    if (node.most == RegexNode::kUnbounded) {
      const int loop = add({Step::Kind::fork});
      const int again = compile(part, loop);
      steps[static_cast<std::size_t>(loop)] =
          node.lazy ? Step{Step::Kind::fork, next, again} : Step{Step::Kind::fork, again, next};
      first = loop;
    } else {
      for (int i = node.least; i < node.most; ++i) first = fork(compile(part, first), next);
    }
    for (int i = 0; i < node.least; ++i) first = compile(part, first);
    return first;
  }

  int set_number(const CharSet& set) {
    const auto found = std::find(sets.begin(), sets.end(), set);
    if (found != sets.end()) return static_cast<int>(found - sets.begin());
    if (sets.size() >= kMostSets) fail(ErrorKind::unsupported, "it has too many sets");
    sets.push_back(set);
    return static_cast<int>(sets.size()) - 1;
  }
};

/// The threads after one code point, by priority.
struct Advance {
  std::vector<int> threads;
  bool matched = false;
};

/// Moves all threads over a code point that is in the sets `in`; at the end it is in none.
class Stepper {
 public:
  Stepper(const std::vector<Step>& steps, bool at_end, const std::vector<bool>& in)
      : steps_(steps),
        at_end_(at_end),
        in_(in),
        seen_(steps.size(), false),
        queued_(steps.size(), false) {}

  Advance run(const std::vector<int>& threads) {
    for (const int thread : threads)
      if (!follow(thread)) break;
    return std::move(result_);
  }

 private:
  /// False once a match is found: threads of lower priority end there.
  bool follow(int start) {
    std::vector<int> stack = {start};
    while (!stack.empty()) {
      const int at = stack.back();
      stack.pop_back();
      if (seen_[static_cast<std::size_t>(at)]) continue;
      seen_[static_cast<std::size_t>(at)] = true;
      const Step& step = steps_[static_cast<std::size_t>(at)];
      const auto in = [&] { return !at_end_ && in_[static_cast<std::size_t>(step.set)]; };
      switch (step.kind) {
        case Step::Kind::match:
          result_.matched = true;
          return false;
        case Step::Kind::fork:
          stack.push_back(step.other);
          stack.push_back(step.next);
          break;
        case Step::Kind::look:
          if (in()) stack.push_back(step.next);
          break;
        case Step::Kind::look_not:
          if (!in()) stack.push_back(step.next);
          break;
        case Step::Kind::set:
          if (in() && !queued_[static_cast<std::size_t>(step.next)]) {
            queued_[static_cast<std::size_t>(step.next)] = true;
            result_.threads.push_back(step.next);
          }
          break;
      }
    }
    return true;
  }

  const std::vector<Step>& steps_;
  bool at_end_;
  const std::vector<bool>& in_;
  std::vector<bool> seen_, queued_;
  Advance result_;
};

}  // namespace

std::uint8_t Regex::Classes::operator()(char32_t code_point) const {
  const auto after = std::upper_bound(firsts.begin(), firsts.end(), code_point);
  const auto segment = static_cast<std::size_t>(after - firsts.begin() - 1);
  return of[segment * kCategories + static_cast<std::size_t>(general_category(code_point))];
}

struct Regex::Automaton {
  Classes classes;
  std::vector<std::vector<bool>> in;  // for each class, the sets it is in
  std::vector<Entry> table;

  explicit Automaton(const RegexNode& tree) {
    Compiler compiler;
    const int match = compiler.add({Step::Kind::match});
    const int first = compiler.compile(tree, match);
    make_classes(compiler.sets);
    make_table(compiler.steps, first);
  }

  static Automaton of_pattern(std::string_view pattern) {
    const RegexNode tree = parse_regex(pattern);
    try {
      return Automaton(tree);
    } catch (const Error& error) {
      fail(error.kind(), "pattern \"{}\": {}", printable(pattern, true), error.what());
    }
  }

  std::size_t stride() const { return in.size() + 1; }

 private:
  static constexpr std::size_t kMostEntries = std::size_t{1} << 17;
  static constexpr std::size_t kMostThreads = std::size_t{1} << 18;  // of all states together

  void make_classes(const std::vector<CharSet>& sets) {
    for (const CharSet& set : sets)
      for (const CharSet::Segment& segment : set.segments())
        classes.firsts.push_back(segment.first);
    classes.firsts.push_back(0);
    std::sort(classes.firsts.begin(), classes.firsts.end());
    classes.firsts.erase(std::unique(classes.firsts.begin(), classes.firsts.end()),
                         classes.firsts.end());
    std::map<std::vector<bool>, std::uint8_t> numbers;
    for (const char32_t first : classes.firsts) {
      for (int category = 0; category < kCategories; ++category) {
        std::vector<bool> membership;
        for (const CharSet& set : sets) membership.push_back(set.contains(first, category));
        const auto number = static_cast<std::uint8_t>(numbers.size());
        const auto [place, is_new] = numbers.try_emplace(membership, number);
        if (is_new) in.push_back(membership);
        if (numbers.size() > 250) fail(ErrorKind::unsupported, "it has too many sets");
        classes.of.push_back(place->second);
      }
    }
  }

  void make_table(const std::vector<Step>& steps, int first) {
    std::map<std::vector<int>, std::size_t> rows;  // state 0 has no threads, 1 is the start
    std::vector<std::vector<int>> states;
    std::size_t threads = 0;
    const auto row_of = [&](const std::vector<int>& state) {
      const auto [place, is_new] = rows.try_emplace(state, states.size() * stride());
      if (is_new) states.push_back(state);
      if (is_new) threads += state.size();
      if (states.size() * stride() > kMostEntries || threads > kMostThreads)
        fail(ErrorKind::unsupported, "it is too large");
      return static_cast<Entry>(place->second);
    };
    row_of({});
    row_of({first});
    for (std::size_t i = 0; i < states.size(); ++i) {  // row_of() adds to them: NOLINT
      const std::vector<int> state = states[i];        // and moves them: NOLINT
      for (std::size_t c = 0; c < stride(); ++c) {
        const bool at_end = c == in.size();
        const Advance advance = Stepper(steps, at_end, in[at_end ? 0 : c]).run(state);
        table.push_back(row_of(advance.threads) | (advance.matched ? kMatched : 0));
      }
    }
  }
};

Regex::Regex(std::string_view pattern) : Regex(Automaton::of_pattern(pattern)) {}

Regex::Regex(const RegexNode& tree) : Regex(Automaton(tree)) {}

Regex::Regex(Automaton automaton)
    : stride_(automaton.stride()),
      table_(std::move(automaton.table)),
      classes_(std::move(automaton.classes)) {
  for (char32_t c = 0; c < 128; ++c) ascii_[c] = classes_.at(c);
  for (std::size_t byte = 0; byte < 256; ++byte)
    letters_[byte] = classes_.at(letter_of_byte(static_cast<unsigned char>(byte)));
  for (std::size_t c = 0; c + 1 < stride_; ++c) starts_[c] = (table_[stride_ + c] & ~kMatched) != 0;
}

template <Regex::View view>
std::size_t Regex::match_length(std::string_view text) const {
  const Entry* row = table_.data() + stride_;
  std::size_t matched = 0;
  for (std::size_t at = 0;;) {
    std::size_t c = stride_ - 1;
    std::size_t length = 0;
    if (at < text.size()) {
      const auto byte = static_cast<unsigned char>(text[at]);
      length = 1;
      if constexpr (view == View::byte_letters) {
        c = letters_[byte];
      } else if (byte < 0x80) {
        c = ascii_[byte];
      } else {
        const CodePoint next = code_point_at(text, at);
        c = classes_.at(next.value);
        length = next.length;
      }
    }
    const Entry entry = row[c];
    if ((entry & kMatched) != 0) matched = at;
    if ((entry & ~kMatched) == 0) return matched;
    row = table_.data() + (entry & ~kMatched);
    at += length;
  }
}

template <Regex::View view>
Regex::Match Regex::find_in(std::string_view text, std::size_t from) const {
  for (std::size_t at = from; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    std::size_t length = 1;
    bool starts = true;
    if constexpr (view == View::byte_letters) {
      starts = starts_[letters_[byte]];
    } else if (byte < 0x80) {
      starts = starts_[ascii_[byte]];
    } else {
      const CodePoint next = code_point_at(text, at);
      starts = starts_[classes_.at(next.value)];
      length = next.length;
    }
    if (starts) {
      if (const std::size_t matched = match_length<view>(text.substr(at)))
        return {at, at + matched};
    }
    at += length;
  }
  return {text.size(), text.size()};
}

Regex::Match Regex::find(std::string_view text, std::size_t from, View view) const {
  return view == View::characters ? find_in<View::characters>(text, from)
                                  : find_in<View::byte_letters>(text, from);
}

}  // namespace pomona::text
