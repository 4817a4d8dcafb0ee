#include "text/chars_map.h"

#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "text/code_points.h"

namespace pomona::text {
namespace {

// The fields of a unit.
std::uint32_t offset_of(std::uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
std::uint32_t label_of(std::uint32_t unit) { return unit & ((1u << 31) | 0xFF); }
bool has_value(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
std::uint32_t value_of(std::uint32_t unit) { return unit & ((1u << 31) - 1); }

/// Whether a character goes on at `at`, where no replacement can end or begin.
bool is_inside(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

constexpr std::string_view kMark = "\u2581";

/// Graphemes of more bytes are looked at character by character.
constexpr std::size_t kLongGrapheme = 6;

}  // namespace

CharsMap::CharsMap(std::string_view blob) {
  std::uint32_t bytes = 0;
  if (blob.size() >= sizeof bytes) std::memcpy(&bytes, blob.data(), sizeof bytes);
  if (blob.size() < sizeof bytes || bytes % 4 != 0 || bytes == 0 ||
      bytes > blob.size() - sizeof bytes)
    fail(ErrorKind::bad_file, "precompiled character map: {} bytes hold no trie of {} bytes",
         blob.size(), bytes);
  units_.resize(bytes / 4);
  std::memcpy(units_.data(), blob.data() + sizeof bytes, bytes);
  texts_ = blob.substr(sizeof bytes + bytes);
  if (!texts_.ends_with('\0')) texts_ += '\0';
  if (const auto at = find_invalid_utf8(texts_))
    fail(ErrorKind::bad_file, "precompiled character map: byte {}: a replacement is not UTF-8",
         sizeof bytes + bytes + *at);
}

std::optional<CharsMap::Match> CharsMap::match(std::string_view text, bool longest) const {
  std::optional<Match> found;
  std::size_t node = offset_of(units_[0]);
  for (std::size_t i = 0; i < text.size() && text[i] != '\0'; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (node >= units_.size() || label_of(units_[node]) != byte) break;
    const std::uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (!has_value(unit)) continue;
    if (node >= units_.size()) break;
    const std::uint32_t place = value_of(units_[node]);
    if (place >= texts_.size()) break;
    if (is_inside(text, i + 1) || is_inside(texts_, place)) continue;
    found = Match{i + 1, std::string_view(texts_.c_str() + place)};
    if (!longest) break;
  }
  return found;
}

Normalizer::Step precompiled_step(std::shared_ptr<const CharsMap> map) {
  return [map](std::string& text) {
    std::string out;
    out.reserve(text.size());
    const auto replace = [&](std::string_view part) {
      const auto match = map->shortest(part);
      if (match) out += match->replacement;
      return match.has_value();
    };
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length = grapheme_length(std::string_view(text).substr(at));
      const std::string_view grapheme = std::string_view(text).substr(at, length);
      at += length;
      if (length < kLongGrapheme && replace(grapheme)) continue;
      for (std::size_t i = 0; i < length;) {
        const std::string_view part = grapheme.substr(i, code_point_at(grapheme, i).length);
        if (!replace(part)) out += part;
        i += part.size();
      }
    }
    text = std::move(out);
  };
}

Normalizer::Step sentencepiece_step(std::shared_ptr<const CharsMap> map,
                                    std::shared_ptr<const AddedTokens> kept, SpaceRules rules) {
  return [map = std::move(map), kept = std::move(kept), rules](std::string& text) {
    std::string out;
    out.reserve(text.size() + text.size() / 4 + kMark.size());
    if (rules.prefix && !rules.merge_spaces && !text.empty()) out += kMark;
    bool in_word = false;
    const auto add = [&](char c) {
      if (c == ' ') {
        in_word = false;
        if (!rules.merge_spaces) out += kMark;
        return;
      }
      if (!in_word && rules.merge_spaces && (rules.prefix || !out.empty())) out += kMark;
      in_word = true;
      out += c;
    };
    for (std::size_t at = 0; at < text.size();) {
      const std::string_view rest = std::string_view(text).substr(at);
      const AddedToken* token = kept->find(rest);
      const auto match = map == nullptr || token != nullptr ? std::nullopt : map->longest(rest);
      const std::size_t length = match              ? match->length
                                 : token != nullptr ? token->text.size()
                                                    : code_point_at(rest, 0).length;
      for (const char c : match ? match->replacement : rest.substr(0, length)) add(c);
      at += length;
    }
    text = std::move(out);
  };
}

}  // namespace pomona::text
