#include "storage/tenant_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "storage/sqlite.h"
#include "storage/tenant_store_schema.h"

namespace casemate::storage {
namespace {

constexpr std::string_view kFileColumns = "SELECT id, slot, created, object, metadata FROM file ";
constexpr std::string_view kCollectionColumns =
    "SELECT id, slot, created, name_tag, metadata FROM collection ";
constexpr std::string_view kAttachmentColumns =
    "SELECT id, slot, file, collection, state, created, name_tag, change_tag, bytes, metadata "
    "FROM attachment ";

// The schema checks lengths; a damaged page may still bring another one.
template <typename IdType>
IdType IdAt(const Statement& row, int column) {
  return IdType::FromBytes(row.Blob(column)).value_or(IdType());
}

Bytes CopyOf(ByteView view) { return {view.begin(), view.end()}; }

std::optional<Tag> TagAt(const Statement& row, int column) {
  const ByteView view = row.Blob(column);
  Tag tag{};
  if (view.size() != tag.size()) {
    return std::nullopt;
  }
  std::ranges::copy(view, tag.begin());
  return tag;
}

void BindTag(Statement& statement, int index, const std::optional<Tag>& tag) {
  if (tag) {
    statement.BindBlob(index, *tag);
  } else {
    statement.BindNull(index);
  }
}

FileRow FileAt(const Statement& row) {
  return {.id = IdAt<FileId>(row, 0),
          .slot = static_cast<std::uint32_t>(row.Integer(1)),
          .created = row.Integer(2),
          .metadata = CopyOf(row.Blob(4)),
          .object = row.Text(3)};
}

CollectionRow CollectionAt(const Statement& row) {
  CollectionRow found;
  found.id = IdAt<CollectionId>(row, 0);
  found.slot = static_cast<std::uint32_t>(row.Integer(1));
  found.created = row.Integer(2);
  found.name_tag = TagAt(row, 3).value_or(Tag{});
  found.metadata = CopyOf(row.Blob(4));
  return found;
}

AttachmentRow AttachmentAt(const Statement& row) {
  AttachmentRow found;
  found.ref = {IdAt<ObjectId>(row, 0), static_cast<std::uint32_t>(row.Integer(1))};
  found.file = IdAt<FileId>(row, 2);
  found.collection = IdAt<CollectionId>(row, 3);
  found.state = static_cast<AttachmentState>(row.Integer(4));
  found.created = row.Integer(5);
  found.name_tag = TagAt(row, 6);
  found.change_tag = TagAt(row, 7);
  found.bytes = static_cast<std::uint64_t>(row.Integer(8));
  found.metadata = CopyOf(row.Blob(9));
  return found;
}

// All rows of a statement.
template <typename Row, typename Bind, typename Read>
Result<std::vector<Row>> Select(Database& database, const std::string& sql, Bind bind, Read read) {
  Result<Statement> statement = database.Prepare(sql);
  if (!statement) {
    return std::unexpected(statement.error());
  }
  bind(*statement);
  std::vector<Row> rows;
  for (;;) {
    Result<bool> row = statement->Step();
    if (!row) {
      return std::unexpected(row.error());
    }
    if (!*row) {
      return rows;
    }
    rows.push_back(read(*statement));
  }
}

template <typename Bind>
Result<void> Change(Database& database, std::string_view sql, Bind bind) {
  Result<Statement> statement = database.Prepare(sql);
  if (!statement) {
    return std::unexpected(statement.error());
  }
  bind(*statement);
  return statement->Run();
}

template <typename Row>
Result<std::optional<Row>> FirstOf(Result<std::vector<Row>> rows) {
  if (!rows) {
    return std::unexpected(rows.error());
  }
  if (rows->empty()) {
    return std::nullopt;
  }
  return std::move(rows->front());
}

// "WHERE ... ORDER BY seq ... LIMIT ?" with the parameters: after (0), limit (1), scope (2).
std::string PageOf(std::string_view table, const RowPage& page, std::string_view id_column,
                   std::string_view scope) {
  const std::string compare = page.ascending ? ">" : "<";
  std::string sql = "WHERE " + std::string(scope);
  if (page.after) {
    sql += " AND seq " + compare + " (SELECT seq FROM " + std::string(table) + " WHERE " +
           std::string(id_column) + " = ?1)";
  }
  sql += " ORDER BY seq " + std::string(page.ascending ? "ASC" : "DESC") + " LIMIT ?2";
  return sql;
}

void BindPage(Statement& statement, const RowPage& page) {
  if (page.after) {
    statement.BindBlob(0, page.after->bytes());
  }
  statement.Bind(1, static_cast<std::int64_t>(page.limit));
}

}  // namespace

struct TenantStore::State {
  State(TenantId id, ObjectFolder folder, Database opened)
      : tenant(id), objects(std::move(folder)), database(std::move(opened)) {}

