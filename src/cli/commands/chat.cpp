// `pomona chat MODEL`: a conversation in the terminal, or over a pipe, line by line.
#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/sampling_options.h"
#include "cli/session.h"
#include "cli/user_text.h"
#include "decode/scheduler.h"

namespace pomona::cli {
namespace {

struct Options {
  SessionOptions session;
  std::string system;
  std::optional<std::int64_t> max_new_tokens;
  decode::SamplingOptions sampling;
};

constexpr std::int64_t kDefaultNewTokens = 1024;

constexpr std::string_view kChatHelp =
    "/help         this text\n"
    "/reset        forget the conversation\n"
    "/save FILE    write the conversation as JSON (pomona template --messages reads it)\n"
    "/quit         leave; so does Ctrl-D\n"
    "A line that ends with \\ goes on in the next one. Ctrl-C stops an answer.";

class Chat {
 public:
  Chat(const Options& options, Console& console)
      : options_(options),
        console_(console),
        session_(options.session),
        scheduler_(session_.model, session_.context,
                   {.max_sequences = 1, .kv_kind = session_.kv_kind}) {
    system_ = well_formed(options.system, "chat: --system", console_);
    reset();
    session_.model.chat_prompt({{"user", "?"}});  // a model without a template fails here
  }

  void run() {
    if (interactive()) console_.note(greeting());
    while (const std::optional<std::string> message = read_message()) {
      if (trim(*message).empty()) continue;
      if (message->starts_with('/')) {
        if (!command(*message)) return;
      } else {
        try {
          answer(*message);
        } catch (const Error& error) {
          tell(error);
        }
      }
    }
    if (interactive()) console_.note("");
  }

 private:
  bool interactive() const { return console_.input_is_terminal(); }

  std::string greeting() const {
    return fmt::format("{}: type a message; /help for more, Ctrl-D to leave.",
                       session_.resolved.name);
  }

  void reset() {
    messages_.clear();
    begun_ = false;
    if (!system_.empty()) messages_.push_back({"system", system_});
  }

  /// Something that ends neither the chat on a terminal nor the conversation. Where nobody can
  /// react, it ends the program.
  void tell(const Error& error) {
    if (!interactive()) throw error;
    console_.note(fmt::format("pomona: {}", error.what()));
  }

  /// A line, or several joined by trailing backslashes; nullopt at the end of the input. Ctrl-C
  /// drops what is written so far; a second one in a row leaves.
  std::optional<std::string> read_message() {
    for (bool warned = false;;) {
      try {
        return read_lines(warned);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::cancelled || !interactive() || warned) throw;
        console_.note("\n(Ctrl-C again or Ctrl-D leaves)");
        forget_interrupt();
        warned = true;
      }
    }
  }

  std::optional<std::string> read_lines(bool& warned) {
    std::string message;
    for (;;) {
      if (interactive()) console_.prompt(message.empty() ? "> " : "… ");
      const std::optional<std::string> line = console_.read_line();
      if (!line) return message.empty() ? std::nullopt : std::optional(message);
      warned = false;
      message += *line;
      if (!message.ends_with('\\')) return message;
      message.back() = '\n';
    }
  }

  /// False: leave.
  bool command(const std::string& line) {
    const std::size_t space = line.find(' ');
    const std::string name = line.substr(0, space);
    const std::string_view rest =
        space == std::string::npos ? "" : trim(std::string_view(line).substr(space));
    if (name == "/quit" || name == "/exit") return false;
    if (name == "/help") {
      console_.note(kChatHelp);
    } else if (name == "/reset") {
      reset();
      console_.note("(forgotten)");
    } else if (name == "/save") {
      save(rest);
    } else {
      tell(Error(ErrorKind::bad_argument,
                 fmt::format("chat: there is no command {}; /help lists them", name)));
    }
    return true;
  }

  void save(std::string_view file) {
    try {
      if (file.empty()) fail(ErrorKind::bad_argument, "chat: /save needs a file name");
      Json json = Json::array();
      for (const model::Message& message : messages_) {
        json.push_back({{"role", message.role}, {"content", message.content}});
      }
      write_file(std::string(file), json.dump(1) + "\n");
      console_.note(fmt::format("({} messages in {})", messages_.size(), file));
    } catch (const Error& error) {
      tell(error);
    }
  }

