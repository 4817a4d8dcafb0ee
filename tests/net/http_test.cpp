// Downloads against a server on 127.0.0.1 that cuts, stalls, refuses and redirects.
#include "net/http.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/support/file_limit.h"
#include "tests/support/http_server.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::net {
namespace {

using test::error_of;
using test::HttpServer;
using test::Reply;
using test::Request;

/// 100 kB in which every place can be told from its neighbours.
std::string sample() {
  std::string text;
  for (int i = 0; text.size() < 100000; ++i) text += std::to_string(i) + " ";
  return text;
}

HttpOptions quick() {
  HttpOptions options;
  options.back_off_seconds = 0.01;
  options.stall_seconds = 1;
  return options;
}

class HttpTest : public ::testing::Test {
 protected:
  // The way of the test's requests must not depend on who runs it.
  HttpTest()
      : http_("http_proxy", std::nullopt),
        all_("all_proxy", std::nullopt),
        upper_("ALL_PROXY", std::nullopt) {}
  test::TempFolder folder_;
  const fs::path part_ = folder_ / "x.gguf.part";

 private:
  test::ScopedEnv http_, all_, upper_;
};

TEST_F(HttpTest, SmallAnswersComeWithTheirHeaders) {
  HttpServer server([](const Request& request) {
    return Reply{.status = request.target == "/no" ? 403 : 200,
                 .body = "hello",
                 .headers = {"X-Some-Thing:  a: b "}};
  });
  const Answer answer = get(server.url(), quick());
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.headers.at("x-some-thing"), "a: b");
  EXPECT_EQ(get(server.url(), quick(), 5).body, "hello");
  EXPECT_EQ(error_of([&] { get(server.url(), quick(), 4); }).kind(), ErrorKind::network);
  try {
    get(server.url() + "/no", quick());
    ADD_FAILURE() << "a refusal was taken for an answer";
  } catch (const StatusError& refusal) {
    EXPECT_EQ(refusal.status(), 403);
    EXPECT_EQ(refusal.headers().at("x-some-thing"), "a: b");
    EXPECT_EQ(refusal.kind(), ErrorKind::network);
  }
}

TEST_F(HttpTest, ProofGoesToTheHostOfTheUrlAlone) {
  HttpServer other([](const Request&) { return Reply{.body = "hello"}; });
  HttpServer server([&](const Request&) {
    return Reply{.status = 302, .headers = {"Location: " + other.url()}};
  });
  HttpOptions options = quick();
  options.bearer = "secret";
  EXPECT_EQ(get(server.url(), options).body, "hello");
  download(server.url(), part_, options);
  for (const Request& request : server.requests())
    EXPECT_NE(request.head.find("\r\nAuthorization: Bearer secret\r\n"), std::string::npos);
  ASSERT_EQ(other.requests().size(), 2u);
  for (const Request& request : other.requests())
    EXPECT_EQ(request.head.find("secret"), std::string::npos) << request.head;
}

TEST_F(HttpTest, FollowsRedirects) {
  HttpServer server([](const Request& request) {
    Reply reply;
    if (request.target == "/a") {
      reply.status = 302;
      reply.headers = {"Location: /b"};
      reply.body = "moved";
    } else {
      reply.body = "hello";
    }
    return reply;
  });
  download(server.url() + "/a", part_, quick());
  EXPECT_EQ(read_file(part_), "hello");
  ASSERT_EQ(server.requests().size(), 2u);
  EXPECT_NE(server.requests()[0].head.find("User-Agent: pomona/"), std::string::npos);
}

TEST_F(HttpTest, DownloadsAndReportsProgress) {
  struct Sink : ProgressSink {
    void begin(std::string_view name, std::uint64_t all, std::string_view unit) override {
      what = name;
      total = all;
      EXPECT_EQ(unit, "bytes");
    }
    void update(std::uint64_t now, std::string_view) override {
      EXPECT_GE(now, done);
      done = now;
    }
    void end(std::string_view) override { ++ends; }
    std::string what;
    std::uint64_t total = 0;
    std::uint64_t done = 0;
    int ends = 0;
  } sink;
  HttpServer server([](const Request&) { return Reply{.body = sample()}; });
  HttpOptions options = quick();
  options.progress = &sink;
  const Download result = download(server.url(), part_, options);
  EXPECT_EQ(read_file(part_), sample());
  EXPECT_EQ(result.bytes, sample().size());
  EXPECT_EQ(result.resumed_from, 0u);
  EXPECT_EQ(sink.what, "download x.gguf");
  EXPECT_EQ(sink.total, sample().size());
  EXPECT_EQ(sink.done, sample().size());
  EXPECT_EQ(sink.ends, 1);
}

