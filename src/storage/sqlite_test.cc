#include "storage/sqlite.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>

namespace casemate::storage {
namespace {

class SqliteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "sqlite_test.XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Database Fresh() {
    Result<Database> database = Database::Open(folder_ / "a.db", {.create = true});
    EXPECT_TRUE(database.has_value()) << database.error().message;
    return std::move(*database);
  }
  static std::string One(Database& database, std::string_view sql) {
    Result<Statement> statement = database.Prepare(sql);
    if (!statement || !statement->Step().value_or(false)) {
      return "(error)";
    }
    return statement->Text(0);
  }

  std::filesystem::path folder_;
};

constexpr std::array<std::string_view, 1> kOne = {"CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)"};

TEST_F(SqliteTest, StoresAndReadsEveryType) {
  Database database = Fresh();
  ASSERT_TRUE(database.Execute("CREATE TABLE t(a, b, c, d, e)").has_value());
  Result<Statement> put = database.Prepare("INSERT INTO t VALUES(?, ?, ?, ?, ?)");
  ASSERT_TRUE(put.has_value());
  const Bytes blob = {std::byte{0}, std::byte{1}};
  put->Bind(0, -5).BindText(1, "text").BindBlob(2, blob).BindNull(3).BindBlob(4, {});
  ASSERT_TRUE(put->Run().has_value());

  Result<Statement> get = database.Prepare("SELECT * FROM t");
  ASSERT_TRUE(get.has_value());
  ASSERT_TRUE(get->Step().value_or(false));
  EXPECT_EQ(get->Integer(0), -5);
  EXPECT_EQ(get->Text(1), "text");
  EXPECT_EQ(Bytes(get->Blob(2).begin(), get->Blob(2).end()), blob);
  EXPECT_TRUE(get->IsNull(3));
  EXPECT_FALSE(get->IsNull(4));
  EXPECT_TRUE(get->Blob(4).empty());
  EXPECT_FALSE(get->Step().value_or(true));
}

TEST_F(SqliteTest, OpensWithTheDurabilityAndHygieneItPromises) {
  Database database = Fresh();
  EXPECT_EQ(One(database, "PRAGMA journal_mode"), "wal");
  EXPECT_EQ(One(database, "PRAGMA synchronous"), "2");
  EXPECT_EQ(One(database, "PRAGMA secure_delete"), "1");
  EXPECT_EQ(One(database, "PRAGMA temp_store"), "2");
  EXPECT_EQ(One(database, "PRAGMA foreign_keys"), "1");
  EXPECT_EQ(One(database, "PRAGMA trusted_schema"), "0");
  EXPECT_EQ(One(database, "PRAGMA cell_size_check"), "1");
  EXPECT_EQ(One(database, "PRAGMA mmap_size"), "0");
}

