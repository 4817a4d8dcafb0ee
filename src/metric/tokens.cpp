#include "metric/tokens.h"

#include "base/error.h"
#include "metric/porter.h"
#include "text/unicode.h"

namespace pomona::metric {
namespace {

constexpr std::string_view kKelvin = "\u212A";
constexpr std::string_view kDottedI = "\u0130";

}  // namespace

std::vector<std::string> words(std::string_view text, bool stemmer) {
  constexpr std::size_t kLongestUnstemmed = 3;
  std::vector<std::string> tokens;
  std::string token;
  const auto finish = [&] {
    if (token.empty()) return;
    tokens.push_back(stemmer && token.size() > kLongestUnstemmed ? porter_stem(token) : token);
    token.clear();
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      token += c;
    } else if (c >= 'A' && c <= 'Z') {
      token += static_cast<char>(c - 'A' + 'a');
    } else if (text.substr(at).starts_with(kKelvin)) {
      token += 'k';
      at += kKelvin.size() - 1;
    } else if (text.substr(at).starts_with(kDottedI)) {
      token += 'i';
      finish();
      at += kDottedI.size() - 1;
    } else {
      finish();
    }
  }
  finish();
  return tokens;
}

std::vector<std::string> characters(std::string_view text) {
  std::vector<std::string> tokens;
  text::each_code_point(text::nfkc_casefold(text), [&](char32_t c, std::string_view bytes) {
    if (text::is_letter(c) || text::is_mark(c) || text::is_number(c)) tokens.emplace_back(bytes);
  });
  return tokens;
}

bool has_letters(std::string_view text) {
  bool found = false;
  text::each_code_point(text, [&](char32_t c, std::string_view) {
    found = found || text::is_letter(c) || text::is_number(c);
  });
  return found;
}

void check_has_words(std::string_view metric, std::string_view side, std::size_t row,
                     std::string_view text, const MetricOptions& options) {
  if (!words(text, false).empty() || !has_letters(text)) return;
  fail(ErrorKind::bad_argument,
       "{}: the {} in row {} has none of the letters a-z and digits 0-9 that its words are made "
       "of; for Chinese and other scripts {}",
       metric, side, options.first_row + row, options.characters_by);
}

std::vector<std::uint32_t> Interner::ids(const std::vector<std::string>& tokens) {
  std::vector<std::uint32_t> out;
  out.reserve(tokens.size());
  for (const std::string& token : tokens) {
    const auto next = static_cast<std::uint32_t>(ids_.size());
    out.push_back(ids_.emplace(token, next).first->second);
  }
  return out;
}

}  // namespace pomona::metric
