// The run file: what is read, what stands where nothing is said, and what each fault says.
#include "train/run_file.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/text.h"
#include "tests/support/corpus.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"
#include "tests/train/run_file_exercise.h"
#include "train/optimiser.h"
#include "train/schedule.h"

namespace pomona::train {
namespace {

constexpr std::string_view kRun = R"([model]
base = "smollm2-135m"
[data]
train = "train.jsonl"
[output]
dir = "out"
)";

constexpr std::string_view kEveryKey = R"([model]
base = "models/tiny.gguf"
context = 512
[data]
train = "train.csv"
valid = "/data/valid.csv"
format = "prompt-completion"
columns = { prompt = "dialogue", completion = "note" }
instruction = "Summarize.\n\n{input}"
loss = "completion"
max_length = 400
overlong = "truncate"
temperature = 2
forgetting = "general.txt"
[method]
kind = "rslora"
rank = 4
alpha = 6.5
dropout = 0.1
targets = ["q_proj", "v_proj"]
virtual_tokens = 8
init = "labels"
init_labels = ["yes", "no"]
init_text = "Answer:"
last_layers = 3
[optimiser]
name = "sgd"
learning_rate = 0.5
weight_decay = 0.01
beta1 = 0.8
beta2 = 0.95
epsilon = 1e-6
momentum = 0.7
clip = 0
[schedule]
kind = "wsd"
warmup = 10
decay = 0.3
minimum = 0.1
[train]
epochs = 1.5
steps = 70
threads = 2
batch_size = 4
accumulate = 3
seed = 9
precision = "f32"
pack_tokens = 1024
checkpoint_activations = true
checkpoint_every = 7
evaluate_every = 11
patience = 2
keep = "last"
[output]
dir = "/out"
)";

class RunFileTest : public ::testing::Test {
 protected:
  RunFileTest() { write(kRun); }
  void write(std::string_view text) { write_file(path_, text); }
  RunFile read(const std::vector<std::pair<std::string, std::string>>& set = {}) {
    return read_run_file(path_, set);
  }
  test::TempFolder folder_;
  fs::path path_ = folder_ / "run.toml";
};

TEST_F(RunFileTest, FillsInWhatIsNotSaid) {
  const RunFile run = read();
  EXPECT_EQ(run.model.base, "smollm2-135m");
  EXPECT_FALSE(run.model.base_is_path);
  ASSERT_EQ(run.data.sets.size(), 1u);
  EXPECT_EQ(run.data.sets[0].train, folder_ / "train.jsonl");
  EXPECT_FALSE(run.has_valid());
  EXPECT_EQ(run.output, folder_ / "out");
  EXPECT_EQ(run.method.kind, "lora");
  EXPECT_EQ(run.method.rank, 16);
  EXPECT_EQ(run.method.alpha, 32);
  EXPECT_EQ(run.method.targets, std::vector<std::string>{"all-linear"});
  EXPECT_EQ(run.optimiser.learning_rate, 5e-4);
  EXPECT_EQ(run.train.epochs, 1.0);
  EXPECT_FALSE(run.train.steps);
  EXPECT_EQ(run.rows_a_step(), 8);
}

TEST_F(RunFileTest, ReadsEveryKey) {
  write(kEveryKey);
  const RunFile run = read();
  EXPECT_EQ(run.model.base, (folder_ / "models/tiny.gguf").string());
  EXPECT_TRUE(run.model.base_is_path);
  EXPECT_TRUE(run.has_valid());
  EXPECT_EQ(run.data.sets[0].valid, "/data/valid.csv");
  EXPECT_EQ(run.data.forgetting, folder_ / "general.txt");
  EXPECT_EQ(run.output, "/out");
  EXPECT_EQ(run.train.threads, 2);
  EXPECT_TRUE(run.train.checkpoint_activations);
  EXPECT_EQ(run.train.checkpoint_every, 7);
  EXPECT_EQ(run.train.keep, "last");
  EXPECT_EQ(run.rows_a_step(), 12);
  EXPECT_EQ(settings_of(run), Json::parse(R"({
    "model.context": 512,
    "data.sets": [{"name": "train", "format": "prompt-completion",
                   "columns": {"prompt": "dialogue", "completion": "note"},
                   "instruction": "Summarize.\n\n{input}", "weight": 1.0, "cap": null}],
    "data.temperature": 2.0, "data.loss": "completion", "data.max_length": 400,
    "data.overlong": "truncate",
    "method.kind": "rslora", "method.scratch": false, "method.rank": 4, "method.alpha": 6.5,
    "method.dropout": 0.1, "method.targets": ["q_proj", "v_proj"], "method.last_layers": 3,
    "method.virtual_tokens": 8, "method.init": "labels", "method.init_text": "Answer:",
    "method.init_labels": ["yes", "no"],
    "optimiser.name": "sgd", "optimiser.learning_rate": 0.5, "optimiser.weight_decay": 0.01,
    "optimiser.beta1": 0.8, "optimiser.beta2": 0.95, "optimiser.epsilon": 1e-6,
    "optimiser.momentum": 0.7, "optimiser.clip": 0.0,
    "schedule.kind": "wsd", "schedule.warmup": 10.0, "schedule.decay": 0.3,
    "schedule.minimum": 0.1,
    "train.epochs": 1.5, "train.steps": 70, "train.batch_size": 4, "train.accumulate": 3,
    "train.seed": 9, "train.precision": "f32", "train.pack_tokens": 1024,
    "train.evaluate_every": 11, "train.patience": 2})"));
}

