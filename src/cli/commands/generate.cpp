// `pomona generate MODEL`: one answer to one prompt.
#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/answer_json.h"
#include "cli/command.h"
#include "cli/sampling_options.h"
#include "cli/session.h"
#include "cli/user_text.h"
#include "decode/scheduler.h"
#include "text/tokenizer.h"

namespace pomona::cli {
namespace {

struct Options {
  SessionOptions session;
  std::optional<std::string> prompt;
  std::string prompt_file, system;
  bool raw = false;
  std::optional<std::int64_t> max_new_tokens;
  std::int64_t min_new_tokens = 0, answers = 1;
  decode::SamplingOptions sampling;
  std::vector<std::string> stop;
  std::optional<std::int64_t> logprobs;
  decode::BeamOptions search;
  std::string early_stopping = "no";
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
  return well_formed(std::move(prompt), "generate: the prompt", console);
}

std::vector<std::int32_t> tokens_of(const Options& options, const Session& session,
                                    const std::string& prompt, const std::string& system) {
  if (options.raw && !options.system.empty())
    fail(ErrorKind::bad_argument,
         "generate: --raw gives the prompt to the model as it is, without the template that "
         "--system needs");
  if (options.raw) return session.model.tokenizer->encode(prompt, {.add_special = true});
  std::vector<model::Message> messages;
  if (!system.empty()) messages.push_back({"system", system});
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

/// The answers in order, and the rate at which their tokens came.
struct Answers {
  std::vector<decode::Completion> all;
  std::int64_t kv_bytes = 0;  // of the cache, at most

  void add(decode::Completion completion) {
    all.push_back(std::move(completion));
    std::ranges::sort(all, {}, &decode::Completion::answer);
  }
  const decode::Completion& first() const { return all.front(); }
  double decode_rate() const {
    std::int64_t tokens = 0;
    double seconds = 0;
    for (const decode::Completion& one : all) {
      tokens += decoded(one);
      seconds = std::max(seconds, one.decode_seconds);
    }
    return rate(tokens, seconds);
  }
};

Json to_json(const Answers& answers, const Session& session) {
  const decode::Completion& first = answers.first();
  Json json = answer_json(first, *session.model.tokenizer);
  json.update({{"prompt_tokens", first.prompt_tokens},
               {"first_token_seconds", first.prefill_seconds},
               {"cold_first_token_seconds",
                first.first_token_time > 0 ? first.first_token_time - session.begun : 0},
               {"prefill_tokens_per_second", rate(first.prompt_tokens, first.prefill_seconds)},
               {"decode_tokens_per_second", answers.decode_rate()},
               {"kv_bytes", answers.kv_bytes}});
  json.update(session.figures());
  if (answers.all.size() == 1) return json;
  Json& list = json["answers"] = Json::array();
  for (const decode::Completion& one : answers.all)
    list.push_back(answer_json(one, *session.model.tokenizer));
  return json;
}

void note_figures(const Answers& answers, Console& console) {
  const decode::Completion& first = answers.first();
  std::size_t tokens = 0;
  for (const decode::Completion& one : answers.all) tokens += one.tokens.size();
  console.note(fmt::format(
      "({} prompt tokens, first token after {}; {} tokens at {:.0f} tokens/s; {} of KV cache)",
      first.prompt_tokens, human_duration(first.prefill_seconds), tokens, answers.decode_rate(),
      human_bytes(static_cast<std::uint64_t>(answers.kv_bytes))));
}

/// Says that answers were cut, unless it was at the number of tokens asked for.
void note_cuts(const Answers& answers, bool limit_given, const Session& session, Console& console) {
  for (const decode::Completion& one : answers.all) {
    if (one.context_full) {
      return console.note(fmt::format(
          "(cut: the model's context of {} tokens is full; a shorter prompt leaves more)",
          session.model.lm->shape().context));
    }
    if (one.reason == decode::StopReason::length && !limit_given)
      return console.note(
          fmt::format("(cut after {} tokens; -n sets the limit)", one.tokens.size()));
  }
}

decode::Request make_request(const Options& options, const Session& session,
                             std::vector<std::int32_t> prompt) {
  decode::Request request;
  request.prompt = std::move(prompt);
  const std::int64_t room =
      session.model.lm->shape().context - static_cast<std::int64_t>(request.prompt.size());
  request.max_new_tokens = options.max_new_tokens.value_or(std::max<std::int64_t>(
      1,
      std::min(std::max(session.max_new_tokens(kDefaultNewTokens), options.min_new_tokens), room)));
  request.min_new_tokens = options.min_new_tokens;
  request.sampling = options.sampling;
  request.stop = options.stop;
  request.answers = options.answers;
  request.logprobs = options.logprobs;
  request.search = options.search;
  request.search.early_stopping = decode::parse_early_stopping(options.early_stopping);
  return request;
}

/// Runs the request; a single answer appears as it comes.
Answers answer(decode::Request request, bool streams, const Session& session, Console& console) {
  if (streams) {
    request.on_text = [&](std::string_view piece, std::int64_t) {
      console.print(piece);
      console.flush();
    };
  }
  const auto length = static_cast<std::uint64_t>(request.prompt.size());
  const decode::SchedulerOptions scheduling{.max_sequences = request.answers,
                                            .kv_kind = session.kv_kind};
  const bool long_prompt = length > 4 * static_cast<std::uint64_t>(scheduling.prefill_tokens);
  if (long_prompt) {
    console.progress().begin("reading the prompt", length, "tokens");
    request.on_prompt = [&](std::int64_t read) {
      console.progress().update(static_cast<std::uint64_t>(read));
      if (static_cast<std::uint64_t>(read) == length) console.progress().end();
    };
  }
  decode::Scheduler scheduler(session.model, session.context, scheduling);
  scheduler.submit(std::move(request));
  Answers answers;
  try {
    scheduler.run([&](std::int64_t, decode::Completion done) { answers.add(std::move(done)); });
  } catch (const Error&) {
    if (streams) console.print("\n");
    throw;
  }
  answers.kv_bytes = scheduler.peak_cache_bytes();
  return answers;
}

void generate(const Options& options, Console& console) {
  if (std::ranges::find(options.stop, "") != options.stop.end())
    fail(ErrorKind::bad_argument, "generate: --stop: an empty text is everywhere; give some");
  if (options.logprobs && !console.json)
    fail(ErrorKind::bad_argument, "generate: --logprobs is part of the JSON; add --json");
  const std::string prompt = read_prompt(options, console);
  const std::string system = well_formed(options.system, "generate: --system", console);
  Session session(options.session);
  session.context.stop = &console.stop();
  const bool streams = !console.json && options.answers == 1 && options.search.beams == 1;
  const Answers answers =
      answer(make_request(options, session, tokens_of(options, session, prompt, system)), streams,
             session, console);
  if (console.json) return console.print_json(to_json(answers, session));
  if (answers.all.size() == 1) {
    console.print(streams ? "\n" : answers.first().text + "\n");
  } else {
    for (const decode::Completion& one : answers.all)
      console.print(fmt::format("[{}] {}\n", one.answer + 1, one.text));
  }
  console.flush();
  note_cuts(answers, options.max_new_tokens.has_value(), session, console);
  if (console.error_is_terminal()) note_figures(answers, console);
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
  arguments
      .option("--min-new-tokens", "N", options->min_new_tokens,
              "tokens of the answer at least: nothing ends it before")
      .at_least(0);
  declare_sampling(arguments, options->sampling);
  arguments.option("--stop", "TEXT", options->stop,
                   "ends the answer where it appears, and is left out");
  arguments
      .option("--answers", "N", options->answers,
              "so many answers to the prompt: with the seeds S, S + 1 ..., or the best of --beams")
      .between(1, 1024);
  arguments
      .option("--beams", "N", options->search.beams,
              "above 1: beam search, which looks for the likeliest answer among so many")
      .between(1, 256);
  arguments
      .option("--length-penalty", "X", options->search.length_penalty,
              "beams are compared by log probability / length^X: above 0 favours long answers")
      .between(-10, 10);
  arguments
      .option("--early-stopping", "WHEN", options->early_stopping,
              "ends a beam search at once when there are --beams answers (yes), when others are "
              "unlikely to be better (no) or cannot be (never)")
      .one_of({"no", "yes", "never"});
  arguments
      .option("--logprobs", "N", options->logprobs,
              "with --json: the log probability of each token and of the N likeliest in its place")
      .between(0, static_cast<double>(decode::kMostLogprobs));
  declare_adapters(arguments, options->session);
  declare_context(arguments, options->session);
  declare_engine(arguments, options->session);
  declare_kv_type(arguments, options->session);
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
         {"pomona generate smollm2-135m --adapter pirate --adapter rhymes:0.5 -p 'Hello'",
          "with what two adapters have learnt, the second at half strength"},
         {"pomona generate smollm2-135m --raw -p 'Once upon a time' -n 50 --stop .",
          "continue a text up to the first full stop"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
