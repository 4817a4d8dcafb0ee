// Adapters that PEFT trained and saved: the same logits as with PEFT, and files as PEFT writes
// them.
#include "model/adapter.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "model/adapter_gguf.h"
#include "model/adapter_peft.h"
#include "store/safetensors.h"
#include "tests/model/adapter_support.h"

namespace pomona::model {
namespace {

using golden::Golden;
using test::TempFolder;

class PeftAdapter : public ::testing::TestWithParam<std::string> {
 protected:
  PeftAdapter()
      : golden("training/" + GetParam()), adapter(read_adapter(adapter_path(GetParam()))) {}

  Model base(Names names = Names::hub) const {
    const auto model = golden.facts().at("model").get<std::string>();
    return tiny_model(model.substr(model.find('/') + 1), names);
  }

  std::vector<std::int32_t> tokens(int row) const {
    return golden.integers("tokens." + std::to_string(row));
  }

  /// The values of a tensor that a golden file keeps.
  std::vector<float> kept(const std::vector<float>& values) const {
    if (values.size() <= golden.facts().at("whole").get<std::size_t>()) return values;
    const auto stride = golden.facts().at("stride").get<std::size_t>();
    std::vector<float> some;
    for (std::size_t i = 0; i < values.size(); i += stride) some.push_back(values[i]);
    return some;
  }

  /// A tenth of the house bound for models: both sides are f32 of the same sums.
  void expect_peft_logits(const Model& model) const {
    for (int row = 0; row < 2; ++row) {
      const std::vector<double> expected = golden.numbers("logits." + std::to_string(row));
      EXPECT_LT(difference(kept(logits_of(model, tokens(row))), {expected.begin(), expected.end()}),
                1e-5);
    }
  }

  Golden golden;
  Adapter adapter;
};

TEST_P(PeftAdapter, GivesPeftsLogitsOnEitherKindOfFile) {
  for (const Names names : {Names::hub, Names::gguf}) {
    Model model = base(names);
    const std::vector<float> before = logits_of(model, tokens(0));
    attach(model, adapter);
    expect_peft_logits(model);
    detach(model);
    EXPECT_EQ(logits_of(model, tokens(0)), before);
  }
}

TEST_P(PeftAdapter, GivesTheSameBitsThroughACache) {
  Model model = base();
  attach(model, adapter);
  test::Engine one(1), three(3);
  one.context.compute = three.context.compute = Compute::f32;
  std::vector<std::int32_t> text = tokens(0);
  const std::vector<std::int32_t> more = tokens(1);
  while (text.size() < 90) text.insert(text.end(), more.begin(), more.end());
  const std::vector<std::int32_t> ids = model.lm->with_virtual_tokens(text);
  const std::vector<float> whole = test::cached_logits(*model.lm, one.context, ids, ids.size());
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}}) {
    EXPECT_EQ(test::cached_logits(*model.lm, three.context, ids, piece, ids), whole)
        << "pieces of " << piece;
  }
}

std::map<std::string, std::vector<std::byte>> tensors_in(const std::filesystem::path& folder) {
  std::map<std::string, std::vector<std::byte>> tensors;
  const auto file = store::open_safetensors(folder / "adapter_model.safetensors");
  for (const store::StoredTensor& tensor : file.tensors.tensors())
    tensors[tensor.name + " " + store::shape_text(tensor.shape)] = {tensor.bytes.begin(),
                                                                    tensor.bytes.end()};
  return tensors;
}

TEST_P(PeftAdapter, IsWrittenAsItWasRead) {
  const TempFolder folder;
  write_peft(folder / "again", adapter);
  EXPECT_EQ(tensors_in(folder / "again"), tensors_in(adapter_path(GetParam())));
  const Json made = read_json(folder / "again" / "adapter_config.json"),
             theirs = read_json(adapter_path(GetParam()) / "adapter_config.json");
  for (const auto& [key, value] : made.items()) {
    ASSERT_TRUE(theirs.contains(key)) << key;
    if (key == "target_modules") {
      const std::set<std::string> a = value, b = theirs.at(key);
      EXPECT_EQ(a, b);
    } else {
      EXPECT_EQ(value, theirs.at(key)) << key;
    }
  }
  const Adapter again = read_adapter(folder / "again");
  EXPECT_EQ(again.parameters(), adapter.parameters());
  EXPECT_EQ(again.targets, adapter.targets);
}

