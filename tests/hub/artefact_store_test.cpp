// Artefacts: keys, drafts that survive kills and full disks, several processes, references,
// cleaning.
#include "hub/artefact_store.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/clock.h"
#include "hub/model_store.h"
#include "tests/hub/store_fixture.h"
#include "tests/support/file_limit.h"

namespace pomona::hub {
namespace {

class ArtefactStoreTest : public StoreTest {
 protected:
  static ArtefactKey key(int seed = 1) {
    return {"evaluate", 1, {{"seed", seed}, {"shots", {0, 1}}}, {{"model", "aa"}, {"data", "bb"}}};
  }

  Claim claim(ArtefactStore& store, int seed = 1) {
    return store.claim(key(seed), no_progress(), stop_);
  }

  /// An artefact with one file of 100 bytes.
  std::string make(ArtefactStore& store, int seed) {
    Draft draft = std::move(*claim(store, seed).draft);
    write_file(draft.folder() / "out.txt", std::string(100, 'x'));
    return draft.commit(1.5).key;
  }

  StopToken stop_;
};

TEST_F(ArtefactStoreTest, KeysDependOnContentNotOnOrder) {
  ArtefactKey one = key();
  ArtefactKey two{"evaluate", 1, Json::object(), {{"data", "bb"}, {"model", "aa"}}};
  two.parameters["shots"] = {0, 1};
  two.parameters["seed"] = 1;
  EXPECT_EQ(one.hex(), two.hex());
  EXPECT_EQ(
      one.hex(),
      sha256_hex(R"({"inputs":{"data":"bb","model":"aa"},"parameters":{"seed":1,"shots":[0,1]},)"
                 R"("stage":"evaluate","version":1})"));
  EXPECT_NE(one.hex(), key(2).hex());
  two.version = 2;
  EXPECT_NE(one.hex(), two.hex());
  two = key();
  two.inputs["data"] = "cc";
  EXPECT_NE(one.hex(), two.hex());
  two.parameters["text"] = "\xff";
  EXPECT_EQ(error_of([&] { two.hex(); }).kind(), ErrorKind::bad_argument);
}

TEST_F(ArtefactStoreTest, MakesOnceAndFindsForEver) {
  ArtefactStore store(home_);
  EXPECT_FALSE(store.find(key().hex()));
  Claim first = claim(store);
  ASSERT_TRUE(first.draft);
  EXPECT_FALSE(first.artefact);
  EXPECT_FALSE(first.draft->resumed());
  first.draft->append("samples.jsonl", {{"i", 0}});
  EXPECT_FALSE(store.find(key().hex()));
  const Artefact made = first.draft->commit(2.5, {{"score", 0.25}});
  EXPECT_FALSE(fs::exists(home_.drafts() / made.key));

  ArtefactStore other(home_);
  const Claim second = claim(other);
  ASSERT_TRUE(second.artefact);
  EXPECT_FALSE(second.draft);
  EXPECT_EQ(second.artefact->key, key().hex());
  EXPECT_EQ(second.artefact->stage, "evaluate");
  EXPECT_EQ(second.artefact->seconds, 2.5);
  EXPECT_EQ(second.artefact->bytes, 8u);  // {"i":0} and a line feed
  EXPECT_EQ(second.artefact->meta["score"], 0.25);
  EXPECT_EQ(read_file(second.artefact->folder / "samples.jsonl"), "{\"i\":0}\n");
  EXPECT_EQ(other.list().size(), 1u);
}

TEST_F(ArtefactStoreTest, ADraftIsGoneOnWith) {
  ArtefactStore store(home_);
  {
    Claim claimed = claim(store);
    claimed.draft->append("s.jsonl", {{"i", 0}});
    claimed.draft->append("s.jsonl", {{"i", 1}});
  }
  Claim again = claim(store);
  ASSERT_TRUE(again.draft);
  EXPECT_TRUE(again.draft->resumed());
  const std::vector<Json> records = again.draft->records("s.jsonl");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1]["i"], 1);
  EXPECT_TRUE(again.draft->records("other.jsonl").empty());
  again.draft->discard();
  EXPECT_FALSE(claim(store).draft->resumed());
}

