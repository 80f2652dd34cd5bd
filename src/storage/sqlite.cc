#include "storage/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cassert>
#include <utility>

#include "base/fd.h"
#include "base/file.h"

namespace casemate::storage {
namespace {

constexpr int kBusyTimeoutMs = 10'000;

std::unexpected<Error> FailSqlite(sqlite3* handle, int status, std::string_view what) {
  std::string detail = std::string(what) + ": " + sqlite3_errstr(status);
  if (handle != nullptr) {
    // Extended code only: sqlite3_errmsg may repeat parts of a statement, never bound values, but
    // FTS query errors repeat the query.
    detail += " (" + std::to_string(sqlite3_extended_errcode(handle)) + ")";
  }
  switch (status & 0xff) {
    case SQLITE_FULL:
      return Fail(ErrorCode::kResourceExhausted,
                  "the disk is full; nothing that was acknowledged is lost, this was not stored: "
                  "make room and send it again",
                  std::move(detail));
    case SQLITE_NOMEM:
      return Fail(ErrorCode::kResourceExhausted, "out of memory in the database",
                  std::move(detail));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Fail(ErrorCode::kIntegrityFailure,
                  "the database file is damaged; restore it from a backup", std::move(detail));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Fail(ErrorCode::kConflict, "the database is in use by another process",
                  std::move(detail));
    case SQLITE_CONSTRAINT:
      return Fail(ErrorCode::kConflict, "already there", std::move(detail));
    case SQLITE_CANTOPEN:
      return Fail(ErrorCode::kUnavailable, "the database file cannot be opened", std::move(detail));
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Fail(ErrorCode::kPermissionDenied, "the database file is read-only",
                  std::move(detail));
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
      return Fail(ErrorCode::kInvalidArgument, "the database refused a statement",
                  std::move(detail));
    default:
      return Fail(ErrorCode::kUnavailable, "the database cannot be read or written now",
                  std::move(detail));
  }
}

// Before the first connection of the process: lookaside would keep freed content in a pool that
// the wiping allocator never sees.
void ConfigureOnce() {
  static const bool kDone = [] {
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, nullptr, 0, 0);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    return sqlite3_initialize() == SQLITE_OK;
  }();
  (void)kDone;
}

}  // namespace

struct Database::State {
  sqlite3* handle = nullptr;
  bool in_memory = false;
  ~State() { sqlite3_close_v2(handle); }
};

struct Statement::State {
  sqlite3* handle = nullptr;
  sqlite3_stmt* statement = nullptr;
  int bind_status = SQLITE_OK;  // of the first bind that failed
  bool in_memory = false;
  ~State() { sqlite3_finalize(statement); }
  void Note(int status) {
    if (bind_status == SQLITE_OK) {
      bind_status = status;
    }
  }
};

Statement::Statement(std::unique_ptr<State> state) : state_(std::move(state)) {}
Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&&) noexcept = default;
Statement::~Statement() = default;

Statement& Statement::Bind(int index, std::int64_t value) {
  state_->Note(sqlite3_bind_int64(state_->statement, index + 1, value));
  return *this;
}

