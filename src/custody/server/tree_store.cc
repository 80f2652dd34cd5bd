#include "custody/server/tree_store.h"

#include <array>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/log.h"

namespace casemate::custody {
namespace {

using storage::Database;
using storage::Statement;
using storage::Transaction;

constexpr std::array<std::string_view, 1> kMigrations = {R"sql(
CREATE TABLE deployment (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id BLOB NOT NULL,
  changes INTEGER NOT NULL
);
CREATE TABLE head (
  tenant BLOB PRIMARY KEY,
  epoch INTEGER NOT NULL,
  wrapped_root_key BLOB NOT NULL,
  note BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE node (
  tenant BLOB NOT NULL,
  level INTEGER NOT NULL,
  number INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (tenant, level, number)
);
CREATE TABLE document (
  name TEXT PRIMARY KEY,
  sealed BLOB NOT NULL
) WITHOUT ROWID;
)sql"};

Bytes CopyOf(ByteView view) { return {view.begin(), view.end()}; }

Result<Database> OpenOne(const std::filesystem::path& path, bool create) {
  Result<Database> database = Database::Open(path, {.create = create, .read_only = false});
  if (!database) {
    return database;
  }
  if (Result<void> migrated = database->Migrate(kMigrations); !migrated) {
    return std::unexpected(migrated.error());
  }
  return database;
}

// How many changes a file has seen; nothing for one without a deployment.
Result<std::optional<std::int64_t>> Changes(Database& database) {
  Result<Statement> select = database.Prepare("SELECT changes FROM deployment");
  if (!select) {
    return std::unexpected(select.error());
  }
  Result<bool> row = select->Step();
  if (!row) {
    return std::unexpected(row.error());
  }
  return *row ? std::optional(select->Integer(0)) : std::nullopt;
}

Result<void> Apply(Database& database, const TreeChange& change) {
  Result<Transaction> transaction = Transaction::Begin(database);
  if (!transaction) {
    return std::unexpected(transaction.error());
  }
  Result<Statement> node = database.Prepare(
      "INSERT OR REPLACE INTO node (tenant, level, number, epoch, sealed) VALUES (?, ?, ?, ?, ?)");
  Result<Statement> head = database.Prepare(
      "INSERT OR REPLACE INTO head (tenant, epoch, wrapped_root_key, note) VALUES (?, ?, ?, ?)");
  Result<Statement> document =
      database.Prepare("INSERT OR REPLACE INTO document (name, sealed) VALUES (?, ?)");
  if (!node || !head || !document) {
    return std::unexpected(!node ? node.error() : !head ? head.error() : document.error());
  }
  for (const StoredNode& one : change.nodes) {
    node->BindBlob(0, change.head.tenant.bytes())
        .Bind(1, one.address.level)
        .Bind(2, one.address.index)
        .Bind(3, static_cast<std::int64_t>(one.epoch))
        .BindBlob(4, one.sealed);
    if (Result<void> run = node->Run(); !run) {
      return run;
    }
  }
  head->BindBlob(0, change.head.tenant.bytes())
      .Bind(1, static_cast<std::int64_t>(change.head.epoch))
      .BindBlob(2, change.head.wrapped_root_key)
      .BindBlob(3, change.head.note);
  if (Result<void> run = head->Run(); !run) {
    return run;
  }
  for (const StoredDocument& one : change.documents) {
    document->BindText(0, one.name).BindBlob(1, one.sealed);
    if (Result<void> run = document->Run(); !run) {
      return run;
    }
  }
  if (Result<void> counted = database.Execute("UPDATE deployment SET changes = changes + 1");
      !counted) {
    return counted;
  }
  return transaction->Commit();
}

Result<void> Remove(Database& database, const TenantId& tenant) {
  Result<Transaction> transaction = Transaction::Begin(database);
  if (!transaction) {
    return std::unexpected(transaction.error());
  }
  for (const char* sql :
       {"DELETE FROM node WHERE tenant = ?", "DELETE FROM head WHERE tenant = ?"}) {
    Result<Statement> statement = database.Prepare(sql);
    if (!statement) {
      return std::unexpected(statement.error());
    }
    statement->BindBlob(0, tenant.bytes());
    if (Result<void> run = statement->Run(); !run) {
      return run;
    }
  }
  if (Result<void> counted = database.Execute("UPDATE deployment SET changes = changes + 1");
      !counted) {
    return counted;
  }
  return transaction->Commit();
}

}  // namespace

TreeStore::TreeStore(Database main, std::filesystem::path main_path)
    : main_path_(std::move(main_path)), main_(std::move(main)) {}

Result<TreeStore> TreeStore::Open(const std::filesystem::path& folder,
                                  const std::filesystem::path& mirror, bool create) {
  const std::filesystem::path main_path = folder / "tree.db";
  std::error_code ignored;
  const bool main_there = std::filesystem::exists(main_path, ignored);
  const std::filesystem::path mirror_path =
      mirror.empty() ? std::filesystem::path() : mirror / "tree.db";
  if (!mirror.empty() && !std::filesystem::is_directory(mirror, ignored)) {
    return Fail(ErrorCode::kUnavailable,
                "custody.mirror is not a folder that can be reached: " + mirror.string());
  }
  const bool mirror_there = !mirror_path.empty() && std::filesystem::exists(mirror_path, ignored);
  if (!main_there && !mirror_there && !create) {
    return Fail(ErrorCode::kNotFound, "there is no key tree: " + main_path.string());
  }
  // Which one is newer decides which one is read. A file that cannot be read at all counts as none:
  // what the other holds is verified against the token before it replaces anything.
  std::int64_t main_changes = -1;
  std::int64_t mirror_changes = -1;
  for (auto [path, there, changes] : {std::tuple(&main_path, main_there, &main_changes),
                                      std::tuple(&mirror_path, mirror_there, &mirror_changes)}) {
    if (!there) {
      continue;
    }
    Result<Database> database = OpenOne(*path, false);
    Result<std::optional<std::int64_t>> seen =
        database ? Changes(*database)
                 : Result<std::optional<std::int64_t>>(std::unexpected(database.error()));
    if (!seen && seen.error().code != ErrorCode::kIntegrityFailure) {
      return std::unexpected(seen.error());
    }
    if (seen) {
      *changes = seen->value_or(0);
    } else {
      LogError("a key tree's file is damaged", seen.error(), {{"file", path->string()}});
    }
  }
  if ((main_there || mirror_there) && main_changes < 0 && mirror_changes < 0) {
    return Fail(ErrorCode::kIntegrityFailure,
                "custodian/tree.db is damaged, and there is no mirror to take its place");
  }
  if (mirror_changes > main_changes) {
    Log(LogLevel::kWarning, "the mirror's key tree is newer: taking it",
        {{"mirror_changes", mirror_changes}, {"changes", main_changes}});
    if (main_there) {
      const std::filesystem::path aside = folder / "tree.db.replaced";
      for (const char* suffix : {"", "-wal", "-shm"}) {
        std::filesystem::rename(main_path.string() + suffix, aside.string() + suffix, ignored);
      }
    }
    Result<Database> source = OpenOne(mirror_path, false);
    if (!source) {
      return std::unexpected(source.error());
    }
    if (Result<void> copied = source->BackupTo(main_path); !copied) {
      return std::unexpected(copied.error());
    }
  }
  Result<Database> main = OpenOne(main_path, create);
  if (!main) {
    return std::unexpected(main.error());
  }
  TreeStore store(std::move(*main), main_path);
  store.mirror_path_ = mirror_path;
  return store;
}

Result<void> TreeStore::SyncMirror() {
  if (mirror_path_.empty()) {
    return {};
  }
  std::error_code ignored;
  std::int64_t mirror_changes = -1;
  if (std::filesystem::exists(mirror_path_, ignored)) {
    Result<Database> there = OpenOne(mirror_path_, false);
    if (there) {
      Result<std::optional<std::int64_t>> seen = Changes(*there);
      mirror_changes = seen ? seen->value_or(-1) : -1;
    } else if (there.error().code != ErrorCode::kIntegrityFailure) {
      return std::unexpected(there.error());
    }
  }
  Result<std::optional<std::int64_t>> ours = Changes(main_);
  if (!ours) {
    return std::unexpected(ours.error());
  }
  if (mirror_changes != ours->value_or(-1) || mirror_changes < 0) {
    const std::filesystem::path fresh = mirror_path_.string() + ".new";
    std::filesystem::remove(fresh, ignored);
    if (Result<void> copied = main_.BackupTo(fresh); !copied) {
      return Wrap(copied.error(), "custody.mirror");
    }
    for (const char* suffix : {"-wal", "-shm"}) {
      std::filesystem::remove(mirror_path_.string() + suffix, ignored);
    }
    std::error_code failed;
    std::filesystem::rename(fresh, mirror_path_, failed);
    if (failed) {
      return Fail(ErrorCode::kUnavailable, "custody.mirror cannot be written", failed.message());
    }
    if (Result<void> synced = SyncFolder(mirror_path_.parent_path()); !synced) {
      return synced;
    }
  }
  Result<Database> mirror = OpenOne(mirror_path_, false);
  if (!mirror) {
    return Wrap(mirror.error(), "custody.mirror");
  }
  mirror_.emplace(std::move(*mirror));
  return {};
}

Result<std::optional<TenantId>> TreeStore::Deployment() {
  Result<Statement> select = main_.Prepare("SELECT id FROM deployment");
  if (!select) {
    return std::unexpected(select.error());
  }
  Result<bool> row = select->Step();
  if (!row) {
    return std::unexpected(row.error());
  }
  if (!*row) {
    return std::optional<TenantId>();
  }
  Result<TenantId> id = TenantId::FromBytes(select->Blob(0));
  if (!id) {
    return Fail(ErrorCode::kIntegrityFailure, "custodian/tree.db: the deployment's id");
  }
  return std::optional(*id);
}

Result<std::vector<StoredHead>> TreeStore::Heads() {
  Result<Statement> select =
      main_.Prepare("SELECT tenant, epoch, wrapped_root_key, note FROM head ORDER BY tenant");
  if (!select) {
    return std::unexpected(select.error());
  }
  std::vector<StoredHead> heads;
  for (;;) {
    Result<bool> row = select->Step();
    if (!row) {
      return std::unexpected(row.error());
    }
    if (!*row) {
      return heads;
    }
    Result<TenantId> tenant = TenantId::FromBytes(select->Blob(0));
    if (!tenant) {
      return Fail(ErrorCode::kIntegrityFailure, "custodian/tree.db: a tenant's id");
    }
    heads.push_back({*tenant, static_cast<std::uint64_t>(select->Integer(1)),
                     CopyOf(select->Blob(2)), CopyOf(select->Blob(3))});
  }
}

Result<StoredNode> TreeStore::ReadNode(const TenantId& tenant, const NodeAddress& address) {
  Result<Statement> select =
      main_.Prepare("SELECT epoch, sealed FROM node WHERE tenant = ? AND level = ? AND number = ?");
  if (!select) {
    return std::unexpected(select.error());
  }
  select->BindBlob(0, tenant.bytes()).Bind(1, address.level).Bind(2, address.index);
  Result<bool> row = select->Step();
  if (!row) {
    return std::unexpected(row.error());
  }
  if (!*row) {
    return Fail(
        ErrorCode::kIntegrityFailure, "custodian/tree.db: a node is missing",
        "level " + std::to_string(address.level) + " index " + std::to_string(address.index));
  }
  return StoredNode{address, static_cast<std::uint64_t>(select->Integer(0)),
                    CopyOf(select->Blob(1))};
}

Result<std::optional<Bytes>> TreeStore::ReadDocument(const std::string& name) {
  Result<Statement> select = main_.Prepare("SELECT sealed FROM document WHERE name = ?");
  if (!select) {
    return std::unexpected(select.error());
  }
  select->BindText(0, name);
  Result<bool> row = select->Step();
  if (!row) {
    return std::unexpected(row.error());
  }
  return *row ? std::optional(CopyOf(select->Blob(0))) : std::nullopt;
}

Result<void> TreeStore::InBoth(const std::function<Result<void>(Database&)>& change) {
  if (failed_) {
    return Fail(ErrorCode::kUnavailable,
                "an earlier write of the key tree failed; restart the server to read it again");
  }
  // The mirror first: were it behind, an acknowledged object would be lost with the main disk.
  if (mirror_) {
    if (Result<void> applied = change(*mirror_); !applied) {
      // A full disk is rolled back whole; after anything else nobody knows.
      failed_ = applied.error().code != ErrorCode::kResourceExhausted;
      return Wrap(applied.error(), "custody.mirror");
    }
  }
  if (Result<void> applied = change(main_); !applied) {
    failed_ = mirror_.has_value() || applied.error().code != ErrorCode::kResourceExhausted;
    return applied;
  }
  return {};
}

Result<void> TreeStore::Commit(const TreeChange& change) {
  return InBoth([&change](Database& database) { return Apply(database, change); });
}

Result<void> TreeStore::RemoveTenant(const TenantId& tenant) {
  return InBoth([&tenant](Database& database) { return Remove(database, tenant); });
}

Result<void> TreeStore::SetDeployment(const TenantId& deployment) {
  Result<Statement> insert =
      main_.Prepare("INSERT INTO deployment (one, id, changes) VALUES (1, ?, 0)");
  if (!insert) {
    return std::unexpected(insert.error());
  }
  return insert->BindBlob(0, deployment.bytes()).Run();
}

Result<void> TreeStore::BackupTo(const std::filesystem::path& path) { return main_.BackupTo(path); }

}  // namespace casemate::custody
