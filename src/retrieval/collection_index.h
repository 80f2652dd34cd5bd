#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "custody/client/release_client.h"
#include "retrieval/fusion.h"
#include "retrieval/keyword_index.h"
#include "retrieval/library.h"
#include "retrieval/vault.h"
#include "retrieval/vector_index.h"
#include "storage/tenant_store.h"

namespace casemate::retrieval {

// A hit, and the object that the asker's own ticket must still open.
struct Candidate {
  custody::ObjectRef attachment;
  SearchHit hit;
};

// One collection's chunks and vectors in memory, opened under an index ticket that this object
// owns: with it the keys go, and the text is wiped. Follows the store: Search first loads what was
// attached since and forgets what is gone. Threads: all members may run at the same time.
class CollectionIndex {
 public:
  // `ticket`: kIndex and kSearch on the collection.
  [[nodiscard]] static Result<std::unique_ptr<CollectionIndex>> Make(storage::TenantStore& store,
                                                                     const Vault& vault,
                                                                     CollectionId collection,
                                                                     std::string embedding_model,
                                                                     custody::Ticket ticket);
  ~CollectionIndex();

  // The best `limit` chunks of at most `ceiling`. `vector` is empty, or of the embedding model.
  // Errors: kIntegrityFailure: a document's chunks or vectors do not verify; the message names it.
  [[nodiscard]] Result<std::vector<Candidate>> Search(PlaintextView query,
                                                      std::span<const float> vector,
                                                      policy::Label ceiling,
                                                      const FusionOptions& fusion,
                                                      std::size_t limit);
  // Wipes these attachments now.
  void Evict(std::span<const ObjectId> attachments);

  bool over() const { return ticket_.over(); }
  BootClock::time_point last_used() const { return last_used_.load(); }
  std::size_t chunks() const;

 private:
  struct Document {
    custody::ObjectRef ref;
    FileId file;
    policy::Label label = policy::kHighestLabel;
    Plaintext name;
    std::vector<std::int64_t> rows;
  };
  struct Row {
    ObjectId attachment;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t page = 0;
  };

  CollectionIndex(storage::TenantStore& store, const Vault& vault, CollectionId collection,
                  std::string embedding_model, custody::Ticket ticket, KeywordIndex keywords);
  [[nodiscard]] Result<void> Follow();
  [[nodiscard]] Result<void> Load(const std::vector<storage::AttachmentRow>& rows);
  [[nodiscard]] Result<void> LoadOne(const storage::AttachmentRow& row,
                                     const custody::Lease& chunk_key,
                                     const custody::Lease& vector_key);
  [[nodiscard]] Result<std::vector<VectorSegment>> OpenVectors(const storage::AttachmentRow& row,
                                                               const custody::Lease& key) const;
  void AddVector(std::int64_t row, policy::Label label, const VectorSegment& segment,
                 std::size_t index);
  void Forget(const ObjectId& attachment);

  storage::TenantStore& store_;
  const Vault& vault_;
  const CollectionId collection_;
  const std::string embedding_model_;
  custody::Ticket ticket_;
  std::atomic<BootClock::time_point> last_used_;
  mutable std::mutex mutex_;  // guards all below
  KeywordIndex keywords_;
  std::optional<VectorIndex> vectors_;  // from the first vectors on
  std::unordered_map<ObjectId, Document> documents_;
  std::unordered_map<std::int64_t, Row> rows_;
  std::int64_t next_row_ = 1;
  std::optional<std::uint64_t> generation_;  // of the store, that this has followed
};

}  // namespace casemate::retrieval
