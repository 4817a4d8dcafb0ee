#include "text/pretokenizer.h"

#include <array>
#include <span>

#include "base/text.h"
#include "text/char_class.h"

namespace pomona::text {
namespace {

/// One character of well-formed UTF-8 with its classes; length 0 at the end.
struct Char {
  char32_t code_point = 0;
  std::size_t length = 0;
  std::uint8_t classes = 0;

  bool any(int set) const { return (classes & set) != 0; }
  bool none(int set) const { return length != 0 && (classes & set) == 0; }
};

constexpr std::array<std::uint8_t, 128> ascii_classes() {
  std::array<std::uint8_t, 128> table = {};
  for (int c = 0; c < 128; ++c) {
    int classes = 0;
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool number = c >= '0' && c <= '9';
    if (letter) classes |= kLetter;
    if (number) classes |= kNumber;
    if (c == ' ' || (c >= '\t' && c <= '\r')) classes |= kSpace;
    if (c == '\r' || c == '\n') classes |= kNewline;
    const bool symbol = c == '$' || c == '+' || c == '<' || c == '=' || c == '>' || c == '^' ||
                        c == '`' || c == '|' || c == '~';
    if (symbol) classes |= kSymbol;
    if (c > ' ' && c < 127 && !letter && !number && !symbol) classes |= kPunctuation;
    table[static_cast<std::size_t>(c)] = static_cast<std::uint8_t>(classes);
  }
  return table;
}

constexpr std::array<std::uint8_t, 128> kAscii = ascii_classes();

Char char_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return {byte, 1, kAscii[byte]};
  const auto decoded = decode_utf8(text.substr(at));
  if (!decoded) return {0xFFFD, 1, kSymbol};
  return {decoded->code_point, decoded->length, char_class(decoded->code_point)};
}

/// The end of the run of characters for which `belongs` holds.
template <class Belongs>
std::size_t skip(std::string_view text, std::size_t at, Belongs belongs) {
  for (;;) {
    const Char c = char_at(text, at);
    if (c.length == 0 || !belongs(c)) return at;
    at += c.length;
  }
}

std::size_t skip_any(std::string_view text, std::size_t at, int set) {
  return skip(text, at, [=](const Char& c) { return c.any(set); });
}

std::size_t skip_none(std::string_view text, std::size_t at, int set) {
  return skip(text, at, [=](const Char& c) { return c.none(set); });
}

char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// 's 't 're 've 'm 'll 'd: the bytes matched at the front of `text`, or 0. With `any_case`, as
/// under (?i), where U+017F (long s) folds to s as well.
std::size_t match_contraction(std::string_view text, bool any_case) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  if (any_case && text.starts_with("'\xC5\xBF")) return 3;
  const auto letter = [&](std::size_t i) {
    if (i >= text.size()) return '\0';
    return any_case ? ascii_lower(text[i]) : text[i];
  };
  const char first = letter(1);
  const char second = letter(2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if (first == 'r' && second == 'e') return 3;
  if (first == 'v' && second == 'e') return 3;
  if (first == 'l' && second == 'l') return 3;
  return 0;
}

/// \s+(?!\S)|\s+ : a run of space, less its last character when text follows and more is left.
std::size_t match_space(std::string_view text) {
  std::size_t at = 0;
  std::size_t last = 0;
  for (Char c = char_at(text, 0); c.any(kSpace); c = char_at(text, at)) {
    last = at;
    at += c.length;
  }
  return at == text.size() || last == 0 ? at : last;
}

/// \s*[\r\n]+ : space up to and with its last newline, or 0.
std::size_t match_space_newlines(std::string_view text) {
  std::size_t end = 0;
  std::size_t at = 0;
  for (Char c = char_at(text, 0); c.any(kSpace); c = char_at(text, at)) {
    at += c.length;
    if (c.any(kNewline)) end = at;
  }
  return end;
}

/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t match_gpt2(std::string_view text) {
  if (const std::size_t length = match_contraction(text, false)) return length;
  const std::size_t start = text[0] == ' ' ? 1 : 0;
  const Char first = char_at(text, start);
  if (first.any(kLetter)) return skip_any(text, start, kLetter);
  if (first.any(kNumber)) return skip_any(text, start, kNumber);
  if (first.none(kSpace)) return skip_none(text, start, kSpace | kLetter | kNumber);
  return match_space(text);
}

/// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}
/// | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
template <int digits>
std::size_t match_cl100k(std::string_view text) {
  if (const std::size_t length = match_contraction(text, true)) return length;
  const Char first = char_at(text, 0);
  if (first.any(kLetter)) return skip_any(text, 0, kLetter);
  if (first.none(kNewline | kNumber) && char_at(text, first.length).any(kLetter))
    return skip_any(text, first.length, kLetter);
  if (first.any(kNumber)) {
    int left = digits;
    return skip(text, 0, [&](const Char& c) { return c.any(kNumber) && left-- > 0; });
  }
  const std::size_t start = text[0] == ' ' ? 1 : 0;
  if (char_at(text, start).none(kSpace | kLetter | kNumber))
    return skip_any(text, skip_none(text, start, kSpace | kLetter | kNumber), kNewline);
  if (const std::size_t length = match_space_newlines(text)) return length;
  return match_space(text);
}

/// [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+
/// | ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
std::size_t match_deepseek_v3(std::string_view text) {
  const Char first = char_at(text, 0);
  const Char second = char_at(text, first.length);
  if (first.code_point < 128 && first.any(kPunctuation | kSymbol) && second.code_point < 128 &&
      second.any(kLetter))
    return skip(text, 1, [](const Char& c) { return c.code_point < 128 && c.any(kLetter); });
  if (first.none(kNewline | kLetter | kPunctuation | kSymbol) && second.any(kLetter | kMark))
    return skip_any(text, first.length, kLetter | kMark);
  if (first.any(kLetter | kMark)) return skip_any(text, 0, kLetter | kMark);
  const std::size_t start = text[0] == ' ' ? 1 : 0;
  if (char_at(text, start).any(kPunctuation | kSymbol))
    return skip_any(text, skip_any(text, start, kPunctuation | kSymbol), kNewline);
  if (const std::size_t length = match_space_newlines(text)) return length;
  return match_space(text);
}

/// \p{N} up to `most` times.
template <int most>
std::size_t match_numbers(std::string_view text) {
  int left = most;
  return skip(text, 0, [&](const Char& c) { return c.any(kNumber) && left-- > 0; });
}

/// \p{N}+ over the letters that stand for bytes (byte_alphabet.h): ASCII digits, and the bytes
/// whose letter is a superscript digit or a fraction.
std::size_t match_number_letters(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto byte = static_cast<unsigned char>(bytes[at]);
    const bool number = (byte >= '0' && byte <= '9') || byte == 0xB2 || byte == 0xB3 ||
                        byte == 0xB9 || (byte >= 0xBC && byte <= 0xBE);
    if (!number) break;
    ++at;
  }
  return at;
}

