// Every format, mask, policy and fault of training data. Oracle: the marked text, read off the
// template by hand; prompts must be Model::chat_prompt's tokens.
#include "train/examples.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"
#include "text/template.h"

namespace pomona::train {
namespace {

using test::refused;

const std::string kUser = "<|im_start|>user\n", kAnswer = "<|im_start|>assistant\n",
                  kEnd = "<|im_end|>", kSystem = "<|im_start|>system\n";

class ExamplesTest : public ::testing::Test {
 protected:
  ExamplesTest() : model_(model::load_model(golden::path_of("llama_tiny.gguf"))) {}

  fs::path file(const std::string& name, std::string_view text) {
    write_file(folder_.path() / name, text);
    return folder_.path() / name;
  }

  void set_template(std::string_view source) {
    model_.chat_template = std::make_shared<const text::ChatTemplate>(source);
  }

  /// The examples of a file as text, [targets] in brackets.
  std::vector<std::string> marked(const std::string& name, std::string_view text,
                                  const DataOptions& options = {}) {
    const Examples examples = read_examples({file(name, text)}, options, model_);
    std::vector<std::string> all;
    for (std::size_t i = 0; i < examples.size(); ++i) all.push_back(marked(examples.example(i)));
    return all;
  }

  std::string marked(const Example& example) const {
    std::string line;
    bool inside = false;
    for (std::size_t i = 0; i < example.tokens.size(); ++i) {
      if (inside != (example.supervised[i] != 0)) line += inside ? "]" : "[";
      inside = example.supervised[i] != 0;
      line += model_.tokenizer->token_bytes(example.tokens[i]);
    }
    return line + (inside ? "]" : "");
  }

  std::string error(const std::string& name, std::string_view text,
                    const DataOptions& options = {}) {
    std::string message = refused([&] { read_examples({file(name, text)}, options, model_); });
    const std::string folder = folder_.path().string() + "/";
    for (std::size_t at; (at = message.find(folder)) != std::string::npos;)
      message.erase(at, folder.size());
    return message;
  }

  test::TempFolder folder_;
  model::Model model_;
};

using Marked = std::vector<std::string>;

TEST_F(ExamplesTest, TextIsLearntWholeAndEnds) {
  const Marked found = marked("d.jsonl", "{\"text\": \"ab\"}\n{\"text\": \"c\"}\n");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], "a[b<|im_end|>]");
  EXPECT_EQ(found[1], "c[<|im_end|>]");
}

TEST_F(ExamplesTest, PromptAndCompletionGoThroughTheTemplate) {
  const Marked expected = {kUser + "hi" + kEnd + "\n" + kAnswer + "[yes" + kEnd + "]"};
  EXPECT_EQ(marked("d.jsonl", "{\"prompt\": \"hi\", \"completion\": \"yes\"}"), expected);
  EXPECT_EQ(marked("d.csv", "prompt,completion\nhi,yes\n"), expected);
  EXPECT_EQ(marked("d.json", "[{\"prompt\": \"hi\",\n \"completion\": \"yes\"}]"), expected);
  DataOptions renamed;
  renamed.columns = {{"prompt", "question"}, {"completion", "reply"}};
  EXPECT_EQ(marked("d.csv", "reply,question,id\nyes,hi,1\n", renamed), expected);
  EXPECT_EQ(marked("d.jsonl",
                   "{\"prompt\": [{\"role\": \"user\", \"content\": \"hi\"}], \"completion\": "
                   "[{\"role\": \"assistant\", \"content\": \"yes\"}]}"),
            expected);
}

TEST_F(ExamplesTest, TheTrainedPromptIsThePromptOfServing) {
  const Examples examples = read_examples(
      {file("d.csv", "prompt,completion\n\"the pear, on and on\",\" in the\n\"\n")}, {}, model_);
  const Example example = examples.example(0);
  const auto prompt = model_.chat_prompt({{"user", "the pear, on and on"}});
  ASSERT_GT(example.tokens.size(), prompt.size());
  EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), example.tokens.begin()));
  EXPECT_EQ(example.supervised[prompt.size() - 1], 0);
  EXPECT_EQ(example.supervised[prompt.size()], 1);
}

