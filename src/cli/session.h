// What every command that computes with a model shares: which model, how many threads, which
// compute mode; and the model loaded with them.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/console.h"
#include "hub/model_store.h"
#include "model/adapter.h"
#include "tensor/context.h"

namespace pomona::cli {

struct SessionOptions {
  std::string model;
  std::optional<int> threads;  // none: all that this process may use
  std::string compute = "fast";
  std::optional<std::string> kv_type;   // none: what suits the compute mode
  std::optional<std::int64_t> context;  // none: as much as the model takes unstretched
  std::vector<std::string> adapters;    // PATH or PATH:WEIGHT

  int thread_count() const { return threads ? *threads : available_threads(); }
};

/// Help of a MODEL argument.
inline constexpr const char* kModelHelp =
    "a name that `pomona list` shows, a .gguf file, a folder with config.json, or ORG/NAME of the "
    "hub";

/// Declares --threads and --compute.
void declare_engine(Arguments& arguments, SessionOptions& options);
/// Declares --kv-type.
void declare_kv_type(Arguments& arguments, SessionOptions& options);
/// Declares --context.
void declare_context(Arguments& arguments, SessionOptions& options);

/// Declares --adapter.
void declare_adapters(Arguments& arguments, SessionOptions& options);
/// What an --adapter says. The whole is a path if something has that name.
model::AdapterUse adapter_use(const std::string& text);

/// What a MODEL argument stands for, and what is stored with it. Errors as
/// hub::ModelStore::resolve.
hub::ResolvedModel resolve_model(const std::string& model);

/// A loaded model with what it computes with. Errors as resolve_model and model::load_adapted.
class Session {
 public:
  explicit Session(const SessionOptions& options);

  const double begun;  // on the clock of steady_seconds(), before anything was looked at
  const hub::ResolvedModel resolved;
  const std::vector<model::AdapterUse> adapters;
  double load_seconds = 0;  // set once
  const model::Model model;

 private:
  ThreadPool pool_;
  Arena arena_;

 public:
  Context context;
  std::optional<kernel::KvKind> kv_kind;

  /// A user's message as the model is to be given it: an alias puts its instruction around it, and
  /// its examples in front of the first one.
  std::vector<model::Message> messages(const std::string& text, bool first) const;
  /// Tokens of an answer at most, from an alias's settings.
  std::int64_t max_new_tokens(std::int64_t otherwise) const;

  /// `isa`, `threads`, `compute`, `kv_type`, `load_seconds`, the process's `peak_bytes` so far, and
  /// of each of the `adapters`, if there are any, `path` and `weight`.
  Json figures() const;
};

}  // namespace pomona::cli