TEST_F(ArtefactStoreTest, AHalfWrittenRecordIsCutOff) {
  // No end, no line feed, damage in the middle, zeros as after a power cut.
  const std::string ends[] = {"{\"i\":", "{\"i\":2}", "{\"i\":\n{\"i\":3}\n",
                              std::string("\0\0\n", 3)};
  ArtefactStore store(home_);
  for (const std::string& end : ends) {
    Claim claimed = claim(store);
    write_file(claimed.draft->folder() / "s.jsonl", "{\"i\":0}\n{\"i\":1}\n" + end);
    claimed.draft->append("s.jsonl", {{"i", 9}});
    EXPECT_EQ(read_file(claimed.draft->folder() / "s.jsonl"), "{\"i\":0}\n{\"i\":1}\n{\"i\":9}\n");
    claimed.draft->discard();
  }
}

// A child appends records until it is killed; each record it has told of must be there.
TEST_F(ArtefactStoreTest, KilledInTheMiddleNoFinishedRecordIsLost) {
  for (const int wait_us : {0, 3000, 10000}) {
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ArtefactStore store(home_);
      Claim claimed = claim(store, wait_us);
      for (int i = 0;; ++i) {
        claimed.draft->append("s.jsonl", {{"i", i}, {"text", std::string(5000, 'x')}});
        if (::write(told[1], "y", 1) != 1) ::_exit(1);
      }
    }
    char byte = 0;
    ASSERT_EQ(::read(told[0], &byte, 1), 1);
    ::usleep(static_cast<useconds_t>(wait_us));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(told[1]);
    std::size_t finished = 1;
    while (::read(told[0], &byte, 1) == 1) ++finished;
    ::close(told[0]);

    ArtefactStore store(home_);
    Claim claimed = claim(store, wait_us);
    ASSERT_TRUE(claimed.draft);
    const std::vector<Json> records = claimed.draft->records("s.jsonl");
    EXPECT_GE(records.size(), finished);
    for (std::size_t i = 0; i < records.size(); ++i) EXPECT_EQ(records[i]["i"], i);
  }
}

TEST_F(ArtefactStoreTest, AFullDiskKeepsEarlierRecords) {
  ArtefactStore store(home_);
  Claim claimed = claim(store);
  claimed.draft->append("s.jsonl", {{"i", 0}});
  const Error error = error_of([&] {
    const test::FileLimit full(1000);
    claimed.draft->append("s.jsonl", {{"text", std::string(2000, 'x')}});
  });
  EXPECT_EQ(error.kind(), ErrorKind::exhausted);
  EXPECT_EQ(read_file(claimed.draft->folder() / "s.jsonl"), "{\"i\":0}\n");
}

TEST_F(ArtefactStoreTest, LeftoversOfAKilledWriteAreNoPartOfTheArtefact) {
  ArtefactStore store(home_);
  Claim claimed = claim(store);
  write_file(claimed.draft->folder() / "sub/out.txt.partial-Ab12Cd", "half");
  write_file(claimed.draft->folder() / "sub/out.txt", "whole");
  const Artefact artefact = claimed.draft->commit(0);
  EXPECT_FALSE(fs::exists(artefact.folder / "sub/out.txt.partial-Ab12Cd"));
  EXPECT_EQ(artefact.bytes, 5u);
}

TEST_F(ArtefactStoreTest, AnArtefactWithoutItsNoteIsMadeAgain) {
  ArtefactStore store(home_);
  const std::string hex = make(store, 1);
  write_file(home_.artefact(hex) / "artefact.json", "{\"key\": ");
  EXPECT_FALSE(store.find(hex));
  EXPECT_EQ(make(store, 1), hex);
  EXPECT_TRUE(store.find(hex));
}

