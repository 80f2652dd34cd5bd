#pragma once

#include <atomic>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/log.h"
#include "custody/server/custody_server.h"
#include "custody/server/release_desk.h"
#include "ipc/peer.h"
#include "ipc/supervision.h"
#include "metrics/metrics.h"

// Inside this folder only.
namespace casemate::custody {

// Runs `serve` on the decoded request and answers with what it returns.
template <typename Request, typename Serve>
void Answer(ipc::Incoming& incoming, Serve serve) {
  Result<Request> request = incoming.Decode<Request>();
  if (!request) {
    incoming.Fail(request.error());
    return;
  }
  auto reply = serve(*request);
  if (!reply) {
    incoming.Fail(reply.error());
    return;
  }
  incoming.Reply(*reply);
}

struct CustodyServer::State {
  std::unique_ptr<Custodian> custodian;
  std::unique_ptr<ReleaseDesk> desk;
  UniqueFd control;
  UniqueFd wake;

  struct Connection {
    std::mutex mutex;                 // guards `peer`, also while something is sent on it
    std::unique_ptr<ipc::Peer> peer;  // ends when the connection is reaped
    std::atomic<bool> gone = false;
    ReleaseDesk::SessionId session = 0;
    bool is_operator = false;

    template <typename T>
    void Notify(const T& message) {
      const std::lock_guard lock(mutex);
      if (peer && !gone) {
        if (Result<void> sent = peer->Notify(message); !sent) {
          LogError("a notice could not be sent", sent.error());
        }
      }
    }
    // Waits for the answer, at most `patience`.
    template <typename Reply, typename T>
    void Tell(const T& message, std::chrono::milliseconds patience) {
      const std::lock_guard lock(mutex);
      if (peer && !gone) {
        if (Result<Reply> told = peer->Call<Reply>(message, patience); !told) {
          LogError("the other end could not be told", told.error());
        }
      }
    }
    // Waits for requests that are being served. Not with `mutex` held: they may send notices.
    void End() {
      std::unique_ptr<ipc::Peer> ending;
      {
        const std::lock_guard lock(mutex);
        ending = std::move(peer);
      }
    }
  };
  std::mutex mutex;  // guards all below
  std::condition_variable changed;
  std::shared_ptr<Connection> front;
  std::list<std::shared_ptr<Connection>> connections;
  std::optional<ipc::Settings> settings;  // read anew, for the housekeeper
  bool stopping = false;
  bool stopped = false;
  std::uint64_t keys_counted = 0;  // the collector's
  std::unique_ptr<metrics::Collector> collector;
  std::thread acceptor;
  std::thread housekeeper;

  void ServeKeeper(ReleaseDesk::SessionId session, ipc::Incoming incoming);
  void ServeOperator(ipc::Incoming incoming);
  // Tenants, principals and grants; false: none of these.
  bool ServeTenants(ipc::Incoming& incoming);
  Result<ChangeReply> ChangeTenant(const TenantChange& request);
  Result<TenantRemoveReply> RemoveTenant(const TenantRemove& request);
  Result<ChangeReply> ChangePrincipal(const PrincipalChange& request);
  Result<PrincipalRemoveReply> RemovePrincipal(const PrincipalRemove& request);
  // Ends the channels of this tenant's keepers: they stop without a custodian.
  void DismissKeepers(const TenantId& tenant);
  void PushAdmission();
  void PushIdentity();
  void PushTenants();
  void RenewCertificate();
  Result<void> AttachFront(ipc::Channel channel);
  void ServeSupervisor(ipc::Incoming incoming);
  void TakeSettings(const ipc::Frame& frame);
  void ReadNumbers();
  void RunAcceptor();
  void RunHousekeeper();
  void Reap();
  Result<void> AttachKeeper(const TenantId& tenant, UniqueFd socket);
  void AttachOperator(ipc::Channel channel);
};

}  // namespace casemate::custody