TEST_F(RunFileTest, ReadsTheTasksOfAMixture) {
  write(R"([model]
base = "smollm2-135m"
[data]
instruction = "Do it: {input}"
columns = { prompt = "question" }
[[data.sets]]
name = "notes"
train = "notes.jsonl"
weight = 2
columns = { completion = "note" }
[[data.sets]]
name = "sums"
train = "sums.jsonl"
valid = "sums-valid.jsonl"
instruction = ""
cap = 100
[output]
dir = "out"
)");
  const RunFile run = read();
  ASSERT_EQ(run.data.sets.size(), 2u);
  const RunFile::DataSet &notes = run.data.sets[0], &sums = run.data.sets[1];
  EXPECT_EQ(notes.name, "notes");
  EXPECT_EQ(notes.weight, 2);
  EXPECT_EQ(notes.instruction, "Do it: {input}");
  EXPECT_EQ(notes.columns, (std::vector<std::pair<std::string, std::string>>{
                               {"prompt", "question"}, {"completion", "note"}}));
  EXPECT_TRUE(notes.valid.empty());
  EXPECT_EQ(sums.instruction, "");
  EXPECT_EQ(sums.cap, 100);
  EXPECT_EQ(sums.columns.size(), 1u);
  EXPECT_TRUE(run.has_valid());
}

TEST_F(RunFileTest, DefaultsFollowTheMethod) {
  EXPECT_EQ(read({{"method.kind", "full"}}).optimiser.learning_rate, 5e-5);
  EXPECT_EQ(read({{"method.rank", "4"}}).method.alpha, 8);
  const RunFile rslora = read({{"method.kind", "rslora"}, {"method.rank", "64"}});
  EXPECT_EQ(rslora.method.alpha, 8);
  EXPECT_EQ(rslora.optimiser.learning_rate, 2e-4);
  const RunFile prompt = read({{"method.kind", "prompt"}});
  EXPECT_EQ(prompt.optimiser.learning_rate, 1e-3);
  EXPECT_EQ(prompt.schedule.kind, "constant");
  EXPECT_EQ(prompt.method.init, "vocabulary");
  EXPECT_EQ(
      read({{"method.kind", "prefix"}, {"optimiser.name", "adafactor"}}).optimiser.learning_rate,
      0.3);
}

TEST_F(RunFileTest, StepsAloneLiftTheLimitOfEpochs) {
  const RunFile steps = read({{"train.steps", "40"}});
  EXPECT_EQ(steps.train.steps, 40);
  EXPECT_FALSE(steps.train.epochs);
  const RunFile both = read({{"train.steps", "40"}, {"train.epochs", "2"}});
  EXPECT_EQ(both.train.steps, 40);
  EXPECT_EQ(both.train.epochs, 2.0);
}

TEST_F(RunFileTest, OneTargetMayStandAlone) {
  EXPECT_EQ(read({{"method.targets", "q_proj"}}).method.targets,
            std::vector<std::string>{"q_proj"});
}

TEST_F(RunFileTest, PartOfARunIsReadOverDefaultsFromCode) {
  const TomlTable root =
      TomlTable::parse("[tune.lora]\nmethod.rank = 8\ntrain.epochs = 3\n", "app.toml");
  RunFile run = default_run("lora");
  run.data.sets[0].train = "rows.jsonl";
  run = read_run(root.table("tune").table("lora"), run);
  root.finish();
  EXPECT_EQ(run.method.rank, 8);
  EXPECT_EQ(run.method.alpha, 16);
  EXPECT_EQ(run.train.epochs, 3.0);
  EXPECT_EQ(run.data.sets[0].train, "rows.jsonl");
  EXPECT_EQ(test::refused([] { default_run("lorra"); }),
            "bad_argument: tune: \"lorra\" is no method; there are: full, freeze, lora, rslora, "
            "prompt, prefix");
}

TEST_F(RunFileTest, EveryNameIsOneOfThePartThatItIsFor) {
  for (const std::string_view name : kOptimisers) EXPECT_EQ(name_of(parse_optimiser(name)), name);
  for (const std::string_view name : kSchedules) EXPECT_EQ(name_of(parse_schedule(name)), name);
}

