#include "compress/collect_importance.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "eval/chunk_reader.h"
#include "store/gguf_output.h"

namespace pomona::compress {
namespace {

/// Sums of squares of the inputs of the matrices in the model's blocks.
class Sums {
 public:
  explicit Sums(const model::Model& model) {
    model.lm->each_parameter([&](const std::string& name, Parameter& parameter) {
      const auto known = model.weight_names.find(name);
      if (known != model.weight_names.end() && known->second.gguf.starts_with("blk."))
        names_[&parameter] = known->second.gguf;
    });
  }

  void add(const Parameter& weight, const Tensor& x) {
    const auto name = names_.find(&weight);
    if (name == names_.end()) return;  // the head
    Entry& entry = entries_[name->second];
    const std::int64_t K = x.size(1);
    entry.squares.resize(static_cast<std::size_t>(K));
    for (std::int64_t t = 0; t < x.size(0); ++t) {
      const float* const row = x.data<float>() + t * x.stride(0);
      for (std::int64_t k = 0; k < K; ++k)
        entry.squares[static_cast<std::size_t>(k)] += static_cast<double>(row[k]) * row[k];
    }
    entry.rows += x.size(0);
  }

  std::size_t size() const { return entries_.size(); }

  std::vector<store::TensorOutput> outputs() const {
    std::vector<store::TensorOutput> outputs;
    const auto add = [&](std::string name, std::vector<float> values) {
      const auto count = static_cast<std::int64_t>(values.size());
      outputs.push_back({std::move(name),
                         store::element_type(DType::f32),
                         {1, count},
                         [values = std::move(values)](const store::ByteSink& sink) {
                           sink(std::as_bytes(std::span(values)));
                         }});
    };
    for (const auto& [name, entry] : entries_) {
      add(name + ".in_sum2", {entry.squares.begin(), entry.squares.end()});
      add(name + ".counts", {static_cast<float>(entry.rows)});
    }
    return outputs;
  }

 private:
  struct Entry {
    std::vector<double> squares;
    std::int64_t rows = 0;
  };
  std::unordered_map<const Parameter*, std::string> names_;
  std::map<std::string, Entry> entries_;
};

std::int64_t count_chunks(const model::Model& model, std::int64_t tokens,
                          const CollectOptions& options) {
  const std::int64_t n = options.context, most = model.lm->shape().context;
  if (n < 2 || n > most)
    fail(ErrorKind::bad_argument, "imatrix: chunks of {} tokens asked for; the model takes 2 to {}",
         n, most);
  if (tokens < n)
    fail(ErrorKind::bad_argument,
         "imatrix: the text has {} tokens, one chunk needs {}; give a longer text or a smaller "
         "context",
         tokens, n);
  return options.chunks > 0 ? std::min(tokens / n, options.chunks) : tokens / n;
}

}  // namespace

CollectResult collect_importance(const model::Model& model, const Context& context,
                                 std::span<const std::int32_t> tokens,
                                 const CollectOptions& options, const std::filesystem::path& to,
                                 ProgressSink& progress) {
  const Stopwatch watch;
  const std::int64_t n = options.context;
  CollectResult result;
  result.chunks = count_chunks(model, static_cast<std::int64_t>(tokens.size()), options);
  result.tokens = result.chunks * n;
  Sums sums(model);
  const ProductProbe probe = [&](const Parameter& weight, const Tensor& x) { sums.add(weight, x); };
  Context listening = context;
  listening.product_probe = &probe;
  eval::ChunkReader reader(model, listening, n, std::nullopt);
  progress.begin("imatrix", static_cast<std::uint64_t>(result.tokens), "tokens");
  for (std::int64_t c = 0; c < result.chunks; ++c) {
    const auto chunk = reader.with_bos(
        tokens.subspan(static_cast<std::size_t>(c * n), static_cast<std::size_t>(n)));
    // With logits at every position: without them the last block would skip rows.
    reader.read(chunk, 0, n, [](std::int64_t, std::int64_t, float*) {});
    progress.update(static_cast<std::uint64_t>((c + 1) * n));
  }
  store::GgufOutput output;
  store::GgufArray texts;
  texts.type = store::GgufType::string;
  texts.count = 1;
  texts.strings = {options.text_name};
  output.set("general.type", std::string_view("imatrix"));
  output.set("imatrix.datasets", texts);
  output.set("imatrix.chunk_count", static_cast<std::uint32_t>(result.chunks));
  output.set("imatrix.chunk_size", static_cast<std::uint32_t>(n));
  output.tensors = sums.outputs();
  store::write_gguf(to, output);
  progress.end();
  result.entries = static_cast<std::int64_t>(sums.size());
  result.seconds = watch.seconds();
  return result;
}

Json CollectResult::to_json() const {
  return {{"entries", entries}, {"chunks", chunks}, {"tokens", tokens}, {"seconds", seconds}};
}

}  // namespace pomona::compress
