#include <algorithm>
#include <iterator>

#include "storage/tenant_store_state_internal.h"

namespace casemate::storage {

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

}  // namespace casemate::storage
