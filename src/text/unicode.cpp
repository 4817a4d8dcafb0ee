#include "text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/error.h"

namespace pomona::text {
namespace {

utf8proc_category_t category(char32_t code_point) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code_point));
}

[[noreturn]] void fail_ill_formed(std::string_view operation, std::size_t offset) {
  fail(ErrorKind::bad_argument, "{}: not valid UTF-8 at byte {}", operation, offset);
}

}  // namespace

static_assert(UTF8PROC_CATEGORY_CN == 0 && UTF8PROC_CATEGORY_LU == 1 && UTF8PROC_CATEGORY_MN == 6 &&
              UTF8PROC_CATEGORY_ND == 9 && UTF8PROC_CATEGORY_PC == 12 &&
              UTF8PROC_CATEGORY_SM == 19 && UTF8PROC_CATEGORY_ZS == 23 &&
              UTF8PROC_CATEGORY_CO == kCategories - 1);

int general_category(char32_t code_point) { return category(code_point); }

bool is_letter(char32_t code_point) {
  const auto c = category(code_point);
  return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool is_mark(char32_t code_point) {
  const auto c = category(code_point);
  return c >= UTF8PROC_CATEGORY_MN && c <= UTF8PROC_CATEGORY_ME;
}

bool is_number(char32_t code_point) {
  const auto c = category(code_point);
  return c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO;
}

bool is_punctuation(char32_t code_point) {
  const auto c = category(code_point);
  return c >= UTF8PROC_CATEGORY_PC && c <= UTF8PROC_CATEGORY_PO;
}

bool is_symbol(char32_t code_point) {
  const auto c = category(code_point);
  return c >= UTF8PROC_CATEGORY_SM && c <= UTF8PROC_CATEGORY_SO;
}

bool is_white_space(char32_t code_point) {
  if ((code_point >= 0x09 && code_point <= 0x0D) || code_point == 0x85) return true;
  const auto c = category(code_point);
  return c >= UTF8PROC_CATEGORY_ZS && c <= UTF8PROC_CATEGORY_ZP;
}

std::string lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      const char c = text[at++];
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      continue;
    }
    const auto character = decode_utf8(text.substr(at));
    if (!character) fail_ill_formed("lower", at);
    at += character->length;
    if (character->code_point == 0x130) {
      out += "i\u0307";
    } else {
      const auto code_point = static_cast<utf8proc_int32_t>(character->code_point);
      append_utf8(out, static_cast<char32_t>(utf8proc_tolower(code_point)));
    }
  }
  return out;
}

std::string upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto character = decode_utf8(text.substr(at));
    if (!character) fail_ill_formed("upper", at);
    at += character->length;
    const auto code_point = static_cast<utf8proc_int32_t>(character->code_point);
    append_utf8(out, static_cast<char32_t>(utf8proc_toupper(code_point)));
  }
  return out;
}

namespace {

/// utf8proc's rewriting of well-formed text.
std::string mapped(std::string_view text, int options, std::string_view operation) {
  if (text.empty()) return {};
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
      static_cast<utf8proc_ssize_t>(text.size()), &result, static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(result, &std::free);
  if (length < 0) fail(ErrorKind::exhausted, "{}: {}", operation, utf8proc_errmsg(length));
  return {reinterpret_cast<const char*>(result), static_cast<std::size_t>(length)};
}

}  // namespace

std::string nfkc_casefold(std::string_view text) {
  if (const auto bad = find_invalid_utf8(text)) fail_ill_formed("nfkc_casefold", *bad);
  return mapped(
      text,
      UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE,
      "nfkc_casefold");
}

void normalize(std::string& text, NormalForm form) {
  const bool ascii = std::all_of(text.begin(), text.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii) return;  // the same in all forms
  const bool composed = form == NormalForm::nfc || form == NormalForm::nfkc;
  const bool compatible = form == NormalForm::nfkc || form == NormalForm::nfkd;
  text = mapped(text,
                UTF8PROC_STABLE | (composed ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) |
                    (compatible ? UTF8PROC_COMPAT : 0),
                "normalize");
}

std::size_t grapheme_length(std::string_view text) {
  utf8proc_int32_t state = 0;
  auto left = decode_utf8(text);
  std::size_t length = left ? left->length : 1;
  while (left && length < text.size()) {
    const auto right = decode_utf8(text.substr(length));
    if (!right ||
        utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(left->code_point),
                                         static_cast<utf8proc_int32_t>(right->code_point), &state))
      break;
    length += right->length;
    left = right;
  }
  return length;
}

std::string_view unicode_version() { return utf8proc_unicode_version(); }

}  // namespace pomona::text
