#include "storage/tenant_store_state_internal.h"

namespace casemate::storage {

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

}  // namespace casemate::storage
