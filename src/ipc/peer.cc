#include "ipc/peer.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <limits>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "ipc/control.h"
#include "ipc/peer_state.h"

namespace casemate::ipc {
namespace {

constexpr std::size_t kDeadlineSize = 4;  // bytes before the fields of a request

std::unexpected<Error> WouldWaitForItself() {
  return Fail(ErrorCode::kInvalidArgument, "waiting on the thread that would end the wait");
}

Plaintext WithDeadline(std::chrono::milliseconds deadline, PlaintextView message) {
  Bytes prefix;
  PutU32(prefix, static_cast<std::uint32_t>(std::clamp<std::int64_t>(
                     deadline.count(), 0, std::numeric_limits<std::uint32_t>::max())));
  Plaintext payload;
  payload.Reserve(kDeadlineSize + message.size());
  payload.Append(PlaintextView::Of(ByteView(prefix)));
  payload.Append(message);
  return payload;
}

}  // namespace

Peer::State::State(Channel the_channel, Handlers the_handlers, PeerOptions the_options)
    : self(the_channel.self()),
      peer(the_channel.peer()),
      // Odd on the end whose kind has the lower number: both ends know without a word.
      parity(the_channel.self() < the_channel.peer() ? 1 : 0),
      handlers(std::move(the_handlers)),
      options(the_options),
      wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  next_id = parity == 1 ? 1 : 2;
  channel.emplace(std::move(the_channel));
}

void Peer::State::Wake() const { (void)::eventfd_write(wake.get(), 1); }

Result<bool> Peer::State::SendLocked(Packet& packet, std::size_t max_packets,
                                     std::size_t max_bytes) {
  if (closed || close_reason) {
    return Fail(ErrorCode::kUnavailable, "the other process is gone");
  }
  if (queue.empty()) {
    Result<bool> sent = channel->TrySend(packet);
    if (!sent || *sent) {
      return sent;
    }
  }
  if (queue.size() >= max_packets || queue_bytes >= max_bytes) {
    return false;
  }
  queue_bytes += packet.payload_bytes;
  queue.push_back(std::move(packet));
  if (queue.size() == 1) {
    Wake();  // the reader polls for room from now on
  }
  return true;
}

Result<void> Peer::State::Send(Frame frame, Patience patience) {
  // The copy into a memfd is made before taking the lock, for which others wait.
  Result<Packet> packet = Channel::Pack(std::move(frame), self, peer);
  if (!packet) {
    return std::unexpected(packet.error());
  }
  const bool may_wait = patience == Patience::kWait && !OnReader();
  const BootClock::time_point until = BootClock::now() + kSendPatience;
  std::unique_lock lock(mutex);
  for (;;) {
    Result<bool> sent = may_wait ? SendLocked(*packet, kMaxSendQueue, kMaxSendQueueBytes)
                                 : SendLocked(*packet, kMaxReaderQueue, 2 * kMaxPayload);
    if (!sent) {
      return std::unexpected(sent.error());
    }
    if (*sent) {
      return {};
    }
    if (!may_wait || queue_shrunk.wait_until(lock, until) == std::cv_status::timeout) {
      close_reason = Error{ErrorCode::kUnavailable, "the other process does not read", {}, {}};
      Wake();
      return std::unexpected(*close_reason);
    }
  }
}

Peer::State::Callbacks Peer::State::CancelLocked(Incoming::State& request) {
  request.cancelled.store(true);
  request.changed.notify_all();
  return std::exchange(request.on_cancel, {});
}

Peer::State::Callbacks Peer::State::FinishLocked(Incoming::State& request) {
  if (!request.finished) {
    request.finished = true;
    held_bytes -= request.frame.size();
    incoming.erase(request.id);
  }
  return std::exchange(request.on_cancel, {});
}

void Peer::State::CancelAndDropLocked(const std::shared_ptr<Incoming::State>& request,
                                      Callbacks& callbacks) {
  std::ranges::move(CancelLocked(*request), std::back_inserter(callbacks));
  if (const auto found = std::ranges::find(waiting, request); found != waiting.end()) {
    waiting.erase(found);
    (void)FinishLocked(*request);  // has no callbacks: nobody has seen it
  }
}

bool Peer::State::ForgetLocked(Outgoing::State& request, const Error& why) {
  const bool open = outgoing.erase(request.id) == 1;
  for (const Frame& frame : request.frames) {
    held_bytes -= frame.payload.size();
  }
  request.frames.clear();
  request.ended = true;
  request.error = why;
  request.changed.notify_all();
  return open;
}

