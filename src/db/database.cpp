#include "db/database.h"

#include <sqlite3.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

namespace pomona::db {
namespace {

/// Whether an I/O error means that there is no room: SQLite itself tells a full disk from other
/// failures, but not a quota or a limit of file size. For a failed commit it does not keep the
/// system's error, so that `errno` is the only witness.
bool no_room(sqlite3* connection, int error) {
  const int kept = connection != nullptr ? sqlite3_system_errno(connection) : 0;
  return error == EDQUOT || error == EFBIG || kept == EDQUOT || kept == EFBIG;
}

ErrorKind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorKind::bad_file;
    case SQLITE_FULL:
      return ErrorKind::exhausted;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_ERROR:
      return ErrorKind::internal;
    default:
      return ErrorKind::io;
  }
}

[[noreturn]] void fail_sql(int code, sqlite3* connection, std::string_view path) {
  const int error = errno;
  const std::string_view reason =
      connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  const int primary = code & 0xff;
  if (kind_of(code) == ErrorKind::bad_file)
    fail(ErrorKind::bad_file,
         "database {}: damaged ({}); move this file away and try again: it is made anew", path,
         reason);
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
    fail(ErrorKind::io, "database {}: another process keeps it locked; try again when that is done",
         path);
  if (primary == SQLITE_IOERR && no_room(connection, error))
    fail(ErrorKind::exhausted, "database {}: there is no room to write it", path);
  fail(kind_of(code), "database {}: {}", path, reason);
}

void check(int code, sqlite3* connection, std::string_view path) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  fail_sql(code, connection, path);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement::Statement(sqlite3* connection, std::string_view path, std::string_view sql)
    : connection_(connection), path_(path) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(connection, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  check(code, connection, path);
  statement_.reset(statement);
}

void Statement::bind(int index, std::nullptr_t) {
  check(sqlite3_bind_null(statement_.get(), index), connection_, path_);
}

void Statement::bind(int index, std::int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), index, value), connection_, path_);
}

void Statement::bind(int index, double value) {
  check(sqlite3_bind_double(statement_.get(), index, value), connection_, path_);
}

void Statement::bind(int index, std::string_view value) {
  check(sqlite3_bind_text64(statement_.get(), index, value.empty() ? "" : value.data(),
                            value.size(), SQLITE_TRANSIENT, SQLITE_UTF8),
        connection_, path_);
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  check(code, connection_, path_);
  return code == SQLITE_ROW;
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Statement::text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_.get(), column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

Database::Database(const std::filesystem::path& path, double busy_seconds) : path_(path) {
  if (path.has_parent_path()) make_folder(path.parent_path());
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &connection,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  connection_.reset(connection);
  check(code, connection, path_.string());
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, static_cast<int>(busy_seconds * 1e3));
  use_write_ahead_log(busy_seconds);
  run("PRAGMA synchronous = NORMAL");
  run("PRAGMA foreign_keys = ON");
}

/// A file system without shared memory keeps its rollback journal; that is as safe, only slower.
/// Where two open a new database at once SQLite does not wait for the other, so this tries again.
void Database::use_write_ahead_log(double busy_seconds) {
  const Stopwatch watch;
  const auto attempt = [&] {
    return sqlite3_exec(connection_.get(), "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
  };
  int code = attempt();
  while ((code & 0xff) == SQLITE_BUSY && watch.seconds() < busy_seconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    code = attempt();
  }
  check(code, connection_.get(), path_.string());
}

void Database::run_script(std::string_view sql) {
  const int code =
      sqlite3_exec(connection_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr);
  check(code, connection_.get(), path_.string());
}

void Database::migrate(std::span<const std::string_view> steps) {
  const auto version = [&] {
    Statement statement = query("PRAGMA user_version");
    statement.step();
    return statement.integer(0);
  };
  const auto latest = static_cast<std::int64_t>(steps.size());
  if (version() == latest) return;
  Transaction transaction(*this);  // another process may migrate too: look again once we may write
  const std::int64_t present = version();
  if (present > latest || present < 0)
    fail(
        ErrorKind::bad_file,
        "database {}: made by a later version (schema {}, this program knows {}); use that version",
        path_.string(), present, latest);
  for (std::int64_t i = present; i < latest; ++i) run_script(steps[static_cast<std::size_t>(i)]);
  run(fmt::format("PRAGMA user_version = {}", latest));
  transaction.commit();
}

Transaction::Transaction(Database& database) : database_(&database) {
  database.run("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (open_) sqlite3_exec(database_->connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_->run("COMMIT");
  open_ = false;
}

}  // namespace pomona::db