TEST_F(HttpTest, GoesOnWhereAnEarlierDownloadStopped) {
  HttpServer server([](const Request&) { return Reply{.body = sample()}; });
  write_file(part_, sample().substr(0, 60000));
  const Download result = download(server.url(), part_, quick());
  EXPECT_EQ(read_file(part_), sample());
  EXPECT_EQ(result.resumed_from, 60000u);
  EXPECT_EQ(server.requests()[0].range_from, 60000u);
}

TEST_F(HttpTest, ACompletePartIsADownload) {
  HttpServer server([](const Request&) { return Reply{.body = sample()}; });
  write_file(part_, sample());
  EXPECT_EQ(download(server.url(), part_, quick()).resumed_from, sample().size());
  EXPECT_EQ(read_file(part_), sample());
}

TEST_F(HttpTest, APartThatIsTooLongStartsAnew) {
  HttpServer server([](const Request&) { return Reply{.body = sample()}; });
  write_file(part_, sample() + "more");
  EXPECT_EQ(download(server.url(), part_, quick()).resumed_from, 0u);
  EXPECT_EQ(read_file(part_), sample());
}

TEST_F(HttpTest, AServerWithoutRangesSendsEverythingAnew) {
  HttpServer server([](const Request&) { return Reply{.body = sample(), .ranges = false}; });
  write_file(part_, "something else");
  EXPECT_EQ(download(server.url(), part_, quick()).resumed_from, 0u);
  EXPECT_EQ(read_file(part_), sample());
}

TEST_F(HttpTest, AnAnswerOfAnotherSizeReplacesNothing) {
  HttpServer server([](const Request&) { return Reply{.body = "log in first", .ranges = false}; });
  write_file(part_, sample().substr(0, 60000));
  HttpOptions options = quick();
  options.bytes = sample().size();
  const Error error = error_of([&] { download(server.url(), part_, options); });
  EXPECT_EQ(error.kind(), ErrorKind::network);
  EXPECT_EQ(error.what(), fmt::format("get: {}: the server has 12 bytes of it, not {}",
                                      server.url(), sample().size()));
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(read_file(part_), sample().substr(0, 60000));
}

TEST_F(HttpTest, AnAnswerOfUnknownSizeReplacesNothingButFillsAnEmptyFile) {
  HttpServer server(
      [](const Request&) { return Reply{.body = sample(), .length = false, .ranges = false}; });
  write_file(part_, sample().substr(0, 60000));
  HttpOptions options = quick();
  options.bytes = sample().size();
  const Error error = error_of([&] { download(server.url(), part_, options); });
  EXPECT_EQ(error.kind(), ErrorKind::network);
  EXPECT_NE(std::string(error.what()).find("remove " + part_.string() + " to begin anew"),
            std::string::npos)
      << error.what();
  EXPECT_EQ(read_file(part_), sample().substr(0, 60000));
  fs::remove(part_);
  download(server.url(), part_, options);
  EXPECT_EQ(read_file(part_), sample());
}

TEST_F(HttpTest, MoreThanThereShouldBeIsNotWritten) {
  HttpServer server([](const Request& request) {
    Reply reply{.body = sample() + sample(), .length = false};
    if (request.range_from) {
      reply.status = 206;
      reply.headers = {"Content-Range: bytes 60000-199999/*"};
    }
    return reply;
  });
  HttpOptions options = quick();
  options.bytes = sample().size();
  const Error error = error_of([&] { download(server.url(), part_, options); });
  EXPECT_EQ(error.kind(), ErrorKind::network);
  EXPECT_EQ(error.what(), fmt::format("get: {}: the server sends more than the {} bytes of it",
                                      server.url(), sample().size()));
  EXPECT_FALSE(fs::exists(part_));
  write_file(part_, sample().substr(0, 60000));
  EXPECT_EQ(error_of([&] { download(server.url(), part_, options); }).kind(), ErrorKind::network);
  EXPECT_EQ(read_file(part_), sample().substr(0, 60000));
}

TEST_F(HttpTest, AnAnswerToAnotherRangeStartsAnew) {
  HttpServer server([](const Request& request) {
    Reply reply{.body = sample()};
    if (request.range_from) {
      reply.status = 206;
      reply.headers = {"Content-Range: bytes 5-9/10"};
    }
    return reply;
  });
  write_file(part_, sample().substr(0, 7));
  download(server.url(), part_, quick());
  EXPECT_EQ(read_file(part_), sample());
}

TEST_F(HttpTest, CutsAreResumedForAsLongAsBytesCome) {
  HttpServer server([](const Request&) { return Reply{.body = sample(), .cut_after = 9000}; });
  HttpOptions options = quick();
  options.retries = 1;
  download(server.url(), part_, options);
  EXPECT_EQ(read_file(part_), sample());
  EXPECT_EQ(server.requests().size(), (sample().size() + 8999) / 9000);
}

