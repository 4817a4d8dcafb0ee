#include "text/byte_level_bpe.h"

#include "base/error.h"
#include "base/quote.h"
#include "text/bpe.h"
#include "text/byte_alphabet.h"
#include "text/composed_tokenizer.h"
#include "text/named_pretokenizer.h"

namespace pomona::text {
namespace {

std::vector<BpeMerge> read_merges(const Vocabulary& vocabulary,
                                  const std::vector<std::string_view>& lines) {
  std::vector<BpeMerge> merges;
  merges.reserve(lines.size());
  MergeReader reader(vocabulary);
  for (std::size_t rank = 0; rank < lines.size(); ++rank) {
    const std::string_view line = lines[rank];
    const std::size_t space = line.find(' ', 1);  // a merge may begin with the token " "
    if (space == std::string_view::npos)
      fail(ErrorKind::bad_file, "tokenizer of {}: merge {} is not two tokens and a space between",
           vocabulary.origin(), rank);
    merges.push_back(reader.next(line.substr(0, space), line.substr(space + 1)));
  }
  return merges;
}

}  // namespace

std::unique_ptr<Tokenizer> make_tokenizer(const BpeSpec& spec) {
  const NamedPretokenizer* named = find_pretokenizer(spec.pretokenizer);
  if (named == nullptr)
    fail(ErrorKind::unsupported, "tokenizer of {}: pre-tokeniser {} is unknown; known are {}",
         spec.origin, quote_name(spec.pretokenizer), fmt::join(pretokenizer_names(), ", "));
  const auto vocabulary = std::make_shared<Vocabulary>(spec);
  for (std::size_t i = 0; i < vocabulary->size(); ++i) {
    // Added tokens are plain text; so is, to be lenient, a normal token outside the alphabet.
    const auto id = static_cast<TokenId>(i);
    if (vocabulary->kind(id) != TokenKind::normal) continue;
    if (const auto bytes = bytes_of_letters(vocabulary->text(id)))
      vocabulary->set_bytes(id, *bytes, *bytes);
  }
  BpeRules rules;
  rules.byte_level = true;
  rules.whole_words_first = named->whole_words_first;
  rules.merges = read_merges(*vocabulary, spec.merges);
  Composition parts;
  parts.vocabulary = vocabulary;
  parts.pretokenizer = make_pretokenizer(*named);
  parts.model = std::make_unique<BpeModel>(vocabulary, std::move(rules));
  parts.added = added_by_kind(*vocabulary);
  if (spec.special.add_bos) parts.front.push_back(*spec.special.bos);
  if (spec.special.add_eos) parts.back.push_back(*spec.special.eos);
  return std::make_unique<ComposedTokenizer>(std::move(parts));
}

}  // namespace pomona::text