  TenantId tenant;
  ObjectFolder objects;
  mutable std::mutex mutex;  // guards all below
  Database database;
  std::unordered_map<CollectionId, std::uint64_t> generations;

  Result<void> InsertFile(const FileRow& row, const std::string& object) {
    return Change(database,
                  "INSERT INTO file(id, slot, created, object, metadata) VALUES(?, ?, ?, ?, ?)",
                  [&](Statement& s) {
                    s.BindBlob(0, row.id.bytes())
                        .Bind(1, row.slot)
                        .Bind(2, row.created)
                        .BindText(3, object)
                        .BindBlob(4, row.metadata);
                  });
  }

  Result<void> InsertAttachment(const AttachmentRow& row) {
    return Change(database,
                  "INSERT INTO attachment(id, slot, file, collection, state, created, name_tag, "
                  "change_tag, bytes, metadata) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  [&](Statement& s) {
                    s.BindBlob(0, row.ref.id.bytes())
                        .Bind(1, row.ref.slot)
                        .BindBlob(2, row.file.bytes())
                        .BindBlob(3, row.collection.bytes())
                        .Bind(4, static_cast<std::int64_t>(row.state))
                        .Bind(5, row.created);
                    BindTag(s, 6, row.name_tag);
                    BindTag(s, 7, row.change_tag);
                    s.Bind(8, static_cast<std::int64_t>(row.bytes)).BindBlob(9, row.metadata);
                  });
  }

  Result<void> InsertSegments(const ObjectId& attachment, const std::vector<Segment>& segments) {
    Result<Statement> put = database.Prepare(
        "INSERT INTO segment(attachment, part, number, sealed) VALUES(?, ?, ?, ?)");
    if (!put) {
      return std::unexpected(put.error());
    }
    for (const Segment& segment : segments) {
      put->BindBlob(0, attachment.bytes())
          .Bind(1, static_cast<std::int64_t>(segment.part))
          .Bind(2, segment.number)
          .BindBlob(3, segment.sealed);
      if (Result<void> done = put->Run(); !done) {
        return done;
      }
    }
    return {};
  }

  Result<void> DeleteById(std::string_view table, ByteView id) {
    return Change(database, "DELETE FROM " + std::string(table) + " WHERE id = ?",
                  [&](Statement& s) { s.BindBlob(0, id); });
  }

  Result<std::vector<AttachmentRow>> Attachments(const std::string& rest, ByteView first,
                                                 ByteView second = {}) {
    return Select<AttachmentRow>(
        database, std::string(kAttachmentColumns) + rest,
        [&](Statement& s) {
          if (!first.empty()) {
            s.BindBlob(0, first);
          }
          if (!second.empty()) {
            s.BindBlob(1, second);
          }
        },
        AttachmentAt);
  }

  Result<void> AddSums(CollectionRow& row) {
    Result<Statement> sums = database.Prepare(
        "SELECT state, count(*), total(bytes) FROM attachment WHERE collection = ? GROUP BY state");
    if (!sums) {
      return std::unexpected(sums.error());
    }
    sums->BindBlob(0, row.id.bytes());
    for (;;) {
      Result<bool> more = sums->Step();
      if (!more) {
        return std::unexpected(more.error());
      }
      if (!*more) {
        return {};
      }
      const auto state = static_cast<std::size_t>(sums->Integer(0));
      if (state < row.in_state.size()) {
        row.in_state[state] = static_cast<std::uint32_t>(sums->Integer(1));
      }
      row.bytes += static_cast<std::uint64_t>(sums->Real(2));
    }
  }

