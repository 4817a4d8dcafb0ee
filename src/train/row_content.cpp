#include "train/row_content.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"

namespace pomona::train {
namespace {

/// A record under our names.
class Fields {
 public:
  Fields(const store::Record& record, const DataOptions& options, std::string_view origin)
      : options_(options), place_(store::place(origin, record)), fields_(record.object) {
    if (!fields_.is_null()) return;
    fields_ = Json::object();
    for (std::size_t i = 0; i < record.names.size(); ++i)
      fields_[record.names[i]] = record.values[i];
  }

  const std::string& place() const { return place_; }
  const Json& all() const { return fields_; }

  std::string column(const std::string& role) const {
    const auto at = options_.columns.find(role);
    return at == options_.columns.end() ? role : at->second;
  }

  /// nullptr if there is none, or null.
  const Json* find(const std::string& role) const {
    const auto at = fields_.find(column(role));
    return at == fields_.end() || at->is_null() ? nullptr : &*at;
  }

  const Json& at(const std::string& role) const {
    if (const Json* value = find(role)) return *value;
    fail_missing(column(role));
  }

  /// Numbers, true and false count as their text.
  std::string text(const std::string& role) const { return text(at(role), column(role)); }

  std::string text(const Json& value, std::string_view name) const {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number() || value.is_boolean()) return value.dump();
    fail(ErrorKind::bad_file, "{}: {} is no text", place_, quote_name(name));
  }

  std::string filled_text(const std::string& role) const {
    std::string value = text(role);
    if (trim(value).empty())
      fail(ErrorKind::bad_file, "{}: {} is empty", place_, quote_name(column(role)));
    return value;
  }

  std::string text_or_nothing(const std::string& role) const {
    return find(role) != nullptr ? text(role) : std::string();
  }

  /// A list of objects, or text that is one in JSON.
  Json list(const std::string& role) const {
    Json value = at(role);
    if (value.is_string()) value = Json::parse(value.get<std::string>(), nullptr, false);
    if (!value.is_array())
      fail(ErrorKind::bad_file, "{}: {} is no list", place_, quote_name(column(role)));
    return value;
  }

  [[noreturn]] void fail_missing(std::string_view name) const {
    const std::vector<std::string> names = this->names();
    const auto meant = nearest(name, names);
    fail(ErrorKind::bad_file, "{}: no {}; {}", place_, quote_name(name),
         meant ? fmt::format("did you mean {}?", quote_name(*meant)) : "it has: " + listed(names));
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, value] : fields_.items()) names.push_back(name);
    return names;
  }

  static std::string listed(const std::vector<std::string>& names) {
    std::vector<std::string> quoted;
    for (const std::string& name : names) quoted.push_back(quote_name(name));
    return fmt::format("{}", fmt::join(quoted, ", "));
  }

 private:
  const DataOptions& options_;
  std::string place_;
  Json fields_;
};

Json message(std::string_view role, std::string content) {
  return {{"role", role}, {"content", std::move(content)}};
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == ' ' || (c & 0x80) != 0;
  });
}

/// The instruction with each {column} replaced, in one pass: braces in values stay as they are.
std::string fill(std::string_view instruction, const Fields& fields) {
  std::string filled;
  for (;;) {
    const std::size_t open = std::min(instruction.find('{'), instruction.size());
    filled += instruction.substr(0, open);
    instruction.remove_prefix(open);
    if (instruction.empty()) return filled;
    const std::size_t close = instruction.find('}');
    const std::string name(instruction.substr(1, close == instruction.npos ? 0 : close - 1));
    if (close == instruction.npos || !is_name(name)) {
      filled += instruction.front();
      instruction.remove_prefix(1);
      continue;
    }
    const Json& all = fields.all();
    const std::string prompt = fields.column("prompt");
    const bool is_role = !all.contains(name) && (name == "prompt" || name == "input");
    const std::string& column = is_role ? prompt : name;
    if (!all.contains(column)) fields.fail_missing(column);
    filled += fields.text(all.at(column), column);
    instruction.remove_prefix(close + 1);
  }
}

