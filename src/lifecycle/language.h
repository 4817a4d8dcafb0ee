// Languages as BCP 47 codes, and the scripts they are written in.
#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace pomona::lifecycle {

/// Whether texts of a language are made of Latin letters: by the code's script ("sr-Latn"), else by
/// the one that is usual for its language. False for "und", a language that is not known.
bool has_latin_script(std::string_view language);

/// Counts the letters of a text by what they tell of its language.
class ScriptCounts {
 public:
  void add(char32_t character);

  /// By the script of most characters, with one language for each: "ru" for Cyrillic letters, "hi"
  /// for Devanagari, "und" for rare ones; "ja" if there are kana; "en" unless a fifth of the
  /// characters is of another script than Latin.
  std::string language() const;

 private:
  std::map<std::string_view, std::size_t> of_;  // by language
  std::size_t characters_ = 0;
};

}  // namespace pomona::lifecycle
