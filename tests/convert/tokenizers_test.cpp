// Tokenisers in the other kind of file, on the small SentencePiece vocabulary of the goldens.
#include <gtest/gtest.h>

#include "base/file.h"
#include "convert/tokenizers.h"
#include "store/gguf.h"
#include "store/gguf_tokenizer.h"
#include "store/hub_folder.h"
#include "tests/support/golden.h"
#include "tests/support/temp_folder.h"

namespace pomona::convert {
namespace {

class SentencePiece : public testing::Test {
 protected:
  SentencePiece()
      : file(golden::path_of("tokenizer_sp_bpe_llama.gguf")),
        before(model::open_model_text(file.path())) {}

  /// Writes the folder's files, tokenizer.json with `changes` (null removes), and reads them.
  model::ModelText write_folder(const Json& changes) {
    const HubTokenizerFiles files = hub_tokenizer(file.metadata(), before, 512);
    Json tokenizer = Json::parse(files.tokenizer);
    tokenizer.merge_patch(changes);
    write_file(folder / store::kTokenizerFile, tokenizer.dump());
    write_file(folder / store::kTokenizerConfigFile, files.config.dump());
    return model::open_model_text(folder.path());
  }

  test::TempFolder folder;
  store::GgufFile file;
  model::ModelText before;
};

/// The folder gives each piece between added tokens a mark of its own, SentencePiece the whole
/// text.
TEST_F(SentencePiece, TextOfTheUsersOwnTokensDiffersAndThatIsSeen) {
  const TokenCheck check = compare_tokens(before, write_folder(Json::object()));
  EXPECT_TRUE(check.usual_differ) << "\"tree\" is such a token";
  EXPECT_GT(check.different, check.texts / 50);
}

TEST_F(SentencePiece, MetaspaceDiffersOnlyWhereTextsBegin) {
  for (const char* scheme : {"first", "always"}) {
    const model::ModelText hub = write_folder({{"normalizer", nullptr},
                                               {"pre_tokenizer",
                                                {{"type", "Metaspace"},
                                                 {"replacement", "\u2581"},
                                                 {"prepend_scheme", scheme},
                                                 {"split", false}}}});
    GgufKeys keys;
    const auto rows = static_cast<std::int64_t>(before.tokenizer->vocabulary_size());
    ASSERT_EQ(write_gguf_tokenizer(folder.path(), hub, rows, keys), Beginnings::metaspace);
    const model::ModelText made = {store::read_tokenizer(keys.metadata("made")), std::nullopt};
    const TokenCheck check = compare_tokens(hub, made, Beginnings::metaspace);
    EXPECT_EQ(check.different, 0) << scheme << ": " << check.example;
    EXPECT_NE(hub.tokenizer->encode(" a pear"), made.tokenizer->encode(" a pear")) << scheme;
  }
}

}  // namespace
}  // namespace pomona::convert