TEST_F(ExamplesTest, AnAnswerNeverReachesIntoThePrompt) {
  // " t" is one token of this vocabulary: alone, both tokenise apart.
  DataOptions raw;
  raw.chat_template = false;
  const Marked found = marked("d.csv", "prompt,completion\n\"a \",to\n", raw);
  EXPECT_EQ(found, Marked{"a [to<|im_end|>]"});
  set_template(
      "{% for m in messages %}{{ m.role + ': ' + m.content }}{% if m.role == 'assistant' "
      "%}{{ eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' "
      "}}{% endif %}");
  EXPECT_EQ(marked("d.csv", "prompt,completion\nx,the\n"),
            Marked{"user: xassistant: [the<|im_end|>]"});
  const Example example = read_examples({folder_.path() / "d.csv"}, {}, model_).example(0);
  const auto prompt = model_.chat_prompt({{"user", "x"}});
  EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), example.tokens.begin()));
}

constexpr std::string_view kTalk =
    "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", \"content\": "
    "\"q1\"}, {\"role\": \"assistant\", \"content\": \"a1\"}, {\"role\": \"user\", \"content\": "
    "\"q2\"}, {\"role\": \"assistant\", \"content\": \"a2\"}, {\"role\": \"user\", \"content\": "
    "\"q3\"}]}";

TEST_F(ExamplesTest, MessagesByLoss) {
  const std::string system = kSystem + "s" + kEnd + "\n", q1 = kUser + "q1" + kEnd + "\n",
                    q2 = kUser + "q2" + kEnd + "\n";
  EXPECT_EQ(marked("d.jsonl", kTalk), Marked{system + q1 + kAnswer + "[a1" + kEnd + "]\n" + q2 +
                                             kAnswer + "[a2" + kEnd + "]"});
  DataOptions options;
  options.loss = LossOn::last;
  const Marked last = {system + q1 + kAnswer + "a1" + kEnd + "\n" + q2 + kAnswer + "[a2" + kEnd +
                       "]"};
  EXPECT_EQ(marked("d.jsonl", kTalk, options), last);
  options.loss = LossOn::completion;
  EXPECT_EQ(marked("d.jsonl", kTalk, options), last);
  options.loss = LossOn::everything;
  const std::string whole = system + q1 + kAnswer + "a1" + kEnd + "\n" + q2 + kAnswer + "a2" +
                            kEnd + "\n" + kUser + "q3" + kEnd + "\n";
  const std::string first = "<|im_start|>";
  EXPECT_EQ(marked("d.jsonl", kTalk, options),
            Marked{first + "[" + whole.substr(first.size()) + "]"});
}

TEST_F(ExamplesTest, AlpacaWithAndWithoutATemplate) {
  const std::string rows =
      "{\"instruction\": \"do\", \"input\": \"x\", \"output\": \"y\"}\n"
      "{\"instruction\": \"do\", \"input\": \"\", \"output\": \"y\", \"system\": \"s\", "
      "\"history\": [[\"p\", \"a\"]]}\n";
  EXPECT_EQ(marked("d.jsonl", rows),
            (Marked{kUser + "do\n\nx" + kEnd + "\n" + kAnswer + "[y" + kEnd + "]",
                    kSystem + "s" + kEnd + "\n" + kUser + "p" + kEnd + "\n" + kAnswer + "a" + kEnd +
                        "\n" + kUser + "do" + kEnd + "\n" + kAnswer + "[y" + kEnd + "]"}));
  DataOptions raw;
  raw.chat_template = false;
  EXPECT_EQ(marked("d.jsonl", rows.substr(0, rows.find('\n')), raw),
            Marked{"### Instruction:\ndo\n\n### Input:\nx\n\n### Response:\n[y<|im_end|>]"});
}