TEST_P(PeftAdapter, GoesThroughGgufAndBack) {
  const TempFolder folder;
  if (adapter.kind != AdapterKind::lora) {
    EXPECT_EQ(refusal([&] { in_names(adapter, base(), Names::gguf); }),
              fmt::format("bad_argument: adapter training/{}: GGUF has no place for a {}",
                          GetParam(), name_of(adapter.kind)));
    return;
  }
  Model model = base(Names::gguf);
  write_gguf_adapter(folder / "adapter.gguf", in_names(adapter, model, Names::gguf));
  const Adapter from_gguf = read_adapter(folder / "adapter.gguf");
  EXPECT_EQ(from_gguf.base, "a tiny random model");
  attach(model, from_gguf);
  expect_peft_logits(model);
  const Adapter back = in_names(from_gguf, model, Names::hub);
  ASSERT_EQ(back.changes.size(), adapter.changes.size());
  EXPECT_EQ(back.conv1d, adapter.conv1d);
  for (std::size_t i = 0; i < back.changes.size(); ++i) {
    const WeightChange &made = back.changes[i], &first = adapter.changes[i];
    EXPECT_EQ(made.weight, first.weight);
    EXPECT_EQ(0,
              std::memcmp(made.a.raw(), first.a.raw(), static_cast<std::size_t>(first.a.bytes())));
    EXPECT_EQ(0,
              std::memcmp(made.b.raw(), first.b.raw(), static_cast<std::size_t>(first.b.bytes())));
    // The alpha of rsLoRA goes through an f32.
    EXPECT_NEAR(back.scale(made), adapter.scale(first), 1e-7 * adapter.scale(first));
  }
}

