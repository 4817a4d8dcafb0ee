#include "lifecycle/language.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "text/unicode.h"

namespace pomona::lifecycle {
namespace {

/// Languages whose usual script is not Latin (Unicode CLDR, likely subtags), but for small ones:
/// their texts are known by a script in the code, or "und".
constexpr std::string_view kOtherScripts[] = {
    "ab",  "ady", "am",  "ar",  "ary", "arz", "as",  "av",  "awa", "azb", "ba",  "be",
    "bg",  "bho", "bn",  "bo",  "brx", "ce",  "chr", "ckb", "cu",  "cv",  "doi", "dv",
    "dz",  "el",  "fa",  "gan", "gez", "glk", "grc", "gu",  "hak", "he",  "hi",  "hne",
    "hsn", "hy",  "ii",  "inh", "iu",  "iw",  "ja",  "ka",  "kbd", "kk",  "km",  "kn",
    "ko",  "kok", "krc", "ks",  "kv",  "ky",  "lez", "lo",  "lrc", "lzh", "mag", "mai",
    "mdf", "mhr", "mk",  "ml",  "mn",  "mni", "mr",  "my",  "myv", "mzn", "ne",  "new",
    "nqo", "or",  "os",  "pa",  "pnb", "ps",  "ru",  "rue", "sa",  "sah", "sat", "sd",
    "shn", "si",  "sr",  "syr", "ta",  "te",  "tg",  "th",  "ti",  "tt",  "tyv", "udm",
    "ug",  "uk",  "und", "ur",  "wuu", "xal", "yi",  "yue", "zgh", "zh"};

struct Block {
  char32_t first, last;
  std::string_view language;
};
/// Blocks of the Unicode Standard with the language that most texts in their letters are of.
constexpr Block kBlocks[] = {
    {0x0370, 0x03FF, "el"}, {0x0400, 0x052F, "ru"},   {0x0530, 0x058F, "hy"},
    {0x0590, 0x05FF, "he"}, {0x0600, 0x06FF, "ar"},   {0x0750, 0x077F, "ar"},
    {0x08A0, 0x08FF, "ar"}, {0x0900, 0x097F, "hi"},   {0x0980, 0x09FF, "bn"},
    {0x0A00, 0x0A7F, "pa"}, {0x0A80, 0x0AFF, "gu"},   {0x0B00, 0x0B7F, "or"},
    {0x0B80, 0x0BFF, "ta"}, {0x0C00, 0x0C7F, "te"},   {0x0C80, 0x0CFF, "kn"},
    {0x0D00, 0x0D7F, "ml"}, {0x0D80, 0x0DFF, "si"},   {0x0E00, 0x0E7F, "th"},
    {0x0E80, 0x0EFF, "lo"}, {0x0F00, 0x0FFF, "bo"},   {0x1000, 0x109F, "my"},
    {0x10A0, 0x10FF, "ka"}, {0x1100, 0x11FF, "ko"},   {0x1200, 0x139F, "am"},
    {0x1780, 0x17FF, "km"}, {0x1800, 0x18AF, "mn"},   {0x1F00, 0x1FFF, "el"},
    {0x3040, 0x30FF, "ja"}, {0x3400, 0x4DBF, "zh"},   {0x4E00, 0x9FFF, "zh"},
    {0xAC00, 0xD7A3, "ko"}, {0xF900, 0xFAFF, "zh"},   {0xFB50, 0xFDFF, "ar"},
    {0xFE70, 0xFEFE, "ar"}, {0x20000, 0x3134F, "zh"},
};

struct Range {
  char32_t first, last;
};
/// Latin letters behind the Greek ones, and letters that go with them.
constexpr Range kLatin[] = {{0x1D00, 0x1EFF}, {0x2071, 0x209C}, {0x2C60, 0x2C7F}, {0xA720, 0xA7FF},
                            {0xAB30, 0xAB6F}, {0xFB00, 0xFB06}, {0xFF21, 0xFF5A}};

/// "" for a Latin letter and for what is no letter.
std::string_view language_of(char32_t c) {
  if (c < 0x0370) return "";
  for (const Block& block : kBlocks) {
    if (c >= block.first && c <= block.last) return block.language;
  }
  for (const Range& range : kLatin) {
    if (c >= range.first && c <= range.last) return "";
  }
  return text::is_letter(c) ? "und" : "";
}

}  // namespace

bool has_latin_script(std::string_view language) {
  const auto parts = split(language, '-');
  for (const std::string_view part : parts) {
    if (part.size() == 4 && part.front() > '9') return part == "Latn" || part == "latn";
  }
  return std::ranges::find(kOtherScripts, parts.front()) == std::end(kOtherScripts);
}

void ScriptCounts::add(char32_t character) {
  ++characters_;
  if (const std::string_view language = language_of(character); !language.empty()) ++of_[language];
}

std::string ScriptCounts::language() const {
  const auto share = [&](std::size_t count) {
    return static_cast<double>(count) / static_cast<double>(std::max<std::size_t>(characters_, 1));
  };
  const auto kana = of_.find("ja");
  if (kana != of_.end() && share(kana->second) > 0.1) return "ja";
  const auto most = std::ranges::max_element(
      of_, [](const auto& a, const auto& b) { return a.second < b.second; });
  return most != of_.end() && share(most->second) > 0.2 ? std::string(most->first) : "en";
}

}  // namespace pomona::lifecycle
