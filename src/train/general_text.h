// A sample of general text, written for Pomona, on which forgetting is measured where the user
// names none: prose of many kinds, which a language model should still find likely after it was
// tuned.
#pragma once
#include <string_view>

namespace pomona::train {

/// About 1500 words in paragraphs, mostly English, some Chinese and some code.
std::string_view general_text();

}  // namespace pomona::train