TEST_P(PeftAdapter, HalfTwiceIsOnce) {
  Model once = base(), twice = base();
  attach(once, adapter);
  if (adapter.kind != AdapterKind::lora) {
    EXPECT_EQ(refusal([&] { attach(twice, adapter, 0.5); }),
              fmt::format("unsupported: adapter training/{}: a {} has no weight, 0.5 is given",
                          GetParam(), name_of(adapter.kind)));
    EXPECT_EQ(refusal([&] { attach(once, adapter); }),
              fmt::format("unsupported: adapter training/{}: a {} stands in front already, and "
                          "there can be one",
                          GetParam(), name_of(adapter.kind)));
    return;
  }
  attach(twice, adapter, 0.5);
  attach(twice, adapter, 0.5);
  // Sums in another order: as far apart as two f32 runs of a model are.
  EXPECT_LT(difference(logits_of(twice, tokens(0)), logits_of(once, tokens(0))), 1e-5);
  attach(twice, adapter, -1);
  EXPECT_LT(difference(logits_of(twice, tokens(0)), logits_of(base(), tokens(0))), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(All, PeftAdapter,
                         ::testing::Values("llama_lora", "llama_rslora", "llama_prompt",
                                           "llama_prefix", "gpt2_lora", "gpt2_prompt",
                                           "gpt2_prefix"));

/// The bytes and shapes of a GGUF file's tensors, by name.
std::map<std::string, std::vector<std::byte>> gguf_tensors(const std::filesystem::path& path) {
  std::map<std::string, std::vector<std::byte>> tensors;
  const store::GgufFile file(path);
  for (const store::GgufTensor& tensor : file.tensors())
    tensors[std::string(tensor.name) + " " + store::shape_text(tensor.shape())] = {
        tensor.bytes.begin(), tensor.bytes.end()};
  return tensors;
}

TEST(GgufAdapter, IsWrittenAsLlamaCppDoes) {
  const auto theirs = adapter_path("llama_lora.gguf");
  const Adapter adapter = read_adapter(adapter_path("llama_lora"));
  const TempFolder folder;
  write_gguf_adapter(folder / "a.gguf", in_names(adapter, tiny_model("llama"), Names::gguf));
  EXPECT_EQ(gguf_tensors(folder / "a.gguf"), gguf_tensors(theirs));
  const Adapter read = read_adapter(theirs), made = read_adapter(folder / "a.gguf");
  EXPECT_EQ(made.architecture, read.architecture);
  EXPECT_EQ(made.alpha, read.alpha);
  EXPECT_EQ(made.rank, read.rank);
  Model with_theirs = tiny_model("llama"), with_pefts = tiny_model("llama");
  attach(with_theirs, read);
  attach(with_pefts, adapter);
  EXPECT_EQ(logits_of(with_theirs, some_tokens()), logits_of(with_pefts, some_tokens()));
}

TEST(Adapter, InAPyTorchFileIsTheSame) {
  const Adapter pickled = read_adapter(adapter_path("llama_prompt_bin")),
                adapter = read_adapter(adapter_path("llama_prompt"));
  ASSERT_EQ(pickled.rows.shape(), adapter.rows.shape());
  EXPECT_EQ(0, std::memcmp(pickled.rows.raw(), adapter.rows.raw(),
                           static_cast<std::size_t>(adapter.rows.bytes())));
}

TEST(Adapter, OfTwoKindsWorkTogether) {
  Model both = tiny_model("llama"), lora = tiny_model("llama"), prompt = tiny_model("llama");
  const Adapter changes = read_adapter(adapter_path("llama_lora")),
                rows = read_adapter(adapter_path("llama_prompt"));
  attach(lora, changes);
  attach(prompt, rows);
  attach(both, rows);
  attach(both, changes);
  EXPECT_EQ(both.lm->shape().context, tiny_model("llama").lm->shape().context - 4);
  const std::vector<float> found = logits_of(both, some_tokens());
  EXPECT_GT(difference(found, logits_of(lora, some_tokens())), 0.01);
  EXPECT_GT(difference(found, logits_of(prompt, some_tokens())), 0.01);
  detach(both);
  EXPECT_EQ(both.lm->shape().context, tiny_model("llama").lm->shape().context);
}

TEST(Adapter, ForAnotherModelIsRefusedWithTheDifferences) {
  const auto on = [](const char* family, const char* adapter) {
    return refusal([&] {
      Model model = tiny_model(family);
      attach(model, read_adapter(adapter_path(adapter)));
    });
  };
  EXPECT_EQ(on("gpt2", "llama_lora"),
            "bad_argument: adapter training/llama_lora (for \"a tiny random model\") does not fit "
            "families/gpt2 (gpt2, gpt2): 14 of the 14 weights that it changes are not among this "
            "model's 8 (model.layers.0.mlp.down_proj.weight, model.layers.0.mlp.gate_proj.weight, "
            "model.layers.0.mlp.up_proj.weight and 11 more); its rank is 4");
  EXPECT_EQ(on("qwen2", "llama_lora"),
            "bad_argument: adapter training/llama_lora (for \"a tiny random model\") does not fit "
            "families/qwen2 (qwen2, qwen2): 14 have other sizes "
            "(model.layers.0.mlp.down_proj.weight is (32, 48) there, (64, 32) here, "
            "model.layers.0.mlp.gate_proj.weight is (48, 32) there, (32, 64) here, "
            "model.layers.0.mlp.up_proj.weight is (48, 32) there, (32, 64) here and 11 more); its "
            "rank is 4");
  EXPECT_EQ(
      on("gpt2", "llama_prompt"),
      "bad_argument: adapter training/llama_prompt (for \"a tiny random model\") does not "
      "fit families/gpt2 (gpt2, gpt2): 4 virtual tokens are 32 wide there (2 layers), 48 here "
      "(2 layers)");
  EXPECT_EQ(on("gpt2", "llama_prefix"),
            "bad_argument: adapter training/llama_prefix (for \"a tiny random model\") does not "
            "fit families/gpt2 (gpt2, gpt2): 4 virtual tokens are 128 wide there (2 layers), 192 "
            "here (2 layers)");
}

TEST(Adapter, WithoutItsVirtualTokensAModelDoesNotRun) {
  Model model = tiny_model("llama");
  attach(model, read_adapter(adapter_path("llama_prefix")));
  test::Engine engine;
  nn::Batch batch;
  batch.append(some_tokens(), 0, nullptr, nn::Batch::Logits::last);
  EXPECT_EQ(refusal([&] { model.lm->forward(batch, engine.context); }),
            "internal: forward: a sequence without the model's 4 virtual tokens");
}

TEST(Adapter, VirtualTokensAreSavedAsTheyWereRead) {
  for (const char* name : {"llama_prompt", "llama_prefix", "gpt2_prefix"}) {
    const Adapter adapter = read_adapter(adapter_path(name));
    Model model = tiny_model(std::string(name).substr(0, std::string(name).find('_')));
    attach(model, adapter);
    const Adapter made = adapter_of(model);
    EXPECT_EQ(made.kind, adapter.kind);
    EXPECT_EQ(made.layers, adapter.layers);
    EXPECT_EQ(made.heads, adapter.heads);
    ASSERT_EQ(made.rows.shape(), adapter.rows.shape());
    EXPECT_EQ(0, std::memcmp(made.rows.raw(), adapter.rows.raw(),
                             static_cast<std::size_t>(adapter.rows.bytes())));
  }
}

}  // namespace
}  // namespace pomona::model
