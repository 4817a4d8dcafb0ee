// The model of a run: that it is the one that was asked for, and when it is opened or fetched.
#include "tests/lifecycle/fixture.h"

namespace pomona::lifecycle {
namespace {

TEST_F(CatalogueRunTest, AnotherFileUnderAModelsNameIsRefused) {
  ASSERT_FALSE(run().failure);
  write_file(place("small"), "other weights");
  const Error error = error_of([&] {
    const RunOutcome outcome = run();
    if (outcome.failure) throw *outcome.failure;
  });
  EXPECT_EQ(error.kind(), ErrorKind::bad_file);
  EXPECT_EQ(std::string(error.what()),
            fmt::format("model small: {} is another file (sha256 {}, not {}); remove it with "
                        "`pomona rm small` and pull again",
                        place("small").string(), sha256_hex("other weights"),
                        sha256_hex(bytes_of("small"))));
  EXPECT_EQ(error_of([&] { plan_application(app_, options(), no_progress(), stop_); }).kind(),
            ErrorKind::bad_file);
}

}  // namespace
}  // namespace pomona::lifecycle