void Peer::State::Work() {
  std::unique_lock lock(mutex);
  for (;;) {
    ++idle_workers;
    work.wait(lock, [&] { return closed || stopping || !waiting.empty(); });
    --idle_workers;
    if (closed || stopping) {
      return;  // what waits is cancelled by Close
    }
    std::shared_ptr<Incoming::State> request = std::move(waiting.front());
    waiting.pop_front();
    lock.unlock();
    handlers.request(Incoming(std::move(request)));
    lock.lock();
  }
}

// Incoming.

Incoming::Incoming(std::shared_ptr<State> state) : state_(std::move(state)) {}
Incoming::Incoming(Incoming&&) noexcept = default;

Incoming& Incoming::operator=(Incoming&& other) noexcept {
  if (this != &other) {
    const Incoming ended(std::exchange(state_, std::move(other.state_)));
  }
  return *this;
}

Incoming::~Incoming() {
  if (state_ != nullptr) {
    Fail(Error{ErrorCode::kUnavailable, "the request was dropped", {}, {}});
  }
}

MessageType Incoming::type() const { return state_->type; }

PlaintextView Incoming::payload() const { return state_->frame.view().Part(kDeadlineSize); }

std::vector<UniqueFd>& Incoming::fds() { return state_->fds; }

bool Incoming::cancelled() const {
  return state_->cancelled.load() || (state_->deadline && *state_->deadline <= BootClock::now());
}

void Incoming::OnCancel(std::function<void()> on_cancel) {
  {
    const std::lock_guard lock(state_->peer->mutex);
    if (!state_->cancelled.load()) {
      if (!state_->finished) {
        state_->on_cancel.push_back(std::move(on_cancel));
      }
      return;
    }
  }
  on_cancel();
}

void Incoming::Fail(const Error& error) {
  (void)SendFrame(MessageType::kError, Encode(Failure::Of(error)), {}, true);
}

Result<void> Incoming::SendFrame(MessageType type, Plaintext payload, std::vector<UniqueFd> fds,
                                 bool last) {
  Peer::State& peer = *state_->peer;
  Peer::State::Callbacks unused;  // outlives the lock
  {
    std::unique_lock lock(peer.mutex);
    if (state_->finished) {
      return ::casemate::Fail(ErrorCode::kInvalidArgument, "the request has ended");
    }
    if (!last && state_->credit == 0 && peer.OnReader()) {
      return WouldWaitForItself();
    }
    state_->changed.wait(lock, [&] {
      return last || state_->credit > 0 || state_->cancelled.load() || peer.closed;
    });
    const bool over = state_->cancelled.load();
    if (last) {
      unused = peer.FinishLocked(*state_);
    }
    if (peer.closed) {
      return ::casemate::Fail(ErrorCode::kUnavailable, "the asker is gone");
    }
    if (over) {
      return ::casemate::Fail(ErrorCode::kCancelled, "the request was cancelled");
    }
    if (!last) {
      --state_->credit;
    }
  }
  Result<void> sent = peer.Send(Frame{.type = type,
                                      .request = state_->id,
                                      .payload = std::move(payload),
                                      .fds = std::move(fds),
                                      .last = last});
  // An answer that cannot be sent, because it is too large or not in the matrix, must not leave the
  // asker waiting.
  if (!sent && last && type != MessageType::kError) {
    return peer.Send(Frame{.type = MessageType::kError,
                           .request = state_->id,
                           .payload = Encode(Failure::Of(sent.error())),
                           .fds = {},
                           .last = true});
  }
  return sent;
}

// Outgoing.

Outgoing::Outgoing(std::shared_ptr<State> state) : state_(std::move(state)) {}
Outgoing::Outgoing(Outgoing&&) noexcept = default;

Outgoing& Outgoing::operator=(Outgoing&& other) noexcept {
  if (this != &other) {
    const Outgoing ended(std::exchange(state_, std::move(other.state_)));
  }
  return *this;
}

Outgoing::~Outgoing() {
  if (state_ != nullptr) {
    Cancel();
  }
}

void Outgoing::Cancel() {
  Peer::State& peer = *state_->peer;
  {
    const std::lock_guard lock(peer.mutex);
    if (!peer.ForgetLocked(*state_, Error{ErrorCode::kCancelled, "cancelled", {}, {}})) {
      return;
    }
  }
  (void)peer.Send(
      Frame{.type = MessageType::kCancel, .request = state_->id, .payload = {}, .fds = {}},
      Peer::State::Patience::kNever);
}

