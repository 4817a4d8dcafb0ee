// Names in a model's file are a stranger's text: errors show them without their control characters.
#include <gtest/gtest.h>

#include "model/llama.h"
#include "model/registry.h"
#include "store/gguf_writer.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::model {
namespace {

using test::refused;

TEST(HostileNames, TheArchitectureIsQuoted) {
  const std::string error = refused([] { find_architecture("\x1b[2J", "m.gguf"); });
  EXPECT_TRUE(error.starts_with(
      "unsupported: m.gguf: architecture \"\\x1B[2J\" is not one that Pomona reads ("))
      << error;
}

TEST(HostileNames, TheKindOfRopeScalingIsQuoted) {
  const test::TempFolder folder;
  const auto path = folder / "m.gguf";
  store::GgufWriter writer(path);
  writer.add("general.architecture", std::string_view("llama"));
  for (const char* key : {"embedding_length", "feed_forward_length", "context_length"})
    writer.add(std::string("llama.") + key, std::uint32_t{16});
  writer.add("llama.attention.head_count", std::uint32_t{1});
  writer.add("llama.block_count", std::uint32_t{1});
  writer.add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  writer.add("llama.rope.scaling.type", std::string_view("\x1b[2J"));
  writer.declare("token_embd.weight", std::vector<std::int64_t>{1}, DType::f32);
  writer.write_data("token_embd.weight", std::vector<std::byte>(4));
  writer.commit();
  EXPECT_EQ(refused([&] { LlamaConfig::from(Checkpoint(store::GgufFile(path))); }),
            "unsupported: " + path.string() +
                ": rope: the type \"\\x1B[2J\" is not known; known are default, linear, llama3, "
                "yarn, longrope");
}

}  // namespace
}  // namespace pomona::model