TEST_F(ExamplesTest, ShareGptWithTools) {
  set_template(
      "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.tool_calls %}{{ "
      "m.tool_calls[0].function.name + '(' + (m.tool_calls[0].function.arguments | tojson) + ')' "
      "}}{% else %}{{ m.content }}{% endif %}{{ '<|im_end|>' }}{% endfor %}{% if "
      "add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}{% if tools and not "
      "messages %}{{ '' }}{% endif %}");
  EXPECT_EQ(marked("d.jsonl",
                   "{\"conversations\": [{\"from\": \"human\", \"value\": \"q\"}, {\"from\": "
                   "\"function_call\", \"value\": \"{\\\"name\\\": \\\"f\\\", \\\"arguments\\\": "
                   "{\\\"x\\\": 1}}\"}, {\"from\": \"observation\", \"value\": \"2\"}, {\"from\": "
                   "\"gpt\", \"value\": \"two\"}], \"tools\": \"[{\\\"name\\\": \\\"f\\\"}]\"}"),
            Marked{kUser + "q" + kEnd + kAnswer + "[f({\"x\": 1})" + kEnd + "]<|im_start|>tool\n2" +
                   kEnd + kAnswer + "[two" + kEnd + "]"});
}

TEST_F(ExamplesTest, AnInstructionTakesColumns) {
  DataOptions options;
  options.columns = {{"prompt", "dialogue"}, {"completion", "note"}};
  options.instruction = "{kind}: {input} {\"json\": {}} {prompt}";
  EXPECT_EQ(marked("d.csv", "kind,dialogue,note\nsum,{kind},n\n", options),
            Marked{kUser + "sum: {kind} {\"json\": {}} {kind}" + kEnd + "\n" + kAnswer + "[n" +
                   kEnd + "]"});
  options.instruction = "{dialoge}";
  EXPECT_EQ(error("d.csv", "kind,dialogue,note\nsum,x,n\n", options),
            "bad_file: d.csv: row 1 (line 2): no \"dialoge\"; did you mean \"dialogue\"?");
  options.instruction = "Summarise.";
  EXPECT_EQ(error("d.csv", "kind,dialogue,note\nsum,x,n\n", options),
            "bad_argument: data: the instruction has no {prompt} or other {column}, so all prompts "
            "were the same: \"Summarise.\"");
}

std::string long_row(int prompt, int answer) {
  return "{\"prompt\": \"" + std::string(static_cast<std::size_t>(prompt), 'x') +
         "\", \"completion\": \"" + std::string(static_cast<std::size_t>(answer), 'y') + "\"}\n";
}

TEST_F(ExamplesTest, OverlongRowsByPolicy) {
  DataOptions options;
  options.chat_template = false;
  options.max_length = 6;
  const std::string rows = long_row(2, 2) + long_row(9, 3) + long_row(7, 2);
  EXPECT_EQ(error("d.jsonl", rows, options),
            "bad_file: data: 2 of 3 rows are longer than 6 tokens, the longest 13: d.jsonl: row 2 "
            "(line 2), d.jsonl: row 3 (line 3); overlong = \"truncate\" cuts their prompts, "
            "\"drop\" leaves them out, a larger max_length keeps them");
  options.overlong = Overlong::truncate;
  EXPECT_EQ(marked("d.jsonl", rows, options),
            (Marked{"xx[yy<|im_end|>]", "xx[yyy<|im_end|>]", "xxx[yy<|im_end|>]"}));
  EXPECT_EQ(error("d.jsonl", long_row(1, 6), options),
            "bad_file: data: 1 of 1 rows is longer than 6 tokens without their prompt, the longest "
            "8: d.jsonl: row 1 (line 1); overlong = \"drop\" leaves them out, a larger max_length "
            "keeps them");
  options.overlong = Overlong::drop;
  const Examples kept = read_examples({file("d.jsonl", rows)}, options, model_);
  EXPECT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept.summary().rows, 3u);
  EXPECT_EQ(kept.summary().cut_rows, 2u);
  EXPECT_EQ(kept.summary().cut_tokens, 13u + 10u);
  EXPECT_EQ(kept.summary().tokens, 5u);
  EXPECT_EQ(kept.summary().supervised_tokens, 3u);
  EXPECT_EQ(refused([&] { read_examples({file("d.jsonl", long_row(9, 9))}, options, model_); }),
            "bad_file: data: all 1 rows are longer than 6 tokens and were dropped");
}

