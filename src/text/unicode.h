// Unicode properties and mappings by utf8proc, which only this file's source includes.
#pragma once
#include <string>
#include <string_view>

#include "base/text.h"

namespace pomona::text {

/// The number of general categories.
inline constexpr int kCategories = 30;

/// The general category: 0 Cn (unassigned), 1-5 Lu Ll Lt Lm Lo, 6-8 Mn Mc Me, 9-11 Nd Nl No, 12-18
/// Pc Pd Ps Pe Pi Pf Po, 19-22 Sm Sc Sk So, 23-25 Zs Zl Zp, 26-29 Cc Cf Cs Co.
int general_category(char32_t code_point);

/// General category L (Lu, Ll, Lt, Lm, Lo).
bool is_letter(char32_t code_point);

/// General category M (Mn, Mc, Me).
bool is_mark(char32_t code_point);

/// General category N (Nd, Nl, No).
bool is_number(char32_t code_point);

/// General category P (Pc, Pd, Ps, Pe, Pi, Pf, Po).
bool is_punctuation(char32_t code_point);

/// General category S (Sm, Sc, Sk, So).
bool is_symbol(char32_t code_point);

/// Property White_Space (Unicode, PropList.txt).
bool is_white_space(char32_t code_point);

/// Lower case of each code point alone, without rules that look at the neighbours (a capital sigma
/// is always U+03C3); U+0130 becomes i and a combining dot. Throws bad_argument on ill-formed
/// UTF-8.
std::string lower(std::string_view text);

/// Upper case of each code point alone; characters that become several (such as U+00DF) stay.
/// Throws bad_argument on ill-formed UTF-8.
std::string upper(std::string_view text);

/// NFKC_Casefold (Unicode 15, section 3.13, R5): compatibility forms such as full-width letters
/// unified, case folded, default-ignorable code points removed. Throws bad_argument on ill-formed
/// UTF-8.
std::string nfkc_casefold(std::string_view text);

/// The normalisation forms of Unicode Standard Annex 15.
enum class NormalForm { nfc, nfd, nfkc, nfkd };

/// Brings well-formed UTF-8 into a normalisation form.
void normalize(std::string& text, NormalForm form);

/// The bytes of the first extended grapheme cluster (Unicode Standard Annex 29) of well-formed text
/// that is not empty.
std::size_t grapheme_length(std::string_view text);

/// Calls visit(code point, its bytes) from the front of `text` to its end or to the first
/// ill-formed sequence.
template <class Visit>
void each_code_point(std::string_view text, Visit visit) {
  while (const auto character = decode_utf8(text)) {
    visit(character->code_point, text.substr(0, character->length));
    text.remove_prefix(character->length);
  }
}

/// The version of the Unicode tables in use, e.g. "15.0.0".
std::string_view unicode_version();

}  // namespace pomona::text
