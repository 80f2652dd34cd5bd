#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/id.h"
#include "custody/messages.h"
#include "storage/batch.h"
#include "storage/object_folder.h"

namespace casemate::storage {

using Tag = std::array<std::byte, 32>;  // HMAC under a key of the tenant's object

struct FileRow {
  FileId id;
  std::uint32_t slot = 0;
  std::int64_t created = 0;  // unix seconds
  Bytes metadata;            // sealed
  std::string object;        // name in the object folder
};

struct CollectionRow {
  CollectionId id;
  std::uint32_t slot = 0;
  std::int64_t created = 0;
  Tag name_tag{};
  Bytes metadata;  // sealed
  // Sums over its attachments; not stored.
  std::uint64_t bytes = 0;
  std::array<std::uint32_t, 5> in_state{};  // by AttachmentState
};

// Numbers are those of retrieval::AttachmentStatus: append only.
enum class AttachmentState : std::uint8_t {
  kInProgress = 1,
  kCompleted = 2,
  kFailed = 3,
  kCancelled = 4,
};

struct AttachmentRow {
  custody::ObjectRef ref;
  FileId file;
  CollectionId collection;
  AttachmentState state = AttachmentState::kInProgress;
  std::int64_t created = 0;
  std::optional<Tag> name_tag;    // of documents that were ingested by name
  std::optional<Tag> change_tag;  // of what was ingested
  std::uint64_t bytes = 0;        // of its segments as stored
  Bytes metadata;                 // sealed
};

// A sealed run of an attachment's chunks or vectors.
struct Segment {
  Part part = Part::kChunks;
  std::uint32_t number = 0;  // from 0, without gaps
  Bytes sealed;
};

// Newest first unless `ascending`; after the row of that id, if one is given.
struct RowPage {
  std::size_t limit = 20;
  bool ascending = false;
  std::optional<ObjectId> after;
};

// A tenant's database and object folder: sealed parts, ids, slots, states, times and padded sizes;
// never plaintext, never a key. Everything acknowledged is durable, everything in one call happens
// or does not. Errors of every call: as storage/sqlite.h. docs/formats/store.md. Threads: all
// members may run at the same time.
class TenantStore {
 public:
  // Opens or makes D/tenants/<id>; files that no row names are removed. Errors: kIntegrityFailure:
  // the store is another tenant's, or damaged. kInvalidArgument: of a newer version.
  [[nodiscard]] static Result<std::unique_ptr<TenantStore>> Open(
      const std::filesystem::path& folder, TenantId tenant);
  ~TenantStore();

  const TenantId& tenant() const;
  const ObjectFolder& objects() const;

  // `content` is kept when the row is committed. `row.object` is taken from it.
  [[nodiscard]] Result<void> AddFile(const FileRow& row, StoredObject content);
  [[nodiscard]] Result<std::optional<FileRow>> GetFile(FileId id);
  [[nodiscard]] Result<std::vector<FileRow>> ListFiles(const RowPage& page);
  // The file, its attachments and their segments; false: there is none.
  [[nodiscard]] Result<bool> RemoveFile(FileId id);

  [[nodiscard]] Result<void> AddCollection(const CollectionRow& row);
  [[nodiscard]] Result<std::optional<CollectionRow>> GetCollection(CollectionId id);
  [[nodiscard]] Result<std::optional<CollectionRow>> FindCollection(const Tag& name_tag);
  [[nodiscard]] Result<std::vector<CollectionRow>> ListCollections(const RowPage& page);
  [[nodiscard]] Result<bool> RemoveCollection(CollectionId id);

  // Errors: kConflict: this file is in this collection already.
  [[nodiscard]] Result<void> AddAttachment(const AttachmentRow& row);
  // State, metadata, bytes and segments of an attachment that was in progress; false: it is gone.
  [[nodiscard]] Result<bool> FinishAttachment(const AttachmentRow& row,
                                              const std::vector<Segment>& segments);
  // A failed one goes back to in progress.
  [[nodiscard]] Result<void> RetryAttachment(const ObjectId& id);
  [[nodiscard]] Result<std::optional<AttachmentRow>> GetAttachment(CollectionId collection,
                                                                   FileId file);
  [[nodiscard]] Result<std::optional<AttachmentRow>> FindDocument(CollectionId collection,
                                                                  const Tag& name_tag);
  [[nodiscard]] Result<std::vector<AttachmentRow>> ListAttachments(CollectionId collection,
                                                                   const RowPage& page);
  [[nodiscard]] Result<std::vector<AttachmentRow>> AttachmentsOf(FileId file);
  [[nodiscard]] Result<std::vector<AttachmentRow>> AttachmentsInProgress();
  // Without metadata, in the order of their making.
  [[nodiscard]] Result<std::vector<AttachmentRow>> CompletedAttachments(CollectionId collection);
  [[nodiscard]] Result<bool> RemoveAttachment(const ObjectId& id);

  // Notes that these files, each attached to row.collection, were added together.
  [[nodiscard]] Result<void> AddBatch(const BatchRow& row, std::span<const FileId> files);
  [[nodiscard]] Result<std::optional<BatchRow>> GetBatch(CollectionId collection,
                                                         const BatchId& id);
  // In the order of their making.
  [[nodiscard]] Result<std::vector<AttachmentRow>> AttachmentsOf(const BatchId& id);
  // Its attachments that are in progress are cancelled.
  [[nodiscard]] Result<void> CancelBatch(const BatchId& id);

  [[nodiscard]] Result<std::vector<Bytes>> Segments(const ObjectId& attachment, Part part);

  // One ingested document: its file, attachment and segments, in place of the documents of that
  // name in that collection, whose rows and sealed bytes go and whose keys wait for erasure.
  // Returns what it replaced.
  [[nodiscard]] Result<std::vector<AttachmentRow>> AddDocument(
      const FileRow& file, StoredObject content, const AttachmentRow& attachment,
      const std::vector<Segment>& segments);

  // Objects without rows whose keys still are in the tree.
  [[nodiscard]] Result<std::vector<custody::ObjectRef>> PendingErasures(std::size_t limit);
  [[nodiscard]] Result<void> ErasuresDone(const std::vector<custody::ObjectRef>& erased);

  // Copies the database to `path` while it is in use (Database::BackupTo).
  [[nodiscard]] Result<void> BackupTo(const std::filesystem::path& path);

  // Grows whenever the completed attachments of a collection change: an index that saw this number
  // is up to date. Starts at 0 with the process.
  std::uint64_t Generation(CollectionId collection) const;

 private:
  struct State;
  explicit TenantStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace casemate::storage
