// The run file of `pomona tune`: what is trained, on what, how, for how long and to where, as TOML.
// Every key stands here with what it is if the file does not say it; docs/tune.md tells why.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/toml.h"

namespace pomona::train {

namespace fs = std::filesystem;

// The words that the keys with a choice take. "auto" stands where the default depends on the data.
inline constexpr std::array<std::string_view, 6> kMethods = {"full",   "freeze", "lora",
                                                             "rslora", "prompt", "prefix"};
inline constexpr std::array<std::string_view, 6> kFormats = {
    "auto", "text", "prompt-completion", "messages", "alpaca", "sharegpt"};
inline constexpr std::array<std::string_view, 5> kLosses = {"auto", "completion", "assistant",
                                                            "last", "everything"};
inline constexpr std::array<std::string_view, 5> kOverlong = {"auto", "split", "truncate", "drop",
                                                              "error"};
inline constexpr std::array<std::string_view, 3> kInits = {"vocabulary", "text", "labels"};
inline constexpr std::array<std::string_view, 4> kOptimisers = {"adamw", "adamw-8bit", "sgd",
                                                                "adafactor"};
inline constexpr std::array<std::string_view, 4> kSchedules = {"constant", "linear", "cosine",
                                                               "wsd"};
inline constexpr std::array<std::string_view, 3> kPrecisions = {"auto", "f32", "bf16"};
inline constexpr std::array<std::string_view, 2> kKeeps = {"best", "last"};
/// What [data.columns] may map a column to.
inline constexpr std::array<std::string_view, 9> kRoles = {"text",        "prompt",   "completion",
                                                           "system",      "messages", "tools",
                                                           "instruction", "input",    "output"};

struct RunFile {
  /// Rows of one task. [data] is one set itself, or gives the defaults of [[data.sets]].
  struct DataSet {
    std::string name = "train";
    fs::path train;
    fs::path valid;  // empty: this set is not evaluated
    std::string format = "auto";
    /// The role of a column and its name: {"prompt", "dialogue"}.
    std::vector<std::pair<std::string, std::string>> columns;
    std::string instruction;          // a template with {prompt}; empty: the prompt as it is
    double weight = 1;                // above 0
    std::optional<std::int64_t> cap;  // rows that count at most when tasks are mixed
  };

  fs::path path;    // as given; empty for a run made in code
  fs::path folder;  // what paths in it are relative to

  struct Model {
    std::string base;  // a catalogue name or alias, or a path (then absolute)
    bool base_is_path = false;
    std::optional<std::int64_t> context;  // positions; absent: the model's own
  } model;

  struct Data {
    std::vector<DataSet> sets;  // one at least
    /// Sets are drawn with p ~ weight * min(rows, cap)^(1 / temperature) (T5, arXiv:1910.10683,
    /// section 3.5.2).
    double temperature = 1;
    std::string loss = "auto";  // text: everything; messages: assistant; else completion
    std::optional<std::int64_t> max_length;  // tokens of a row; absent: the context
    std::string overlong = "auto";           // raw text: split; else error
    fs::path forgetting;                     // general text; empty: our own
  } data;

  struct Method {
    std::string kind = "lora";
    fs::path scratch;  // config.json of a model that starts from random weights; empty: from base
    std::int64_t rank = 16;
    double alpha = 32;  // twice the rank; rslora: 8
    double dropout = 0;
    std::vector<std::string> targets = {"all-linear"};  // or ends of module names
    std::int64_t last_layers = 2;                       // freeze: blocks that train
    std::int64_t virtual_tokens = 20;
    std::string init = "vocabulary";
    std::string init_text;                 // init = "text"
    std::vector<std::string> init_labels;  // init = "labels"
  } method;

  struct Optimiser {
    std::string name = "adamw";
    double learning_rate = 5e-4;  // its peak; see default_learning_rate
    double weight_decay = 0;
    double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
    double momentum = 0.9;  // sgd
    double clip = 1;        // of the gradient's norm; 0: none
  } optimiser;

  struct Schedule {
    std::string kind = "linear";
    double warmup = 0.05;  // below 1 a share of all steps, else steps
    double decay = 0.1;    // wsd: the last part, in which the rate falls; as warmup
    double minimum = 0;    // wsd: the last rate as a share of the peak
  } schedule;

  struct Train {
    /// Training ends with what comes first; one of them is there. Where only steps are said, the
    /// data is gone through as often as they need.
    std::optional<double> epochs = 1;
    std::optional<std::int64_t> steps;
    std::int64_t threads = 0;     // 0: all cores
    std::int64_t batch_size = 8;  // rows
    std::int64_t accumulate = 1;  // batches of one optimiser step
    std::uint64_t seed = 1;
    std::string precision = "auto";   // bf16 where the processor multiplies it, else f32
    std::int64_t pack_tokens = 1024;  // of one forward pass; a longer row has one of its own
    bool checkpoint_activations = false;
    std::int64_t checkpoint_every = 100;  // steps; 0: at the end and when interrupted only
    std::int64_t evaluate_every = 0;      // steps; 0: after each epoch, and at the end
    std::int64_t patience = 0;            // evaluations without gain before it stops; 0: never
    std::string keep = "best";            // without a valid file: "last"
  } train;

  fs::path output;  // [output] dir

  bool has_valid() const;
  /// Rows that one optimiser step takes.
  std::int64_t rows_a_step() const { return train.batch_size * train.accumulate; }
};

/// What a run of this method is where nothing else is said. Throws bad_argument for a kind that is
/// not one of kMethods.
RunFile default_run(std::string_view kind);

/// The peak rate that suits a method and an optimiser.
double default_learning_rate(std::string_view kind, std::string_view optimiser);

/// Reads the tables of a run below `table` over `run`, a default_run or what code has put in it: a
/// whole run file, or [tune.lora] of an application file. [method] kind, where it is said and
/// another one, brings that method's defaults. Paths are taken from run.folder. What must be there
/// in a run file (base, train, dir) may be missing here. Throws the table's kind for values that
/// are not allowed; the caller calls finish() on the root.
RunFile read_run(const TomlTable& table, RunFile run);

/// Reads and checks everything that can be known without the data and the model. `set`: dotted keys
/// and values that override the file's. Throws not_found or io for the file; bad_argument for an
/// unknown key (with the nearest one), a missing or impossible value.
RunFile read_run_file(const fs::path& path,
                      const std::vector<std::pair<std::string, std::string>>& set = {});

/// Every setting by its key that has a part in what is learnt: no path, no thread count, nothing
/// that only says how often something is written. Two runs with the same go the same way, given the
/// same files.
Json settings_of(const RunFile& run);

}  // namespace pomona::train
