// Porter's suffix-stripping stemmer (Porter 1980, "An algorithm for suffix stripping", Program
// 14.3) with the deviations of NLTK's default mode, which rouge-score uses: a pool of irregular
// words, short -ies and -ied, y after consonants only, and the rules -fulli, -logi, -alli, -bli.
#pragma once
#include <string>
#include <string_view>

namespace pomona::metric {

/// The stem of a word of a-z and 0-9 (lower case; digits count as consonants). Linear in its size.
std::string porter_stem(std::string_view word);

}  // namespace pomona::metric
