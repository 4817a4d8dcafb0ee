// `pomona generate MODEL`: one answer to one prompt.
#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/sampling_options.h"
#include "cli/session.h"
#include "decode/scheduler.h"
#include "text/tokenizer.h"

namespace pomona::cli {
namespace {

struct Options {
  SessionOptions session;
  std::optional<std::string> prompt;
  std::string prompt_file, system, adapter;
  bool raw = false;
  std::optional<std::int64_t> max_new_tokens;
  decode::SamplingOptions sampling;
  std::vector<std::string> stop;
};

constexpr std::int64_t kDefaultNewTokens = 256;

/// Standard input without its last line end.
std::string read_piped(Console& console) {
  std::string text = console.read_input();
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

std::string read_prompt(const Options& options, Console& console) {
  if (options.prompt && !options.prompt_file.empty()) {
    fail(ErrorKind::bad_argument, "generate: --prompt and --prompt-file are given; choose one");
  }
  std::string prompt;
  if (options.prompt && *options.prompt != "-") {
    prompt = *options.prompt;
  } else if (!options.prompt_file.empty() && options.prompt_file != "-") {
    prompt = read_file(options.prompt_file);
  } else if (!options.prompt && options.prompt_file.empty() && console.input_is_terminal()) {
    fail(ErrorKind::bad_argument, "generate: no prompt; give it with -p, --prompt-file or a pipe");
  } else {
    prompt = read_piped(console);
  }
  if (prompt.empty()) fail(ErrorKind::bad_argument, "generate: the prompt is empty");
  check_utf8(prompt, "generate: the prompt");
  return prompt;
}

std::vector<std::int32_t> tokens_of(const Options& options, const Session& session,
                                    const std::string& prompt) {
  if (options.raw && !options.system.empty())
    fail(ErrorKind::bad_argument,
         "generate: --raw gives the prompt to the model as it is, without the template that "
         "--system needs");
  if (options.raw) return session.model.tokenizer->encode(prompt, {.add_special = true});
  std::vector<model::Message> messages;
  if (!options.system.empty()) messages.push_back({"system", options.system});
  std::ranges::copy(session.messages(prompt, true), std::back_inserter(messages));
  return session.model.chat_prompt(messages);
}

double rate(std::int64_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

/// Forward passes behind the first token: one for each further token, and one for an end token.
std::int64_t decoded(const decode::Completion& completion) {
  const auto tokens = static_cast<std::int64_t>(completion.tokens.size());
  return completion.reason == decode::StopReason::end ? tokens : tokens - 1;
}

Json to_json(const decode::Completion& completion, const Session& session) {
  Json json = {
      {"text", completion.text},
      {"tokens", completion.tokens},
      {"prompt_tokens", completion.prompt_tokens},
      {"generated_tokens", completion.tokens.size()},
      {"stop_reason", decode::name_of(completion.reason)},
      {"first_token_seconds", completion.prefill_seconds},
      {"prefill_tokens_per_second", rate(completion.prompt_tokens, completion.prefill_seconds)},
      {"decode_tokens_per_second", rate(decoded(completion), completion.decode_seconds)}};
  json.update(session.figures());
  return json;
}

void note_figures(const decode::Completion& completion, Console& console) {
  console.note(
      fmt::format("({} prompt tokens, first token after {}; {} tokens at {:.0f} tokens/s; {})",
                  completion.prompt_tokens, human_duration(completion.prefill_seconds),
                  completion.tokens.size(), rate(decoded(completion), completion.decode_seconds),
                  completion.reason == decode::StopReason::length ? "cut at the limit, -n raises it"
                                                                  : "complete"));
}

void generate(const Options& options, Console& console) {
  if (!options.adapter.empty()) {
    fail(ErrorKind::unsupported, "generate: --adapter: this version does not read adapters");
  }
  options.sampling.check();
  const std::string prompt = read_prompt(options, console);
  check_utf8(options.system, "generate: --system");
  Session session(options.session);
  session.context.stop = &console.stop();
  decode::Request request;
  request.prompt = tokens_of(options, session, prompt);
  const std::int64_t room =
      session.model.lm->shape().context - static_cast<std::int64_t>(request.prompt.size());
  request.max_new_tokens = options.max_new_tokens.value_or(
      std::max<std::int64_t>(1, std::min(session.max_new_tokens(kDefaultNewTokens), room)));
  request.sampling = options.sampling;
  request.stop = options.stop;
  if (!console.json) {
    request.on_text = [&](std::string_view piece) {
      console.print(piece);
      console.flush();
    };
  }
  decode::Scheduler scheduler(session.model, session.context, {.max_sequences = 1});
  scheduler.submit(std::move(request));
  decode::Completion completion;
  try {
    scheduler.run([&](std::int64_t, decode::Completion done) { completion = std::move(done); });
  } catch (const Error&) {
    if (!console.json) console.print("\n");
    throw;
  }
  if (console.json) return console.print_json(to_json(completion, session));
  console.print("\n");
  console.flush();
  if (console.error_is_terminal()) note_figures(completion, console);
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional("MODEL", options->session.model, kModelHelp);
  arguments.option("-p,--prompt", "TEXT", options->prompt,
                   "what to answer; - or nothing: standard input without its last line end");
  arguments.option("--prompt-file", "F", options->prompt_file, "the prompt, exactly");
  arguments.option("--system", "TEXT", options->system, "a system message in front of the prompt");
  arguments.flag("--raw", options->raw,
                 "continue the text as it is, without the model's chat template");
  arguments
      .option("-n,--max-new-tokens", "N", options->max_new_tokens,
              "tokens of the answer at most; without it 256, or what the context leaves")
      .at_least(1);
  declare_sampling(arguments, options->sampling);
  arguments.option("--stop", "TEXT", options->stop,
                   "ends the answer where it appears, and is left out");
  arguments.option("--adapter", "DIR[:W]", options->adapter,
                   "an adapter and its weight (this version has none)");
  declare_engine(arguments, options->session);
  return [options](Console& console) { generate(*options, console); };
}

}  // namespace

extern const Command kGenerate = {
    .name = "generate",
    .group = Group::use,
    .summary = "one answer to one prompt",
    .about =
        "The text appears as it comes. With --json the answer and its figures come at the end.",
    .examples =
        {{"pomona generate smollm2-135m -p 'Why is the sky blue?'",
          "the likeliest answer, the same every time"},
         {"pomona generate smollm2-135m -p 'A story about a pear' --temperature 0.8 --seed 7",
          "another answer for every seed"},
         {"cat notes.txt | pomona generate smollm2-135m --system 'Summarise this.' --json",
          "from a pipe, with tokens, times and memory"},
         {"pomona generate smollm2-135m --raw -p 'Once upon a time' -n 50 --stop .",
          "continue a text up to the first full stop"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
