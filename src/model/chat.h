// Conversations as text and tokens, the same for answering and for training.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/model.h"

namespace pomona::model {

/// The text of the model's chat template for `messages` (as text::ChatTemplate::render takes them),
/// with the start of an answer behind it or not. Throws as Model::chat_prompt and that.
std::string render_chat(const Model& model, const Json& messages, bool generation_prompt,
                        const Json& tools = nullptr);

/// The tokens of such a text: BOS in front if the vocabulary asks for it and the template has not
/// written it, since a second one would be a token the model never saw there.
std::vector<std::int32_t> encode_chat(const Model& model, std::string_view rendered);

}  // namespace pomona::model