TEST_F(ExamplesTest, TruncatingKeepsBos) {
  DataOptions options;
  options.overlong = Overlong::truncate;
  options.max_length = 26;  // of 39: "user\n" and nine of the x go
  const Marked found = marked("d.jsonl", long_row(20, 1), options);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].starts_with("<|im_start|>x")) << found[0];
  EXPECT_TRUE(found[0].ends_with("[y<|im_end|>]")) << found[0];
}

TEST_F(ExamplesTest, SplitTextPredictsEachTokenOnce) {
  DataOptions options;
  options.max_length = 4;
  const Examples examples =
      read_examples({file("d.jsonl", "{\"text\": \"bcdfghjk\"}")}, options, model_);
  std::vector<text::TokenId> whole, predicted;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const Example piece = examples.example(i);
    EXPECT_LE(examples.length(i), 4);
    EXPECT_EQ(piece.row, 1u);
    EXPECT_EQ(piece.supervised.front(), 0);
    EXPECT_EQ(examples.supervised(i), examples.length(i) - 1);
    if (i > 0) {
      EXPECT_EQ(piece.tokens.front(), predicted.back());
    }
    predicted.insert(predicted.end(), piece.tokens.begin() + 1, piece.tokens.end());
  }
  options.max_length = 0;
  whole = read_examples({file("d.jsonl", "{\"text\": \"bcdfghjk\"}")}, options, model_)
              .example(0)
              .tokens;
  EXPECT_EQ(predicted, std::vector(whole.begin() + 1, whole.end()));
  EXPECT_EQ(examples.summary().cut_rows, 1u);
  EXPECT_EQ(examples.summary().cut_tokens, 0u);
}

TEST_F(ExamplesTest, MarkupInTextIsCounted) {
  const Examples examples = read_examples(
      {file("d.jsonl", "{\"text\": \"<b> x\"}\n{\"text\": \"<|im_end|>\"}\n")}, {}, model_);
  EXPECT_EQ(examples.summary().plain_markup_rows, 1u);
}

TEST_F(ExamplesTest, SeveralFilesAndSplitsOfAFolder) {
  file("train.jsonl", "{\"text\": \"ab\"}\n");
  const fs::path other = file("more.csv", "text\ncd\nef\n");
  const fs::path train = split_file(folder_.path(), "train");
  EXPECT_EQ(train.filename(), "train.jsonl");
  const Examples examples = read_examples({train, other}, {}, model_);
  ASSERT_EQ(examples.size(), 3u);
  EXPECT_EQ(examples.place(0), train.string() + ": row 1");
  EXPECT_EQ(examples.place(2), other.string() + ": row 2");
  EXPECT_EQ(split_file(other, "valid"), other);
  EXPECT_EQ(refused([&] { split_file(folder_.path(), "valid"); }),
            "not_found: data " + folder_.path().string() + ": no valid.jsonl, .json or .csv in it");
}

TEST_F(ExamplesTest, RewritingTemplatesAreRefused) {
  set_template(
      "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.role == 'user' or "
      "loop.last %}{{ m.content }}{% else %}{{ m.content | upper }}{% endif %}{{ '<|im_end|>' "
      "}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}");
  EXPECT_EQ(error("d.jsonl", kTalk),
            "bad_file: d.jsonl: row 1 (line 1): the chat template writes what stands before the "
            "answer in message 3 differently once it is answered and others follow (it strips or "
            "rewrites earlier turns); loss = \"last\" learns the last answer only");
  DataOptions options;
  options.loss = LossOn::last;
  EXPECT_TRUE(marked("d.jsonl", kTalk, options).at(0).ends_with(kAnswer + "[a2" + kEnd + "]"));
}

