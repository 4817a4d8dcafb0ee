// A model's numbers in the other kind of file: GGUF's metadata of a hub folder, config.json of a
// GGUF file. Formats as model/config.h reads them.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "convert/gguf_keys.h"
#include "convert/source.h"
#include "nn/rope.h"
#include "store/tensor_output.h"

namespace pomona::convert {

/// Adds general.* and the architecture's keys; `type` is that of most weights. Throws unsupported
/// for what the hub's files can say and GGUF's cannot.
void write_gguf_numbers(const Source& source, DType type, GgufKeys& keys);

/// What write_gguf_numbers says and llama.cpp (2026) does not read, a sentence each.
std::vector<std::string> gguf_notes(const Source& source);

/// The tensors in which GGUF keeps what config.json says of stretched rotations.
std::vector<store::TensorOutput> rope_tensors(const Source& source);

/// config.json without what it says of the tokeniser; `type` is that of most weights. Throws
/// unsupported for what GGUF's files can say and the hub's cannot.
Json hub_config(const Source& source, DType type);

/// query_pre_attn_scalar of a Gemma where its GGUF file tells no other.
std::int64_t usual_query_scalar(const Source& source);

/// The rotation of the layers that see everything. Throws unsupported where only a part of each
/// head turns, in families whose files of the other kind cannot say so.
nn::RopeConfig rope_of(const Source& source);

}  // namespace pomona::convert