  Result<std::vector<CollectionRow>> Collections(const std::string& rest, auto bind) {
    Result<std::vector<CollectionRow>> rows =
        Select<CollectionRow>(database, std::string(kCollectionColumns) + rest, bind, CollectionAt);
    if (rows) {
      for (CollectionRow& row : *rows) {
        if (Result<void> summed = AddSums(row); !summed) {
          return std::unexpected(summed.error());
        }
      }
    }
    return rows;
  }

  // Runs `body` in a transaction.
  template <typename Body>
  Result<void> Atomically(Body body) {
    Result<Transaction> transaction = Transaction::Begin(database);
    if (!transaction) {
      return std::unexpected(transaction.error());
    }
    if (Result<void> done = body(); !done) {
      return done;
    }
    return transaction->Commit();
  }
};

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

Result<void> TenantStore::AddAttachment(const AttachmentRow& row) {
  const std::lock_guard lock(state_->mutex);
  return state_->InsertAttachment(row);
}

Result<bool> TenantStore::FinishAttachment(const AttachmentRow& row,
                                           const std::vector<Segment>& segments) {
  const std::lock_guard lock(state_->mutex);
  bool there = false;
  Result<void> done = state_->Atomically([&]() -> Result<void> {
    if (Result<void> changed = Change(
            state_->database,
            "UPDATE attachment SET state = ?, bytes = ?, metadata = ? WHERE id = ? AND state = 1",
            [&](Statement& s) {
              s.Bind(0, static_cast<std::int64_t>(row.state))
                  .Bind(1, static_cast<std::int64_t>(row.bytes))
                  .BindBlob(2, row.metadata)
                  .BindBlob(3, row.ref.id.bytes());
            });
        !changed) {
      return changed;
    }
    there = state_->database.changes() > 0;
    return there ? state_->InsertSegments(row.ref.id, segments) : Result<void>();
  });
  if (!done) {
    return std::unexpected(done.error());
  }
  ++state_->generations[row.collection];
  return there;
}

Result<void> TenantStore::RetryAttachment(const ObjectId& id) {
  const std::lock_guard lock(state_->mutex);
  return Change(state_->database,
                "UPDATE attachment SET state = 1 WHERE id = ? AND state IN (3, 4)",
                [&](Statement& s) { s.BindBlob(0, id.bytes()); });
}

Result<std::optional<AttachmentRow>> TenantStore::GetAttachment(CollectionId collection,
                                                                FileId file) {
  const std::lock_guard lock(state_->mutex);
  return FirstOf(
      state_->Attachments("WHERE collection = ? AND file = ?", collection.bytes(), file.bytes()));
}

Result<std::optional<AttachmentRow>> TenantStore::FindDocument(CollectionId collection,
                                                               const Tag& name_tag) {
  const std::lock_guard lock(state_->mutex);
  return FirstOf(state_->Attachments("WHERE collection = ? AND name_tag = ? ORDER BY seq DESC",
                                     collection.bytes(), name_tag));
}

Result<std::vector<AttachmentRow>> TenantStore::ListAttachments(CollectionId collection,
                                                                const RowPage& page) {
  const std::lock_guard lock(state_->mutex);
  // Clients page by the file's id, which is unique within a collection.
  return Select<AttachmentRow>(
      state_->database,
      std::string(kAttachmentColumns) +
          PageOf("attachment", page, "collection = ?3 AND file", "collection = ?3"),
      [&](Statement& s) {
        BindPage(s, page);
        s.BindBlob(2, collection.bytes());
      },
      AttachmentAt);
}

