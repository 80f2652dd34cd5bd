#include <utility>

#include "base/clock.h"
#include "crypto/hash.h"
#include "retrieval/sealed_library_core.h"

namespace casemate::retrieval {

using storage::AttachmentRow;
using storage::BatchId;

namespace {

std::string NameOf(CollectionId collection, const BatchId& id) {
  return "batch '" + id.ToString() + "' in collection '" + collection.ToString() + "'";
}

}  // namespace

Result<BatchInfo> SealedLibrary::AttachBatch(const custody::Ticket& ticket, CollectionId collection,
                                             std::span<const FileId> files) {
  if (files.empty() || files.size() > kMaxBatchFiles) {
    return Fail(ErrorCode::kInvalidArgument, "a batch has 1 to " + std::to_string(kMaxBatchFiles) +
                                                 " files, found " + std::to_string(files.size()));
  }
  for (const FileId& file : files) {
    if (Result<AttachmentInfo> attached = Attach(ticket, collection, file); !attached) {
      return std::unexpected(attached.error());
    }
  }
  const storage::BatchRow row{
      .id = crypto::RandomId<BatchId>(), .collection = collection, .created = UnixSeconds()};
  if (Result<void> added = core_->store.AddBatch(row, files); !added) {
    return std::unexpected(added.error());
  }
  return GetBatch(ticket, collection, row.id);
}

Result<BatchInfo> SealedLibrary::GetBatch(const custody::Ticket& ticket, CollectionId collection,
                                          const BatchId& id) {
  if (auto opened = core_->OpenCollection(ticket, collection); !opened) {
    return std::unexpected(opened.error());
  }
  Result<std::optional<storage::BatchRow>> row = core_->store.GetBatch(collection, id);
  if (!row) {
    return std::unexpected(row.error());
  }
  if (!*row) {
    return Fail(ErrorCode::kNotFound, NameOf(collection, id) + " does not exist");
  }
  BatchInfo batch{
      .id = id, .collection = collection, .created = (*row)->created, .attachments = {}};
  Page page;
  page.limit = kMaxBatchFiles;
  bool has_more = false;
  // One more than there can be: read at once.
  Result<void> read = ReadVisible<AttachmentRow>(
      core_->vault, ticket, page, {.limit = kMaxBatchFiles + 1, .ascending = true, .after = {}},
      [&](const storage::RowPage&) { return core_->store.AttachmentsOf(id); },
      [](const AttachmentRow& attachment) { return As<ObjectId>(attachment.file); },
      [&](const AttachmentRow& attachment, const custody::Lease& lease) -> Result<void> {
        Result<AttachmentInfo> info = core_->InfoOf(attachment, lease);
        if (!info) {
          return std::unexpected(info.error());
        }
        batch.attachments.push_back(std::move(*info));
        return {};
      },
      has_more);
  if (!read) {
    return std::unexpected(read.error());
  }
  return batch;
}

Result<BatchInfo> SealedLibrary::CancelBatch(const custody::Ticket& ticket, CollectionId collection,
                                             const BatchId& id) {
  if (Result<BatchInfo> there = GetBatch(ticket, collection, id); !there) {
    return there;
  }
  if (Result<void> cancelled = core_->store.CancelBatch(id); !cancelled) {
    return std::unexpected(cancelled.error());
  }
  return GetBatch(ticket, collection, id);
}

}  // namespace casemate::retrieval
