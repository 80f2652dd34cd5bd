#include "custody/client/socket_release_client.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "base/log.h"
#include "custody/client/lease_state.h"
#include "ipc/peer.h"

namespace casemate::custody {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kCallDeadline{30'000};
// An erasure may wait for its epoch and for the mirror's disk.
constexpr milliseconds kEraseDeadline{120'000};
constexpr milliseconds kRenewDeadline{10'000};
// The longest sleep of the wiping thread: after a suspend it must notice soon what ran out.
constexpr milliseconds kLongestSleep{1'000};

// The keeper's count of the time began when it sent its request, so it ends before the custodian's.
Result<void> StillOpen(const Ticket& ticket) {
  if (ticket.over()) {
    return Fail(ErrorCode::kDeadlineExceeded, "the ticket is over");
  }
  return {};
}

bool EndsTicket(ErrorCode code) {
  return code == ErrorCode::kPermissionDenied || code == ErrorCode::kDeadlineExceeded ||
         code == ErrorCode::kNotFound;
}

}  // namespace

struct SocketReleaseClient::State {
  Handlers handlers;
  std::unique_ptr<ipc::Peer> peer;  // set once, before any other thread sees this

  std::mutex mutex;  // guards all below
  std::condition_variable changed;
  std::unordered_map<TicketId, std::weak_ptr<Ticket::State>> tickets;
  std::vector<TicketId> to_close;  // abandoned by their owner
  std::optional<Tenant> tenant;
  std::optional<Error> lost;
  std::uint64_t wakes = 0;  // counts Wake: what came while a thread was not waiting is not lost
  bool stopping = false;
  std::jthread wiper;
  std::jthread renewer;

  void OnNotice(const ipc::Frame& frame);
  void OnTenant(const Tenant& value);
  void OnRevoke(const Revoke& revoke);
  void OnClosed(const Error& error);
  void RunWiper();
  void RunRenewer();
  void Renew(const std::shared_ptr<Ticket::State>& ticket);
  std::vector<std::shared_ptr<Ticket::State>> Live();
  Result<Lease> Lend(const Ticket& ticket, Key key, const ObjectId& object, policy::Label label,
                     BootClock::time_point ends);
  // Something ends, or is to be renewed, earlier than the two threads may think.
  void Wake() {
    {
      const std::lock_guard lock(mutex);
      ++wakes;
    }
    changed.notify_all();
  }
  std::uint64_t Wakes() {
    const std::lock_guard lock(mutex);
    return wakes;
  }
  void Forget(const TicketId& id) {
    const std::lock_guard lock(mutex);
    tickets.erase(id);
  }
};

void SocketReleaseClient::State::OnNotice(const ipc::Frame& frame) {
  if (frame.type == ipc::MessageType::kTenant) {
    if (Result<Tenant> value = ipc::Decode<Tenant>(frame.payload)) {
      OnTenant(*value);
    }
  } else if (frame.type == ipc::MessageType::kReceiptKeys) {
    if (Result<ReceiptKeys> keys = ipc::Decode<ReceiptKeys>(frame.payload);
        keys && handlers.receipt_keys) {
      handlers.receipt_keys(std::move(*keys));
    }
  } else if (frame.type == ipc::MessageType::kRevoke) {
    if (Result<Revoke> revoke = ipc::Decode<Revoke>(frame.payload)) {
      OnRevoke(*revoke);
    }
  }
}

void SocketReleaseClient::State::OnTenant(const Tenant& value) {
  {
    const std::lock_guard lock(mutex);
    tenant = value;
  }
  changed.notify_all();
  if (handlers.tenant) {
    handlers.tenant(value);
  }
}

void SocketReleaseClient::State::OnRevoke(const Revoke& revoke) {
  std::vector<std::shared_ptr<Ticket::State>> ending;
  {
    const std::lock_guard lock(mutex);
    for (const TicketId& id : revoke.tickets) {
      if (const auto found = tickets.find(id); found != tickets.end()) {
        if (auto ticket = found->second.lock()) {
          ending.push_back(std::move(ticket));
        }
        tickets.erase(found);
      }
    }
  }
  for (const auto& ticket : ending) {
    ticket->closed = true;  // the custodian knows already
    ticket->End(true);
  }
  if (revoke.objects.empty()) {
    return;
  }
  const std::unordered_set<ObjectId> erased(revoke.objects.begin(), revoke.objects.end());
  for (const auto& ticket : Live()) {
    ticket->WipeObjects(erased);
  }
  if (handlers.erased) {
    handlers.erased(revoke.objects);
  }
}

void SocketReleaseClient::State::OnClosed(const Error& error) {
  {
    const std::lock_guard lock(mutex);
    lost = error;
  }
  changed.notify_all();
  if (handlers.lost) {
    handlers.lost(error);
  }
}

std::vector<std::shared_ptr<Ticket::State>> SocketReleaseClient::State::Live() {
  std::vector<std::shared_ptr<Ticket::State>> live;
  const std::lock_guard lock(mutex);
  for (auto it = tickets.begin(); it != tickets.end();) {
    if (auto ticket = it->second.lock()) {
      live.push_back(std::move(ticket));
      ++it;
    } else {
      it = tickets.erase(it);
    }
  }
  return live;
}

void SocketReleaseClient::State::RunWiper() {
  for (;;) {
    const std::uint64_t seen = Wakes();
    const auto now = BootClock::now();
    auto next = now + kLongestSleep;
    for (const auto& ticket : Live()) {
      if (ticket->ends.load() <= now) {
        ticket->End(true);
      } else {
        next = std::min({next, ticket->ends.load(), ticket->WipeExpired(now)});
      }
    }
    std::unique_lock lock(mutex);
    if (stopping) {
      return;
    }
    changed.wait_for(lock, std::max(next - BootClock::now(), BootClock::duration(milliseconds(1))),
                     [&] { return wakes != seen || stopping; });
  }
}

void SocketReleaseClient::State::Renew(const std::shared_ptr<Ticket::State>& ticket) {
  const auto sent = BootClock::now();
  RenewRequest request;
  request.ticket = ticket->id;
  Result<RenewReply> reply = peer->Call<RenewReply>(request, kRenewDeadline);
  if (!reply) {
    if (EndsTicket(reply.error().code) && reply.error().code != ErrorCode::kDeadlineExceeded) {
      ticket->End(true);
    }
    // Else: tried again soon; without an answer the leases run out by themselves.
    ticket->renew_at = sent + milliseconds(500);
    return;
  }
  const auto lease = milliseconds(reply->lease_ms);
  ticket->ends = sent + milliseconds(reply->expires_in_ms);
  ticket->renew_at = sent + lease / 2;
  if (ticket->Prolong(sent + lease) == 0) {
    ticket->renew_at = BootClock::time_point::max();
  }
}

void SocketReleaseClient::State::RunRenewer() {
  for (;;) {
    const std::uint64_t seen = Wakes();
    const auto now = BootClock::now();
    auto next = now + kLongestSleep;
    for (const auto& ticket : Live()) {
      if (!ticket->over && ticket->renew_at.load() <= now) {
        Renew(ticket);
      }
      next = std::min(next, ticket->renew_at.load());
    }
    std::vector<TicketId> closing;
    {
      std::unique_lock lock(mutex);
      closing.swap(to_close);
      if (closing.empty()) {
        if (stopping || lost) {
          return;
        }
        changed.wait_for(lock,
                         std::max(next - BootClock::now(), BootClock::duration(milliseconds(1))),
                         [&] { return wakes != seen || stopping || lost; });
        continue;
      }
    }
    for (const TicketId& id : closing) {
      CloseTicketRequest request;
      request.ticket = id;
      if (Result<CloseTicketReply> reply = peer->Call<CloseTicketReply>(request, kCallDeadline);
          !reply && !EndsTicket(reply.error().code)) {
        LogError("a ticket could not be closed", reply.error());
      }
    }
  }
}

Result<Lease> SocketReleaseClient::State::Lend(const Ticket& ticket, Key key,
                                               const ObjectId& object, policy::Label label,
                                               BootClock::time_point ends) {
  auto lent = std::make_shared<Lease::State>(std::move(key), object, label, ends);
  Lease lease(lent);
  if (Result<void> added = ticket.state()->Add(lent); !added) {
    return std::unexpected(added.error());
  }
  return lease;
}

SocketReleaseClient::SocketReleaseClient(std::shared_ptr<State> state) : state_(std::move(state)) {}

std::unique_ptr<SocketReleaseClient> SocketReleaseClient::Start(ipc::Channel channel,
                                                                Handlers handlers) {
  auto state = std::make_shared<State>();
  state->handlers = std::move(handlers);
  State* raw = state.get();  // outlives the peer, which its owner destroys first
  ipc::Peer::Handlers peer_handlers;
  peer_handlers.request = [](ipc::Incoming incoming) {
    incoming.Fail({ErrorCode::kPermissionDenied, "a keeper answers no requests here", {}, {}});
  };
  peer_handlers.notice = [raw](const ipc::Frame& frame) { raw->OnNotice(frame); };
  peer_handlers.closed = [raw](const Error& error) { raw->OnClosed(error); };
  ipc::PeerOptions options;
  options.workers = 1;
  state->peer = ipc::Peer::Start(std::move(channel), std::move(peer_handlers), options);
  state->wiper = std::jthread([raw] { raw->RunWiper(); });
  state->renewer = std::jthread([raw] { raw->RunRenewer(); });
  return std::unique_ptr<SocketReleaseClient>(new SocketReleaseClient(std::move(state)));
}

SocketReleaseClient::~SocketReleaseClient() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  state_->wiper.join();
  for (const auto& ticket : state_->Live()) {
    ticket->End(true);
  }
  state_->renewer.join();
  state_->peer.reset();
}

Result<Tenant> SocketReleaseClient::WaitForTenant(milliseconds timeout) {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait_for(lock, timeout,
                           [this] { return state_->tenant || state_->lost.has_value(); });
  if (state_->tenant) {
    return *state_->tenant;
  }
  if (state_->lost) {
    return std::unexpected(*state_->lost);
  }
  return Fail(ErrorCode::kDeadlineExceeded, "the custodian did not say which tenant this is");
}

Result<Ticket> SocketReleaseClient::Request(const TicketRequest& request) {
  const auto sent = BootClock::now();
  Result<TicketReply> reply = state_->peer->Call<TicketReply>(request, kCallDeadline);
  if (!reply) {
    return std::unexpected(reply.error());
  }
  auto ticket = std::make_shared<Ticket::State>(*reply, sent + milliseconds(reply->expires_in_ms),
                                                [weak = std::weak_ptr(state_)](const TicketId& id) {
                                                  if (const auto state = weak.lock()) {
                                                    {
                                                      const std::lock_guard lock(state->mutex);
                                                      state->tickets.erase(id);
                                                      state->to_close.push_back(id);
                                                    }
                                                    state->changed.notify_all();
                                                  }
                                                });
  {
    const std::lock_guard lock(state_->mutex);
    state_->tickets.emplace(reply->ticket, ticket);
  }
  state_->Wake();
  return Ticket(std::move(ticket));
}

Result<std::vector<Lease>> SocketReleaseClient::Open(const Ticket& ticket, policy::Purpose purpose,
                                                     std::span<const ObjectRef> objects) {
  if (objects.empty() || objects.size() > kMaxObjectsPerRelease) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected 1 to 1024 objects, found " + std::to_string(objects.size()));
  }
  if (Result<void> open = StillOpen(ticket); !open) {
    return std::unexpected(open.error());
  }
  OpenRequest request;
  request.ticket = ticket.id();
  request.purpose = purpose;
  request.objects.assign(objects.begin(), objects.end());
  const auto sent = BootClock::now();
  Result<OpenReply> reply = state_->peer->Call<OpenReply>(request, kCallDeadline);
  if (!reply) {
    return std::unexpected(reply.error());
  }
  if (reply->keys.size() != objects.size() || reply->labels.size() != objects.size()) {
    return Fail(ErrorCode::kIntegrityFailure, "the custodian answered with another number of keys");
  }
  const auto lease_time = milliseconds(reply->lease_ms);
  std::vector<Lease> leases;
  leases.reserve(objects.size());
  for (std::size_t i = 0; i < objects.size(); ++i) {
    Result<Lease> lease = state_->Lend(ticket, std::move(reply->keys[i]), objects[i].id,
                                       reply->labels[i], sent + lease_time);
    if (!lease) {
      return std::unexpected(lease.error());
    }
    leases.push_back(std::move(*lease));
  }
  ticket.state()->renew_at = std::min(ticket.state()->renew_at.load(), sent + lease_time / 2);
  state_->Wake();
  return leases;
}

Result<std::vector<Reach>> SocketReleaseClient::Filter(const Ticket& ticket,
                                                       policy::Purpose purpose,
                                                       std::span<const ObjectRef> objects) {
  if (Result<void> open = StillOpen(ticket); !open) {
    return std::unexpected(open.error());
  }
  FilterRequest request;
  request.ticket = ticket.id();
  request.purpose = purpose;
  request.objects.assign(objects.begin(), objects.end());
  Result<FilterReply> reply = state_->peer->Call<FilterReply>(request, kCallDeadline);
  if (!reply) {
    return std::unexpected(reply.error());
  }
  if (reply->reaches.size() != objects.size()) {
    return Fail(ErrorCode::kIntegrityFailure, "the custodian answered about another number");
  }
  return std::move(reply->reaches);
}

Result<std::vector<Created>> SocketReleaseClient::Create(
    const Ticket& ticket, std::vector<NewObject> objects,
    std::span<const policy::Purpose> purposes) {
  if (Result<void> open = StillOpen(ticket); !open) {
    return std::unexpected(open.error());
  }
  CreateObjectsRequest request;
  request.ticket = ticket.id();
  request.objects = std::move(objects);
  request.purposes.assign(purposes.begin(), purposes.end());
  const auto sent = BootClock::now();
  Result<CreateObjectsReply> reply = state_->peer->Call<CreateObjectsReply>(request, kCallDeadline);
  if (!reply) {
    return std::unexpected(reply.error());
  }
  if (reply->objects.size() != request.objects.size()) {
    return Fail(ErrorCode::kIntegrityFailure, "the custodian made another number of objects");
  }
  const auto lease_time = milliseconds(reply->lease_ms);
  std::vector<Created> created;
  for (std::size_t i = 0; i < reply->objects.size(); ++i) {
    CreatedObject& object = reply->objects[i];
    if (object.keys.size() != purposes.size()) {
      return Fail(ErrorCode::kIntegrityFailure, "the custodian answered with too few keys");
    }
    Created one{object.ref, {}};
    for (Key& key : object.keys) {
      Result<Lease> lease = state_->Lend(ticket, std::move(key), object.ref.id,
                                         request.objects[i].label, sent + lease_time);
      if (!lease) {
        return std::unexpected(lease.error());
      }
      one.leases.push_back(std::move(*lease));
    }
    created.push_back(std::move(one));
  }
  ticket.state()->renew_at = std::min(ticket.state()->renew_at.load(), sent + lease_time / 2);
  state_->Wake();
  return created;
}

Result<EraseReply> SocketReleaseClient::Erase(const Ticket& ticket,
                                              std::span<const ObjectRef> objects, bool no_mirror) {
  if (Result<void> open = StillOpen(ticket); !open) {
    return std::unexpected(open.error());
  }
  EraseRequest request;
  request.ticket = ticket.id();
  request.objects.assign(objects.begin(), objects.end());
  request.no_mirror = no_mirror;
  return state_->peer->Call<EraseReply>(request, kEraseDeadline);
}

Result<CloseTicketReply> SocketReleaseClient::Close(Ticket ticket) {
  ticket.state()->closed = true;
  ticket.state()->End(false);
  state_->Forget(ticket.id());
  CloseTicketRequest request;
  request.ticket = ticket.id();
  return state_->peer->Call<CloseTicketReply>(request, kCallDeadline);
}

Result<CloseForReceiptReply> SocketReleaseClient::CloseWithReceipt(const CloseForReceipt& request) {
  state_->Forget(request.ticket);
  return state_->peer->Call<CloseForReceiptReply>(request, kCallDeadline);
}

}  // namespace casemate::custody