Result<std::vector<AttachmentRow>> TenantStore::AttachmentsOf(FileId file) {
  const std::lock_guard lock(state_->mutex);
  return state_->Attachments("WHERE file = ? ORDER BY seq", file.bytes());
}

Result<std::vector<AttachmentRow>> TenantStore::AttachmentsInProgress() {
  const std::lock_guard lock(state_->mutex);
  return state_->Attachments("WHERE state = 1 ORDER BY seq", {});
}

Result<std::vector<AttachmentRow>> TenantStore::CompletedAttachments(CollectionId collection) {
  const std::lock_guard lock(state_->mutex);
  return Select<AttachmentRow>(
      state_->database,
      "SELECT id, slot, file FROM attachment WHERE collection = ? AND state = 2 ORDER BY seq",
      [&](Statement& s) { s.BindBlob(0, collection.bytes()); },
      [&](const Statement& s) {
        AttachmentRow row;
        row.ref = {IdAt<ObjectId>(s, 0), static_cast<std::uint32_t>(s.Integer(1))};
        row.file = IdAt<FileId>(s, 2);
        row.collection = collection;
        row.state = AttachmentState::kCompleted;
        return row;
      });
}

Result<bool> TenantStore::RemoveAttachment(const ObjectId& id) {
  const std::lock_guard lock(state_->mutex);
  Result<std::vector<AttachmentRow>> rows = state_->Attachments("WHERE id = ?", id.bytes());
  if (!rows) {
    return std::unexpected(rows.error());
  }
  if (Result<void> gone = state_->DeleteById("attachment", id.bytes()); !gone) {
    return std::unexpected(gone.error());
  }
  for (const AttachmentRow& row : *rows) {
    ++state_->generations[row.collection];
  }
  return !rows->empty();
}

Result<void> TenantStore::AddBatch(const BatchRow& row, std::span<const FileId> files) {
  const std::lock_guard lock(state_->mutex);
  return state_->Atomically([&]() -> Result<void> {
    Result<void> done = Change(
        state_->database, "INSERT INTO batch(id, collection, created) VALUES(?, ?, ?)",
        [&](Statement& s) {
          s.BindBlob(0, row.id.bytes()).BindBlob(1, row.collection.bytes()).Bind(2, row.created);
        });
    for (auto file = files.begin(); done && file != files.end(); ++file) {
      done = Change(state_->database,
                    "INSERT OR IGNORE INTO batch_member(batch, attachment) "
                    "SELECT ?, id FROM attachment WHERE collection = ? AND file = ?",
                    [&](Statement& s) {
                      s.BindBlob(0, row.id.bytes())
                          .BindBlob(1, row.collection.bytes())
                          .BindBlob(2, file->bytes());
                    });
    }
    return done;
  });
}

Result<std::optional<BatchRow>> TenantStore::GetBatch(CollectionId collection, const BatchId& id) {
  const std::lock_guard lock(state_->mutex);
  return FirstOf(Select<BatchRow>(
      state_->database, "SELECT created FROM batch WHERE collection = ? AND id = ?",
      [&](Statement& s) { s.BindBlob(0, collection.bytes()).BindBlob(1, id.bytes()); },
      [&](const Statement& s) {
        return BatchRow{.id = id, .collection = collection, .created = s.Integer(0)};
      }));
}

Result<std::vector<AttachmentRow>> TenantStore::AttachmentsOf(const BatchId& id) {
  const std::lock_guard lock(state_->mutex);
  return state_->Attachments(
      "WHERE id IN (SELECT attachment FROM batch_member WHERE batch = ?) ORDER BY seq", id.bytes());
}

Result<void> TenantStore::CancelBatch(const BatchId& id) {
  const std::lock_guard lock(state_->mutex);
  return Change(state_->database,
                "UPDATE attachment SET state = 4 WHERE state = 1 AND id IN "
                "(SELECT attachment FROM batch_member WHERE batch = ?)",
                [&](Statement& s) { s.BindBlob(0, id.bytes()); });
}