  decode::Request request_for(const std::vector<model::Message>& messages) {
    decode::Request request;
    request.prompt = session_.model.chat_prompt(messages);
    const std::int64_t limit = session_.model.lm->shape().context;
    const std::int64_t room = limit - static_cast<std::int64_t>(request.prompt.size());
    if (room < 1) {
      fail(ErrorKind::bad_argument,
           "chat: the conversation has {} tokens, the model's context {}; /reset starts afresh",
           request.prompt.size(), limit);
    }
    request.max_new_tokens = std::min(
        options_.max_new_tokens.value_or(session_.max_new_tokens(kDefaultNewTokens)), room);
    request.sampling = options_.sampling;
    request.sampling.seed += static_cast<std::uint64_t>(messages.size());
    request.cancel = &console_.stop();
    if (!console_.json) {
      request.on_text = [this](std::string_view piece, std::int64_t) {
        console_.print(piece);
        console_.flush();
      };
    }
    return request;
  }

  void answer(const std::string& message) {
    const std::string text = well_formed(message, "chat: the message", console_);
    std::vector<model::Message> messages = messages_;
    std::ranges::copy(session_.messages(text, !begun_), std::back_inserter(messages));
    scheduler_.submit(request_for(messages));
    decode::Completion completion;
    scheduler_.run([&](std::int64_t, decode::Completion done) { completion = std::move(done); });
    const bool cancelled = completion.reason == decode::StopReason::cancelled;
    show(completion);
    messages.push_back({"assistant", completion.text});
    messages_ = std::move(messages);
    begun_ = true;
    if (cancelled && !interactive()) fail(ErrorKind::cancelled, "chat: interrupted");
    forget_interrupt();
  }

  void show(const decode::Completion& completion) {
    if (console_.json) {
      Json json = {{"text", completion.text},
                   {"prompt_tokens", completion.prompt_tokens},
                   {"shared_tokens", completion.shared_tokens},
                   {"generated_tokens", completion.tokens.size()},
                   {"stop_reason", decode::name_of(completion.reason)}};
      if (completion.context_full) json["context_full"] = true;
      console_.print_json(json);
    } else {
      console_.print("\n");
    }
    console_.flush();
    if (completion.context_full) {
      console_.note("(cut: the model's context is full; /reset starts afresh)");
    } else if (interactive() && completion.reason == decode::StopReason::length) {
      console_.note("(cut at the limit; -n sets it)");
    } else if (interactive() && completion.reason == decode::StopReason::cancelled) {
      console_.note("(stopped)");
    }
  }

  const Options& options_;
  Console& console_;
  Session session_;
  decode::Scheduler scheduler_;
  std::string system_;
  std::vector<model::Message> messages_;
  bool begun_ = false;  // a message was answered
};

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional("MODEL", options->session.model, kModelHelp);
  arguments.option("--system", "TEXT", options->system, "a system message: who the model is to be");
  arguments
      .option("-n,--max-new-tokens", "N", options->max_new_tokens,
              "tokens of an answer at most; without it 1024")
      .at_least(1);
  declare_sampling(arguments, options->sampling);
  declare_context(arguments, options->session);
  declare_engine(arguments, options->session);
  declare_kv_type(arguments, options->session);
  return [options](Console& console) { Chat(*options, console).run(); };
}

}  // namespace

extern const Command kChat = {
    .name = "chat",
    .group = Group::use,
    .summary = "talk with a model",
    .about =
        "The conversation stays in the model's cache, so only the new message is read. Ctrl-C "
        "stops an answer and keeps the chat. From a pipe each line is a message, each answer "
        "follows as it is; with --json one object a line.",
    .examples = {{"pomona chat smollm2-135m", "on a terminal; /help there tells more"},
                 {"pomona chat smollm2-135m --system 'You are a pirate.' --temperature 0.7",
                  "another character"},
                 {"printf 'Hello\\nAnd in French?\\n' | pomona chat smollm2-135m --json",
                  "two messages from a script"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
