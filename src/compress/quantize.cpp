#include "compress/quantize.h"

#include <algorithm>
#include <cmath>
#include <system_error>

#include "base/clock.h"
#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"
#include "store/gguf_output.h"
#include "store/gguf_split.h"

namespace pomona::compress {
namespace {

namespace fs = std::filesystem;
using store::GgufFile;
using store::StoredTensor;

void check_source(const fs::path& from) {
  std::error_code ignored;
  if (fs::is_directory(from, ignored))
    fail(ErrorKind::unsupported,
         "quantize: {} is a folder; this version quantises models in GGUF files", from.string());
}

void check_paths(const fs::path& from, const fs::path& to) {
  std::error_code ignored;
  check_source(from);
  if (to.extension() != ".gguf")
    fail(ErrorKind::bad_argument, "quantize: {} is no name of a model's file; let it end in .gguf",
         to.string());
  for (const fs::path& part : store::gguf_part_paths(from)) {
    if (fs::equivalent(part, to, ignored))
      fail(ErrorKind::bad_argument,
           "quantize: {} cannot be read and written at once; name another file", to.string());
  }
}

ModelFacts facts_of(const GgufFile& file) {
  const store::GgufMetadata& metadata = file.metadata();
  const std::string prefix(metadata.string("general.architecture"));
  ModelFacts facts;
  facts.layers = static_cast<std::int64_t>(metadata.unsigned_integer(prefix + ".block_count"));
  const auto heads = metadata.unsigned_integer(prefix + ".attention.head_count", 1);
  const auto kv_heads = metadata.unsigned_integer(prefix + ".attention.head_count_kv", heads);
  facts.query_heads_per_kv =
      static_cast<std::int64_t>(heads / std::max<std::uint64_t>(1, kv_heads));
  facts.tied = file.find("output.weight") == nullptr;
  return facts;
}

std::int64_t row_of(const StoredTensor& tensor) {
  return tensor.shape.empty() ? 1 : tensor.shape.back();
}

/// The new type of a tensor, or nullopt where it stays as it is. Throws unsupported for types that
/// cannot be decoded, or copied; bad_argument for what is quantised already.
std::optional<DType> new_type(const StoredTensor& tensor, const Recipe& recipe,
                              const ModelFacts& facts, const QuantizeOptions& options,
                              const std::string& origin) {
  if (!tensor.type.is_known())
    fail(ErrorKind::unsupported, "{}: tensor {} has a type that is not known", origin,
         quote_name(tensor.name));
  const auto type =
      type_for(recipe, options.choices, facts, {tensor.name, tensor.shape.size(), row_of(tensor)});
  if (!type || tensor.type.dtype == *type) return std::nullopt;
  if (tensor.type.unpack == nullptr)
    fail(ErrorKind::unsupported, "{}: tensor {} is {}, which Pomona does not decode", origin,
         quote_name(tensor.name), tensor.type.name);
  if (tensor.type.block > 1 && !options.allow_requantize)
    fail(ErrorKind::bad_argument,
         "quantize: {} is {} already, and decoding it to make {} loses more than quantising the "
         "original would; start from an F32, F16 or BF16 file, or allow it with "
         "--allow-requantize",
         quote_name(tensor.name), tensor.type.name, info(*type).name);
  return type;
}

/// A pattern without a tensor is a slip of the pen.
void check_patterns(const store::TensorSource& source, const Choices& choices) {
  for (const Choices::Pattern& pattern : choices.patterns) {
    if (std::none_of(source.tensors().begin(), source.tensors().end(),
                     [&](const StoredTensor& tensor) { return pattern.fits(tensor.name); }))
      fail(ErrorKind::bad_argument, "quantize: {} has no tensor whose name has {}", source.origin(),
           quote_name(pattern.text));
  }
}

/// Nor is there a use for importances of another model.
void check_importance(const store::TensorSource& source, const ImportanceMatrix* importance) {
  if (importance == nullptr) return;
  if (std::none_of(source.tensors().begin(), source.tensors().end(),
                   [&](const StoredTensor& tensor) {
                     return !importance->of(tensor.name, row_of(tensor)).empty();
                   }))
    fail(ErrorKind::bad_argument, "quantize: {} has no importances for any tensor of {}",
         importance->path().string(), source.origin());
}

/// Decodes and encodes a tensor, a slab of rows at a time, the rows in parallel.
void convert(const StoredTensor& tensor, DType type, std::span<const float> importance,
             const store::ByteSink& sink, ThreadPool& pool, const StopToken& stop) {
  constexpr std::int64_t kSlabValues = 1 << 24;
  const std::int64_t K = row_of(tensor);
  const std::int64_t rows = tensor.elements() / K;
  const std::int64_t slab_rows = std::clamp<std::int64_t>(kSlabValues / K, 1, rows);
  const std::int64_t source_bytes = K / tensor.type.block * tensor.type.bytes;
  const std::int64_t target_bytes = bytes_of(type, K);
  std::vector<std::byte> slab(static_cast<std::size_t>(slab_rows * target_bytes));
  for (std::int64_t first = 0; first < rows; first += slab_rows) {
    stop.check("quantize");
    const std::int64_t count = std::min(slab_rows, rows - first);
    pool.parallel_for(count, [&](std::int64_t i) {
      std::vector<float> row(static_cast<std::size_t>(K));
      tensor.type.unpack(tensor.bytes.data() + (first + i) * source_bytes, row.data(), K);
      if (!std::all_of(row.begin(), row.end(), [](float value) { return std::isfinite(value); }))
        fail(ErrorKind::bad_file, "quantize: row {} of {} has values that are no finite numbers",
             first + i, quote_name(tensor.name));
      info(type).pack(row.data(), importance.empty() ? nullptr : importance.data(),
                      slab.data() + i * target_bytes, K);
    });
    sink(std::span(slab).first(static_cast<std::size_t>(count * target_bytes)));
  }
}

}  // namespace

QuantizeForecast foresee_quantize(const fs::path& from, const Recipe& recipe,
                                  const QuantizeOptions& options) {
  check_source(from);
  const GgufFile file(from);
  const store::TensorSource source = store::tensors_of(file);
  ModelFacts facts = facts_of(file);
  facts.weighed = options.importance != nullptr;
  QuantizeForecast forecast;
  forecast.bytes_in = forecast.bytes_out = file.bytes();
  std::map<std::string, std::int64_t> values;
  for (const StoredTensor& tensor : source.tensors()) {
    values[std::string(tensor.type.name)] += tensor.elements();
    const auto type = new_type(tensor, recipe, facts, options, file.path().string());
    if (!type) continue;
    forecast.bytes_out -= tensor.bytes.size();
    forecast.bytes_out += static_cast<std::uint64_t>(bytes_of(*type, tensor.elements()));
    forecast.values += tensor.elements();
    forecast.decodes_blocks |= tensor.type.block > 1;
  }
  const auto most =
      std::max_element(values.begin(), values.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most != values.end()) forecast.main_type = most->first;
  return forecast;
}

QuantizeResult quantize(const fs::path& from, const fs::path& to, const Recipe& recipe,
                        const QuantizeOptions& options, ThreadPool& pool, ProgressSink& progress,
                        const StopToken& stop) {
  check_paths(from, to);
  const Stopwatch watch;
  const GgufFile file(from);
  const store::TensorSource source = store::tensors_of(file);
  check_patterns(source, options.choices);
  check_importance(source, options.importance);
  ModelFacts facts = facts_of(file);
  facts.weighed = options.importance != nullptr;

  QuantizeResult result;
  store::GgufOutput output = store::output_of(file);
  output.set("general.file_type", static_cast<std::uint32_t>(recipe.file_type));
  output.set("general.quantization_version", std::uint32_t{2});
  std::uint64_t values = 0, done = 0;
  for (std::size_t i = 0; i < output.tensors.size(); ++i) {
    const StoredTensor& tensor = source.tensors()[i];
    store::TensorOutput& target = output.tensors[i];
    const auto type = new_type(tensor, recipe, facts, options, file.path().string());
    if (type) target.type = store::element_type(*type);
    values += static_cast<std::uint64_t>(tensor.elements());
    ++result.types[std::string(target.type.name)];
    std::span<const float> importance;
    if (type && options.importance != nullptr)
      importance = options.importance->of(tensor.name, row_of(tensor));
    target.write = [&, type, importance, copy = target.write](const store::ByteSink& sink) {
      stop.check("quantize");
      if (type) {
        convert(tensor, *type, importance, sink, pool, stop);
      } else {
        copy(sink);
      }
      done += static_cast<std::uint64_t>(tensor.elements());
      progress.update(done, tensor.name);
    };
  }
  progress.begin(fmt::format("quantize to {}", recipe.name), values, "values");
  store::write_gguf(to, output);
  progress.end();
  result.bytes_in = file.bytes();
  result.bytes_out = fs::file_size(to);
  result.seconds = watch.seconds();
  return result;
}

Json QuantizeResult::to_json() const {
  return {{"bytes_in", bytes_in}, {"bytes_out", bytes_out}, {"types", types}, {"seconds", seconds}};
}

}  // namespace pomona::compress