Result<std::vector<Bytes>> TenantStore::Segments(const ObjectId& attachment, Part part) {
  const std::lock_guard lock(state_->mutex);
  return Select<Bytes>(
      state_->database,
      "SELECT sealed FROM segment WHERE attachment = ? AND part = ? ORDER BY number",
      [&](Statement& s) {
        s.BindBlob(0, attachment.bytes()).Bind(1, static_cast<std::int64_t>(part));
      },
      [](const Statement& s) { return CopyOf(s.Blob(0)); });
}

Result<std::vector<AttachmentRow>> TenantStore::AddDocument(const FileRow& file,
                                                            StoredObject content,
                                                            const AttachmentRow& attachment,
                                                            const std::vector<Segment>& segments) {
  const std::lock_guard lock(state_->mutex);
  std::vector<AttachmentRow> replaced;
  std::vector<std::string> objects;
  Result<void> done = state_->Atomically([&]() -> Result<void> {
    // Looked up again inside: of two that ingest one name at the same time the later stays.
    Result<std::vector<AttachmentRow>> old =
        state_->Attachments("WHERE collection = ? AND name_tag = ?", attachment.collection.bytes(),
                            attachment.name_tag ? ByteView(*attachment.name_tag) : ByteView());
    if (!old) {
      return std::unexpected(old.error());
    }
    for (const AttachmentRow& row : *old) {
      Result<std::optional<FileRow>> gone = FirstOf(Select<FileRow>(
          state_->database, std::string(kFileColumns) + "WHERE id = ?",
          [&](Statement& s) { s.BindBlob(0, row.file.bytes()); }, FileAt));
      if (!gone) {
        return std::unexpected(gone.error());
      }
      if (!*gone) {
        continue;
      }
      objects.push_back((*gone)->object);
      // Where else this file was attached it goes too.
      Result<std::vector<AttachmentRow>> dying =
          state_->Attachments("WHERE file = ?", row.file.bytes());
      if (!dying) {
        return std::unexpected(dying.error());
      }
      std::ranges::move(*dying, std::back_inserter(replaced));
      // Erasing the file's key erases the attachment's with it.
      if (Result<void> put = Change(
              state_->database, "INSERT OR REPLACE INTO pending_erasure(id, slot) VALUES(?, ?)",
              [&](Statement& s) { s.BindBlob(0, row.file.bytes()).Bind(1, (*gone)->slot); });
          !put) {
        return put;
      }
      if (Result<void> deleted = state_->DeleteById("file", row.file.bytes()); !deleted) {
        return deleted;
      }
    }
    if (Result<void> put = state_->InsertFile(file, content.name()); !put) {
      return put;
    }
    if (Result<void> put = state_->InsertAttachment(attachment); !put) {
      return put;
    }
    return state_->InsertSegments(attachment.ref.id, segments);
  });
  if (!done) {
    return std::unexpected(done.error());
  }
  content.Keep();
  for (const std::string& object : objects) {
    state_->objects.Remove(object);
  }
  ++state_->generations[attachment.collection];
  for (const AttachmentRow& row : replaced) {
    ++state_->generations[row.collection];
  }
  return replaced;
}

Result<std::vector<custody::ObjectRef>> TenantStore::PendingErasures(std::size_t limit) {
  const std::lock_guard lock(state_->mutex);
  return Select<custody::ObjectRef>(
      state_->database, "SELECT id, slot FROM pending_erasure ORDER BY slot LIMIT ?",
      [&](Statement& s) { s.Bind(0, static_cast<std::int64_t>(limit)); },
      [](const Statement& s) {
        return custody::ObjectRef{IdAt<ObjectId>(s, 0), static_cast<std::uint32_t>(s.Integer(1))};
      });
}

Result<void> TenantStore::ErasuresDone(const std::vector<custody::ObjectRef>& erased) {
  const std::lock_guard lock(state_->mutex);
  return state_->Atomically([&]() -> Result<void> {
    for (const custody::ObjectRef& ref : erased) {
      if (Result<void> gone = state_->DeleteById("pending_erasure", ref.id.bytes()); !gone) {
        return gone;
      }
    }
    return {};
  });
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
