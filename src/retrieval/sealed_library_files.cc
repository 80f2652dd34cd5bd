#include <array>
#include <utility>

#include "base/clock.h"
#include "retrieval/sealed_library_core.h"

namespace casemate::retrieval {

using policy::Purpose;
using storage::Part;

SealedLibrary::SealedLibrary(storage::TenantStore& store, custody::ReleaseClient& client,
                             inference::RoomDirectory& rooms, Parser parser,
                             SealedLibraryOptions options)
    : core_(std::make_unique<Core>(store, client, rooms, std::move(parser), std::move(options))) {}

SealedLibrary::~SealedLibrary() = default;

std::size_t SealedLibrary::resident_indexes() const { return core_->indexes->resident(); }

Result<FileInfo> SealedLibrary::PutFile(const custody::Ticket& ticket, PlaintextView name,
                                        const std::string& purpose, PlaintextView content,
                                        policy::Label label) {
  if (Result<void> good = core_->CheckName(name); !good) {
    return std::unexpected(good.error());
  }
  if (Result<void> good = core_->CheckSize(content); !good) {
    return std::unexpected(good.error());
  }
  custody::NewObject object;
  object.kind = policy::ObjectKind::kFile;
  object.label = label;
  constexpr std::array kPurposes = {Purpose::kContent, Purpose::kMetadata};
  Result<custody::Created> created =
      CreateOne(core_->vault.client(), ticket, std::move(object), kPurposes);
  if (!created) {
    return std::unexpected(created.error());
  }
  const ObjectId& id = created->ref.id;
  Result<storage::StoredObject> stored = core_->store.objects().Write(
      created->leases[0], core_->vault.PlaceOf(id, Part::kFileContent), content);
  if (!stored) {
    return std::unexpected(stored.error());
  }
  FileMetadata metadata;
  metadata.name = Plaintext::Copy(name);
  metadata.purpose = purpose;
  metadata.bytes = content.size();
  metadata.label = label;
  Result<Bytes> sealed = core_->vault.Seal(created->leases[1],
                                           core_->vault.PlaceOf(id, Part::kFileMetadata), metadata);
  if (!sealed) {
    return std::unexpected(sealed.error());
  }
  storage::FileRow row{.id = As<FileId>(id),
                       .slot = created->ref.slot,
                       .created = UnixSeconds(),
                       .metadata = std::move(*sealed),
                       .object = {}};
  if (Result<void> added = core_->store.AddFile(row, std::move(*stored)); !added) {
    return std::unexpected(added.error());
  }
  return core_->InfoOf(row, created->leases[1]);
}

Result<FileInfo> SealedLibrary::GetFile(const custody::Ticket& ticket, FileId id) {
  Result<storage::FileRow> row = core_->FileOf(id);
  if (!row) {
    return std::unexpected(row.error());
  }
  Result<custody::Lease> lease = core_->vault.OpenOne(
      ticket, Purpose::kMetadata, {As<ObjectId>(id), row->slot}, "file '" + id.ToString() + "'");
  if (!lease) {
    return std::unexpected(lease.error());
  }
  return core_->InfoOf(*row, *lease);
}

Result<Listed<FileInfo>> SealedLibrary::ListFiles(const custody::Ticket& ticket, const Page& page) {
  Result<storage::RowPage> row_page = RowPageOf<FileId>(page);
  if (!row_page) {
    return std::unexpected(row_page.error());
  }
  Listed<FileInfo> listed;
  Result<void> read = ReadVisible<storage::FileRow>(
      core_->vault, ticket, page, *row_page,
      [this](const storage::RowPage& next) { return core_->store.ListFiles(next); },
      [](const storage::FileRow& row) { return As<ObjectId>(row.id); },
      [&](const storage::FileRow& row, const custody::Lease& lease) -> Result<void> {
        Result<FileInfo> info = core_->InfoOf(row, lease);
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

Result<Plaintext> SealedLibrary::ReadFile(const custody::Ticket& ticket, FileId id) {
  Result<storage::FileRow> row = core_->FileOf(id);
  if (!row) {
    return std::unexpected(row.error());
  }
  Result<custody::Lease> lease = core_->vault.OpenOne(
      ticket, Purpose::kContent, {As<ObjectId>(id), row->slot}, "file '" + id.ToString() + "'");
  if (!lease) {
    return std::unexpected(lease.error());
  }
  return ReadContent(core_->store, core_->vault, *lease, *row);
}

Result<custody::EraseReply> SealedLibrary::DeleteFile(const custody::Ticket& ticket, FileId id,
                                                      bool no_mirror) {
  Result<storage::FileRow> row = core_->FileOf(id);
  if (!row) {
    return std::unexpected(row.error());
  }
  Result<std::vector<storage::AttachmentRow>> attachments = core_->store.AttachmentsOf(id);
  if (!attachments) {
    return std::unexpected(attachments.error());
  }
  // The key first: once it is gone, rows that a crash leaves behind open nothing.
  const custody::ObjectRef ref{As<ObjectId>(id), row->slot};
  Result<custody::EraseReply> erased = core_->vault.client().Erase(ticket, {&ref, 1}, no_mirror);
  if (!erased && IsHidden(erased.error())) {
    return Fail(ErrorCode::kNotFound, "file '" + id.ToString() + "' does not exist");
  }
  if (!erased && erased.error().code != ErrorCode::kNotFound) {
    return erased;
  }
  std::vector<ObjectId> gone;
  for (const storage::AttachmentRow& attachment : *attachments) {
    gone.push_back(attachment.ref.id);
  }
  core_->indexes->Evict(gone);
  if (Result<bool> removed = core_->store.RemoveFile(id); !removed) {
    return std::unexpected(removed.error());
  }
  return erased;
}

}  // namespace casemate::retrieval
