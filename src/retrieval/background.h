#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "custody/client/release_client.h"
#include "retrieval/pipeline.h"
#include "retrieval/vault.h"
#include "storage/tenant_store.h"

namespace casemate::retrieval {

// Work of the library that no request waits for, under tickets of its own: finishing attachments
// that are in progress, and erasing the keys of documents that were replaced. What is to be done
// stands in the store, so that a restart loses nothing. Threads: all members may run at the same
// time.
class Background {
 public:
  struct Options {
    PrincipalId principal;
    std::chrono::milliseconds retry_after;
    std::chrono::milliseconds erase_every;
  };
  Background(storage::TenantStore& store, const Vault& vault, const Pipeline& pipeline,
             Options options);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // There is something new in the store.
  void Wake();
  // What the last erasure found: whether replaced keys are erased here.
  bool mirror_missing() const;

 private:
  enum class Outcome { kDone, kLater };

  void Run(const std::stop_token& stop);
  Outcome FinishAttachments(const std::stop_token& stop);
  Outcome Finish(const storage::AttachmentRow& row);
  // Errors: of the document (it failed) or of the machinery (later).
  [[nodiscard]] Result<void> Process(const custody::Ticket& ticket,
                                     const storage::AttachmentRow& row);
  [[nodiscard]] Result<void> RecordFailure(const custody::Ticket& ticket,
                                           const storage::AttachmentRow& row, const Error& error);
  Outcome EraseReplaced();
  [[nodiscard]] Result<custody::Ticket> Ask(policy::ActionSet actions, CollectionId collection);

  storage::TenantStore& store_;
  const Vault& vault_;
  const Pipeline& pipeline_;
  const Options options_;
  std::unordered_map<ObjectId, int> attempts_;  // the thread's own
  mutable std::mutex mutex_;                    // guards all below
  std::condition_variable_any wake_;
  bool awake_ = true;
  bool mirror_missing_ = false;
  std::jthread thread_;
};

}  // namespace casemate::retrieval
