#include "lifecycle/init_template.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace pomona::lifecycle {
namespace {

/// Instruction and metric that suit a use case.
struct Wording {
  std::string_view use_case;
  std::string_view instruction;
  std::string_view metric;  // of [evaluate]
  std::string_view gate;
  bool short_answers;  // as long as the longest label, not longer
};
constexpr std::array kWordings = {
    Wording{"summarize", "Summarize the following text in a few sentences.\\n\\n{input}", "rouge",
            "rougeL", false},
    Wording{"translate", "Translate the following text.\\n\\n{input}", "rouge", "rougeL", false},
    Wording{"extract", "Extract the key facts from the following text.\\n\\n{input}", "rouge",
            "rougeL", false},
    Wording{"answer", "Answer the question in as few words as possible.\\n\\n{input}", "token_f1",
            "token_f1", false},
    Wording{"analyze", "{labels}\\n\\n{input}", "exact_match", "exact_match", true},
    Wording{"write", "{input}", "rouge", "rougeL", false},
};

const Wording& wording_of(std::string_view use_case) {
  for (const Wording& wording : kWordings) {
    if (wording.use_case == use_case) return wording;
  }
  return kWordings.back();
}

/// Answers get room for the longest reference: a token is at least about a word's half.
std::int64_t new_tokens(std::uint64_t longest, std::string_view language) {
  const double per_token = language == "en" ? 3.5 : 1;
  const auto tokens = static_cast<std::int64_t>(static_cast<double>(longest) / per_token) + 8;
  return std::clamp<std::int64_t>((tokens + 15) / 16 * 16, 16, 512);
}

std::string instruction_of(const Wording& wording, const std::vector<std::string>& labels) {
  const std::string task = labels.empty() ? "Label the following text in a few words."
                                          : fmt::format("Answer with one of these words only: {}.",
                                                        fmt::join(labels, ", "));
  return replace_all(replace_all(wording.instruction, "\\n", "\n"), "{labels}", task);
}

}  // namespace

std::string application_text(const ApplicationBlanks& blanks, const SplitFiles& files) {
  const Wording& wording = wording_of(blanks.use_case);
  return fmt::format(
      R"(# Made by `pomona init` from {data}. Each line is an ordinary setting: change what you like.
#   pomona run app.toml --plan     what would happen, with time and memory
#   pomona run app.toml            do it; a second run does only what changed

[app]
name = {name}
use_case = "{use_case}"   # write, summarize, extract, translate, answer, search, analyze, chat, imagine
language = "{language}"

[model]
base = {base}   # "auto" is the best of the catalogue that fits, and says why; or a name from `pomona list`, ORG/NAME of the hub, a .gguf file, a folder

[data]          # paths are relative to this file
train = {train}   # {train_rows} rows: the examples in a prompt come from here
valid = {valid}   # {valid_rows} rows: they pick the best method
test = {test}   # {test_rows} rows: they confirm it, and are never looked at before
input = {input}
output = {output}

[prompt]
# What the model is told; {{input}} is replaced by the row's text. This is the line to work on first.
instruction = {instruction}
shots = [0, 1, 4]   # methods to compare: no example in the prompt, one, four

[tune]
methods = []   # such as ["lora"]: learns from the training rows, and is compared with the prompts; docs/tune.md

[evaluate]
metrics = ["{metric}"]
limit = 100         # so many rows of valid and of test are drawn, always the same; remove this line for all
max_new_tokens = {max_new_tokens}   # where an answer is cut off

[gate]
metric = "{gate}"
significance = 0.05   # a method is promoted if chance alone would gain as much in fewer than 5 of 100 cases

[compress]
types = []   # of the promoted model, e.g. ["Q8_0", "Q4_K_M"]: files of those types, each with size, speed, perplexity and scores

[serve]
alias = {name}   # the promoted result under a name, which every command takes as a model
)",
      fmt::arg("data", toml_string(blanks.data)), fmt::arg("name", toml_string(blanks.name)),
      fmt::arg("base", toml_string(blanks.base)), fmt::arg("use_case", blanks.use_case),
      fmt::arg("language", blanks.language), fmt::arg("train", toml_string(files.names[0])),
      fmt::arg("train_rows", files.rows[0]), fmt::arg("valid", toml_string(files.names[1])),
      fmt::arg("valid_rows", files.rows[1]), fmt::arg("test", toml_string(files.names[2])),
      fmt::arg("test_rows", files.rows[2]), fmt::arg("input", toml_string(blanks.roles.input)),
      fmt::arg("output", toml_string(blanks.roles.output)),
      fmt::arg("instruction", toml_string(instruction_of(wording, blanks.labels))),
      fmt::arg("metric", wording.metric),
      fmt::arg("max_new_tokens", new_tokens(blanks.longest_output, blanks.language)),
      fmt::arg("gate", wording.gate));
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (c == '\n')
      out += "\\n";
    else if (byte < 0x20 || byte == 0x7F)
      out += fmt::format("\\u{:04X}", byte);
    else
      out.push_back(c);
  }
  return out + "\"";
}

}  // namespace pomona::lifecycle
