#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "ipc/peer.h"
#include "net/backend.h"
#include "net/hop_table.h"

namespace casemate::net {

// Hands requests to the tenants' keepers: one channel each, which the supervisor makes when a
// tenant is first asked for, and again after its keeper died.
class KeeperBackend : public Backend {
 public:
  // `supervisor` must outlive this. Channels stand in `hops`, with the bytes of bodies.
  explicit KeeperBackend(ipc::Peer& supervisor, std::shared_ptr<HopTable> hops = HopTable::Make())
      : supervisor_(supervisor), hops_(std::move(hops)) {}

  Result<std::unique_ptr<Answer>> Open(const TenantId& tenant, const HttpRequest& request) override;

 private:
  struct Keeper;
  struct Slot {
    std::mutex mutex;  // held while a keeper starts, so that two requests do not start two
    std::shared_ptr<Keeper> keeper;
  };
  [[nodiscard]] Result<std::shared_ptr<Keeper>> Get(const TenantId& tenant);

  ipc::Peer& supervisor_;
  const std::shared_ptr<HopTable> hops_;
  std::mutex mutex_;  // guards slots_
  std::unordered_map<TenantId, std::shared_ptr<Slot>> slots_;
};

}  // namespace casemate::net