Statement& Statement::BindText(int index, std::string_view value) {
  // A null pointer would bind NULL; an empty text is a value.
  state_->Note(sqlite3_bind_text64(state_->statement, index + 1, value.empty() ? "" : value.data(),
                                   value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::BindBlob(int index, ByteView value) {
  // A null pointer would bind NULL; an empty blob is a value.
  static constexpr std::byte kNothing{};
  const std::byte* data = value.empty() ? &kNothing : value.data();
  state_->Note(
      sqlite3_bind_blob64(state_->statement, index + 1, data, value.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::BindContent(int index, PlaintextView value) {
  assert(state_->in_memory);
  if (!state_->in_memory) {
    state_->Note(SQLITE_MISUSE);
    return *this;
  }
  return BindText(index, value.Reveal());
}

Statement& Statement::BindReal(int index, double value) {
  state_->Note(sqlite3_bind_double(state_->statement, index + 1, value));
  return *this;
}

Statement& Statement::BindNull(int index) {
  state_->Note(sqlite3_bind_null(state_->statement, index + 1));
  return *this;
}

Result<bool> Statement::Step() {
  if (state_->bind_status != SQLITE_OK) {
    return FailSqlite(nullptr, state_->bind_status, "bind");
  }
  const int status = sqlite3_step(state_->statement);
  if (status == SQLITE_ROW) {
    return true;
  }
  if (status == SQLITE_DONE) {
    return false;
  }
  auto failure = FailSqlite(state_->handle, status, "step");
  sqlite3_reset(state_->statement);
  return failure;
}

Result<void> Statement::Run() {
  for (;;) {
    Result<bool> row = Step();
    if (!row) {
      return std::unexpected(row.error());
    }
    if (!*row) {
      Reset();
      return {};
    }
  }
}

void Statement::Reset() {
  sqlite3_reset(state_->statement);
  sqlite3_clear_bindings(state_->statement);
  state_->bind_status = SQLITE_OK;
}

std::int64_t Statement::Integer(int column) const {
  return sqlite3_column_int64(state_->statement, column);
}

double Statement::Real(int column) const {
  return sqlite3_column_double(state_->statement, column);
}

std::string Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(state_->statement, column));
  if (text == nullptr) {
    return {};
  }
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(state_->statement, column))};
}

ByteView Statement::Blob(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(state_->statement, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(state_->statement, column))};
}

PlaintextView Statement::Content(int column) const { return PlaintextView::Of(Blob(column)); }

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(state_->statement, column) == SQLITE_NULL;
}

Result<Transaction> Transaction::Begin(Database& database) {
  if (Result<void> begun = database.Execute("BEGIN IMMEDIATE"); !begun) {
    return std::unexpected(begun.error());
  }
  return Transaction(&database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  if (database_ != nullptr) {
    // SQLite rolls back by itself after some errors; the second time is refused, which is fine.
    Result<void> undone = database_->Execute("ROLLBACK");
    (void)undone;
  }
}

Result<void> Transaction::Commit() {
  if (database_ == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, "transaction has ended");
  }
  Result<void> committed = database_->Execute("COMMIT");
  if (committed) {
    database_ = nullptr;
  }
  return committed;
}