Result<Frame> Outgoing::Next() {
  Peer::State& peer = *state_->peer;
  std::uint32_t credit = 0;
  Frame frame;
  {
    std::unique_lock lock(peer.mutex);
    const auto there = [&] { return !state_->frames.empty() || state_->ended; };
    if (!there() && peer.OnReader()) {
      return WouldWaitForItself();
    }
    if (!state_->deadline) {
      state_->changed.wait(lock, there);
    } else if (!state_->changed.wait_until(lock, *state_->deadline, there)) {
      const Error late{ErrorCode::kDeadlineExceeded, "no answer in time", {}, {}};
      (void)peer.ForgetLocked(*state_, late);
      lock.unlock();
      (void)peer.Send(
          Frame{.type = MessageType::kCancel, .request = state_->id, .payload = {}, .fds = {}},
          Peer::State::Patience::kNever);
      return std::unexpected(late);
    }
    if (state_->frames.empty()) {
      return state_->error ? std::unexpected(*state_->error)
                           : ::casemate::Fail(ErrorCode::kInvalidArgument, "the answer has ended");
    }
    frame = std::move(state_->frames.front());
    state_->frames.pop_front();
    peer.held_bytes -= frame.payload.size();
    // Half a window at a time: a credit for every message would double the packets.
    if (!frame.last && ++state_->taken * 2 >= state_->window && !state_->ended) {
      credit = std::exchange(state_->taken, 0);
      state_->granted += credit;
    }
  }
  if (credit > 0) {
    (void)peer.Send(Frame{.type = MessageType::kCredit,
                          .request = state_->id,
                          .payload = Encode(Credit{credit}),
                          .fds = {}});
  }
  return frame;
}

// Peer.

Peer::Peer(std::shared_ptr<State> state) : state_(std::move(state)) {}

std::unique_ptr<Peer> Peer::Start(Channel channel, Handlers handlers, PeerOptions options) {
  auto state = std::make_shared<State>(std::move(channel), std::move(handlers), options);
  try {
    state->reader = std::thread([state] { state->Read(); });
  } catch (const std::system_error&) {
    state->Close(Error{ErrorCode::kResourceExhausted, "no thread to read with", {}, {}});
  }
  return std::unique_ptr<Peer>(new Peer(std::move(state)));
}

Peer::~Peer() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->work.notify_all();
  }
  state_->Wake();
  const auto end = [](std::thread& thread) {
    if (!thread.joinable()) {
      return;
    }
    if (thread.get_id() == std::this_thread::get_id()) {
      thread.detach();
    } else {
      thread.join();
    }
  };
  end(state_->reader);
  std::vector<std::thread> workers;
  {
    const std::lock_guard lock(state_->mutex);
    workers = std::exchange(state_->workers, {});
  }
  std::ranges::for_each(workers, end);
}

Result<void> Peer::SendNotice(MessageType type, Plaintext payload, std::vector<UniqueFd> fds) {
  return state_->Send(
      Frame{.type = type, .request = 0, .payload = std::move(payload), .fds = std::move(fds)});
}

Result<Frame> Peer::CallFrame(MessageType type, Plaintext payload, std::vector<UniqueFd> fds,
                              std::chrono::milliseconds deadline) {
  if (state_->OnReader()) {
    return WouldWaitForItself();
  }
  Result<Outgoing> opened =
      OpenWithWindow(type, std::move(payload), std::move(fds), deadline, /*window=*/0);
  if (!opened) {
    return std::unexpected(opened.error());
  }
  return opened->Next();
}

Result<Outgoing> Peer::OpenStream(MessageType type, Plaintext payload, std::vector<UniqueFd> fds,
                                  std::chrono::milliseconds deadline) {
  return OpenWithWindow(type, std::move(payload), std::move(fds), deadline,
                        std::max(state_->options.stream_credit, 1U));
}

Result<Outgoing> Peer::OpenWithWindow(MessageType type, Plaintext payload,
                                      std::vector<UniqueFd> fds, std::chrono::milliseconds deadline,
                                      std::uint32_t window) {
  auto request = std::make_shared<Outgoing::State>();
  request->peer = state_;
  request->window = window;
  request->granted = window;
  if (deadline.count() > 0) {
    request->deadline = BootClock::now() + deadline;
  }
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->closed) {
      return Fail(ErrorCode::kUnavailable,
                  "the " + std::string(ProcessKindName(state_->peer)) + " is gone");
    }
    if (state_->outgoing.size() >= state_->options.max_open) {
      return Fail(ErrorCode::kResourceExhausted, "too many requests at once");
    }
    request->id = state_->next_id;
    state_->next_id += 2;
    state_->outgoing.emplace(request->id, request);
  }
  const std::uint64_t id = request->id;
  Outgoing opened(std::move(request));  // cancels on every way out but the last
  Result<void> sent = state_->Send(Frame{.type = type,
                                         .request = id,
                                         .payload = WithDeadline(deadline, payload),
                                         .fds = std::move(fds)});
  if (sent && window > 0) {
    sent = state_->Send(Frame{
        .type = MessageType::kCredit, .request = id, .payload = Encode(Credit{window}), .fds = {}});
  }
  if (!sent) {
    return std::unexpected(sent.error());
  }
  return opened;
}

}  // namespace casemate::ipc
