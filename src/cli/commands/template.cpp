// `pomona template MODEL|FILE.jinja`: the text that a chat template makes of a conversation.
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/session.h"
#include "model/model_files.h"
#include "text/template.h"
#include "text/tokenizer.h"

namespace pomona::cli {
namespace {

struct Options {
  std::string source;
  std::filesystem::path messages;
  std::optional<std::filesystem::path> tools;
  bool no_generation_prompt = false;
  std::optional<std::string> bos, eos;
  std::string now;
};

struct Source {
  std::string text, origin, bos, eos;
};

std::string text_of(const text::Tokenizer& tokenizer, std::optional<text::TokenId> token) {
  return token ? std::string(tokenizer.token_text(*token)) : "";
}

Source read_source(const std::string& name) {
  if (name.ends_with(".jinja")) return {read_file(name), name, "", ""};
  const std::filesystem::path path = resolve_model(name).path;
  const auto [tokenizer, source] = model::open_model_text(path);
  if (!source) fail(ErrorKind::unsupported, "{}: the model has no chat template", path.string());
  return {*source, path.string(), text_of(*tokenizer, tokenizer->special().bos),
          text_of(*tokenizer, tokenizer->special().eos)};
}

/// The list of messages, or the object that holds it under "messages".
Json read_messages(const std::filesystem::path& path) {
  Json json = read_json(path);
  if (json.is_object() && json.contains("messages")) return json["messages"];
  return json;
}

void render(const Options& options, Console& console) {
  const Source source = read_source(options.source);
  text::ChatOptions how;
  how.add_generation_prompt = !options.no_generation_prompt;
  if (options.tools) how.tools = read_json(*options.tools);
  how.bos = options.bos.value_or(source.bos);
  how.eos = options.eos.value_or(source.eos);
  how.now = options.now;
  const Json messages = read_messages(options.messages);
  const std::string rendered = text::ChatTemplate(source.text, source.origin).render(messages, how);
  if (console.json) return console.print_json(Json{{"rendered", rendered}});
  console.print(rendered);
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional("MODEL", options->source,
                       std::string(kModelHelp) + ", or a template: a path to a .jinja file");
  arguments
      .option("--messages", "F", options->messages,
              "JSON: a list of {\"role\", \"content\"}, or an object with \"messages\"")
      .needed();
  arguments.option("--tools", "F", options->tools, "JSON: descriptions of tools");
  arguments.flag("--no-generation-prompt", options->no_generation_prompt,
                 "end behind the last message, not at the start of an answer");
  arguments.option("--bos", "T", options->bos, "text of the BOS token (without it the model's)");
  arguments.option("--eos", "T", options->eos, "text of the EOS token (without it the model's)");
  arguments.option("--now", "ISO", options->now, "the time that the template sees");
  return [options](Console& console) { render(*options, console); };
}

}  // namespace

extern const Command kTemplate = {
    .name = "template",
    .group = Group::use,
    .summary = "the text that a model's chat template makes of a conversation",
    .about = "",
    .examples = {{"pomona template smollm2-135m --messages chat.json",
                  "exactly what the model is given; `/save` in a chat writes such a file"},
                 {"pomona template own.jinja --messages chat.json --bos '<s>' --json",
                  "a template of your own"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
