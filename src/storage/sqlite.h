#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "secmem/plaintext.h"

// SQLite 3 behind types of ours. Databases on disk hold sealed bytes and public facts only; content
// goes into in-memory databases (full-text search), whose memory is wiped on free by the process's
// allocator.
//
// Errors of every call: kResourceExhausted: the disk is full; what was acknowledged before is
// there. kIntegrityFailure: the file is damaged or no database. kConflict: another process holds a
// lock, or a constraint says no. kUnavailable: any other failure of the disk.
namespace casemate::storage {

class Database;

// One prepared statement. Parameters and columns count from 0. Bound bytes are copied. Must not
// outlive its database. Move-only. Threads: one at a time, per database.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  Statement& Bind(int index, std::int64_t value);
  Statement& BindText(int index, std::string_view value);  // names and states of ours
  Statement& BindBlob(int index, ByteView value);
  // Into an in-memory database only: asserts otherwise.
  Statement& BindContent(int index, PlaintextView value);
  Statement& BindReal(int index, double value);
  Statement& BindNull(int index);

  // Moves to the next row: true when there is one. A failed bind is reported here.
  [[nodiscard]] Result<bool> Step();
  // Steps to the end, for statements without rows, and resets.
  [[nodiscard]] Result<void> Run();
  // Ready to bind and run again; bindings become null.
  void Reset();

  // Columns of the current row; views are valid until the next Step, Reset or destruction.
  std::int64_t Integer(int column) const;
  double Real(int column) const;
  std::string Text(int column) const;
  ByteView Blob(int column) const;
  PlaintextView Content(int column) const;
  bool IsNull(int column) const;

 private:
  friend class Database;
  struct State;
  explicit Statement(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// BEGIN IMMEDIATE ... COMMIT; rolled back when destroyed before Commit returned success. Does not
// nest. Must not outlive its database.
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> Begin(Database& database);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  // Durable on return (synchronous = FULL). On error nothing of it is there.
  [[nodiscard]] Result<void> Commit();

 private:
  explicit Transaction(Database* database) : database_(database) {}
  Database* database_;  // nullptr once committed or moved from
};

// One connection. Write-ahead log, synchronous FULL, secure_delete, temp_store in memory, foreign
// keys, no trusted schema, cell size checks, no memory map, no lookaside. Move-only. Threads: one
// at a time; the owner has the mutex.
class Database {
 public:
  struct OpenOptions {
    bool create = false;  // else a missing file is kNotFound; a new one has mode 0600
    bool read_only = false;
  };
  [[nodiscard]] static Result<Database> Open(const std::filesystem::path& path,
                                             const OpenOptions& options);
  [[nodiscard]] static Result<Database> OpenInMemory();
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  [[nodiscard]] Result<Statement> Prepare(std::string_view sql);
  // One or more statements of ours without parameters.
  [[nodiscard]] Result<void> Execute(std::string_view sql);

  // Runs the migrations that this file has not seen, each in a transaction with its number:
  // `migrations[i]` leads from PRAGMA user_version i to i + 1. Never change one that was released.
  // Errors: kInvalidArgument: the file is of a newer version than this program.
  [[nodiscard]] Result<void> Migrate(std::span<const std::string_view> migrations);

  // Copies the database as it is now to a new file at `path` while it is in use. The file is
  // durable on return. Errors: also kConflict: there is a file.
  [[nodiscard]] Result<void> BackupTo(const std::filesystem::path& path);

  // PRAGMA quick_check. Errors: kIntegrityFailure, with what SQLite found in detail.
  [[nodiscard]] Result<void> CheckIntegrity();

  std::int64_t last_insert_rowid() const;
  std::int64_t changes() const;  // rows of the last statement
  bool in_memory() const;

 private:
  struct State;
  explicit Database(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace casemate::storage
