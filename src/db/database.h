// SQLite, thinly: connections in WAL mode, prepared statements with typed values, transactions,
// migrations by user_version.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace pomona::db {

/// A prepared statement: bind, then step through its rows. Belongs to its Database.
class Statement {
 public:
  /// Parameters count from 1, as SQLite's do.
  void bind(int index, std::nullptr_t);
  void bind(int index, std::int64_t value);
  void bind(int index, double value);
  void bind(int index, std::string_view value);
  template <class T>
    requires std::is_integral_v<T>
  void bind(int index, T value) {
    bind(index, static_cast<std::int64_t>(value));
  }
  template <class T>
    requires std::is_convertible_v<const T&, std::string_view>
  void bind(int index, const T& value) {
    bind(index, std::string_view(value));
  }
  template <class T>
  void bind(int index, const std::optional<T>& value) {
    if (value) {
      bind(index, *value);
    } else {
      bind(index, nullptr);
    }
  }

  /// Moves to the next row; false when there is none.
  bool step();

  /// Columns of the present row, counted from 0.
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3* connection, std::string_view path, std::string_view sql);
  sqlite3* connection_;
  std::string path_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// A connection; one thread at a time.
///
/// Errors: bad_file for a damaged file or one that is no database (the message says what to do),
/// exhausted for a full disk, io otherwise, also when another process keeps it locked for longer
/// than the busy time-out.
class Database {
 public:
  /// Opens or makes the database, with its folders.
  explicit Database(const std::filesystem::path& path, double busy_seconds = 10);

  /// Prepares a statement and binds `values` in order.
  template <class... Values>
  Statement query(std::string_view sql, const Values&... values) {
    Statement statement(connection_.get(), path_.string(), sql);
    int index = 0;
    (statement.bind(++index, values), ...);
    return statement;
  }

  /// Runs one statement to its end.
  template <class... Values>
  void run(std::string_view sql, const Values&... values) {
    Statement statement = query(sql, values...);
    while (statement.step()) {
    }
  }

  /// Brings the schema to version steps.size(): runs those steps (one or more SQL statements each)
  /// that this file has not seen, all or none of them. Throws bad_file for a file of a later
  /// version.
  void migrate(std::span<const std::string_view> steps);

  const std::filesystem::path& path() const { return path_; }

 private:
  friend class Transaction;
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  void use_write_ahead_log(double busy_seconds);
  void run_script(std::string_view sql);
  std::filesystem::path path_;
  std::unique_ptr<sqlite3, Close> connection_;
};

/// A write transaction: begins at once, rolls back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database* database_;
  bool open_ = true;
};

}  // namespace pomona::db
