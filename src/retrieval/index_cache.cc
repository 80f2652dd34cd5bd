#include "retrieval/index_cache.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace casemate::retrieval {
namespace {

constexpr std::chrono::milliseconds kLookAgain{5'000};

}  // namespace

struct IndexCache::Shared {
  mutable std::mutex mutex;  // guards all below
  std::condition_variable_any wake;
  bool revoked = false;
  std::map<std::pair<CollectionId, policy::Label>, std::shared_ptr<CollectionIndex>> indexes;
};

IndexCache::IndexCache(std::chrono::milliseconds idle, Maker make)
    : idle_(idle),
      make_(std::move(make)),
      shared_(std::make_shared<Shared>()),
      watcher_([this](const std::stop_token& stop) { Watch(stop); }) {}

IndexCache::~IndexCache() {
  watcher_.request_stop();
  shared_->wake.notify_all();
  watcher_.join();
}

std::function<void()> IndexCache::Waker() const {
  return [weak = std::weak_ptr(shared_)] {
    if (const std::shared_ptr<Shared> shared = weak.lock()) {
      {
        const std::lock_guard lock(shared->mutex);
        shared->revoked = true;
      }
      shared->wake.notify_all();
    }
  };
}

Result<std::shared_ptr<CollectionIndex>> IndexCache::Get(CollectionId collection,
                                                         policy::Label ceiling) {
  const std::pair key(collection, ceiling);
  {
    const std::lock_guard lock(shared_->mutex);
    const auto found = shared_->indexes.find(key);
    if (found != shared_->indexes.end() && !found->second->over()) {
      return found->second;
    }
  }
  // Outside the lock: it waits for the custodian. Of two at the same time one is thrown away.
  Result<std::unique_ptr<CollectionIndex>> made = make_(collection, ceiling);
  if (!made) {
    return std::unexpected(made.error());
  }
  std::shared_ptr<CollectionIndex> index = std::move(*made);
  const std::lock_guard lock(shared_->mutex);
  std::shared_ptr<CollectionIndex>& place = shared_->indexes[key];
  if (place == nullptr || place->over()) {
    place = index;
  }
  return place;
}

void IndexCache::Evict(std::span<const ObjectId> attachments) {
  std::vector<std::shared_ptr<CollectionIndex>> indexes;
  {
    const std::lock_guard lock(shared_->mutex);
    for (const auto& [id, index] : shared_->indexes) {
      indexes.push_back(index);
    }
  }
  for (const std::shared_ptr<CollectionIndex>& index : indexes) {
    index->Evict(attachments);
  }
}

void IndexCache::Drop(CollectionId collection) {
  std::vector<std::shared_ptr<CollectionIndex>> dropped;  // destroyed outside the lock
  const std::lock_guard lock(shared_->mutex);
  std::erase_if(shared_->indexes, [&](const auto& entry) {
    if (entry.first.first != collection) {
      return false;
    }
    dropped.push_back(entry.second);
    return true;
  });
}

std::size_t IndexCache::resident() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->indexes.size();
}

void IndexCache::Watch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<std::shared_ptr<CollectionIndex>> dropped;  // destroyed outside the lock
    {
      std::unique_lock lock(shared_->mutex);
      shared_->wake.wait_for(lock, stop, std::min(idle_, kLookAgain),
                             [&] { return shared_->revoked; });
      shared_->revoked = false;
      const BootClock::time_point now = BootClock::now();
      std::erase_if(shared_->indexes, [&](const auto& entry) {
        const bool drop = entry.second->over() || now - entry.second->last_used() > idle_;
        if (drop) {
          dropped.push_back(entry.second);
        }
        return drop;
      });
    }
  }
}

}  // namespace casemate::retrieval
