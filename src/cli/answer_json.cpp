#include "cli/answer_json.h"

#include "text/detokenizer.h"

namespace pomona::cli {
namespace {

Json token_json(std::int32_t id, double logprob, const text::Tokenizer& tokenizer) {
  std::string bytes(tokenizer.token_bytes(id));
  Json numbers = Json::array();
  for (const char byte : bytes) numbers.push_back(static_cast<unsigned char>(byte));
  return {{"token", text::take_well_formed(bytes, true)},
          {"id", id},
          {"bytes", std::move(numbers)},
          {"logprob", logprob}};
}

Json logprobs_json(const std::vector<decode::TokenLogprob>& logprobs,
                   const text::Tokenizer& tokenizer) {
  Json content = Json::array();
  for (const decode::TokenLogprob& one : logprobs) {
    Json entry = token_json(one.token, one.logprob, tokenizer);
    Json& top = entry["top_logprobs"] = Json::array();
    for (const auto& [id, logprob] : one.top) top.push_back(token_json(id, logprob, tokenizer));
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}};
}

}  // namespace

Json answer_json(const decode::Completion& completion, const text::Tokenizer& tokenizer) {
  Json json = {{"text", completion.text},
               {"tokens", completion.tokens},
               {"generated_tokens", completion.tokens.size()},
               {"stop_reason", decode::name_of(completion.reason)}};
  if (completion.score) json["score"] = *completion.score;
  if (completion.context_full) json["context_full"] = true;
  if (!completion.logprobs.empty())
    json["logprobs"] = logprobs_json(completion.logprobs, tokenizer);
  return json;
}

}  // namespace pomona::cli
