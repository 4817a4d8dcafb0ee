// The SQLite wrapper: values, transactions, migrations, several writers, damaged files.
#include "db/database.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::db {
namespace {

using test::error_of;

TEST(Database, GivesBackTypedValues) {
  const pomona::test::TempFolder folder;
  Database database(folder / "sub/a.db");
  database.run("CREATE TABLE t (i INTEGER, r REAL, s TEXT, n TEXT) STRICT");
  const std::string zeros("a\0b", 3);
  const std::optional<std::string> none;
  database.run("INSERT INTO t VALUES (?, ?, ?, ?)", std::int64_t{1} << 60, 0.1, zeros, none);
  database.run("INSERT INTO t VALUES (?, ?, ?, ?)", 7, 2.0, "", nullptr);
  Statement rows = database.query("SELECT i, r, s, n FROM t WHERE i > ? ORDER BY i DESC", 0u);
  ASSERT_TRUE(rows.step());
  EXPECT_EQ(rows.integer(0), std::int64_t{1} << 60);
  EXPECT_EQ(rows.real(1), 0.1);
  EXPECT_EQ(rows.text(2), zeros);
  EXPECT_TRUE(rows.is_null(3));
  ASSERT_TRUE(rows.step());
  EXPECT_EQ(rows.text(2), "");
  EXPECT_FALSE(rows.is_null(2));
  EXPECT_FALSE(rows.step());
}

TEST(Database, TransactionsRollBackUnlessCommitted) {
  const pomona::test::TempFolder folder;
  Database database(folder / "a.db");
  database.run("CREATE TABLE t (i INTEGER)");
  const auto count = [&] {
    Statement rows = database.query("SELECT count(*) FROM t");
    rows.step();
    return rows.integer(0);
  };
  {
    Transaction transaction(database);
    database.run("INSERT INTO t VALUES (1)");
  }
  EXPECT_EQ(count(), 0);
  {
    Transaction transaction(database);
    database.run("INSERT INTO t VALUES (1)");
    transaction.commit();
  }
  EXPECT_EQ(count(), 1);
}

TEST(Database, MigratesOnlyWhatIsNew) {
  const pomona::test::TempFolder folder;
  constexpr std::array<std::string_view, 2> kSteps = {
      "CREATE TABLE a (x); INSERT INTO a VALUES (1);", "CREATE TABLE b (x);"};
  {
    Database database(folder / "a.db");
    database.migrate(std::span(kSteps).first(1));
  }
  Database database(folder / "a.db");
  database.migrate(kSteps);
  database.migrate(kSteps);
  Statement rows = database.query("SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b)");
  ASSERT_TRUE(rows.step());
  EXPECT_EQ(rows.integer(0), 1);
  const Error error = error_of([&] { database.migrate(std::span(kSteps).first(1)); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_file);
  EXPECT_NE(std::string(error.what()).find("later version"), std::string::npos);
}

TEST(Database, AFailedMigrationLeavesNothing) {
  const pomona::test::TempFolder folder;
  Database database(folder / "a.db");
  constexpr std::array<std::string_view, 2> kBad = {"CREATE TABLE a (x);", "CREATE NONSENSE;"};
  EXPECT_THROW(database.migrate(kBad), Error);
  constexpr std::array<std::string_view, 1> kGood = {"CREATE TABLE a (x);"};
  database.migrate(kGood);
}

TEST(Database, ManyWritersLoseNothing) {
  const pomona::test::TempFolder folder;
  Database(folder / "a.db").run("CREATE TABLE t (i INTEGER)");
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&] {
      Database database(folder / "a.db");
      for (int i = 0; i < 25; ++i) database.run("INSERT INTO t VALUES (?)", i);
    });
  }
  for (std::thread& writer : writers) writer.join();
  Database database(folder / "a.db");
  Statement rows = database.query("SELECT count(*), sum(i) FROM t");
  ASSERT_TRUE(rows.step());
  EXPECT_EQ(rows.integer(0), 100);
  EXPECT_EQ(rows.integer(1), 4 * 300);
}

// SQLite does not wait where two turn a new database to write-ahead logging at once.
TEST(Database, TwoMayOpenANewOneAtOnce) {
  for (int round = 0; round < 30; ++round) {
    const pomona::test::TempFolder folder;
    std::barrier start(2);
    std::atomic<int> opened = 0;
    const auto open = [&] {
      start.arrive_and_wait();
      try {
        const Database database(folder.path() / "a.db");
        ++opened;
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
      }
    };
    std::thread other(open);
    open();
    other.join();
    ASSERT_EQ(opened, 2);
  }
}

TEST(Database, ALockedDatabaseIsAnIoError) {
  const pomona::test::TempFolder folder;
  Database holder(folder / "a.db");
  holder.run("CREATE TABLE t (i INTEGER)");
  const Transaction transaction(holder);
  Database other(folder / "a.db", 0.05);
  const Error error = error_of([&] { other.run("INSERT INTO t VALUES (1)"); });
  EXPECT_EQ(error.kind(), ErrorKind::io);
  EXPECT_NE(std::string(error.what()).find("another process"), std::string::npos);
}

TEST(Database, SaysWhatToDoWithADamagedFile) {
  const pomona::test::TempFolder folder;
  write_file(folder / "a.db", std::string(5000, 'x'));
  const Error error = error_of([&] { Database database(folder / "a.db"); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_file);
  EXPECT_EQ(std::string(error.what()),
            "database " + (folder / "a.db").string() +
                ": damaged (file is not a database); move this file away and try again: it is "
                "made anew");
}

TEST(Database, AFolderInItsPlaceIsAnIoError) {
  const pomona::test::TempFolder folder;
  EXPECT_EQ(error_of([&] { Database database(folder.path()); }).kind(), ErrorKind::io);
}

TEST(Database, AFolderThatCannotBeMadeIsTheFault) {
  const pomona::test::TempFolder folder;
  write_file(folder / "file", "");
  EXPECT_EQ(error_of([&] { Database database(folder / "file/a/b.db"); }).what(),
            "make folder: " + (folder / "file/a").string() + ": Not a directory");
}

}  // namespace
}  // namespace pomona::db
