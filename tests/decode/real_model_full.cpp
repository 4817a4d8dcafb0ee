// The real model through the scheduler: kinds of cache, and many requests with one beginning. Skips
// where the model is absent (./run fetches it).
#include <gtest/gtest.h>

#include "base/file.h"
#include "decode/scheduler.h"
#include "eval/divergence.h"
#include "eval/perplexity.h"
#include "tests/support/engine.h"
#include "tests/support/real_model.h"
#include "tests/support/temp_folder.h"
#include "text/tokenizer.h"

namespace pomona::decode {
namespace {

class RealDecoding : public testing::Test {
 protected:
  void SetUp() override {
    const auto path = test::real_model();
    if (!path) GTEST_SKIP() << test::kNoRealModel;
    model = model::load_model(*path);
    tokens = model.tokenizer->encode(
        read_file(std::filesystem::path(POMONA_SOURCE_DIR) / "examples/meeting-notes/test.jsonl"));
  }
  model::Model model;
  std::vector<std::int32_t> tokens;
};

TEST_F(RealDecoding, CoarserCachesCostLittle) {
  const test::TempFolder folder;
  test::Engine engine(2);
  eval::PerplexityOptions options{.chunks = 3, .kv_kind = kernel::KvKind::f32};
  {
    eval::LogitsFileWriter writer(folder.path() / "f32.logits");
    options.save = &writer;
    eval::perplexity(model, engine.context, tokens, options, no_progress());
    writer.commit();
  }
  const eval::LogitsFile base(folder.path() / "f32.logits");
  for (const kernel::KvKind kind : {kernel::KvKind::bf16, kernel::KvKind::q8}) {
    const eval::Divergence found =
        eval::kl_divergence(model, engine.context, base, no_progress(), kind);
    // On other text it was 0.003 with bf16, 0.004 with q8; int8 inputs of the products, which turn
    // with any change before them, are most of it. A wrong scale costs whole nats.
    EXPECT_LT(found.kl.mean, 0.008) << nn::name_of(kind);
    EXPECT_NEAR(found.log_ratio.mean, 0, 0.015) << nn::name_of(kind);
    EXPECT_GT(found.kl.mean, 1e-5) << "the kind was used";
  }
}

TEST_F(RealDecoding, SixtyRequestsWithOneBeginningReadItOnce) {
  test::Engine engine(2);
  std::vector<Request> requests;
  for (std::ptrdiff_t i = 0; i < 60; ++i) {
    Request& request = requests.emplace_back();
    request.prompt.assign(tokens.begin(), tokens.begin() + 300);
    const auto own = tokens.begin() + 400 + 20 * i;
    request.prompt.insert(request.prompt.end(), own, own + 20);
    request.max_new_tokens = 12;
    if (i % 3 == 1) request.sampling = {.temperature = 0.9, .seed = static_cast<std::uint64_t>(i)};
  }
  Scheduler together(model, engine.context), apart(model, engine.context);
  for (const Request& one : requests) together.submit(one);
  std::vector<Completion> found(60);
  std::int64_t shared = 0;
  together.run([&](std::int64_t id, Completion done) {
    shared += done.shared_tokens;
    found[static_cast<std::size_t>(id)] = std::move(done);
  });
  EXPECT_GE(shared, 59 * 300);
  for (std::size_t i = 0; i < 60; i += 7) {
    apart.submit(requests[i]);
    apart.run([&](std::int64_t, const Completion& alone) {
      EXPECT_EQ(alone.tokens, found[i].tokens);
      EXPECT_EQ(alone.text, found[i].text);
    });
  }
}

}  // namespace
}  // namespace pomona::decode
