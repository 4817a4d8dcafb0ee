#include "text/normalizer.h"

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "text/byte_alphabet.h"
#include "text/code_points.h"
#include "text/reference_unicode.h"
#include "text/regex.h"

namespace pomona::text {
namespace {

/// Calls visit(code point, its bytes) for the whole of a well-formed text.
template <class Visit>
void for_each(std::string_view text, Visit visit) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    visit(c.value, text.substr(at, c.length));
    at += c.length;
  }
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

constexpr bool is_chinese(char32_t c) {
  // As the reference, which has 2B920 where the block begins at 2B820.
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

/// Without control characters, and a space for every white space.
std::string cleaned(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each(text, [&](char32_t c, std::string_view bytes) {
    if (c > ' ' && c < 0x7F) {
      out += static_cast<char>(c);
      return;
    }
    const bool line = c == '\t' || c == '\n' || c == '\r';
    const bool dropped =
        c == 0 || c == 0xFFFD || (!line && reference_unicode().control.contains(c));
    if (line || (!dropped && is_white_space(c))) {
      out += ' ';
    } else if (!dropped) {
      out += bytes;
    }
  });
  return out;
}

std::string with_spaces_around_chinese(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each(text, [&](char32_t c, std::string_view bytes) {
    if (is_chinese(c)) {
      out.append(" ").append(bytes).append(" ");
    } else {
      out += bytes;
    }
  });
  return out;
}

/// Without the code points of `set`, in which there is none below U+0300.
std::string without(std::string_view text, const CharSet& set) {
  std::string out;
  out.reserve(text.size());
  for_each(text, [&](char32_t c, std::string_view bytes) {
    if (c < 0x300 || !set.contains(c)) out += bytes;
  });
  return out;
}

/// A normalisation form, where the stretches between code points that the reference does not know
/// are texts of their own.
std::string normal_form(std::string_view text, NormalForm form) {
  std::string out;
  out.reserve(text.size());
  std::string part;
  const auto finish = [&] {
    normalize(part, form);
    out += part;
    part.clear();
  };
  const CharSet& unknown = reference_unicode().unknown_to_forms;
  // ASCII stays as it is and starts a new stretch, but what follows may join its last character.
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    const std::string_view bytes = text.substr(at, c.length);
    at += c.length;
    if (c.value < 0x80) {
      if (!part.empty()) finish();
      const bool last = at == text.size() || static_cast<unsigned char>(text[at]) < 0x80;
      (last ? out : part) += bytes;
    } else if (c.value >= 0x300 && unknown.contains(c.value)) {
      finish();
      out += bytes;
    } else {
      part += bytes;
    }
  }
  finish();
  return out;
}

std::string_view stripped(std::string_view text, bool left, bool right) {
  while (left && !text.empty()) {
    const CodePoint c = code_point_at(text, 0);
    if (!is_white_space(c.value)) break;
    text.remove_prefix(c.length);
  }
  while (right && !text.empty()) {
    std::size_t last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    if (!is_white_space(code_point_at(text, last).value)) break;
    text.remove_suffix(text.size() - last);
  }
  return text;
}

std::string nmt_normalized(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each(text, [&](char32_t c, std::string_view bytes) {
    const bool dropped = (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) ||
                         c == 0x7F || c == 0x8F || c == 0x9F;
    const bool space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
                       (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                       c == 0xFEFF || c == 0xFFFD;
    if (space) {
      out += ' ';
    } else if (!dropped) {
      out += bytes;
    }
  });
  return out;
}

}  // namespace

Normalizer::Step normal_form_step(NormalForm form) {
  return [form](std::string& text) {
    if (!is_ascii(text)) text = normal_form(text, form);
  };
}

Normalizer::Step lowercase_step() {
  return [](std::string& text) { text = lower(text); };
}

Normalizer::Step strip_step(bool left, bool right) {
  return [=](std::string& text) { text = std::string(stripped(text, left, right)); };
}

Normalizer::Step strip_accents_step() {
  return [](std::string& text) { text = without(text, reference_unicode().marks); };
}

Normalizer::Step replace_step(std::string_view from, std::string_view to) {
  return [from = std::string(from), to = std::string(to)](std::string& text) {
    text = replace_all(text, from, to);
  };
}

Normalizer::Step replace_pattern_step(std::string_view pattern, std::string_view to) {
  return [regex = std::make_shared<const Regex>(pattern), to = std::string(to)](std::string& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const Regex::Match match = regex->find(text, at);
      out.append(text, at, match.begin - at);
      if (match.begin < match.end) out += to;
      at = match.end;
    }
    text = std::move(out);
  };
}

Normalizer::Step prepend_step(std::string_view prefix) {
  return [prefix = std::string(prefix)](std::string& text) {
    if (!text.empty()) text.insert(0, prefix);
  };
}

Normalizer::Step nmt_step() {
  return [](std::string& text) { text = nmt_normalized(text); };
}

Normalizer::Step bert_step(BertCleaning cleaning) {
  return [cleaning](std::string& text) {
    if (cleaning.clean) text = cleaned(text);
    const bool ascii = is_ascii(text);  // neither Chinese nor accents in it
    if (cleaning.space_chinese && !ascii) text = with_spaces_around_chinese(text);
    if (cleaning.strip_accents && !ascii) {
      text = without(normal_form(text, NormalForm::nfd), reference_unicode().accents);
    }
    if (cleaning.lowercase) text = lower(text);
  };
}

Normalizer::Step byte_letters_step() {
  return [](std::string& text) {
    std::string letters;
    for (const char c : text) append_utf8(letters, letter_of_byte(static_cast<unsigned char>(c)));
    text = std::move(letters);
  };
}

}  // namespace pomona::text
