// Tokens of the text metrics: the words of ROUGE and, for scripts without spaces, characters.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "metric/metric.h"

namespace pomona::metric {

/// Runs of a-z and 0-9 after lower-casing, as rouge-score 0.1.2 has them: every other character
/// separates. Of all other characters only U+212A (k) and U+0130 (i, then a separator) lower-case
/// to a token character. With `stemmer`, tokens longer than three letters become their Porter stem.
std::vector<std::string> words(std::string_view text, bool stemmer);

/// Each letter, mark and number (categories L, M, N) of the NFKC_Casefold form is one token.
std::vector<std::string> characters(std::string_view text);

/// Whether the text has a letter or number (categories L, N), though words() may know none.
bool has_letters(std::string_view text);

/// Throws bad_argument that names the row (`row` behind the first) and the way to characters() if
/// `text` has letters or numbers but no words(); `side` is "prediction" or "reference".
void check_has_words(std::string_view metric, std::string_view side, std::size_t row,
                     std::string_view text, const MetricOptions& options);

/// Numbers for tokens, so that comparing them is cheap.
class Interner {
 public:
  std::vector<std::uint32_t> ids(const std::vector<std::string>& tokens);
  std::size_t size() const { return ids_.size(); }

 private:
  std::unordered_map<std::string, std::uint32_t> ids_;
};

}  // namespace pomona::metric