struct Fault {
  std::string_view name, key, value, message;  // FILE stands for the run file's path
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

class RunFileFaults : public RunFileTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(RunFileFaults, SaysWhatAndWhere) {
  const Fault& fault = GetParam();
  const Error error =
      test::error_of([&] { read({{std::string(fault.key), std::string(fault.value)}}); });
  EXPECT_EQ(replace_all(error.what(), path_.string(), "FILE"), fault.message);
  EXPECT_EQ(name_of(error.kind()), "bad_argument");
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RunFileFaults,
    ::testing::Values(
        Fault{"unknown_key", "method.rnak", "4",
              "--set method.rnak=4: [method] unknown key \"rnak\"; did you mean \"rank\"?"},
        Fault{"unknown_table", "optimizer.name", "sgd",
              "--set optimizer.name=sgd: unknown key \"optimizer\"; did you mean \"optimiser\"?"},
        Fault{"method", "method.kind", "lorra",
              "--set method.kind=lorra: [method] kind: \"lorra\" is no method, did you mean "
              "\"lora\"?; there are: full, freeze, lora, rslora, prompt, prefix"},
        Fault{"rank", "method.rank", "0",
              "--set method.rank=0: [method] rank: 0 is outside 1 to 65536"},
        Fault{"rate", "optimiser.learning_rate", "nan",
              "--set optimiser.learning_rate=nan: [optimiser] learning_rate: nan is outside 0 to "
              "100"},
        Fault{"warmup", "schedule.warmup", "1.5",
              "--set schedule.warmup=1.5: [schedule] warmup: 1.5 is neither a share below 1 nor a "
              "whole number of steps"},
        Fault{"targets", "method.targets", "[1]",
              "--set method.targets=[1]: [method] targets: expected a text in quotes or a list of "
              "them, found a list"},
        Fault{"no_targets", "method.targets", "[]",
              "--set method.targets=[]: [method] targets: is empty; expected \"all-linear\" or "
              "names"},
        Fault{"init_text", "method.init", "text",
              "--set method.init=text: [method] init_text: is missing; init = \"text\" starts the "
              "soft prompt from "
              "it"},
        Fault{"scratch", "method.scratch", "config.json",
              "--set method.scratch=config.json: [method] scratch: a model from scratch trains "
              "whole: kind \"full\", not \"lora\""},
        Fault{"role", "data.columns", "{ promt = \"x\" }",
              "--set data.columns={ promt = \"x\" }: [data.columns] unknown key \"promt\"; did you "
              "mean \"prompt\"?"},
        Fault{"sets_and_train", "data.sets", "[{name = \"a\", train = \"b\"}]",
              "FILE:4: [data] train: stands beside [[data.sets]]; each set names its own"}),
    [](const auto& case_) { return std::string(case_.param.name); });

struct Gap {
  std::string_view name, from, to, message;
};
void PrintTo(const Gap& gap, std::ostream* out) { *out << gap.name; }

class RunFileGaps : public RunFileTest, public ::testing::WithParamInterface<Gap> {};

TEST_P(RunFileGaps, SaysWhatIsMissing) {
  const Gap& gap = GetParam();
  write(replace_all(kRun, gap.from, gap.to));
  const Error error = test::error_of([&] { read(); });
  EXPECT_EQ(replace_all(error.what(), path_.string(), "FILE"), gap.message);
  EXPECT_EQ(name_of(error.kind()), "bad_argument");
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RunFileGaps,
    ::testing::Values(
        Gap{"base", "base = \"smollm2-135m\"\n", "",
            "FILE:1: [model] base: is missing; expected the model to train (for a model from "
            "scratch, the one whose tokeniser it gets)"},
        Gap{"misspelt",
            "train =", "trian =", "FILE:4: [data] unknown key \"trian\"; did you mean \"train\"?"},
        Gap{"output", "[output]\ndir = \"out\"\n", "",
            "FILE: [output] dir: is missing; expected the folder for what comes out"},
        Gap{"set_without_train", "train = \"train.jsonl\"", "[[data.sets]]\nname = \"a\"",
            "FILE:4: [data.sets] train: is missing; expected the file that the set trains on"},
        Gap{"set_twice", "train = \"train.jsonl\"",
            "[[data.sets]]\nname = \"a\"\ntrain = \"a\"\n[[data.sets]]\nname = \"a\"\ntrain = "
            "\"b\"",
            "FILE:8: [data.sets] name: \"a\" stands twice"},
        Gap{"weightless", "train = \"train.jsonl\"",
            "[[data.sets]]\nname = \"a\"\ntrain = \"a\"\nweight = 0",
            "FILE:7: [data.sets] weight: 0 is outside 1e-09 to 1000000000"}),
    [](const auto& case_) { return std::string(case_.param.name); });

TEST(RunFile, TheExamplesAreRead) {
  const fs::path folder = fs::path(POMONA_SOURCE_DIR) / "examples" / "tuning";
  int files = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".toml") continue;
    const RunFile run = read_run_file(entry.path());
    EXPECT_FALSE(run.model.base_is_path) << entry.path();
    for (const RunFile::DataSet& set : run.data.sets) {
      EXPECT_TRUE(fs::exists(set.train)) << entry.path();
      EXPECT_TRUE(fs::exists(set.valid)) << entry.path();
    }
    ++files;
  }
  EXPECT_GE(files, 7);
}

TEST(RunFileCorpus, ReplaysWithoutACrash) { test::replay_corpus("run_file", 2, exercise_run_file); }

}  // namespace
}  // namespace pomona::train