TEST_F(SqliteTest, FilesAreForTheOwnerOnly) {
  Database database = Fresh();
  ASSERT_TRUE(database.Migrate(kOne).has_value());
  for (const char* name : {"a.db", "a.db-wal", "a.db-shm"}) {
    struct stat info{};
    ASSERT_EQ(::stat((folder_ / name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << name;
  }
}

TEST_F(SqliteTest, MissingFileIsNotFound) {
  Result<Database> database = Database::Open(folder_ / "none.db", {});
  ASSERT_FALSE(database.has_value());
  EXPECT_EQ(database.error().code, ErrorCode::kNotFound);
}

TEST_F(SqliteTest, ReadOnlyRefusesToWrite) {
  {
    ASSERT_TRUE(Fresh().Migrate(kOne).has_value());
  }
  Result<Database> database = Database::Open(folder_ / "a.db", {.read_only = true});
  ASSERT_TRUE(database.has_value());
  Result<void> put = database->Execute("INSERT INTO t VALUES(1, x'00')");
  ASSERT_FALSE(put.has_value());
  EXPECT_EQ(put.error().code, ErrorCode::kPermissionDenied);
}

TEST_F(SqliteTest, TransactionThatIsNotCommittedLeavesNothing) {
  Database database = Fresh();
  ASSERT_TRUE(database.Migrate(kOne).has_value());
  {
    Result<Transaction> transaction = Transaction::Begin(database);
    ASSERT_TRUE(transaction.has_value());
    ASSERT_TRUE(database.Execute("INSERT INTO t VALUES(1, x'00')").has_value());
  }
  EXPECT_EQ(One(database, "SELECT count(*) FROM t"), "0");
  {
    Result<Transaction> transaction = Transaction::Begin(database);
    ASSERT_TRUE(transaction.has_value());
    ASSERT_TRUE(database.Execute("INSERT INTO t VALUES(1, x'00')").has_value());
    ASSERT_TRUE(transaction->Commit().has_value());
  }
  EXPECT_EQ(One(database, "SELECT count(*) FROM t"), "1");
}

TEST_F(SqliteTest, MigrationsRunOnceEach) {
  {
    ASSERT_TRUE(Fresh().Migrate(kOne).has_value());
  }
  constexpr std::array<std::string_view, 2> kTwo = {kOne[0], "ALTER TABLE t ADD COLUMN c"};
  Database database = Fresh();
  ASSERT_TRUE(database.Migrate(kTwo).has_value());
  ASSERT_TRUE(database.Migrate(kTwo).has_value());
  EXPECT_EQ(One(database, "PRAGMA user_version"), "2");
  EXPECT_EQ(One(database, "SELECT count(c) FROM t"), "0");
}

TEST_F(SqliteTest, NewerVersionThanKnownIsRefused) {
  Database database = Fresh();
  ASSERT_TRUE(database.Execute("PRAGMA user_version = 7").has_value());
  Result<void> migrated = database.Migrate(kOne);
  ASSERT_FALSE(migrated.has_value());
  EXPECT_EQ(migrated.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(migrated.error().message.find("version 7"), std::string::npos);
}

TEST_F(SqliteTest, FailedMigrationLeavesTheOldVersion) {
  Database database = Fresh();
  ASSERT_TRUE(database.Migrate(kOne).has_value());
  constexpr std::array<std::string_view, 3> kBad = {kOne[0], "CREATE TABLE u(a)", "no sql"};
  EXPECT_FALSE(database.Migrate(kBad).has_value());
  EXPECT_EQ(One(database, "PRAGMA user_version"), "1");
  EXPECT_EQ(One(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'u'"), "0");
}

TEST_F(SqliteTest, ConstraintIsConflict) {
  Database database = Fresh();
  ASSERT_TRUE(database.Migrate(kOne).has_value());
  ASSERT_TRUE(database.Execute("INSERT INTO t VALUES(1, x'00')").has_value());
  Result<void> again = database.Execute("INSERT INTO t VALUES(1, x'00')");
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
}

TEST_F(SqliteTest, FullDatabaseIsResourceExhaustedAndKeepsWhatWasCommitted) {
  Database database = Fresh();
  ASSERT_TRUE(database.Migrate(kOne).has_value());
  ASSERT_TRUE(database.Execute("PRAGMA max_page_count = 20").has_value());
  Result<Statement> put = database.Prepare("INSERT INTO t(b) VALUES(zeroblob(3000))");
  ASSERT_TRUE(put.has_value());
  int stored = 0;
  Result<void> last;
  while (stored < 100 && (last = put->Run()).has_value()) {
    ++stored;
  }
  ASSERT_FALSE(last.has_value());
  EXPECT_EQ(last.error().code, ErrorCode::kResourceExhausted);
  EXPECT_NE(last.error().message.find("disk is full"), std::string::npos);
  EXPECT_EQ(One(database, "SELECT count(*) FROM t"), std::to_string(stored));
}

TEST_F(SqliteTest, FileThatIsNoDatabaseIsIntegrityFailure) {
  std::ofstream(folder_ / "a.db") << std::string(8192, 'x');
  Result<Database> database = Database::Open(folder_ / "a.db", {});
  ASSERT_FALSE(database.has_value());
  EXPECT_EQ(database.error().code, ErrorCode::kIntegrityFailure);
}

TEST_F(SqliteTest, BackupHasEverythingAndIsNeverWrittenOverAFile) {
  Database database = Fresh();
  ASSERT_TRUE(database.Migrate(kOne).has_value());
  ASSERT_TRUE(database.Execute("INSERT INTO t VALUES(1, x'00')").has_value());
  ASSERT_TRUE(database.BackupTo(folder_ / "b.db").has_value());
  Result<void> again = database.BackupTo(folder_ / "b.db");
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);

  Result<Database> copy = Database::Open(folder_ / "b.db", {});
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(One(*copy, "SELECT count(*) FROM t"), "1");
  EXPECT_TRUE(copy->CheckIntegrity().has_value());
}

TEST_F(SqliteTest, DeletedBytesAreNotInTheFileAfterACheckpoint) {
  {
    Database database = Fresh();
    ASSERT_TRUE(database.Migrate(kOne).has_value());
    ASSERT_TRUE(database.Execute("INSERT INTO t VALUES(1, 'MARKERMARKER')").has_value());
    ASSERT_TRUE(database.Execute("DELETE FROM t").has_value());
  }
  std::ifstream in(folder_ / "a.db", std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(in)), {});
  ASSERT_FALSE(content.empty());
  EXPECT_EQ(content.find("MARKERMARKER"), std::string::npos);
}

TEST_F(SqliteTest, ContentGoesIntoMemoryOnly) {
  Result<Database> memory = Database::OpenInMemory();
  ASSERT_TRUE(memory.has_value());
  ASSERT_TRUE(memory->Execute("CREATE VIRTUAL TABLE f USING fts5(t)").has_value());
  Result<Statement> put = memory->Prepare("INSERT INTO f VALUES(?)");
  ASSERT_TRUE(put.has_value());
  ASSERT_TRUE(put->BindContent(0, PlaintextView::Of("secret words")).Run().has_value());
  EXPECT_EQ(One(*memory, "SELECT count(*) FROM f WHERE f MATCH '\"words\"'"), "1");
}

TEST_F(SqliteTest, BadStatementIsAnErrorWithoutItsText) {
  Database database = Fresh();
  Result<Statement> bad = database.Prepare("SELECT secret FROM nowhere");
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().message.find("secret"), std::string::npos);
  EXPECT_EQ(bad.error().detail.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace casemate::storage
