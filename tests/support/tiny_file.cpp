#include "tests/support/tiny_file.h"

#include <algorithm>

#include "store/gguf_writer.h"

namespace pomona::test {
namespace {

/// Values between -1 and 1 in the given format; zeros where it is not packed from f32.
std::vector<std::byte> values_of(DType dtype, std::int64_t count) {
  std::vector<std::byte> data(static_cast<std::size_t>(bytes_of(dtype, count)));
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>(i * 7 % 16 - 8) / 8.0f);
  if (info(dtype).pack != nullptr) info(dtype).pack(values.data(), nullptr, data.data(), count);
  return data;
}

}  // namespace

TinyFile::TinyFile() {
  static const std::vector<std::string_view> tokens = {"a", "b", "ab", "<|im_start|>",
                                                       "<|im_end|>"};
  static const std::vector<std::string_view> merges = {"a b"};
  static const std::vector<std::int32_t> kinds = {1, 1, 1, 3, 3};
  set("general.architecture", std::string_view("llama"));
  set("llama.context_length", std::uint32_t{64});
  set("llama.embedding_length", std::uint32_t{32});
  set("llama.feed_forward_length", std::uint32_t{32});
  set("llama.block_count", std::uint32_t{1});
  set("llama.attention.head_count", std::uint32_t{2});
  set("llama.attention.head_count_kv", std::uint32_t{1});
  set("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  set("tokenizer.ggml.model", std::string_view("gpt2"));
  set("tokenizer.ggml.pre", std::string_view("smollm"));
  set("tokenizer.ggml.tokens", store::gguf_array(tokens));
  set("tokenizer.ggml.token_type", store::gguf_array(std::span<const std::int32_t>(kinds)));
  set("tokenizer.ggml.merges", store::gguf_array(merges));
  set("tokenizer.ggml.eos_token_id", std::uint32_t{4});
  tensor("token_embd.weight", {5, 32}, DType::q8_0);
  tensor("blk.0.attn_norm.weight", {32});
  tensor("blk.0.attn_q.weight", {32, 32}, DType::q4_1);
  tensor("blk.0.attn_k.weight", {16, 32}, DType::f16);
  tensor("blk.0.attn_v.weight", {16, 32}, DType::bf16);
  tensor("blk.0.attn_output.weight", {32, 32}, DType::q4_1);
  tensor("blk.0.ffn_norm.weight", {32}, DType::f16);
  tensor("blk.0.ffn_gate.weight", {32, 32}, DType::q4_1);
  tensor("blk.0.ffn_up.weight", {32, 32}, DType::q8_0);
  tensor("blk.0.ffn_down.weight", {32, 32});
  tensor("output_norm.weight", {32});
}

void TinyFile::set(std::string_view key, store::GgufValue value) {
  const auto found = std::find_if(pairs_.begin(), pairs_.end(),
                                  [&](const auto& pair) { return pair.first == key; });
  if (found != pairs_.end()) {
    found->second = std::move(value);
  } else {
    pairs_.emplace_back(key, std::move(value));
  }
}

void TinyFile::unset(std::string_view key) {
  std::erase_if(pairs_, [&](const auto& pair) { return pair.first == key; });
}

void TinyFile::tensor(std::string_view name, std::vector<std::int64_t> shape, DType dtype) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  put({std::string(name), std::move(shape), static_cast<std::uint32_t>(info(dtype).gguf_type),
       values_of(dtype, count)});
}

void TinyFile::tensor_of_type(std::string_view name, std::vector<std::int64_t> shape,
                              std::uint32_t gguf_type, std::size_t size) {
  put({std::string(name), std::move(shape), gguf_type, std::vector<std::byte>(size)});
}

void TinyFile::put(Stored stored) {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [&](const Stored& tensor) { return tensor.name == stored.name; });
  if (found != tensors_.end()) {
    *found = std::move(stored);
  } else {
    tensors_.push_back(std::move(stored));
  }
}

void TinyFile::drop_tensor(std::string_view name) {
  std::erase_if(tensors_, [&](const Stored& tensor) { return tensor.name == name; });
}

void TinyFile::write(const std::filesystem::path& path) const {
  store::GgufWriter writer(path);
  for (const auto& [key, value] : pairs_) writer.add(key, value);
  for (const Stored& tensor : tensors_) {
    const std::vector<std::int64_t> dims(tensor.shape.rbegin(), tensor.shape.rend());
    writer.declare(tensor.name, dims, tensor.gguf_type, tensor.data.size());
  }
  for (const Stored& tensor : tensors_) writer.write_data(tensor.name, tensor.data);
  writer.commit();
}

}  // namespace pomona::test