void check_messages(const Json& messages, const Fields& fields, std::size_t answers_from) {
  bool answered = false;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Json& turn = messages[i];
    const auto role = turn.is_object() ? turn.find("role") : turn.end();
    if (!turn.is_object() || role == turn.end() || !role->is_string())
      fail(ErrorKind::bad_file, "{}: message {} is no object with a \"role\"", fields.place(),
           i + 1);
    const auto content = turn.find("content");
    const bool empty = content == turn.end() || content->is_null();
    if (empty ? !turn.contains("tool_calls") : !(content->is_string() || content->is_array()))
      fail(ErrorKind::bad_file, "{}: message {} has no \"content\" that is text", fields.place(),
           i + 1);
    answered = answered || (i >= answers_from && *role == "assistant");
  }
  if (!answered)
    fail(ErrorKind::bad_file,
         "{}: no turn of the assistant, so there is nothing to learn; take the row out or give it "
         "an answer",
         fields.place());
}

RowContent chat(Json messages, const Fields& fields, std::size_t answers_from = 0) {
  check_messages(messages, fields, answers_from);
  RowContent content;
  content.kind = RowContent::Kind::chat;
  content.messages = std::move(messages);
  content.answers_from = answers_from;
  if (fields.find("tools") != nullptr && *fields.find("tools") != "")
    content.tools = fields.list("tools");
  return content;
}

Json with_system(const Fields& fields) {
  Json messages = Json::array();
  const std::string system = fields.text_or_nothing("system");
  if (!system.empty()) messages.push_back(message("system", system));
  return messages;
}

RowContent plain(std::string prompt, std::string completion) {
  RowContent content;
  content.kind = RowContent::Kind::plain;
  content.prompt = std::move(prompt);
  content.completion = std::move(completion);
  return content;
}

RowContent prompt_completion(const Fields& fields, const std::string& instruction, bool is_chat) {
  if (instruction.empty() && fields.at("prompt").is_array()) {
    Json messages = fields.list("prompt");
    const std::size_t asked = messages.size();
    for (Json& turn : fields.list("completion")) messages.push_back(std::move(turn));
    return chat(std::move(messages), fields, asked);
  }
  fields.filled_text("prompt");
  std::string prompt = instruction.empty() ? fields.text("prompt") : fill(instruction, fields);
  std::string completion = fields.filled_text("completion");
  if (!is_chat) return plain(fields.text_or_nothing("system") + prompt, std::move(completion));
  Json messages = with_system(fields);
  messages.push_back(message("user", std::move(prompt)));
  messages.push_back(message("assistant", std::move(completion)));
  const std::size_t asked = messages.size() - 1;
  return chat(std::move(messages), fields, asked);
}

/// Stanford Alpaca's rows, with system and history (a list of [prompt, answer]) as LLaMA-Factory
/// adds them. Without a chat template its headings stand between the parts.
RowContent alpaca(const Fields& fields, bool is_chat) {
  const std::string instruction = fields.filled_text("instruction");
  const std::string input = fields.text_or_nothing("input");
  std::string output = fields.filled_text("output");
  if (!is_chat)
    return plain(fmt::format("### Instruction:\n{}\n\n{}### Response:\n", instruction,
                             input.empty() ? "" : fmt::format("### Input:\n{}\n\n", input)),
                 std::move(output));
  Json messages = with_system(fields);
  const Json history = fields.find("history") != nullptr ? fields.list("history") : Json::array();
  for (const Json& turn : history) {
    if (!turn.is_array() || turn.size() != 2)
      fail(ErrorKind::bad_file, "{}: \"history\" is no list of [prompt, answer]", fields.place());
    messages.push_back(message("user", fields.text(turn[0], "history")));
    messages.push_back(message("assistant", fields.text(turn[1], "history")));
  }
  messages.push_back(
      message("user", input.empty() ? instruction : fmt::format("{}\n\n{}", instruction, input)));
  messages.push_back(message("assistant", std::move(output)));
  const std::size_t asked = messages.size() - 1;
  return chat(std::move(messages), fields, asked);
}

