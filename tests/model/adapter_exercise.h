// Reads a file as an adapter and puts it on a tiny Llama; the fuzzer and the replay of its corpus
// share it. A file is a GGUF adapter, or the adapter_config.json of a PEFT folder, a zero byte, and
// its tensors as safetensors.
#pragma once
#include <algorithm>
#include <filesystem>
#include <span>
#include <string>

#include "base/file.h"
#include "model/adapter.h"
#include "model/adapter_peft.h"
#include "store/safetensors.h"
#include "tests/support/exercise.h"
#include "tests/support/golden.h"

namespace pomona::model {

inline Adapter adapter_in(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  if (text.starts_with("GGUF")) return read_adapter(path);
  const std::size_t end = std::min(text.find('\0'), text.size());
  // Its own memory, so that a read behind its end is seen.
  const std::string tensors = end < text.size() ? text.substr(end + 1) : "";
  auto contents = store::parse_safetensors(std::as_bytes(std::span(tensors)), "fuzz");
  Adapter adapter = peft_adapter(parse_json(text.substr(0, end), kAdapterConfigFile),
                                 store::TensorSource("fuzz", std::move(contents.tensors)), "fuzz");
  return adapter;
}

/// True if the file is accepted, false if an Error says why not. An adapter may be for another
/// model; one that fits must come off again.
inline bool exercise_adapter(const std::filesystem::path& path) {
  static Model model = load_model(golden::path_of("families/llama"));
  return test::ends_well([&] {
    const Adapter adapter = adapter_in(path);
    test::ends_well([&] { attach(model, adapter); });
    detach(model);
    test::ends_well([&] { in_names(adapter, model, Names::gguf); });
  });
}

}  // namespace pomona::model