Database::Database(std::unique_ptr<State> state) : state_(std::move(state)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::Open(const std::filesystem::path& path, const OpenOptions& options) {
  ConfigureOnce();
  if (options.create) {
    // SQLite would create it with the umask's mode; the log and its index take the mode of this.
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.valid()) {
      return FailErrno("create " + path.string());
    }
    if (Result<void> synced = SyncFolder(path.has_parent_path() ? path.parent_path() : ".");
        !synced) {
      return std::unexpected(synced.error());
    }
  } else if (::access(path.c_str(), F_OK) != 0) {
    return FailErrno("open " + path.string());
  }
  auto state = std::make_unique<State>();
  const int flags = (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (const int status = sqlite3_open_v2(path.c_str(), &state->handle, flags, nullptr);
      status != SQLITE_OK) {
    return FailSqlite(state->handle, status, "open " + path.string());
  }
  sqlite3_busy_timeout(state->handle, kBusyTimeoutMs);
  sqlite3_db_config(state->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  Database database(std::move(state));
  Result<void> ready = database.Execute(
      "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;"
      "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;");
  if (ready && !options.read_only) {
    ready = database.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  }
  if (!ready) {
    return Wrap(ready.error(), path.filename().string());
  }
  return database;
}

Result<Database> Database::OpenInMemory() {
  ConfigureOnce();
  auto state = std::make_unique<State>();
  state->in_memory = true;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (const int status = sqlite3_open_v2(":memory:", &state->handle, flags, nullptr);
      status != SQLITE_OK) {
    return FailSqlite(state->handle, status, "open in memory");
  }
  Database database(std::move(state));
  if (Result<void> ready = database.Execute(
          "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;"
          "PRAGMA trusted_schema = OFF;");
      !ready) {
    return std::unexpected(ready.error());
  }
  return database;
}

Result<Statement> Database::Prepare(std::string_view sql) {
  auto state = std::make_unique<Statement::State>();
  state->handle = state_->handle;
  state->in_memory = state_->in_memory;
  const int status = sqlite3_prepare_v3(state_->handle, sql.data(), static_cast<int>(sql.size()), 0,
                                        &state->statement, nullptr);
  if (status != SQLITE_OK) {
    return FailSqlite(state_->handle, status, "prepare");
  }
  if (state->statement == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, "empty statement");
  }
  return Statement(std::move(state));
}

Result<void> Database::Execute(std::string_view sql) {
  const std::string terminated(sql);
  const int status = sqlite3_exec(state_->handle, terminated.c_str(), nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) {
    return FailSqlite(state_->handle, status, "execute");
  }
  return {};
}

Result<void> Database::Migrate(std::span<const std::string_view> migrations) {
  Result<Transaction> transaction = Transaction::Begin(*this);
  if (!transaction) {
    return std::unexpected(transaction.error());
  }
  std::int64_t version = 0;
  {
    Result<Statement> asked = Prepare("PRAGMA user_version");
    if (!asked) {
      return std::unexpected(asked.error());
    }
    Result<bool> row = asked->Step();
    if (!row) {
      return std::unexpected(row.error());
    }
    version = asked->Integer(0);
  }
  const auto known = static_cast<std::int64_t>(migrations.size());
  if (version < 0 || version > known) {
    return Fail(ErrorCode::kInvalidArgument,
                "the database is of version " + std::to_string(version) +
                    ", this program knows versions up to " + std::to_string(known) +
                    ": use the newer program that wrote it");
  }
  // All in one transaction: a kill in between leaves the file as it was.
  for (; version < known; ++version) {
    if (Result<void> done = Execute(migrations[static_cast<std::size_t>(version)]); !done) {
      return Wrap(done.error(), "migration " + std::to_string(version + 1));
    }
  }
  if (Result<void> done = Execute("PRAGMA user_version = " + std::to_string(known)); !done) {
    return done;
  }
  return transaction->Commit();
}

Result<void> Database::BackupTo(const std::filesystem::path& path) {
  // O_EXCL: never over a file that somebody may need.
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) {
    return FailErrno("create " + path.string());
  }
  const auto copy = [&]() -> Result<void> {
    State target;
    int status = sqlite3_open_v2(path.c_str(), &target.handle,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    if (status != SQLITE_OK) {
      return FailSqlite(target.handle, status, "open backup");
    }
    sqlite3_backup* backup = sqlite3_backup_init(target.handle, "main", state_->handle, "main");
    if (backup == nullptr) {
      return FailSqlite(target.handle, sqlite3_errcode(target.handle), "backup");
    }
    sqlite3_backup_step(backup, -1);
    status = sqlite3_backup_finish(backup);
    if (status != SQLITE_OK) {
      return FailSqlite(target.handle, status, "backup");
    }
    // A copy of a database in WAL mode is in WAL mode: fold it into one file.
    status = sqlite3_exec(target.handle, "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr);
    if (status != SQLITE_OK) {
      return FailSqlite(target.handle, status, "backup");
    }
    return {};
  };
  Result<void> copied = copy();
  if (copied && ::fsync(fd.get()) != 0) {
    copied = FailErrno("sync " + path.string());
  }
  if (!copied) {
    ::unlink(path.c_str());
    return copied;
  }
  return SyncFolder(path.has_parent_path() ? path.parent_path() : ".");
}

Result<void> Database::CheckIntegrity() {
  Result<Statement> check = Prepare("PRAGMA quick_check");
  if (!check) {
    return std::unexpected(check.error());
  }
  Result<bool> row = check->Step();
  if (!row) {
    return std::unexpected(row.error());
  }
  const std::string found = check->Text(0);
  if (found != "ok") {
    return Fail(ErrorCode::kIntegrityFailure,
                "the database file is damaged; restore it from a backup", found);
  }
  return {};
}

std::int64_t Database::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(state_->handle);
}
std::int64_t Database::changes() const { return sqlite3_changes64(state_->handle); }
bool Database::in_memory() const { return state_->in_memory; }

}  // namespace casemate::storage