/// A call of functions as ShareGPT rows write it: JSON text of one or a list.
Json tool_calls(const std::string& text, const Fields& fields) {
  Json calls = Json::parse(text, nullptr, false);
  if (calls.is_object()) calls = Json::array({calls});
  Json list = Json::array();
  for (const Json& call : calls.is_array() ? calls : Json::array({nullptr})) {
    if (!call.is_object() || !call.contains("name"))
      fail(ErrorKind::bad_file,
           "{}: a function_call is no JSON object with \"name\" and \"arguments\"", fields.place());
    list.push_back({{"type", "function"}, {"function", call}});
  }
  return list;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kSpeakers = {
    {{"human", "user"},
     {"user", "user"},
     {"gpt", "assistant"},
     {"assistant", "assistant"},
     {"model", "assistant"},
     {"chatgpt", "assistant"},
     {"system", "system"},
     {"function_call", "assistant"},
     {"observation", "tool"},
     {"function_response", "tool"},
     {"tool", "tool"}}};

RowContent sharegpt(const Fields& fields) {
  Json messages = with_system(fields);
  for (const Json& turn : fields.list("conversations")) {
    if (!turn.is_object() || !turn.contains("from") || !turn.contains("value"))
      fail(ErrorKind::bad_file, "{}: a turn is no object with \"from\" and \"value\"",
           fields.place());
    const std::string from = fields.text(turn.at("from"), "from");
    std::string value = fields.text(turn.at("value"), "value");
    const auto speaker = std::find_if(kSpeakers.begin(), kSpeakers.end(),
                                      [&](const auto& known) { return known.first == from; });
    if (speaker == kSpeakers.end())
      fail(ErrorKind::bad_file,
           "{}: a turn is from {}; known are human, gpt, system, function_call, observation",
           fields.place(), quote_name(from));
    if (from == "function_call") {
      Json call = message("assistant", "");
      call["tool_calls"] = tool_calls(value, fields);
      messages.push_back(std::move(call));
    } else {
      messages.push_back(message(speaker->second, std::move(value)));
    }
  }
  return chat(std::move(messages), fields);
}

}  // namespace

RowFormat format_by_keys(const std::vector<store::Record>& records, const DataOptions& options,
                         std::string_view origin) {
  const auto have = [&](std::initializer_list<const char*> roles) {
    return std::all_of(roles.begin(), roles.end(), [&](const char* role) {
      return std::any_of(records.begin(), records.end(), [&](const store::Record& record) {
        return Fields(record, options, origin).find(role) != nullptr;
      });
    });
  };
  if (have({"messages"})) return RowFormat::messages;
  if (have({"conversations"})) return RowFormat::sharegpt;
  if (have({"prompt", "completion"})) return RowFormat::prompt_completion;
  if (have({"instruction", "output"})) return RowFormat::alpaca;
  if (have({"text"})) return RowFormat::text;
  fail(ErrorKind::bad_file,
       "{}: the columns tell no format: expected \"messages\", \"conversations\", \"prompt\" and "
       "\"completion\", \"instruction\" and \"output\", or \"text\"; there are: {}. Say which "
       "columns are prompt and completion",
       origin,
       records.empty() ? "" : Fields::listed(Fields(records.front(), options, origin).names()));
}

RowReader::RowReader(const DataOptions& options, bool chat) : options_(options), chat_(chat) {
  const std::string& instruction = options_.instruction;
  if (instruction.empty()) return;
  if (options_.format != RowFormat::prompt_completion)
    fail(ErrorKind::bad_argument, "data: an instruction goes with prompt-completion rows, not {}",
         name_of(options_.format));
  bool has_column = false;
  for (std::size_t open = 0; (open = instruction.find('{', open)) != std::string::npos; ++open) {
    const std::size_t close = instruction.find('}', open);
    has_column = has_column || (close != std::string::npos &&
                                is_name(instruction.substr(open + 1, close - open - 1)));
  }
  if (!has_column)
    fail(ErrorKind::bad_argument,
         "data: the instruction has no {{prompt}} or other {{column}}, so all prompts were the "
         "same: {}",
         quote_name(instruction));
}

RowContent RowReader::content(const store::Record& record, std::string_view origin) const {
  const Fields fields(record, options_, origin);
  switch (options_.format) {
    case RowFormat::prompt_completion:
      return prompt_completion(fields, options_.instruction, chat_);
    case RowFormat::alpaca:
      return alpaca(fields, chat_);
    case RowFormat::messages:
      return chat(fields.list("messages"), fields);
    case RowFormat::sharegpt:
      return sharegpt(fields);
    default:
      break;
  }
  RowContent content;
  content.text = fields.filled_text("text");
  return content;
}

}  // namespace pomona::train