/// [0-9][0-9][0-9]
std::size_t match_three_digits(std::string_view text) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  return text.size() >= 3 && digit(0) && digit(1) && digit(2) ? 3 : 0;
}

/// [\r\n]
std::size_t match_newline(std::string_view text) {
  return text[0] == '\r' || text[0] == '\n' ? 1 : 0;
}

/// \s?[set]+ : as the first alternative that matches.
template <int set>
std::size_t match_space_and(std::string_view text) {
  const Char first = char_at(text, 0);
  if (first.any(kSpace)) {
    const std::size_t end = skip_any(text, first.length, set);
    return end > first.length ? end : 0;
  }
  return skip_any(text, 0, set);
}

/// All ASCII punctuation and \p{P}, as runs.
std::size_t match_punctuation(std::string_view text) {
  return skip(text, 0, [](const Char& c) {
    return c.any(kPunctuation) || (c.code_point < 128 && c.any(kSymbol));
  });
}

/// [U+4E00-U+9FA5 U+0800-U+4E00 U+AC00-U+D7FF]+
std::size_t match_deepseek_cjk(std::string_view text) {
  return skip(text, 0, [](const Char& c) {
    return (c.code_point >= 0x0800 && c.code_point <= 0x9FA5) ||
           (c.code_point >= 0xAC00 && c.code_point <= 0xD7FF);
  });
}

