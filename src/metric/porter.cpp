#include "metric/porter.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

namespace pomona::metric {
namespace {

/// The consonants of a word: all but a, e, i, o, u and a y after a consonant.
std::vector<bool> consonants(std::string_view word) {
  std::vector<bool> flags;
  flags.reserve(word.size());
  for (const char c : word) {
    const bool vowel = c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' ||
                       (c == 'y' && !flags.empty() && flags.back());
    flags.push_back(!vowel);
  }
  return flags;
}

/// m in [C](VC)^m[V]: how often a consonant follows a vowel.
int measure(std::string_view stem) {
  const auto flags = consonants(stem);
  int m = 0;
  for (std::size_t i = 1; i < flags.size(); ++i) m += (!flags[i - 1] && flags[i]) ? 1 : 0;
  return m;
}

bool contains_vowel(std::string_view stem) {
  const auto flags = consonants(stem);
  return std::find(flags.begin(), flags.end(), false) != flags.end();
}

bool ends_in_consonant(std::string_view stem) { return !stem.empty() && consonants(stem).back(); }

/// *d: two equal consonants at the end.
bool ends_in_double_consonant(std::string_view word) {
  return word.size() >= 2 && word.back() == word[word.size() - 2] && ends_in_consonant(word);
}

/// *o: consonant, vowel, consonant other than w, x, y at the end; NLTK adds the two-letter words of
/// vowel and consonant.
bool ends_in_cvc(std::string_view word) {
  const auto flags = consonants(word);
  const std::size_t n = word.size();
  if (n == 2) return !flags[0] && flags[1];
  return n >= 3 && flags[n - 3] && !flags[n - 2] && flags[n - 1] &&
         std::string_view("wxy").find(word.back()) == std::string_view::npos;
}

struct Rule {
  std::string_view suffix;
  std::string_view replacement;
};

std::string_view without(std::string_view word, std::string_view suffix) {
  return word.substr(0, word.size() - suffix.size());
}

std::string replace_end(std::string_view word, std::size_t dropped, std::string_view replacement) {
  return std::string(word.substr(0, word.size() - dropped)).append(replacement);
}

/// Only the first rule whose suffix the word has is looked at; it applies if the rest of the word
/// satisfies `condition`.
template <class Condition>
std::string apply_first(std::string word, std::span<const Rule> rules, Condition condition) {
  for (const Rule& rule : rules) {
    if (!word.ends_with(rule.suffix)) continue;
    if (!condition(rule, without(word, rule.suffix))) return word;
    return replace_end(word, rule.suffix.size(), rule.replacement);
  }
  return word;
}

bool has_measure(const Rule&, std::string_view stem) { return measure(stem) > 0; }

std::string step_1a(std::string word) {
  static constexpr std::array<Rule, 4> kRules = {
      {{"sses", "ss"}, {"ies", "i"}, {"ss", "ss"}, {"s", ""}}};
  if (word.size() == 4 && word.ends_with("ies")) return replace_end(word, 1, "");
  return apply_first(std::move(word), kRules, [](const Rule&, std::string_view) { return true; });
}

/// What follows the removal of -ed or -ing.
std::string restore_end(std::string stem) {
  if (stem.ends_with("at") || stem.ends_with("bl") || stem.ends_with("iz")) return stem + 'e';
  if (ends_in_double_consonant(stem)) {
    const bool keep = std::string_view("lsz").find(stem.back()) != std::string_view::npos;
    return keep ? stem : replace_end(stem, 1, "");
  }
  return measure(stem) == 1 && ends_in_cvc(stem) ? stem + 'e' : stem;
}

std::string step_1b(std::string word) {
  if (word.ends_with("ied")) return replace_end(word, word.size() == 4 ? 1 : 2, "");
  if (word.ends_with("eed")) {
    return measure(without(word, "eed")) > 0 ? replace_end(word, 1, "") : word;
  }
  for (const std::string_view suffix : {"ed", "ing"}) {
    if (word.ends_with(suffix) && contains_vowel(without(word, suffix))) {
      return restore_end(replace_end(word, suffix.size(), ""));
    }
  }
  return word;
}

std::string step_1c(std::string word) {
  if (word.ends_with('y') && word.size() > 2 && ends_in_consonant(without(word, "y")))
    return replace_end(word, 1, "i");
  return word;
}

std::string step_2(std::string word) {
  static constexpr std::array<Rule, 21> kRules = {
      {{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"},   {"anci", "ance"},
       {"izer", "ize"},    {"bli", "ble"},     {"entli", "ent"},   {"eli", "e"},
       {"ousli", "ous"},   {"ization", "ize"}, {"ation", "ate"},   {"ator", "ate"},
       {"alism", "al"},    {"iveness", "ive"}, {"fulness", "ful"}, {"ousness", "ous"},
       {"aliti", "al"},    {"iviti", "ive"},   {"biliti", "ble"},  {"fulli", "ful"},
       {"logi", "log"}}};
  if (word.ends_with("alli") && measure(without(word, "alli")) > 0) word = replace_end(word, 2, "");
  return apply_first(std::move(word), kRules, [](const Rule& rule, std::string_view stem) {
    if (rule.suffix != "logi") return measure(stem) > 0;
    return measure(std::string(stem) + 'l') > 0;  // so that geo- and theo- count
  });
}

std::string step_3(std::string word) {
  static constexpr std::array<Rule, 7> kRules = {{{"icate", "ic"},
                                                  {"ative", ""},
                                                  {"alize", "al"},
                                                  {"iciti", "ic"},
                                                  {"ical", "ic"},
                                                  {"ful", ""},
                                                  {"ness", ""}}};
  return apply_first(std::move(word), kRules, has_measure);
}

std::string step_4(std::string word) {
  static constexpr std::array<Rule, 19> kRules = {{{"al", ""},
                                                   {"ance", ""},
                                                   {"ence", ""},
                                                   {"er", ""},
                                                   {"ic", ""},
                                                   {"able", ""},
                                                   {"ible", ""},
                                                   {"ant", ""},
                                                   {"ement", ""},
                                                   {"ment", ""},
                                                   {"ent", ""},
                                                   {"ion", ""},
                                                   {"ou", ""},
                                                   {"ism", ""},
                                                   {"ate", ""},
                                                   {"iti", ""},
                                                   {"ous", ""},
                                                   {"ive", ""},
                                                   {"ize", ""}}};
  return apply_first(std::move(word), kRules, [](const Rule& rule, std::string_view stem) {
    if (measure(stem) <= 1) return false;
    return rule.suffix != "ion" || stem.ends_with('s') || stem.ends_with('t');
  });
}

std::string step_5a(std::string word) {
  if (!word.ends_with('e')) return word;
  const std::string_view stem = without(word, "e");
  const int m = measure(stem);
  return m > 1 || (m == 1 && !ends_in_cvc(stem)) ? std::string(stem) : word;
}

std::string step_5b(std::string word) {
  if (word.ends_with("ll") && measure(without(word, "l")) > 1) return replace_end(word, 1, "");
  return word;
}

/// Words that the rules get wrong, with their stems.
constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kIrregular = {
    {{"sky", "sky"},
     {"skies", "sky"},
     {"dying", "die"},
     {"lying", "lie"},
     {"tying", "tie"},
     {"news", "news"},
     {"innings", "inning"},
     {"inning", "inning"},
     {"outings", "outing"},
     {"outing", "outing"},
     {"cannings", "canning"},
     {"canning", "canning"},
     {"howe", "howe"},
     {"proceed", "proceed"},
     {"exceed", "exceed"},
     {"succeed", "succeed"}}};

}  // namespace

std::string porter_stem(std::string_view word) {
  for (const auto& [irregular, stem] : kIrregular) {
    if (word == irregular) return std::string(stem);
  }
  std::string stem(word);
  if (word.size() <= 2) return stem;
  for (const auto step : {step_1a, step_1b, step_1c, step_2, step_3, step_4, step_5a, step_5b}) {
    stem = step(std::move(stem));
  }
  return stem;
}

}  // namespace pomona::metric
