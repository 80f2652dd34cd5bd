#include "custody/server/custody_server.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "custody/server/custody_server_state.h"
#include "ipc/supervision.h"

namespace casemate::custody {
namespace {

constexpr std::chrono::seconds kHousekeeping{1};

}  // namespace

// --- Keepers ------------------------------------------------------------------------------------

void CustodyServer::State::ServeKeeper(ReleaseDesk::SessionId session, ipc::Incoming incoming) {
  switch (incoming.type()) {
    case ipc::MessageType::kTicketRequest:
      return Answer<TicketRequest>(
          incoming, [&](const auto& request) { return desk->Request(session, request); });
    case ipc::MessageType::kOpen:
      return Answer<OpenRequest>(incoming,
                                 [&](const auto& request) { return desk->Open(session, request); });
    case ipc::MessageType::kFilter:
      return Answer<FilterRequest>(
          incoming, [&](const auto& request) { return desk->Filter(session, request); });
    case ipc::MessageType::kRenew:
      return Answer<RenewRequest>(
          incoming, [&](const auto& request) { return desk->Renew(session, request); });
    case ipc::MessageType::kCloseTicket:
      return Answer<CloseTicketRequest>(
          incoming, [&](const auto& request) { return desk->Close(session, request); });
    case ipc::MessageType::kCloseForReceipt:
      return Answer<CloseForReceipt>(
          incoming, [&](const auto& request) { return desk->CloseWithReceipt(session, request); });
    case ipc::MessageType::kCreateObjects:
      return Answer<CreateObjectsRequest>(
          incoming, [&](const auto& request) { return desk->Create(session, request); });
    case ipc::MessageType::kErase:
      return Answer<EraseRequest>(
          incoming, [&](const auto& request) { return desk->Erase(session, request); });
    default:
      incoming.Fail({ErrorCode::kInvalidArgument, "no request of a keeper", {}, {}});
  }
}

Result<void> CustodyServer::State::AttachKeeper(const TenantId& tenant, UniqueFd socket) {
  Result<Tenant> introduction = custodian->TenantFor(tenant);
  if (!introduction) {
    return std::unexpected(introduction.error());
  }
  Result<ReceiptKeys> receipt_keys = custodian->ReceiptKeysFor(tenant);
  if (!receipt_keys) {
    return std::unexpected(receipt_keys.error());
  }
  auto connection = std::make_shared<Connection>();
  std::weak_ptr<Connection> weak = connection;
  connection->session = desk->OpenSession(tenant, [weak](const Revoke& revoke) {
    if (const auto alive = weak.lock()) {
      alive->Notify(revoke);
    }
  });
  const ReleaseDesk::SessionId session = connection->session;
  ipc::Peer::Handlers handlers;
  handlers.request = [this, session](ipc::Incoming incoming) {
    ServeKeeper(session, std::move(incoming));
  };
  handlers.notice = [](const ipc::Frame&) {};
  handlers.closed = [this, weak](const Error&) {
    if (const auto alive = weak.lock()) {
      alive->gone = true;
      changed.notify_all();
    }
  };
  ipc::PeerOptions options;
  options.workers = 4;
  options.max_queued = 256;
  {
    // A request that is served at once may push: it waits until `peer` is there.
    const std::lock_guard filling(connection->mutex);
    connection->peer = ipc::Peer::Start(
        ipc::Channel(std::move(socket), ipc::ProcessKind::kCustodian, ipc::ProcessKind::kKeeper),
        std::move(handlers), options);
  }
  connection->Notify(*receipt_keys);
  connection->Notify(*introduction);
  const std::lock_guard lock(mutex);
  connections.push_back(std::move(connection));
  return {};
}

// --- Pushes to keepers
// ----------------------------------------------------------------------------

void CustodyServer::State::PushTenants() {
  // A keeper learns its tenant's models anew when it is attached again; those that run are told.
  const std::lock_guard lock(mutex);
  for (const auto& connection : connections) {
    if (connection->is_operator || connection->gone || connection->session == 0) {
      continue;
    }
    if (Result<TenantId> tenant = desk->TenantOf(connection->session)) {
      if (Result<Tenant> introduction = custodian->TenantFor(*tenant)) {
        connection->Notify(*introduction);
      }
    }
  }
}

// --- Life ---------------------------------------------------------------------------------------

void CustodyServer::State::Reap() {
  std::vector<std::shared_ptr<Connection>> gone;
  {
    const std::lock_guard lock(mutex);
    for (auto it = connections.begin(); it != connections.end();) {
      if ((*it)->gone) {
        gone.push_back(std::move(*it));
        it = connections.erase(it);
      } else {
        ++it;
      }
    }
  }
  for (const auto& connection : gone) {
    if (connection->session != 0) {
      desk->CloseSession(connection->session);
    }
    connection->End();
  }
}

void CustodyServer::State::RunHousekeeper() {
  auto next = std::chrono::steady_clock::now() + kHousekeeping;
  for (;;) {
    {
      std::unique_lock lock(mutex);
      changed.wait_until(lock, next);
      if (stopping) {
        return;
      }
    }
    Reap();
    if (std::chrono::steady_clock::now() >= next) {
      desk->Sweep();
      custodian->KeepHouse();
      RenewCertificate();
      next = std::chrono::steady_clock::now() + kHousekeeping;
    }
  }
}

CustodyServer::CustodyServer(Options options) : state_(std::make_shared<State>()) {
  state_->custodian = std::move(options.custodian);
  state_->desk = std::make_unique<ReleaseDesk>(*state_->custodian, options.lease);
  state_->control = std::move(options.control);
  state_->wake = UniqueFd(::eventfd(0, EFD_CLOEXEC));
  State* state = state_.get();  // the threads end before it does: Stop joins them
  state->collector = std::make_unique<metrics::Collector>([state] { state->ReadNumbers(); });
  if (state->control.valid()) {
    state->acceptor = std::thread([state] { state->RunAcceptor(); });
  }
  state->housekeeper = std::thread([state] { state->RunHousekeeper(); });
}

CustodyServer::~CustodyServer() {
  if (Result<void> stopped = Stop(); !stopped) {
    LogError("the custodian did not stop cleanly", stopped.error());
  }
}

Result<void> CustodyServer::AttachFront(ipc::Channel channel) {
  return state_->AttachFront(std::move(channel));
}

Result<void> CustodyServer::AttachKeeper(const TenantId& tenant, UniqueFd channel) {
  return state_->AttachKeeper(tenant, std::move(channel));
}

void CustodyServer::AttachOperator(ipc::Channel channel) {
  state_->AttachOperator(std::move(channel));
}

Result<void> CustodyServer::Serve(ipc::Channel supervisor) {
  State* state = state_.get();
  std::mutex mutex;
  std::condition_variable ended;
  bool stop = false;
  const auto end = [&] {
    const std::lock_guard lock(mutex);
    stop = true;
    ended.notify_all();
  };
  ipc::Peer::Handlers handlers;
  handlers.request = [state](ipc::Incoming incoming) {
    state->ServeSupervisor(std::move(incoming));
  };
  handlers.notice = [state, &end](const ipc::Frame& frame) {
    if (frame.type == ipc::MessageType::kStop) {
      end();
    } else if (frame.type == ipc::MessageType::kSettings) {
      state->TakeSettings(frame);
    }
  };
  handlers.closed = [&end](const Error&) { end(); };
  ipc::PeerOptions options;
  options.workers = 2;
  const std::unique_ptr<ipc::Peer> peer =
      ipc::Peer::Start(std::move(supervisor), std::move(handlers), options);
  {
    std::unique_lock lock(mutex);
    ended.wait(lock, [&stop] { return stop; });
  }
  return Stop();
}

Result<void> CustodyServer::Stop() {
  std::list<std::shared_ptr<State::Connection>> ending;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopped) {
      return {};
    }
    state_->stopping = true;
    state_->stopped = true;
    ending.swap(state_->connections);
    if (state_->front) {
      ending.push_back(std::move(state_->front));
    }
  }
  state_->collector.reset();
  state_->changed.notify_all();
  const std::uint64_t one = 1;
  (void)!::write(state_->wake.get(), &one, sizeof(one));
  if (state_->acceptor.joinable()) {
    state_->acceptor.join();
  }
  state_->housekeeper.join();
  for (const auto& connection : ending) {
    connection->End();
    if (connection->session != 0) {
      state_->desk->CloseSession(connection->session);
    }
  }
  return state_->custodian->Stop();
}

}  // namespace casemate::custody
