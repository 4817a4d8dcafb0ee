// Chat templates: an own interpreter of the part of Jinja that chat models use (Jinja 3.1
// documentation; set up as Hugging Face transformers does, with trim_blocks, lstrip_blocks and loop
// controls). Templates come from strangers: they can reach nothing but their values, and steps,
// memory and nesting are limited.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace pomona::text {

namespace jinja {
struct Statement;
}

/// A parsed template; copies share it.
class Template {
 public:
  /// `origin` is the name in errors. Throws bad_file with the line of a syntax error, unsupported
  /// for parts of Jinja that need other files.
  explicit Template(std::string_view source, const std::string& origin = "chat template");

 private:
  friend std::string render(const Template&, const Json&, const std::string&);
  std::shared_ptr<const std::vector<jinja::Statement>> block_;
};

/// The text of the template with the names of `context` (an object). `now` is the local time that
/// strftime_now() formats, as ISO 8601; empty: the clock's. Throws bad_argument with the template's
/// own message (raise_exception) or Python's for a wrong operation, exhausted when the template
/// takes too many steps or too much memory.
std::string render(const Template& source, const Json& context, const std::string& now = {});

struct ChatOptions {
  /// Ends with the start of the assistant's turn.
  bool add_generation_prompt = true;
  /// Tool descriptions in the form of OpenAI's API, or null.
  Json tools = nullptr;
  /// The texts of the vocabulary's BOS and EOS tokens.
  std::string bos;
  std::string eos;
  /// ISO 8601; empty: the clock's.
  std::string now;
  /// Further names for the template, e.g. {"enable_thinking": false}, or null.
  Json extra = nullptr;
};

/// A template applied to conversations.
class ChatTemplate {
 public:
  explicit ChatTemplate(std::string_view source, const std::string& origin = "chat template")
      : template_(source, origin) {}

  /// `messages` is an array of objects with role and content, as in OpenAI's API. Throws as render;
  /// bad_argument for messages of another form.
  std::string render(const Json& messages, const ChatOptions& options = {}) const;

 private:
  Template template_;
};

}  // namespace pomona::text
