// What a folder says about its model beside the weights.
#include "model/model_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::model {
namespace {

namespace fs = std::filesystem;

class ModelFilesTest : public ::testing::Test {
 protected:
  ModelFilesTest() { fs::copy(golden::path_of("families/llama"), folder_.path()); }

  std::string licence_of(const std::string& readme) {
    write_file(folder_ / "README.md", readme);
    return open_model_files(folder_.path()).licence;
  }

  test::TempFolder folder_;
};

TEST_F(ModelFilesTest, LicenceOfTheReadme) {
  EXPECT_EQ(open_model_files(folder_.path()).licence, "");
  EXPECT_EQ(licence_of("---\nlibrary_name: x\nlicense: apache-2.0\n---\nlicense: mit\n"),
            "apache-2.0");
  EXPECT_EQ(licence_of("---\r\nlicense: \"mit\"  # as said\r\n---\r\n"), "mit");
  EXPECT_EQ(licence_of("---\nlanguage: en\n---\nlicense: mit\n"), "");
  EXPECT_EQ(licence_of("license: mit\n"), "");
  EXPECT_EQ(licence_of(""), "");
}

TEST_F(ModelFilesTest, AReadmeThatCannotBeReadDoesNotMatter) {
  EXPECT_EQ(licence_of("---\nlicense: mit\xff\n---\n"), "mit\\xFF");
  fs::remove(folder_ / "README.md");
  ASSERT_EQ(::mkfifo((folder_ / "README.md").c_str(), 0600), 0);
  EXPECT_EQ(open_model_files(folder_.path()).licence, "");
}

TEST_F(ModelFilesTest, PipesAndPointersAreRefused) {
  write_file(folder_ / "model.safetensors", "version https://git-lfs.github.com/spec/v1\n");
  EXPECT_EQ(test::refused([&] { open_model_files(folder_.path()); }),
            "bad_file: open checkpoint: " + (folder_ / "model.safetensors").string() +
                ": a pointer of Git LFS, not the file itself; fetch that with git lfs pull");
  fs::remove(folder_ / "config.json");
  ASSERT_EQ(::mkfifo((folder_ / "config.json").c_str(), 0600), 0);
  EXPECT_EQ(test::refused([&] { open_model_files(folder_.path()); }),
            "bad_file: " + (folder_ / "config.json").string() + ": expected a regular file");
}

}  // namespace
}  // namespace pomona::model