/// [U+4E00-U+9FA5 U+3040-U+309F U+30A0-U+30FF]+
std::size_t match_han_kana(std::string_view text) {
  return skip(text, 0, [](const Char& c) {
    return (c.code_point >= 0x4E00 && c.code_point <= 0x9FA5) ||
           (c.code_point >= 0x3040 && c.code_point <= 0x30FF);
  });
}

/// Each match of the pattern becomes a part, and so does each stretch between matches. A match may
/// begin at any character, or `in_bytes` at any byte.
template <auto match, bool in_bytes = false>
void isolate(std::string_view piece, std::vector<std::string_view>& parts) {
  std::size_t gap = 0;
  std::size_t at = 0;
  while (at < piece.size()) {
    const std::size_t length = match(piece.substr(at));
    if (length == 0) {
      at += in_bytes ? 1 : char_at(piece, at).length;
      continue;
    }
    if (gap < at) parts.push_back(piece.substr(gap, at - gap));
    parts.push_back(piece.substr(at, length));
    at += length;
    gap = at;
  }
  if (gap < piece.size()) parts.push_back(piece.substr(gap));
}

struct Row {
  std::string_view name;
  std::array<Pretokenizer::Split, 5> splits;  // unused ones are null
  bool whole_words_first = false;
  bool adds_bos = false;
};

constexpr auto kGpt2 = &isolate<match_gpt2>;
constexpr auto kEachNumber = &isolate<match_numbers<1>>;

constexpr std::array kRows = {
    Row{"gpt-2", {kGpt2}},
    Row{"phi-2", {kGpt2}},
    Row{"mpt", {kGpt2}},
    Row{"olmo", {kGpt2}},
    Row{"smollm", {kEachNumber, kGpt2}},
    Row{"starcoder", {kEachNumber, kGpt2}},
    Row{"refact", {kEachNumber, kGpt2}},
    Row{"codeshell", {kEachNumber, kGpt2}},
    Row{"command-r", {kEachNumber, kGpt2}},
    Row{"llama-bpe", {&isolate<match_cl100k<3>>}, true, true},
    Row{"llama3", {&isolate<match_cl100k<3>>}, true, true},
    Row{"llama-v3", {&isolate<match_cl100k<3>>}, true, true},
    Row{"dbrx", {&isolate<match_cl100k<3>>}},
    Row{"smaug-bpe", {&isolate<match_cl100k<3>>}},
    Row{"qwen2", {&isolate<match_cl100k<1>>}},
    Row{"deepseek-r1-qwen", {&isolate<match_cl100k<1>>}},
    Row{"stablelm2", {&isolate<match_cl100k<1>>}},
    Row{"falcon",
        {&isolate<match_punctuation>,
         kGpt2,  // The rest sees bytes as letters, so it may cut inside a character.
         &isolate<match_number_letters, true>, &isolate<match_three_digits, true>}},
    Row{"deepseek-coder",
        {&isolate<match_newline>, &isolate<match_space_and<kLetter>>,
         &isolate<match_space_and<kPunctuation>>, &isolate<match_deepseek_cjk>, kEachNumber}},
    Row{"deepseek-v3",
        {&isolate<match_numbers<3>>, &isolate<match_han_kana>, &isolate<match_deepseek_v3>}},
};

}  // namespace

std::optional<Pretokenizer> Pretokenizer::find(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    std::vector<Split> splits;
    for (const Split split : row.splits)
      if (split != nullptr) splits.push_back(split);
    return Pretokenizer(std::move(splits), row.whole_words_first, row.adds_bos);
  }
  return std::nullopt;
}

std::vector<std::string> Pretokenizer::names() {
  std::vector<std::string> names;
  names.reserve(kRows.size());
  for (const Row& row : kRows) names.emplace_back(row.name);
  return names;
}

void Pretokenizer::split(std::string_view text, std::vector<std::string_view>& words) const {
  words.clear();
  if (text.empty()) return;
  words.push_back(text);
  std::vector<std::string_view> parts;
  for (const Split step : splits_) {
    parts.clear();
    for (const std::string_view piece : words) step(piece, parts);
    words.swap(parts);
  }
}

}  // namespace pomona::text