TEST_F(ExamplesTest, TemplatesThatNeverEndAreRefused) {
  set_template(
      "{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}{% endfor %}{% if "
      "add_generation_prompt %}{{ 'assistant:' }}{% endif %}");
  EXPECT_EQ(error("d.csv", "prompt,completion\nhi,yes\n"),
            "bad_file: d.csv: row 1 (line 2): the chat template writes no end-of-generation token "
            "behind the answer in message 2, so a model trained on it would never stop");
  DataOptions everything;
  everything.loss = LossOn::everything;
  EXPECT_EQ(error("d.csv", "prompt,completion\nhi,yes\n", everything),
            "bad_file: d.csv: row 1 (line 2): no target is an end-of-generation token, so a model "
            "trained on it would never stop");
}

TEST_F(ExamplesTest, ToolCallsThatATemplateLeavesOutAreTold) {
  EXPECT_EQ(
      error(
          "d.jsonl",
          "{\"conversations\": [{\"from\": \"human\", \"value\": \"q\"}, {\"from\": "
          "\"function_call\", \"value\": \"{\\\"name\\\": \\\"f\\\", \\\"arguments\\\": {}}\"}]}"),
      "bad_file: d.jsonl: row 1 (line 1): the chat template writes nothing of the answer in "
      "message 2; not every template writes tool calls");
}

TEST_F(ExamplesTest, ADoubledBosIsRefused) {
  set_template(
      "{{ bos_token + bos_token }}{% for m in messages %}{{ m.role + ':' + m.content + eos_token "
      "}}{% endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}");
  EXPECT_EQ(
      error("d.csv", "prompt,completion\nhi,yes\n"),
      "bad_file: d.csv: row 1 (line 2): begins with the token <|im_start|> twice; take it out "
      "of the text, it is put there anyway");
}

TEST_F(ExamplesTest, TemplatesThatRefuseMessagesNameTheRow) {
  set_template("{{ raise_exception('no system') }}");
  const std::string message = error("d.jsonl", kTalk);
  EXPECT_TRUE(message.starts_with("bad_file: d.jsonl: row 1 (line 1): ")) << message;
  EXPECT_NE(message.find("no system"), std::string::npos) << message;
}

struct Fault {
  std::string_view name, file, text, message;
};

TEST_F(ExamplesTest, FaultsNameRowAndRemedy) {
  const Fault faults[] = {
      {"ragged", "d.csv", "prompt,completion\nhi,yes\nhi\n",
       "bad_file: d.csv: row 2 (line 3): 1 field, but the header line has 2"},
      {"no UTF-8", "d.csv", "prompt,completion\nhi,\xFF\n",
       "bad_file: d.csv: row 1 (line 2): not UTF-8 at byte 4 of the row"},
      {"no rows", "d.jsonl", "\n", "bad_file: d.jsonl: no rows"},
      {"unknown columns", "d.csv", "question,reply\nhi,yes\n",
       "bad_file: d.csv: the columns tell no format: expected \"messages\", \"conversations\", "
       "\"prompt\" and \"completion\", \"instruction\" and \"output\", or \"text\"; there are: "
       "\"question\", \"reply\". Say which columns are prompt and completion"},
      {"a column is missing", "d.jsonl",
       "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"promt\": \"a\", \"completion\": \"b\"}\n",
       "bad_file: d.jsonl: row 2 (line 2): no \"prompt\"; did you mean \"promt\"?"},
      {"empty", "d.csv", "prompt,completion\nhi,\n",
       "bad_file: d.csv: row 1 (line 2): \"completion\" is empty"},
      {"no text", "d.jsonl", "{\"text\": [1]}\n",
       "bad_file: d.jsonl: row 1 (line 1): \"text\" is no text"},
      {"no list", "d.jsonl", "{\"messages\": 1}\n",
       "bad_file: d.jsonl: row 1 (line 1): \"messages\" is no list"},
      {"no assistant", "d.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}]}\n",
       "bad_file: d.jsonl: row 1 (line 1): no turn of the assistant, so there is nothing to learn; "
       "take the row out or give it an answer"},
      {"no role", "d.jsonl", "{\"messages\": [{\"content\": \"q\"}]}\n",
       "bad_file: d.jsonl: row 1 (line 1): message 1 is no object with a \"role\""},
      {"no content", "d.jsonl", "{\"messages\": [{\"role\": \"user\"}]}\n",
       "bad_file: d.jsonl: row 1 (line 1): message 1 has no \"content\" that is text"},
      {"unknown speaker", "d.jsonl",
       "{\"conversations\": [{\"from\": \"bard\", \"value\": \"q\"}]}\n",
       "bad_file: d.jsonl: row 1 (line 1): a turn is from \"bard\"; known are human, gpt, system, "
       "function_call, observation"},
      {"ending", "d.txt", "x",
       "unsupported: data d.txt: expected a file that ends in .csv, .jsonl "
       "or .json"},
  };
  for (const Fault& fault : faults)
    EXPECT_EQ(error(std::string(fault.file), fault.text), fault.message) << fault.name;
}

