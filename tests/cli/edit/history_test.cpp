// The file of what was typed.
#include "cli/edit/history.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::cli {
namespace {

using Texts = std::vector<std::string>;

class HistoryTest : public ::testing::Test {
 protected:
  Texts kept() const { return History(file_).entries(); }

  test::TempFolder folder_;
  std::filesystem::path file_ = folder_ / "history/chat.jsonl";
};

TEST_F(HistoryTest, IsThereInTheNextChat) {
  {
    History history(file_);
    history.add("one");
    history.add("two\nlines \"梨\"");
    history.add("two\nlines \"梨\"");  // again
    history.add("  ");
  }
  EXPECT_EQ(kept(), (Texts{"one", "two\nlines \"梨\""}));
}

TEST_F(HistoryTest, IsForItsOwnerAlone) {
  History(file_).add("secret");
  struct stat status = {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(HistoryTest, TwoChatsAppend) {
  History one(file_), two(file_);
  one.add("a");
  two.add("b");
  one.add("c");
  EXPECT_EQ(kept(), (Texts{"a", "b", "c"}));
  EXPECT_EQ(one.entries(), (Texts{"a", "c"}));
}

TEST_F(HistoryTest, StaysSmall) {
  History history(file_);
  for (std::size_t i = 0; i <= History::kMostEntries; ++i) history.add(std::to_string(i));
  Texts entries = kept();
  EXPECT_EQ(entries.size(), History::kMostEntries / 2);
  EXPECT_EQ(entries.back(), std::to_string(History::kMostEntries));
  for (int i = 0; i < 40; ++i)
    history.add(std::string(History::kLongEntry - 10, 'a') + std::to_string(i));
  EXPECT_LE(std::filesystem::file_size(file_), History::kMostBytes);
  EXPECT_TRUE(kept().back().ends_with("a39"));
  history.add(std::string(History::kLongEntry + 1, 'b'));
  EXPECT_TRUE(kept().back().ends_with("a39"));
  EXPECT_TRUE(history.entries().back().ends_with("b"));
}

TEST_F(HistoryTest, FaultyLinesArePassedOver) {
  write_file(file_, "\"one\"\nhello\n{\"a\": 1}\n\"half");
  EXPECT_EQ(kept(), Texts{"one"});
}

TEST_F(HistoryTest, ACutOffLineTakesNoOtherAlong) {
  write_file(file_, "\"one\"\n\"ha");
  History(file_).add("two");
  EXPECT_EQ(kept(), (Texts{"one", "two"}));
}

TEST_F(HistoryTest, APipeIsNoHistory) {
  std::filesystem::create_directories(file_.parent_path());
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_EQ(test::refused([&] { kept(); }),
            "io: read: " + file_.string() + ": expected a regular file");
}

TEST_F(HistoryTest, WithoutAFileNothingIsWritten) {
  History history(std::nullopt);
  history.add("one");
  EXPECT_EQ(history.entries(), Texts{"one"});
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(HistoryTest, AFaultIsToldOnce) {
  write_file(folder_ / "history", "a file where the folder would be");
  History history(file_);
  EXPECT_EQ(test::error_of([&] { history.add("one"); }).kind(), ErrorKind::io);
  history.add("two");
  EXPECT_EQ(history.entries(), (Texts{"one", "two"}));
}

}  // namespace
}  // namespace pomona::cli
