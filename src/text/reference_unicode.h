// Character properties as the hub's tokenizers library has them: several of its tables are older
// than Unicode 15, and models were trained with what it made of text. Found by asking version 0.23
// about every code point that is assigned in Unicode 14.
#pragma once
#include "text/char_set.h"

namespace pomona::text {

struct ReferenceUnicode {
  CharSet punctuation;       // P, for Punctuation and BERT
  CharSet accents;           // Mn, as BERT strips them
  CharSet marks;             // M, as StripAccents does
  CharSet control;           // C without Cn and Cs, as BERT drops them
  CharSet unknown_to_forms;  // what the normalisation forms leave as it is, and separate text
};

const ReferenceUnicode& reference_unicode();

}  // namespace pomona::text
