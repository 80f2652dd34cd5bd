#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>

#include "retrieval/collection_index.h"

namespace casemate::retrieval {

// The collection indexes in memory. Those that nobody asked for some time, and those whose ticket
// was revoked, are dropped by a thread of this object. Threads: all members may run at the same
// time.
class IndexCache {
 public:
  using Maker =
      std::function<Result<std::unique_ptr<CollectionIndex>>(CollectionId, policy::Label)>;

  IndexCache(std::chrono::milliseconds idle, Maker make);
  ~IndexCache();
  IndexCache(const IndexCache&) = delete;
  IndexCache& operator=(const IndexCache&) = delete;

  // The resident index of what is at most `ceiling`, or a new one. There is one for each ceiling
  // that is asked with: its ticket opens nothing above it, and its word counts know nothing of it.
  [[nodiscard]] Result<std::shared_ptr<CollectionIndex>> Get(CollectionId collection,
                                                             policy::Label ceiling);
  // Wipes these attachments wherever they are, now.
  void Evict(std::span<const ObjectId> attachments);
  void Drop(CollectionId collection);
  std::size_t resident() const;

  // To be called from Ticket::OnRevoked: makes the thread look at once. May outlive the cache.
  std::function<void()> Waker() const;

 private:
  struct Shared;
  void Watch(const std::stop_token& stop);

  const std::chrono::milliseconds idle_;
  const Maker make_;
  std::shared_ptr<Shared> shared_;
  std::jthread watcher_;
};

}  // namespace casemate::retrieval
