// `pomona bench MODEL`: how fast a model reads and writes here, beside what the processor can do.
#include <algorithm>
#include <memory>

#include "base/error.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/table.h"
#include "eval/speed.h"

namespace pomona::cli {
namespace {

struct Options {
  SessionOptions session;
  eval::SpeedOptions how;
  bool roof = false;
};

void print_roof(const eval::Roof& roof, int threads, Console& console) {
  console.print(
      fmt::format("roof, {} thread{}: f32 {:.0f} GFLOP/s, bf16 {:.0f} GFLOP/s, int8 "
                  "{:.0f} Gop/s, memory {:.1f} GB/s\n",
                  threads, threads == 1 ? "" : "s", roof.f32_gflops, roof.bf16_gflops,
                  roof.int8_gops, roof.dram_gb_per_second));
}

void bench_roof(const Options& options, Console& console) {
  const int threads = options.session.thread_count();
  const simd::Level level = simd::level_in_use();
  const eval::Roof roof = eval::measure_roof(level, threads);
  if (!console.json) return print_roof(roof, threads, console);
  console.print_json(
      Json{{"roof", eval::to_json(roof)}, {"isa", simd::name_of(level)}, {"threads", threads}});
}

void print_table(const eval::SpeedRuns& runs, const Options& options, Console& console) {
  Table table({"TEST", ">TOKENS/S", ">LEAST", ">MOST", ">RUNS"});
  const auto row = [&](const char* name, std::int64_t tokens, const std::vector<double>& values) {
    if (values.empty()) return;
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    std::string what = fmt::format("{} {}", name, tokens);
    if (options.how.depth > 0) what += fmt::format(" at depth {}", options.how.depth);
    if (options.how.batch > 1) what += fmt::format(", {} sequences", options.how.batch);
    table.add({what, fmt::format("{:.1f}", eval::median(values)), fmt::format("{:.1f}", *least),
               fmt::format("{:.1f}", *most), fmt::format("{}", values.size())});
  };
  row("prefill", options.how.prefill, runs.prefill);
  row("decode", options.how.decode, runs.decode);
  console.print(table.text());
}

void bench(const Options& options, Console& console) {
  if (options.roof) return bench_roof(options, console);
  if (options.session.model.empty()) {
    fail(ErrorKind::bad_argument, "bench: MODEL is missing; `pomona help bench`");
  }
  Session session(options.session);
  session.context.stop = &console.stop();
  eval::SpeedOptions how = options.how;
  how.kv_kind = session.kv_kind;
  const eval::SpeedRuns runs =
      eval::measure_speed(session.model, session.context, how, console.progress());
  const eval::Roof roof =
      eval::measure_roof(session.context.kernels.level, session.context.pool.threads());
  if (!console.json) {
    print_table(runs, options, console);
    return print_roof(roof, session.context.pool.threads(), console);
  }
  Json json = {
      {"prefill_tokens_per_second", eval::median(runs.prefill)},
      {"decode_tokens_per_second", eval::median(runs.decode)},
      {"runs",
       {{"prefill_tokens_per_second", runs.prefill}, {"decode_tokens_per_second", runs.decode}}},
      {"prefill", options.how.prefill},
      {"decode", options.how.decode},
      {"depth", options.how.depth},
      {"batch", options.how.batch},
      {"roof", eval::to_json(roof)}};
  json.update(session.figures());
  console.print_json(json);
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  eval::SpeedOptions& how = options->how;
  arguments.positional("MODEL", options->session.model, kModelHelp).optional();
  arguments.option("--prefill", "N", how.prefill, "tokens to read; 0: do not measure it")
      .at_least(0);
  arguments.option("--decode", "N", how.decode, "tokens to write; 0: do not measure it")
      .at_least(0);
  arguments.option("--depth", "N", how.depth, "tokens in the cache before either begins")
      .at_least(0);
  arguments.option("--batch", "N", how.batch, "sequences at once").between(1, 1024);
  arguments.option("--runs", "N", how.runs, "measured runs, behind a warm-up").between(1, 1000);
  arguments.flag("--roof", options->roof, "only what the processor can do; needs no model");
  declare_adapters(arguments, options->session);
  declare_engine(arguments, options->session);
  declare_kv_type(arguments, options->session);
  declare_context(arguments, options->session);
  return [options](Console& console) { bench(*options, console); };
}

}  // namespace

extern const Command kBench = {
    .name = "bench",
    .group = Group::judge,
    .summary = "how fast a model reads and writes on this computer",
    .about =
        "Medians of runs on random tokens, timed inside the process, with the loops that show "
        "what the processor and the memory can do at most. Reading and writing are measured "
        "apart, as llama-bench does.",
    .examples = {{"pomona bench smollm2-135m", "512 tokens read, 128 written, five runs"},
                 {"pomona bench smollm2-135m --threads 1 --depth 1024 --batch 4 --json",
                  "four sequences that are 1024 tokens long already, for programs"},
                 {"pomona bench --roof", "the processor alone"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
