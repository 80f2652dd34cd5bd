#include "storage/tenant_store.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "storage/tenant_store_schema.h"
#include "storage/tenant_store_state_internal.h"

namespace casemate::storage {

TenantStore::TenantStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
TenantStore::~TenantStore() = default;

Result<std::unique_ptr<TenantStore>> TenantStore::Open(const std::filesystem::path& folder,
                                                       TenantId tenant) {
  if (::mkdir(folder.c_str(), 0700) == 0) {
    if (Result<void> synced = SyncFolder(folder.parent_path()); !synced) {
      return std::unexpected(synced.error());
    }
  } else if (errno != EEXIST) {
    return FailErrno("make " + folder.string());
  }
  Result<ObjectFolder> objects = ObjectFolder::Open(folder / "objects");
  if (!objects) {
    return std::unexpected(objects.error());
  }
  Result<Database> database = Database::Open(folder / "store.db", {.create = true});
  if (!database) {
    return std::unexpected(database.error());
  }
  if (Result<void> migrated = database->Migrate(kTenantMigrations); !migrated) {
    return Wrap(migrated.error(), "store.db");
  }
  auto state = std::make_unique<State>(tenant, std::move(*objects), std::move(*database));

  Result<std::vector<TenantId>> owner = Select<TenantId>(
      state->database, "SELECT id FROM tenant", [](Statement&) {},
      [](const Statement& s) { return IdAt<TenantId>(s, 0); });
  if (!owner) {
    return std::unexpected(owner.error());
  }
  if (owner->empty()) {
    if (Result<void> put = Change(state->database, "INSERT INTO tenant(id) VALUES(?)",
                                  [&](Statement& s) { s.BindBlob(0, tenant.bytes()); });
        !put) {
      return std::unexpected(put.error());
    }
  } else if (owner->size() != 1 || owner->front() != tenant) {
    return Fail(ErrorCode::kIntegrityFailure, "store.db belongs to another tenant",
                "expected " + tenant.ToString() + ", found " + owner->front().ToString());
  }

  Result<std::vector<std::string>> names = Select<std::string>(
      state->database, "SELECT object FROM file", [](Statement&) {},
      [](const Statement& s) { return s.Text(0); });
  if (!names) {
    return std::unexpected(names.error());
  }
  Result<std::size_t> removed = state->objects.RemoveOthers({names->begin(), names->end()});
  if (!removed) {
    return std::unexpected(removed.error());
  }
  if (*removed > 0) {
    Log(LogLevel::kInfo, "removed object files that no row names", {{"count", *removed}});
  }
  return std::unique_ptr<TenantStore>(new TenantStore(std::move(state)));
}

const TenantId& TenantStore::tenant() const { return state_->tenant; }
const ObjectFolder& TenantStore::objects() const { return state_->objects; }

Result<void> TenantStore::AddFile(const FileRow& row, StoredObject content) {
  const std::lock_guard lock(state_->mutex);
  Result<void> added = state_->InsertFile(row, content.name());
  if (added) {
    content.Keep();
  }
  return added;
}

Result<std::optional<FileRow>> TenantStore::GetFile(FileId id) {
  const std::lock_guard lock(state_->mutex);
  return FirstOf(Select<FileRow>(
      state_->database, std::string(kFileColumns) + "WHERE id = ?",
      [&](Statement& s) { s.BindBlob(0, id.bytes()); }, FileAt));
}

Result<std::vector<FileRow>> TenantStore::ListFiles(const RowPage& page) {
  const std::lock_guard lock(state_->mutex);
  return Select<FileRow>(
      state_->database, std::string(kFileColumns) + PageOf("file", page, "id", "TRUE"),
      [&](Statement& s) { BindPage(s, page); }, FileAt);
}

Result<bool> TenantStore::RemoveFile(FileId id) {
  const std::lock_guard lock(state_->mutex);
  Result<std::vector<std::string>> object = Select<std::string>(
      state_->database, "SELECT object FROM file WHERE id = ?",
      [&](Statement& s) { s.BindBlob(0, id.bytes()); },
      [](const Statement& s) { return s.Text(0); });
  if (!object) {
    return std::unexpected(object.error());
  }
  if (object->empty()) {
    return false;
  }
  Result<std::vector<AttachmentRow>> attachments =
      state_->Attachments("WHERE file = ?", id.bytes());
  if (!attachments) {
    return std::unexpected(attachments.error());
  }
  if (Result<void> gone = state_->DeleteById("file", id.bytes()); !gone) {
    return std::unexpected(gone.error());
  }
  for (const AttachmentRow& attachment : *attachments) {
    ++state_->generations[attachment.collection];
  }
  state_->objects.Remove(object->front());
  return true;
}

Result<void> TenantStore::AddCollection(const CollectionRow& row) {
  const std::lock_guard lock(state_->mutex);
  return Change(state_->database,
                "INSERT INTO collection(id, slot, created, name_tag, metadata) "
                "VALUES(?, ?, ?, ?, ?)",
                [&](Statement& s) {
                  s.BindBlob(0, row.id.bytes())
                      .Bind(1, row.slot)
                      .Bind(2, row.created)
                      .BindBlob(3, row.name_tag)
                      .BindBlob(4, row.metadata);
                });
}

Result<std::optional<CollectionRow>> TenantStore::GetCollection(CollectionId id) {
  const std::lock_guard lock(state_->mutex);
  return FirstOf(
      state_->Collections("WHERE id = ?", [&](Statement& s) { s.BindBlob(0, id.bytes()); }));
}

Result<std::optional<CollectionRow>> TenantStore::FindCollection(const Tag& name_tag) {
  const std::lock_guard lock(state_->mutex);
  return FirstOf(state_->Collections("WHERE name_tag = ? ORDER BY seq LIMIT 1",
                                     [&](Statement& s) { s.BindBlob(0, name_tag); }));
}

Result<std::vector<CollectionRow>> TenantStore::ListCollections(const RowPage& page) {
  const std::lock_guard lock(state_->mutex);
  return state_->Collections(PageOf("collection", page, "id", "TRUE"),
                             [&](Statement& s) { BindPage(s, page); });
}

Result<bool> TenantStore::RemoveCollection(CollectionId id) {
  const std::lock_guard lock(state_->mutex);
  if (Result<void> gone = state_->DeleteById("collection", id.bytes()); !gone) {
    return std::unexpected(gone.error());
  }
  ++state_->generations[id];
  return state_->database.changes() > 0;
}

Result<void> TenantStore::BackupTo(const std::filesystem::path& path) {
  const std::lock_guard lock(state_->mutex);
  return state_->database.BackupTo(path);
}

std::uint64_t TenantStore::Generation(CollectionId collection) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->generations.find(collection);
  return found == state_->generations.end() ? 0 : found->second;
}

}  // namespace casemate::storage
