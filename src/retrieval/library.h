#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "custody/client/release_client.h"
#include "policy/label.h"
#include "secmem/plaintext.h"
#include "storage/batch.h"

namespace casemate::retrieval {

struct FileInfo {
  FileId id;
  Plaintext name;
  std::string purpose;  // OpenAI's: "assistants", "user_data", ...
  std::uint64_t bytes = 0;
  std::int64_t created = 0;  // unix seconds
  policy::Label label = policy::kLowestLabel;
};

enum class AttachmentStatus : std::uint8_t {
  kInProgress = 1,
  kCompleted = 2,
  kFailed = 3,
  kCancelled = 4
};

struct AttachmentInfo {
  FileId file;
  CollectionId collection;
  AttachmentStatus status = AttachmentStatus::kInProgress;
  std::optional<Error> failure;
  std::int64_t created = 0;
  std::uint64_t bytes = 0;  // of chunks and vectors as stored
  std::uint32_t chunks = 0;
  policy::Label label = policy::kLowestLabel;
};

inline constexpr std::size_t kMaxBatchFiles = 500;  // OpenAI's limit is the same

// Files that were added to a collection together; those that the ticket reaches.
struct BatchInfo {
  storage::BatchId id;
  CollectionId collection;
  std::int64_t created = 0;
  std::vector<AttachmentInfo> attachments;  // in the order of their making
};

// Counts are of what the ticket reaches.
struct CollectionInfo {
  CollectionId id;
  Plaintext name;
  policy::Label label = policy::kLowestLabel;  // of the collection; a floor for what is in it
  std::int64_t created = 0;
  std::uint64_t bytes = 0;
  std::uint32_t in_progress = 0;
  std::uint32_t completed = 0;
  std::uint32_t failed = 0;
  std::uint32_t cancelled = 0;
};

struct SearchHit {
  FileId file;
  Plaintext file_name;
  Plaintext heading;  // path of headings, " > " between
  Plaintext text;
  std::uint32_t begin = 0;  // UTF-8 byte offsets into the document's extracted text
  std::uint32_t end = 0;
  std::uint32_t page = 0;  // from 1; 0: the document has no pages
  double score = 0;        // fused, 0 to 1, best first
  policy::Label label = policy::kLowestLabel;
};

// SHA-256 of a document's bytes. Of a document that can be guessed it tells the content.
using ContentDigest = std::array<std::byte, 32>;
// A document that somebody else has, to be compared with what is here.
struct OutsideDocument {
  Plaintext name;
  ContentDigest content{};
};

enum class IngestOutcome : std::uint8_t { kAdded = 1, kUnchanged = 2, kReplaced = 3 };
struct Ingested {
  IngestOutcome outcome = IngestOutcome::kAdded;
  FileId file;
  std::uint32_t chunks = 0;
  std::string caveat;  // of kReplaced: what is left of the old version until its key is erased
};

// A page of a list, newest first or last by `ascending`, as OpenAI's lists have it.
struct Page {
  std::size_t limit = 20;
  bool ascending = false;
  std::string after;  // id text of the last seen, or empty
};
template <typename T>
struct Listed {
  std::vector<T> items;
  bool has_more = false;
};

// The tenant's documents: sealed storage, parsing, chunks, vectors, search. Everything that opens
// or makes an object does so under the caller's ticket; what the ticket does not allow fails with
// kPermissionDenied and nothing is shown. Acknowledged means durable. Threads: all members may run
// at the same time; they block.
class Library {
 public:
  virtual ~Library() = default;

  // Files (documents). Ticket: kSeal to put, kList to list, kRead for content, kErase to delete.
  [[nodiscard]] virtual Result<FileInfo> PutFile(const custody::Ticket& ticket, PlaintextView name,
                                                 const std::string& purpose, PlaintextView content,
                                                 policy::Label label) = 0;
  [[nodiscard]] virtual Result<FileInfo> GetFile(const custody::Ticket& ticket, FileId id) = 0;
  [[nodiscard]] virtual Result<Listed<FileInfo>> ListFiles(const custody::Ticket& ticket,
                                                           const Page& page) = 0;
  [[nodiscard]] virtual Result<Plaintext> ReadFile(const custody::Ticket& ticket, FileId id) = 0;
  // Erases the file and everything made from it, in every collection. Errors: as
  // ReleaseClient::Erase.
  [[nodiscard]] virtual Result<custody::EraseReply> DeleteFile(const custody::Ticket& ticket,
                                                               FileId id, bool no_mirror) = 0;