// Two stores claim the same key at once, many times: one makes it, the other waits and finds it.
TEST_F(ArtefactStoreTest, TwoAtOnceMakeItOnce) {
  std::atomic<int> made = 0;
  const auto work = [&] {
    ArtefactStore store(home_);
    for (int seed = 0; seed < 10; ++seed) {
      Claim claimed = store.claim(key(seed), no_progress(), stop_);
      if (claimed.artefact) continue;
      claimed.draft->append("s.jsonl", {{"seed", seed}});
      claimed.draft->commit(0);
      ++made;
    }
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(made, 10);
  EXPECT_EQ(ArtefactStore(home_).list().size(), 10u);
}

TEST_F(ArtefactStoreTest, WaitingForAnotherProcessEndsOnAStopRequest) {
  ArtefactStore store(home_);
  const Claim held = claim(store);
  struct Sink : ProgressSink {
    void note(std::string_view line) override {
      text = line;
      stop->request();
    }
    std::string text;
    StopToken* stop;
  } sink;
  sink.stop = &stop_;
  ArtefactStore other(home_);
  EXPECT_EQ(error_of([&] { other.claim(key(), sink, stop_); }).kind(), ErrorKind::cancelled);
  EXPECT_EQ(sink.text, "evaluate: waiting for another process that makes the same");
}

TEST_F(ArtefactStoreTest, CleanKeepsWhatReportsAndAliasesReferTo) {
  write_file(folder_ / "report.json", "{}");
  std::vector<std::string> keys;
  {
    ArtefactStore store(home_);
    for (int seed = 0; seed < 4; ++seed) keys.push_back(make(store, seed));
    store.set_references(folder_ / "report.json", {keys[3]});
    store.set_references(folder_ / "report.json", {keys[0], keys[1]});
  }
  write_catalogue("");
  ModelStore(home_).set_alias({"tuned", "out.txt", keys[2], {}, {}});
  ArtefactStore store(home_);
  const std::uint64_t before = folder_bytes(home_.artefacts());
  const Cleaned cleaned = store.clean();
  EXPECT_EQ(cleaned.artefacts, 1u);
  EXPECT_GE(cleaned.freed_bytes, 100u);
  EXPECT_EQ(before - folder_bytes(home_.artefacts()), cleaned.freed_bytes);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(store.find(keys[static_cast<std::size_t>(i)]));
  EXPECT_FALSE(store.find(keys[3]));
  EXPECT_EQ(store.clean().artefacts, 0u);
  fs::remove(folder_ / "report.json");  // the user has thrown the report away
  EXPECT_EQ(store.clean().artefacts, 2u);
  EXPECT_TRUE(store.find(keys[2]));
}

TEST_F(ArtefactStoreTest, CleanKeepsWhatARunWithoutReportHasFinished) {
  ArtefactStore store(home_);
  const std::string kept = make(store, 1);
  const std::string found_again = make(store, 2);
  write_file(folder_ / "report.json", "{}");
  store.set_references(folder_ / "report.json", {found_again});
  store.set_references(folder_ / "report.json", {});
  ASSERT_TRUE(claim(store, 2).artefact);  // a later run, on its way to a report of its own
  EXPECT_EQ(store.clean().artefacts, 0u);
  EXPECT_TRUE(store.find(kept));
  EXPECT_TRUE(store.find(found_again));
  EXPECT_EQ(store.clean(0).artefacts, 2u);  // given up, as unfinished drafts are
}

TEST_F(ArtefactStoreTest, CleanKeepsFreshDraftsAndThoseInWork) {
  {
    ArtefactStore store(home_);
    claim(store, 1).draft->append("s.jsonl", {{"i", 0}});
  }
  ArtefactStore store(home_);
  EXPECT_EQ(store.clean().drafts, 0u);
  const Cleaned cleaned = store.clean(0);
  EXPECT_EQ(cleaned.drafts, 1u);
  EXPECT_EQ(cleaned.freed_bytes, 8u);
  const Claim held = claim(store, 2);
  ArtefactStore other(home_);
  const Error error = error_of([&] { other.clean(0); });
  EXPECT_EQ(error.kind(), ErrorKind::io);
  EXPECT_TRUE(contains(error.what(), "another pomona works with the store")) << error.what();
  EXPECT_TRUE(fs::exists(held.draft->folder()));
}

}  // namespace
}  // namespace pomona::hub
