#include <array>
#include <utility>

#include "base/clock.h"
#include "retrieval/sealed_library_core.h"

namespace casemate::retrieval {

using policy::Purpose;
using storage::Part;

Result<CollectionInfo> SealedLibrary::CreateCollection(const custody::Ticket& ticket,
                                                       PlaintextView name, policy::Label label) {
  if (Result<void> good = core_->CheckName(name); !good) {
    return std::unexpected(good.error());
  }
  Result<storage::Tag> tag = core_->vault.CollectionNameTag(ticket, name);
  if (!tag) {
    return std::unexpected(tag.error());
  }
  custody::NewObject object;
  object.kind = policy::ObjectKind::kCollection;
  object.label = label;
  constexpr std::array kPurposes = {Purpose::kMetadata};
  Result<custody::Created> created =
      CreateOne(core_->vault.client(), ticket, std::move(object), kPurposes);
  if (!created) {
    return std::unexpected(created.error());
  }
  CollectionMetadata metadata;
  metadata.name = Plaintext::Copy(name);
  metadata.label = label;
  Result<Bytes> sealed =
      core_->vault.Seal(created->leases[0],
                        core_->vault.PlaceOf(created->ref.id, Part::kCollectionMetadata), metadata);
  if (!sealed) {
    return std::unexpected(sealed.error());
  }
  storage::CollectionRow row;
  row.id = As<CollectionId>(created->ref.id);
  row.slot = created->ref.slot;
  row.created = UnixSeconds();
  row.name_tag = *tag;
  row.metadata = std::move(*sealed);
  if (Result<void> added = core_->store.AddCollection(row); !added) {
    return std::unexpected(added.error());
  }
  return core_->InfoOf(row, created->leases[0]);
}

Result<CollectionInfo> SealedLibrary::GetCollection(const custody::Ticket& ticket,
                                                    CollectionId id) {
  Result<storage::CollectionRow> row = core_->CollectionOf(id);
  if (!row) {
    return std::unexpected(row.error());
  }
  Result<custody::Lease> lease =
      core_->vault.OpenOne(ticket, Purpose::kMetadata, {As<ObjectId>(id), row->slot},
                           "collection '" + id.ToString() + "'");
  if (!lease) {
    return std::unexpected(lease.error());
  }
  Result<CollectionInfo> info = core_->InfoOf(*row, *lease);
  if (info) {
    if (Result<void> counted = core_->CountVisible(ticket, *info); !counted) {
      return std::unexpected(counted.error());
    }
  }
  return info;
}

Result<Listed<CollectionInfo>> SealedLibrary::ListCollections(const custody::Ticket& ticket,
                                                              const Page& page) {
  Result<storage::RowPage> row_page = RowPageOf<CollectionId>(page);
  if (!row_page) {
    return std::unexpected(row_page.error());
  }
  Listed<CollectionInfo> listed;
  Result<void> read = ReadVisible<storage::CollectionRow>(
      core_->vault, ticket, page, *row_page,
      [this](const storage::RowPage& next) { return core_->store.ListCollections(next); },
      [](const storage::CollectionRow& row) { return As<ObjectId>(row.id); },
      [&](const storage::CollectionRow& row, const custody::Lease& lease) -> Result<void> {
        Result<CollectionInfo> info = core_->InfoOf(row, lease);
        if (!info) {
          return std::unexpected(info.error());
        }
        if (Result<void> counted = core_->CountVisible(ticket, *info); !counted) {
          return counted;
        }
        listed.items.push_back(std::move(*info));
        return {};
      },
      listed.has_more);
  if (!read) {
    return std::unexpected(read.error());
  }
  return listed;
}

Result<std::optional<CollectionId>> SealedLibrary::FindCollection(const custody::Ticket& ticket,
                                                                  PlaintextView name) {
  Result<storage::Tag> tag = core_->vault.CollectionNameTag(ticket, name);
  if (!tag) {
    return std::unexpected(tag.error());
  }
  Result<std::optional<storage::CollectionRow>> row = core_->store.FindCollection(*tag);
  if (!row) {
    return std::unexpected(row.error());
  }
  if (!*row) {
    return std::nullopt;
  }
  // To whom it is not granted its name tells nothing.
  const custody::ObjectRef ref{As<ObjectId>((*row)->id), (*row)->slot};
  Result<std::vector<bool>> visible = core_->vault.Visible(ticket, Purpose::kMetadata, {&ref, 1});
  if (!visible) {
    return std::unexpected(visible.error());
  }
  return visible->front() ? std::optional((*row)->id) : std::nullopt;
}

Result<custody::EraseReply> SealedLibrary::DeleteCollection(const custody::Ticket& ticket,
                                                            CollectionId id, bool no_mirror) {
  Result<storage::CollectionRow> row = core_->CollectionOf(id);
  if (!row) {
    return std::unexpected(row.error());
  }
  // Its chunks first, the collection last: after a crash in between it can be deleted again.
  for (;;) {
    Result<std::vector<storage::AttachmentRow>> attachments = core_->store.ListAttachments(
        id, {.limit = custody::kMaxObjectsPerRelease, .ascending = true, .after = {}});
    if (!attachments) {
      return std::unexpected(attachments.error());
    }
    if (attachments->empty()) {
      break;
    }
    std::vector<custody::ObjectRef> refs;
    std::vector<ObjectId> ids;
    for (const storage::AttachmentRow& attachment : *attachments) {
      refs.push_back(attachment.ref);
      ids.push_back(attachment.ref.id);
    }
    Result<custody::EraseReply> erased = core_->vault.client().Erase(ticket, refs, no_mirror);
    if (!erased && erased.error().code == ErrorCode::kNotFound) {
      for (const custody::ObjectRef& ref : refs) {  // one was erased before: each by itself
        Result<custody::EraseReply> one = core_->vault.client().Erase(ticket, {&ref, 1}, no_mirror);
        if (!one && one.error().code != ErrorCode::kNotFound) {
          return one;
        }
      }
    } else if (!erased) {
      return erased;
    }
    core_->indexes->Evict(ids);
    for (const ObjectId& attachment : ids) {
      if (Result<bool> removed = core_->store.RemoveAttachment(attachment); !removed) {
        return std::unexpected(removed.error());
      }
    }
  }
  core_->indexes->Drop(id);
  const custody::ObjectRef ref{As<ObjectId>(id), row->slot};
  Result<custody::EraseReply> erased = core_->vault.client().Erase(ticket, {&ref, 1}, no_mirror);
  if (!erased && erased.error().code != ErrorCode::kNotFound) {
    return erased;
  }
  if (Result<bool> removed = core_->store.RemoveCollection(id); !removed) {
    return std::unexpected(removed.error());
  }
  return erased;
}

Result<AttachmentInfo> SealedLibrary::Attach(const custody::Ticket& ticket, CollectionId collection,
                                             FileId file) {
  Result<std::pair<storage::CollectionRow, policy::Label>> opened =
      core_->OpenCollection(ticket, collection);
  if (!opened) {
    return std::unexpected(opened.error());
  }
  Result<storage::FileRow> file_row = core_->FileOf(file);
  if (!file_row) {
    return std::unexpected(file_row.error());
  }
  const custody::ObjectRef file_ref{As<ObjectId>(file), file_row->slot};
  Result<custody::Lease> file_lease =
      core_->vault.OpenOne(ticket, Purpose::kMetadata, file_ref, "file '" + file.ToString() + "'");
  if (!file_lease) {
    return std::unexpected(file_lease.error());
  }
  Result<std::optional<storage::AttachmentRow>> there =
      core_->store.GetAttachment(collection, file);
  if (!there) {
    return std::unexpected(there.error());
  }
  if (*there) {
    if ((*there)->state == storage::AttachmentState::kFailed ||
        (*there)->state == storage::AttachmentState::kCancelled) {
      if (Result<void> again = core_->store.RetryAttachment((*there)->ref.id); !again) {
        return std::unexpected(again.error());
      }
      core_->background->Wake();
    }
    return GetAttachment(ticket, collection, file);
  }

  custody::NewObject object;
  object.kind = policy::ObjectKind::kAttachment;
  object.label = policy::Highest(opened->second, file_lease->label());
  object.collection = collection;
  object.sources.push_back(file_ref);
  const policy::Label label = object.label;
  constexpr std::array kPurposes = {Purpose::kMetadata};
  Result<custody::Created> created =
      CreateOne(core_->vault.client(), ticket, std::move(object), kPurposes);
  if (!created) {
    return std::unexpected(created.error());
  }
  AttachmentMetadata metadata;
  metadata.file = file;
  metadata.collection = collection;
  metadata.label = label;
  Result<Bytes> sealed =
      core_->vault.Seal(created->leases[0],
                        core_->vault.PlaceOf(created->ref.id, Part::kAttachmentMetadata), metadata);
  if (!sealed) {
    return std::unexpected(sealed.error());
  }
  storage::AttachmentRow row;
  row.ref = created->ref;
  row.file = file;
  row.collection = collection;
  row.created = UnixSeconds();
  row.metadata = std::move(*sealed);
  if (Result<void> added = core_->store.AddAttachment(row); !added) {
    return std::unexpected(added.error());
  }
  core_->background->Wake();
  return core_->InfoOf(row, created->leases[0]);
}

Result<AttachmentInfo> SealedLibrary::GetAttachment(const custody::Ticket& ticket,
                                                    CollectionId collection, FileId file) {
  Result<std::optional<storage::AttachmentRow>> row = core_->store.GetAttachment(collection, file);
  if (!row) {
    return std::unexpected(row.error());
  }
  const std::string name =
      "file '" + file.ToString() + "' in collection '" + collection.ToString() + "'";
  if (!*row) {
    return Fail(ErrorCode::kNotFound, name + " does not exist");
  }
  Result<custody::Lease> lease =
      core_->vault.OpenOne(ticket, Purpose::kMetadata, (*row)->ref, name);
  if (!lease) {
    return std::unexpected(lease.error());
  }
  return core_->InfoOf(**row, *lease);
}

Result<Listed<AttachmentInfo>> SealedLibrary::ListAttachments(const custody::Ticket& ticket,
                                                              CollectionId collection,
                                                              const Page& page) {
  if (auto opened = core_->OpenCollection(ticket, collection); !opened) {
    return std::unexpected(opened.error());
  }
  Result<storage::RowPage> row_page = RowPageOf<FileId>(page);
  if (!row_page) {
    return std::unexpected(row_page.error());
  }
  Listed<AttachmentInfo> listed;
  Result<void> read = ReadVisible<storage::AttachmentRow>(
      core_->vault, ticket, page, *row_page,
      [&](const storage::RowPage& next) { return core_->store.ListAttachments(collection, next); },
      [](const storage::AttachmentRow& row) { return As<ObjectId>(row.file); },
      [&](const storage::AttachmentRow& row, const custody::Lease& lease) -> Result<void> {
        Result<AttachmentInfo> info = core_->InfoOf(row, lease);
        if (!info) {
          return std::unexpected(info.error());
        }
        listed.items.push_back(std::move(*info));
        return {};
      },
      listed.has_more);
  if (!read) {
    return std::unexpected(read.error());
  }
  return listed;
}

Result<void> SealedLibrary::Detach(const custody::Ticket& ticket, CollectionId collection,
                                   FileId file, bool no_mirror) {
  Result<std::optional<storage::AttachmentRow>> row = core_->store.GetAttachment(collection, file);
  if (!row) {
    return std::unexpected(row.error());
  }
  if (!*row) {
    return Fail(ErrorCode::kNotFound, "file '" + file.ToString() + "' in collection '" +
                                          collection.ToString() + "' does not exist");
  }
  const custody::ObjectRef ref = (*row)->ref;
  Result<custody::EraseReply> erased = core_->vault.client().Erase(ticket, {&ref, 1}, no_mirror);
  if (!erased && erased.error().code != ErrorCode::kNotFound) {
    return std::unexpected(erased.error());
  }
  core_->indexes->Evict({&ref.id, 1});
  Result<bool> removed = core_->store.RemoveAttachment(ref.id);
  return removed ? Result<void>() : std::unexpected(removed.error());
}

}  // namespace casemate::retrieval
