// libFuzzer entry for tokenisers made from hostile vocabularies: the input is a GGUF file whose
// name and tokens also serve as the text to encode.
#include <span>
#include <string>

#include "base/error.h"
#include "store/gguf.h"
#include "store/gguf_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pomona;
  try {
    const auto contents = store::parse_gguf(std::as_bytes(std::span(data, size)), "fuzz.gguf");
    const auto tokenizer = store::read_tokenizer(contents.metadata);
    std::string text = "A b\n\n12 caf\u00E9 \u4E2D ";
    for (std::size_t i = 0; i < std::min<std::size_t>(8, tokenizer->vocabulary_size()); ++i)
      text += tokenizer->token_text(static_cast<text::TokenId>(i));
    tokenizer->decode(tokenizer->encode(text, {true, true}), true);
    tokenizer->decode(tokenizer->encode(text));
  } catch (const Error&) {
  }
  return 0;
}
