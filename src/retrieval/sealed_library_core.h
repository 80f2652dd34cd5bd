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

  [[nodiscard]] Result<std::unique_ptr<CollectionIndex>> MakeIndex(CollectionId collection,
                                                                   policy::Label ceiling);
  // Counts what this ticket may see of a collection.
  [[nodiscard]] Result<void> CountVisible(const custody::Ticket& ticket,
                                          CollectionInfo& info) const;

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

// Rows of a list until `page.limit` were shown, or there are no more: those that the ticket does
// not reach are passed over. `read` reads a page of rows; `place` says where the list goes on after
// a row; `show` gets each that is opened.
template <typename Row>
[[nodiscard]] Result<void> ReadVisible(const Vault& vault, const custody::Ticket& ticket,
                                       const Page& page, storage::RowPage rows, const auto& read,
                                       const auto& place, const auto& show, bool& has_more) {
  std::size_t shown = 0;
  for (;;) {
    Result<std::vector<Row>> some = read(rows);
    if (!some) {
      return std::unexpected(some.error());
    }
    std::vector<custody::ObjectRef> refs;
    for (const Row& row : *some) {
      refs.push_back(RefOf(row));
    }
    Result<std::vector<bool>> visible = vault.Visible(ticket, policy::Purpose::kMetadata, refs);
    if (!visible) {
      return std::unexpected(visible.error());
    }
    std::vector<custody::ObjectRef> opened;
    std::vector<const Row*> rows_opened;
    for (std::size_t i = 0; i < some->size(); ++i) {
      if (!(*visible)[i]) {
        continue;
      }
      if (shown + opened.size() == page.limit) {
        has_more = true;
        break;
      }
      opened.push_back(refs[i]);
      rows_opened.push_back(&(*some)[i]);
    }
    auto leases = vault.OpenAll(ticket, policy::Purpose::kMetadata, opened);
    if (!leases) {
      return std::unexpected(leases.error());
    }
    for (std::size_t i = 0; i < opened.size(); ++i) {
      if (!(*leases)[i]) {
        continue;  // erased a moment ago
      }
      if (Result<void> one = show(*rows_opened[i], *(*leases)[i]); !one) {
        return one;
      }
      ++shown;
    }
    if (has_more || some->size() < rows.limit) {
      return {};
    }
    rows.after = place(some->back());
  }
}

}  // namespace casemate::retrieval
