#include "cli/session.h"

#include <charconv>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/peak_memory.h"
#include "lifecycle/prompts.h"

namespace pomona::cli {
namespace {

model::Model load(const std::filesystem::path& path, std::optional<std::int64_t> context,
                  const std::vector<model::AdapterUse>& adapters, double& seconds) {
  const Stopwatch watch;
  model::Model model = model::load_adapted(path, context.value_or(0), adapters);
  seconds = watch.seconds();
  return model;
}

/// The model's own first.
std::vector<model::AdapterUse> uses_of(const hub::ResolvedModel& resolved,
                                       const std::vector<std::string>& texts) {
  std::vector<model::AdapterUse> uses;
  if (resolved.adapter) uses.push_back({*resolved.adapter});
  for (const std::string& text : texts) uses.push_back(adapter_use(text));
  return uses;
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

void declare_kv_type(Arguments& arguments, SessionOptions& options) {
  arguments
      .option(
          "--kv-type", "TYPE", options.kv_type,
          "precision of keys and values in the cache; without it f32 in mode f32, else bf16. q8 "
          "takes about half of bf16's memory")
      .one_of({"f32", "bf16", "q8"});
}

void declare_context(Arguments& arguments, SessionOptions& options) {
  arguments
      .option("--context", "N", options.context,
              "load the model for N tokens, prompt and answer together; for more than it was first "
              "trained for, LongRoPE changes answers to short texts, too (`pomona show` tells)")
      .at_least(1);
}

void declare_adapters(Arguments& arguments, SessionOptions& options) {
  arguments.option("--adapter", "PATH[:W]", options.adapters,
                   "a folder of PEFT's or a GGUF LoRA on top of the model, W times as strong; "
                   "several add up");
}

model::AdapterUse adapter_use(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || is_there(text)) return {text};
  double weight = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + colon + 1, end, weight);
  if (read.ec != std::errc() || read.ptr != end) return {text};
  return {text.substr(0, colon), weight};
}

hub::ResolvedModel resolve_model(const std::string& model) {
  return hub::ModelStore().resolve(model);
}

Session::Session(const SessionOptions& options)
    : begun(steady_seconds()),
      resolved(resolve_model(options.model)),
      adapters(uses_of(resolved, options.adapters)),
      model(load(resolved.path, options.context, adapters, load_seconds)),
      pool_(options.thread_count()),
      arena_(physical_memory_bytes()),
      context{pool_, arena_, kernel::table()} {
  context.compute = parse_compute(options.compute);
  if (options.kv_type) kv_kind = nn::parse_kv_kind(*options.kv_type);
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
  Json json = {
      {"load_seconds", load_seconds},
      {"peak_bytes", peak_resident_bytes()},
      {"isa", simd::name_of(context.kernels.level)},
      {"threads", context.pool.threads()},
      {"compute", name_of(context.compute)},
      {"kv_type", nn::name_of(model::kv_shape(model.lm->shape(), context.compute, kv_kind).kind)}};
  for (const model::AdapterUse& use : adapters)
    json["adapters"].push_back({{"path", use.path.string()}, {"weight", use.weight}});
  return json;
}

}  // namespace pomona::cli
