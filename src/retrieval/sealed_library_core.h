#pragma once

#include <memory>
#include <utility>

#include "retrieval/background.h"
#include "retrieval/index_cache.h"
#include "retrieval/sealed_library.h"
#include "retrieval/vault.h"

// What the parts of SealedLibrary share. Private to its sources.
namespace casemate::retrieval {

// Pages: one row more than asked for is read, to know whether there is more.
template <typename IdType>
[[nodiscard]] Result<storage::RowPage> RowPageOf(const Page& page) {
  storage::RowPage rows{.limit = page.limit + 1, .ascending = page.ascending, .after = {}};
  if (!page.after.empty()) {
    Result<IdType> id = IdType::Parse(page.after);
    if (!id) {
      Error error = id.error();
      error.param = "after";
      return std::unexpected(std::move(error));
    }
    rows.after = As<ObjectId>(*id);
  }
  return rows;
}
template <typename Row>
bool CutPage(std::vector<Row>& rows, const Page& page) {
  if (rows.size() <= page.limit) {
    return false;
  }
  rows.resize(page.limit);
  return true;
}

inline custody::ObjectRef RefOf(const storage::FileRow& row) {
  return {As<ObjectId>(row.id), row.slot};
}
inline custody::ObjectRef RefOf(const storage::CollectionRow& row) {
  return {As<ObjectId>(row.id), row.slot};
}
inline const custody::ObjectRef& RefOf(const storage::AttachmentRow& row) { return row.ref; }

struct SealedLibrary::Core {
  Core(storage::TenantStore& the_store, custody::ReleaseClient& client,
       inference::RoomDirectory& rooms, Parser parser, SealedLibraryOptions the_options);

  [[nodiscard]] Result<storage::FileRow> FileOf(FileId id) const;
  [[nodiscard]] Result<storage::CollectionRow> CollectionOf(CollectionId id) const;
  // The collection and its label; under the caller's ticket, which must hold kList on it.
  [[nodiscard]] Result<std::pair<storage::CollectionRow, policy::Label>> OpenCollection(
      const custody::Ticket& ticket, CollectionId id) const;
  [[nodiscard]] Result<FileInfo> InfoOf(const storage::FileRow& row,
                                        const custody::Lease& lease) const;
  [[nodiscard]] Result<CollectionInfo> InfoOf(const storage::CollectionRow& row,
                                              const custody::Lease& lease) const;
  [[nodiscard]] Result<AttachmentInfo> InfoOf(const storage::AttachmentRow& row,
                                              const custody::Lease& lease) const;
  [[nodiscard]] Result<void> CheckName(PlaintextView name) const;
  [[nodiscard]] Result<void> CheckSize(PlaintextView content) const;

  // A page of rows with what is sealed in them; those that the ticket does not open are left out.
  template <typename Info, typename Row>
  [[nodiscard]] Result<Listed<Info>> OpenListed(const custody::Ticket& ticket,
                                                Result<std::vector<Row>> rows,
                                                const Page& page) const {
    if (!rows) {
      return std::unexpected(rows.error());
    }
    Listed<Info> listed;
    listed.has_more = CutPage(*rows, page);
    std::vector<custody::ObjectRef> refs;
    for (const Row& row : *rows) {
      refs.push_back(RefOf(row));
    }
    auto leases = vault.OpenAll(ticket, policy::Purpose::kMetadata, refs, true);
    if (!leases) {
      return std::unexpected(leases.error());
    }
    for (std::size_t i = 0; i < rows->size(); ++i) {
      if (!(*leases)[i]) {
        continue;
      }
      Result<Info> info = InfoOf((*rows)[i], *(*leases)[i]);
      if (!info) {
        return std::unexpected(info.error());
      }
      listed.items.push_back(std::move(*info));
    }
    return listed;
  }

  [[nodiscard]] Result<std::unique_ptr<CollectionIndex>> MakeIndex(CollectionId collection);

  storage::TenantStore& store;
  SealedLibraryOptions options;
  Vault vault;
  Pipeline pipeline;
  std::shared_ptr<IndexCache> indexes;  // its maker refers to this object
  std::unique_ptr<Background> background;
};

// An object of one kind, made under the caller's ticket, with the keys asked for.
[[nodiscard]] Result<custody::Created> CreateOne(custody::ReleaseClient& client,
                                                 const custody::Ticket& ticket,
                                                 custody::NewObject object,
                                                 std::span<const policy::Purpose> purposes);

// Seals a document's chunks and vectors for its attachment.
[[nodiscard]] Result<std::vector<storage::Segment>> SealSegments(
    const Vault& vault, const custody::Lease& chunk_key, const custody::Lease& vector_key,
    const ObjectId& attachment, FileId file, CollectionId collection, PlaintextView name,
    const Prepared& prepared);
// A file's whole content. Errors: kIntegrityFailure, naming it.
[[nodiscard]] Result<Plaintext> ReadContent(storage::TenantStore& store, const Vault& vault,
                                            const custody::Lease& key,
                                            const storage::FileRow& file);
std::uint64_t BytesOf(const std::vector<storage::Segment>& segments);

}  // namespace casemate::retrieval