TEST_F(ExamplesTest, OptionsThatDoNotFitAreRefused) {
  const auto refuses = [&](std::string_view text, auto change) {
    DataOptions options;
    change(options);
    return error("d.jsonl", text, options);
  };
  const std::string text = "{\"text\": \"a\"}\n", pair = long_row(1, 1);
  EXPECT_EQ(refuses(text, [](DataOptions& o) { o.loss = LossOn::last; }),
            "bad_argument: data: rows of text have no answers: loss is \"everything\"");
  EXPECT_EQ(refuses(pair, [](DataOptions& o) { o.overlong = Overlong::split; }),
            "bad_argument: data: only text can be split; over-long rows of prompt-completion: "
            "truncate, drop or error");
  EXPECT_EQ(refuses(text, [](DataOptions& o) { o.overlong = Overlong::truncate; }),
            "bad_argument: data: truncate cuts prompts, but with loss \"everything\" all tokens "
            "are targets: split (text), drop or error");
  EXPECT_EQ(refuses(pair, [](DataOptions& o) { o.max_length = 513; }),
            "bad_argument: data: max_length 513: the model takes 2 to 512 tokens");
  EXPECT_EQ(refuses(kTalk, [](DataOptions& o) { o.chat_template = false; }),
            "bad_argument: data: rows of messages need the chat template");
  model_.chat_template = nullptr;
  EXPECT_EQ(error("d.jsonl", kTalk).substr(0, 11), "unsupported");
}

TEST(DataNames, AreReadAndSuggested) {
  EXPECT_EQ(row_format_named("sharegpt"), RowFormat::sharegpt);
  EXPECT_EQ(name_of(overlong_named("truncate")), "truncate");
  EXPECT_EQ(refused([] { loss_named("asistant"); }),
            "bad_argument: data: \"asistant\" is no loss; did you mean \"assistant\"?");
}

TEST(ExamplesOf, KeepsWhatItWasGiven) {
  const Examples examples = examples_of({{{5, 6, 7}, {0, 0, 1}, 1}, {{8, 9}, {0, 1}, 2}});
  ASSERT_EQ(examples.size(), 2u);
  EXPECT_EQ(examples.example(0).tokens, (std::vector<text::TokenId>{5, 6, 7}));
  EXPECT_EQ(examples.example(1).supervised, (std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(examples.supervised(0), 1);
  EXPECT_EQ(examples.summary().tokens, 5u);
  EXPECT_EQ(refused([] { examples_of({{{5}, {1}, 1}}); }),
            "bad_argument: examples: row 1: no token predicts the first one");
}

}  // namespace
}  // namespace pomona::train
