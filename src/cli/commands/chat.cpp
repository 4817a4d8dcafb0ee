// `pomona chat MODEL`: a conversation in the terminal, or over a pipe, line by line.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/edit/line_editor.h"
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
  bool no_history = false;
};

constexpr std::int64_t kDefaultNewTokens = 1024;

constexpr std::string_view kChatHelp =
    "/help         this text\n"
    "/reset        forget the conversation\n"
    "/save FILE    write the conversation as JSON (pomona template --messages reads it)\n"
    "/quit         leave; so does Ctrl-D\n"
    "Ctrl-J or Alt-Enter breaks a line, so does Enter behind a \\; or put \"\"\" around a long "
    "message.\n"
    "Up and down go through what was typed before, in earlier chats too; Ctrl-R searches it.\n"
    "Ctrl-C stops an answer, or drops what is written. Other keys are those of a shell.";

constexpr std::array<std::string_view, 4> kChatCommands = {"/help", "/quit", "/reset", "/save "};

/// What a user wrote.
struct Written {
  std::string text;
  bool is_command = false;
};

/// Where messages are remembered from chat to chat; nullopt: nowhere.
std::optional<fs::path> history_file(const Options& options) {
  constexpr const char* kSwitch = "POMONA_HISTORY";
  const char* const value = std::getenv(kSwitch);
  const std::string_view set = value == nullptr ? "" : value;
  if (!set.empty() && set != "off")
    fail(ErrorKind::bad_argument, "chat: {} is \"{}\", expected \"off\" or nothing", kSwitch, set);
  if (options.no_history || set == "off") return std::nullopt;
  return hub::Home().root() / "history" / "chat.jsonl";
}

class Chat {
 public:
  Chat(const Options& options, Console& console)
      : options_(options),
        console_(console),
        editor_(make_editor()),
        session_(options.session),
        scheduler_(session_.model, session_.context,
                   {.max_sequences = 1, .kv_kind = session_.kv_kind}) {
    system_ = well_formed(options.system, "chat: --system", console_);
    reset();
    session_.model.chat_prompt({{"user", "?"}});  // a model without a template fails here
  }

  void run() {
    if (interactive()) console_.note(greeting());
    while (const std::optional<Written> message = editor_ ? edit_message() : read_message()) {
      if (trim(message->text).empty()) continue;
      if (message->is_command) {
        if (!command(message->text)) return;
      } else {
        try {
          answer(message->text);
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

  /// Messages are edited where the user sees what is typed.
  std::unique_ptr<LineEditor> make_editor() const {
    if (!interactive() || !console_.error_is_terminal()) return nullptr;
    return std::make_unique<LineEditor>(console_, open_history(), kChatCommands);
  }

  /// One that cannot be read is no reason not to talk.
  History open_history() const {
    const std::optional<fs::path> file = history_file(options_);
    try {
      return History(file);
    } catch (const Error& error) {
      console_.note(fmt::format("pomona: the history is not kept: {}", error.what()));
      return History(std::nullopt);
    }
  }

  /// nullopt: the user leaves. Ctrl-C drops what is written so far; where nothing is, a second one
  /// in a row leaves.
  std::optional<Written> edit_message() {
    for (bool warned = false;; warned = true) {
      const LineEditor::Reading reading = editor_->read();
      if (reading.ending == LineEditor::Ending::end) return std::nullopt;
      if (reading.ending == LineEditor::Ending::message) {
        const bool one_line = reading.text.find('\n') == std::string::npos;
        return Written{reading.text, reading.text.starts_with('/') && one_line && !reading.quoted};
      }
      if (warned) fail(ErrorKind::cancelled, "chat: interrupted");
      console_.note("(Ctrl-C again or Ctrl-D leaves)");
    }
  }

  /// A line, or several joined by trailing backslashes; nullopt at the end of the input.
  std::optional<Written> read_message() {
    std::string message;
    for (;;) {
      if (interactive()) console_.prompt(message.empty() ? "> " : "… ");
      const std::optional<std::string> line = console_.read_line();
      if (!line && message.empty()) return std::nullopt;
      message += line.value_or("");
      if (!line || !message.ends_with('\\')) return Written{message, message.starts_with('/')};
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
  std::unique_ptr<LineEditor> editor_;  // nullptr: lines come as they are
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
  arguments.flag("--no-history", options->no_history,
                 "neither read nor keep what is typed; POMONA_HISTORY=off does the same");
  declare_sampling(arguments, options->sampling);
  declare_adapters(arguments, options->session);
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
        "stops an answer and keeps the chat. On a terminal, messages are edited with the keys of a "
        "shell, may have several lines, and are remembered for the next chat in "
        "$POMONA_HOME/history/chat.jsonl (500 to 1000 of the last, 1 MiB at most). From a pipe "
        "each line is "
        "a message, each answer "
        "follows as it is; with --json one object a line.",
    .examples = {{"pomona chat smollm2-135m", "on a terminal; /help there tells more"},
                 {"pomona chat smollm2-135m --system 'You are a pirate.' --temperature 0.7",
                  "another character"},
                 {"printf 'Hello\\nAnd in French?\\n' | pomona chat smollm2-135m --json",
                  "two messages from a script"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
