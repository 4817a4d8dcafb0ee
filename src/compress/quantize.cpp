#include "compress/quantize.h"

#include <algorithm>
#include <numeric>
#include <system_error>

#include "base/clock.h"
#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"
#include "store/gguf.h"
#include "store/gguf_writer.h"

namespace pomona::compress {
namespace {

namespace fs = std::filesystem;
using store::GgufFile;
using store::GgufTensor;
using store::GgufWriter;

/// What becomes of one tensor.
struct Move {
  const GgufTensor* tensor;
  std::optional<DType> type;  // empty: copied as it is

  std::int64_t row() const { return tensor->dims.empty() ? 1 : tensor->dims[0]; }
  std::int64_t rows() const {
    std::int64_t count = 1;
    for (std::size_t i = 1; i < tensor->dims.size(); ++i) count *= tensor->dims[i];
    return count;
  }
};

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

Move move_of(const GgufTensor& tensor, const Recipe& recipe, const ModelFacts& facts,
             const QuantizeOptions& options, const GgufFile& file) {
  const std::int64_t row = tensor.dims.empty() ? 1 : tensor.dims[0];
  const auto type =
      type_for(recipe, options.choices, facts, {tensor.name, tensor.dims.size(), row});
  if (!type || tensor.dtype == *type) return {&tensor, std::nullopt};
  if (!tensor.dtype || info(*tensor.dtype).unpack == nullptr)
    fail(ErrorKind::unsupported, "{}: tensor {} has a type that Pomona does not read (number {})",
         file.path().string(), quote_name(tensor.name), tensor.gguf_type);
  if (is_block_format(*tensor.dtype) && !options.allow_requantize)
    fail(ErrorKind::bad_argument,
         "quantize: {} is {} already, and decoding it to make {} loses more than quantising the "
         "original would; start from an F32, F16 or BF16 file, or allow it with "
         "--allow-requantize",
         quote_name(tensor.name), info(*tensor.dtype).name, info(*type).name);
  return {&tensor, type};
}

/// All pairs of the old file, with the two that say how the new one is stored.
void copy_metadata(const GgufFile& from, const Recipe& recipe, GgufWriter& writer) {
  for (const auto& [key, value] : from.metadata().entries()) {
    if (key == "general.file_type" || key == "general.quantization_version") continue;
    writer.add(key, value);
  }
  writer.add("general.file_type", static_cast<std::uint32_t>(recipe.file_type));
  writer.add("general.quantization_version", std::uint32_t{2});
}

/// Decodes and encodes a tensor, a slab of rows at a time, the rows in parallel.
void convert(const Move& move, std::span<const float> importance, GgufWriter& writer,
             ThreadPool& pool, const StopToken& stop) {
  constexpr std::int64_t kSlabValues = 1 << 24;
  const GgufTensor& tensor = *move.tensor;
  const std::int64_t K = move.row();
  const std::int64_t rows = move.rows();
  const std::int64_t slab_rows = std::clamp<std::int64_t>(kSlabValues / K, 1, rows);
  const std::int64_t source_bytes = bytes_of(*tensor.dtype, K);
  const std::int64_t target_bytes = bytes_of(*move.type, K);
  std::vector<std::byte> slab(static_cast<std::size_t>(slab_rows * target_bytes));
  for (std::int64_t first = 0; first < rows; first += slab_rows) {
    stop.check("quantize");
    const std::int64_t count = std::min(slab_rows, rows - first);
    pool.parallel_for(count, [&](std::int64_t i) {
      std::vector<float> row(static_cast<std::size_t>(K));
      info(*tensor.dtype).unpack(tensor.bytes.data() + (first + i) * source_bytes, row.data(), K);
      info(*move.type)
          .pack(row.data(), importance.empty() ? nullptr : importance.data(),
                slab.data() + i * target_bytes, K);
    });
    writer.write_data(tensor.name,
                      std::span(slab).first(static_cast<std::size_t>(count * target_bytes)));
  }
}

std::uint64_t values_in(const std::vector<Move>& moves) {
  std::uint64_t sum = 0;
  for (const Move& move : moves) sum += static_cast<std::uint64_t>(move.row() * move.rows());
  return sum;
}

}  // namespace

QuantizeResult quantize(const fs::path& from, const fs::path& to, const Recipe& recipe,
                        const QuantizeOptions& options, ThreadPool& pool, ProgressSink& progress,
                        const StopToken& stop) {
  std::error_code ignored;
  if (fs::equivalent(from, to, ignored))
    fail(ErrorKind::bad_argument,
         "quantize: {} cannot be read and written at once; name another "
         "file",
         to.string());
  const Stopwatch watch;
  const GgufFile file(from);
  ModelFacts facts = facts_of(file);
  facts.weighed = options.importance != nullptr;
  std::vector<Move> moves;
  for (const GgufTensor& tensor : file.tensors())
    moves.push_back(move_of(tensor, recipe, facts, options, file));

  QuantizeResult result;
  GgufWriter writer(to);
  copy_metadata(file, recipe, writer);
  for (const auto& [tensor, type] : moves) {
    if (type) {
      writer.declare(tensor->name, tensor->dims, *type);
    } else {
      if (!tensor->type.is_known())
        fail(ErrorKind::unsupported, "{}: tensor {} has a type that is not known (number {})",
             from.string(), quote_name(tensor->name), tensor->gguf_type);
      writer.declare(tensor->name, tensor->dims, tensor->gguf_type, tensor->bytes.size());
    }
    ++result.types[std::string(type ? info(*type).name : tensor->type.name)];
  }
  progress.begin(fmt::format("quantize to {}", recipe.name), values_in(moves), "values");
  std::uint64_t done = 0;
  for (const Move& move : moves) {
    stop.check("quantize");
    if (move.type) {
      std::span<const float> importance;
      if (options.importance != nullptr)
        importance = options.importance->of(move.tensor->name, move.row());
      convert(move, importance, writer, pool, stop);
    } else {
      writer.write_data(move.tensor->name, move.tensor->bytes);
    }
    done += static_cast<std::uint64_t>(move.row() * move.rows());
    progress.update(done, move.tensor->name);
  }
  writer.commit();
  progress.end();
  result.bytes_in = fs::file_size(from);
  result.bytes_out = fs::file_size(to);
  result.seconds = watch.seconds();
  return result;
}

Json QuantizeResult::to_json() const {
  return {{"bytes_in", bytes_in}, {"bytes_out", bytes_out}, {"types", types}, {"seconds", seconds}};
}

}  // namespace pomona::compress
