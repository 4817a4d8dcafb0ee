#include "eval/chunk_reader.h"

#include <algorithm>

#include "text/tokenizer.h"

namespace pomona::eval {
namespace {

/// Rows of one forward pass: what bounds the memory of logits.
constexpr std::int64_t kPiece = 256;

}  // namespace

ChunkReader::ChunkReader(const model::Model& model, const Context& context, std::int64_t n,
                         std::optional<kernel::KvKind> kv_kind)
    : model_(model),
      lm_(*model.lm),
      context_(context),
      pool_(model::kv_shape(lm_.shape(), context.compute, kv_kind),
            nn::kv_blocks(n + lm_.virtual_count())),
      cache_(pool_) {}

std::vector<std::int32_t> ChunkReader::with_bos(std::span<const std::int32_t> chunk) const {
  std::vector<std::int32_t> tokens(chunk.begin(), chunk.end());
  const text::SpecialTokens& special = model_.tokenizer->special();
  if (special.add_bos && special.bos) tokens.front() = *special.bos;
  return tokens;
}

void ChunkReader::read(std::span<const std::int32_t> chunk, std::int64_t first, std::int64_t last,
                       const Piece& piece) {
  cache_.clear();
  const std::vector<std::int32_t> tokens = lm_.with_virtual_tokens(chunk);
  const std::int64_t before = lm_.virtual_count();
  for (std::int64_t begin = 0; begin < before + last;) {
    if (context_.stop != nullptr) context_.stop->check("perplexity");
    const bool wanted = begin >= before + first;
    const std::int64_t end = std::min(begin + kPiece, before + (wanted ? last : first));
    cache_.extend(end - begin);
    nn::Batch batch;
    batch.append(std::span(tokens).subspan(static_cast<std::size_t>(begin),
                                           static_cast<std::size_t>(end - begin)),
                 begin, &cache_, wanted ? nn::Batch::Logits::all : nn::Batch::Logits::none);
    const Tensor logits = lm_.forward(batch, context_);
    if (wanted) piece(begin - before, end - before, logits.data<float>());
    begin = end;
  }
}

}  // namespace pomona::eval