TEST_F(HttpTest, CutsWithoutRangesEndAndKeepWhatCame) {
  HttpServer server(
      [](const Request&) { return Reply{.body = sample(), .ranges = false, .cut_after = 9000}; });
  HttpOptions options = quick();
  options.retries = 2;
  EXPECT_EQ(error_of([&] { download(server.url(), part_, options); }).kind(), ErrorKind::network);
  EXPECT_EQ(server.requests().size(), 3u);  // only the first brought something new
  EXPECT_EQ(read_file(part_), sample().substr(0, 9000));
}

TEST_F(HttpTest, StallsAreResumed) {
  int calls = 0;
  HttpServer server([&](const Request&) {
    Reply reply{.body = sample()};
    if (++calls == 1) reply.stall_after = 5000;
    return reply;
  });
  download(server.url(), part_, quick());
  EXPECT_EQ(read_file(part_), sample());
  EXPECT_EQ(calls, 2);
}

TEST_F(HttpTest, AServerThatNeverAnswersIsLeftAfterTheStallTime) {
  HttpServer server([](const Request&) { return Reply{.body = sample(), .stall_after = 0}; });
  const Stopwatch watch;
  const Error error = error_of([&] { download(server.url(), part_, quick()); });
  EXPECT_EQ(error.kind(), ErrorKind::network);
  EXPECT_LT(watch.seconds(), 5);
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_FALSE(fs::exists(part_));
}

TEST_F(HttpTest, ServerErrorsAreTriedAgain) {
  int calls = 0;
  HttpServer server([&](const Request&) {
    Reply reply{.body = "busy"};
    reply.status = ++calls < 3 ? 503 : 200;
    return reply;
  });
  download(server.url(), part_, quick());
  EXPECT_EQ(read_file(part_), "busy");
  EXPECT_EQ(calls, 3);
}

TEST_F(HttpTest, RefusalsAndMissingFilesAreNot) {
  int status = 404;
  HttpServer server([&](const Request&) {
    Reply reply{.body = "an error page"};
    reply.status = status;
    return reply;
  });
  const Error missing = error_of([&] { download(server.url() + "/f", part_, quick()); });
  EXPECT_EQ(missing.kind(), ErrorKind::not_found);
  EXPECT_EQ(std::string(missing.what()),
            "get: " + server.url() + "/f: the server answered 404 (no such file)");
  status = 403;
  const Error refused = error_of([&] { download(server.url() + "/f", part_, quick()); });
  EXPECT_EQ(refused.kind(), ErrorKind::network);
  EXPECT_EQ(std::string(refused.what()), "get: " + server.url() + "/f: the server answered 403");
  EXPECT_EQ(server.requests().size(), 2u);
  EXPECT_FALSE(fs::exists(part_));
}

TEST_F(HttpTest, NobodyThereFailsAtOnce) {
  const std::string nobody = "http://127.0.0.1:" + std::to_string(test::unused_port());
  const Stopwatch watch;
  for (const std::string& url :
       {nobody, std::string("http://no-such-host.invalid/"), std::string("file:///etc/hostname")})
    EXPECT_EQ(error_of([&] { download(url, part_); }).kind(), ErrorKind::network) << url;
  EXPECT_LT(watch.seconds(), 8);
}

TEST_F(HttpTest, TheProxyOfTheEnvironmentIsUsed) {
  HttpServer proxy([](const Request&) { return Reply{.body = "by proxy"}; });
  const test::ScopedEnv set("http_proxy", proxy.url());
  const test::ScopedEnv none("no_proxy", std::nullopt);
  const test::ScopedEnv upper("NO_PROXY", std::nullopt);
  download("http://no-such-host.invalid/x", part_, quick());
  EXPECT_EQ(read_file(part_), "by proxy");
  EXPECT_EQ(proxy.requests()[0].target, "http://no-such-host.invalid/x");
}

TEST_F(HttpTest, AStopRequestKeepsWhatCame) {
  StopToken stop;
  struct Sink : ProgressSink {
    void update(std::uint64_t done, std::string_view) override {
      if (done >= 5000) stop->request();
    }
    StopToken* stop;
  } sink;
  sink.stop = &stop;
  HttpServer server([](const Request&) { return Reply{.body = sample(), .stall_after = 5000}; });
  HttpOptions options;
  options.stop = &stop;
  options.progress = &sink;
  const Stopwatch watch;
  const Error error = error_of([&] { download(server.url(), part_, options); });
  EXPECT_EQ(error.kind(), ErrorKind::cancelled);
  EXPECT_LT(watch.seconds(), 5);
  EXPECT_EQ(read_file(part_), sample().substr(0, 5000));
}

TEST_F(HttpTest, AFullDiskLeavesNothing) {
  HttpServer server([](const Request&) { return Reply{.body = sample()}; });
  const Error error = error_of([&] {
    const test::FileLimit full(50000);
    download(server.url(), part_, quick());
  });
  EXPECT_EQ(error.kind(), ErrorKind::exhausted);
  EXPECT_FALSE(fs::exists(part_));
}

}  // namespace
}  // namespace pomona::net
