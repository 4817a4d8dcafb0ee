#include "cli/session.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/peak_memory.h"
#include "lifecycle/prompts.h"

namespace pomona::cli {
namespace {

model::Model load(const std::filesystem::path& path, double& seconds) {
  const Stopwatch watch;
  model::Model model = model::load_model(path);
  seconds = watch.seconds();
  return model;
}

}  // namespace

void declare_engine(Arguments& arguments, SessionOptions& options) {
  arguments
      .option("--threads", "K", options.threads,
              "compute threads; without it all processors that this process may use")
      .between(1, 1024);
  arguments
      .option("--compute", "MODE", options.compute,
              "precision (f32 is for checks, fast is what the model's file allows)")
      .one_of({"f32", "bf16", "fast"});
}

hub::ResolvedModel resolve_model(const std::string& model) {
  return hub::ModelStore().resolve(model);
}

Session::Session(const SessionOptions& options)
    : resolved(resolve_model(options.model)),
      model(load(resolved.path, load_seconds)),
      pool_(options.thread_count()),
      arena_(physical_memory_bytes()),
      context{pool_, arena_, kernel::table()} {
  context.compute = parse_compute(options.compute);
}

std::vector<model::Message> Session::messages(const std::string& text, bool first) const {
  if (resolved.settings.is_null()) return {{"user", text}};
  std::vector<model::Message> all = lifecycle::recipe_from_json(resolved.settings).messages(text);
  if (!first) all.erase(all.begin(), all.end() - 1);
  return all;
}

std::int64_t Session::max_new_tokens(std::int64_t otherwise) const {
  if (resolved.settings.is_null()) return otherwise;
  return resolved.settings.value("max_new_tokens", otherwise);
}

Json Session::figures() const {
  return Json{{"load_seconds", load_seconds},
              {"peak_bytes", peak_resident_bytes()},
              {"isa", simd::name_of(context.kernels.level)},
              {"threads", context.pool.threads()},
              {"compute", name_of(context.compute)}};
}

}  // namespace pomona::cli
