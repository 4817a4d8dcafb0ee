#include "model/chat.h"

#include "base/error.h"
#include "text/template.h"
#include "text/tokenizer.h"

namespace pomona::model {
namespace {

std::string text_of(const text::Tokenizer& tokenizer, std::optional<text::TokenId> id) {
  return id ? std::string(tokenizer.token_text(*id)) : std::string();
}

}  // namespace

std::string render_chat(const Model& model, const Json& messages, bool generation_prompt,
                        const Json& tools) {
  if (model.chat_template_error) throw Error(*model.chat_template_error);
  if (!model.chat_template) {
    fail(ErrorKind::unsupported,
         "{}: the model has no chat template, so it answers no messages; `generate --raw` "
         "continues plain text",
         model.path.string());
  }
  const text::SpecialTokens& special = model.tokenizer->special();
  return model.chat_template->render(messages, {.add_generation_prompt = generation_prompt,
                                                .tools = tools,
                                                .bos = text_of(*model.tokenizer, special.bos),
                                                .eos = text_of(*model.tokenizer, special.eos),
                                                .now = {},
                                                .extra = nullptr});
}

std::vector<std::int32_t> encode_chat(const Model& model, std::string_view rendered) {
  const text::SpecialTokens& special = model.tokenizer->special();
  const std::string bos = text_of(*model.tokenizer, special.bos);
  const bool has_bos = !bos.empty() && rendered.starts_with(bos);
  return model.tokenizer->encode(
      rendered, {.add_special = special.add_bos && !has_bos, .parse_special = true});
}

}  // namespace pomona::model
