// The tiny application of tests/cases/tiny_app with the tiny random model: all of `run` in a
// second.
#pragma once
#include <filesystem>

namespace pomona::test {

/// Puts the application, its data and its model into a folder: app.toml, *.jsonl, llama_tiny.gguf.
void put_tiny_app(const std::filesystem::path& folder);

}  // namespace pomona::test
