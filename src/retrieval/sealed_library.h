#pragma once

#include <chrono>
#include <memory>

#include "retrieval/fusion.h"
#include "retrieval/library.h"
#include "retrieval/pipeline.h"
#include "storage/tenant_store.h"

namespace casemate::retrieval {

struct SealedLibraryOptions {
  custody::ObjectRef tenant_object;  // of custody::Tenant
  // Who the library's own tickets (indexes, attachments in the background, erasing what was
  // replaced) are asked for: justification GOOGLE_INITIATED_SYSTEM_OPERATION.
  PrincipalId system_principal;
  policy::Label highest_label = policy::Label::kSecret;  // of the deployment's order
  Pipeline::Options pipeline;
  FusionOptions fusion;
  std::uint64_t max_file_bytes = 32ULL * 1024 * 1024;
  std::size_t max_name_bytes = 1024;
  std::chrono::milliseconds index_idle{120'000};  // unused for so long, an index is dropped
  std::chrono::milliseconds retry_after{5'000};   // background work that could not be done
  std::chrono::milliseconds erase_every{5'000};   // replaced documents are erased together
};

// A Library whose parts are sealed under keys leased from a custodian, in a TenantStore. Two
// threads of its own: one finishes attachments (those that a restart interrupted first) and erases
// what was replaced; one drops indexes that are idle or revoked.
class SealedLibrary : public Library {
 public:
  // All of them outlive the library. Attachments in progress go on at once.
  SealedLibrary(storage::TenantStore& store, custody::ReleaseClient& client,
                inference::RoomDirectory& rooms, Parser parser, SealedLibraryOptions options);
  ~SealedLibrary() override;

  [[nodiscard]] Result<FileInfo> PutFile(const custody::Ticket& ticket, PlaintextView name,
                                         const std::string& purpose, PlaintextView content,
                                         policy::Label label) override;
  [[nodiscard]] Result<FileInfo> GetFile(const custody::Ticket& ticket, FileId id) override;
  [[nodiscard]] Result<Listed<FileInfo>> ListFiles(const custody::Ticket& ticket,
                                                   const Page& page) override;
  [[nodiscard]] Result<Plaintext> ReadFile(const custody::Ticket& ticket, FileId id) override;
  [[nodiscard]] Result<custody::EraseReply> DeleteFile(const custody::Ticket& ticket, FileId id,
                                                       bool no_mirror) override;

  [[nodiscard]] Result<CollectionInfo> CreateCollection(const custody::Ticket& ticket,
                                                        PlaintextView name,
                                                        policy::Label label) override;
  [[nodiscard]] Result<CollectionInfo> GetCollection(const custody::Ticket& ticket,
                                                     CollectionId id) override;
  [[nodiscard]] Result<Listed<CollectionInfo>> ListCollections(const custody::Ticket& ticket,
                                                               const Page& page) override;
  [[nodiscard]] Result<std::optional<CollectionId>> FindCollection(const custody::Ticket& ticket,
                                                                   PlaintextView name) override;
  [[nodiscard]] Result<custody::EraseReply> DeleteCollection(const custody::Ticket& ticket,
                                                             CollectionId id,
                                                             bool no_mirror) override;

  [[nodiscard]] Result<AttachmentInfo> Attach(const custody::Ticket& ticket,
                                              CollectionId collection, FileId file) override;
  [[nodiscard]] Result<AttachmentInfo> GetAttachment(const custody::Ticket& ticket,
                                                     CollectionId collection, FileId file) override;
  [[nodiscard]] Result<Listed<AttachmentInfo>> ListAttachments(const custody::Ticket& ticket,
                                                               CollectionId collection,
                                                               const Page& page) override;
  [[nodiscard]] Result<BatchInfo> AttachBatch(const custody::Ticket& ticket,
                                              CollectionId collection,
                                              std::span<const FileId> files) override;
  [[nodiscard]] Result<BatchInfo> GetBatch(const custody::Ticket& ticket, CollectionId collection,
                                           const storage::BatchId& id) override;
  [[nodiscard]] Result<BatchInfo> CancelBatch(const custody::Ticket& ticket,
                                              CollectionId collection,
                                              const storage::BatchId& id) override;
  [[nodiscard]] Result<void> Detach(const custody::Ticket& ticket, CollectionId collection,
                                    FileId file, bool no_mirror) override;

  [[nodiscard]] Result<Ingested> Ingest(const custody::Ticket& ticket, CollectionId collection,
                                        PlaintextView name, PlaintextView content,
                                        policy::Label label) override;

  [[nodiscard]] Result<std::vector<std::optional<FileId>>> FindUnchanged(
      const custody::Ticket& ticket, CollectionId collection,
      std::span<const OutsideDocument> documents, policy::Label label) override;

  [[nodiscard]] Result<std::vector<SearchHit>> Search(const custody::Ticket& ticket,
                                                      std::span<const CollectionId> collections,
                                                      PlaintextView query,
                                                      std::size_t limit) override;

  // Indexes in memory now, for the display of windows.
  std::size_t resident_indexes() const;

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace casemate::retrieval