  // Collections (vector stores).
  [[nodiscard]] virtual Result<CollectionInfo> CreateCollection(const custody::Ticket& ticket,
                                                                PlaintextView name,
                                                                policy::Label label) = 0;
  [[nodiscard]] virtual Result<CollectionInfo> GetCollection(const custody::Ticket& ticket,
                                                             CollectionId id) = 0;
  [[nodiscard]] virtual Result<Listed<CollectionInfo>> ListCollections(
      const custody::Ticket& ticket, const Page& page) = 0;
  // By exact name; the oldest if there are several. Found through an HMAC, opening nothing.
  [[nodiscard]] virtual Result<std::optional<CollectionId>> FindCollection(
      const custody::Ticket& ticket, PlaintextView name) = 0;
  [[nodiscard]] virtual Result<custody::EraseReply> DeleteCollection(const custody::Ticket& ticket,
                                                                     CollectionId id,
                                                                     bool no_mirror) = 0;

  // Attachments. Attach returns at once with kInProgress, durable; parsing, chunks and vectors
  // follow in the background and survive a restart.
  [[nodiscard]] virtual Result<AttachmentInfo> Attach(const custody::Ticket& ticket,
                                                      CollectionId collection, FileId file) = 0;
  [[nodiscard]] virtual Result<AttachmentInfo> GetAttachment(const custody::Ticket& ticket,
                                                             CollectionId collection,
                                                             FileId file) = 0;
  [[nodiscard]] virtual Result<Listed<AttachmentInfo>> ListAttachments(
      const custody::Ticket& ticket, CollectionId collection, const Page& page) = 0;
  // Attaches `files` (1 to kMaxBatchFiles) as Attach does; a file that is there already joins the
  // batch as it is. Where one fails, those before it stay attached. Errors: those of Attach.
  [[nodiscard]] virtual Result<BatchInfo> AttachBatch(const custody::Ticket& ticket,
                                                      CollectionId collection,
                                                      std::span<const FileId> files) = 0;
  [[nodiscard]] virtual Result<BatchInfo> GetBatch(const custody::Ticket& ticket,
                                                   CollectionId collection,
                                                   const storage::BatchId& id) = 0;
  // What of it is in progress goes no further; Attach begins it again. Ticket: kSeal and kList.
  [[nodiscard]] virtual Result<BatchInfo> CancelBatch(const custody::Ticket& ticket,
                                                      CollectionId collection,
                                                      const storage::BatchId& id) = 0;
  [[nodiscard]] virtual Result<void> Detach(const custody::Ticket& ticket, CollectionId collection,
                                            FileId file, bool no_mirror) = 0;

  // One document in one step, durable and searchable on return: skipped when a document of that
  // name is there with the same content (HMAC under a tenant key), replacing it in one transaction
  // when it changed. Ticket: kSeal and kList. Errors: those of parsing, about this document only.
  [[nodiscard]] virtual Result<Ingested> Ingest(const custody::Ticket& ticket,
                                                CollectionId collection, PlaintextView name,
                                                PlaintextView content, policy::Label label) = 0;

  // Which of `documents` (1 to 1000) Ingest would skip: their file, in order, or nothing. Opens no
  // document. Ticket: kSeal and kList.
  [[nodiscard]] virtual Result<std::vector<std::optional<FileId>>> FindUnchanged(
      const custody::Ticket& ticket, CollectionId collection,
      std::span<const OutsideDocument> documents, policy::Label label) = 0;

  // The best `limit` chunks (1 to 50) by keyword and vector, fused. Ticket: kSearch.
  [[nodiscard]] virtual Result<std::vector<SearchHit>> Search(
      const custody::Ticket& ticket, std::span<const CollectionId> collections, PlaintextView query,
      std::size_t limit) = 0;
};

}  // namespace casemate::retrieval
