#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/bytes.h"
#include "ipc/control.h"
#include "ipc/peer_state.h"

// The reader thread of a Peer: the only one that receives, and the one that sends what was queued.
namespace casemate::ipc {
namespace {

constexpr std::size_t kFramesPerTurn = 64;  // then deadlines and queue have their turn
constexpr std::uint64_t kMaxCredit = 1 << 20;
constexpr std::chrono::milliseconds kFlushAtEnd{1000};

std::unexpected<Error> Violation(std::string_view what) {
  return Fail(ErrorCode::kIntegrityFailure, "peer broke the protocol: " + std::string(what));
}

void RunAll(const std::vector<std::function<void()>>& callbacks) {
  for (const std::function<void()>& callback : callbacks) {
    callback();
  }
}

}  // namespace

void Peer::State::Read() {
  reader_id = std::this_thread::get_id();
  reader_known.store(true);
  Error why{ErrorCode::kUnavailable, "closed on this side", {}, {}};
  for (;;) {
    const int timeout_ms = ExpireDeadlines();
    std::array<pollfd, 2> polled{};
    {
      const std::lock_guard lock(mutex);
      if (close_reason) {
        why = *close_reason;
        break;
      }
      if (stopping) {
        break;
      }
      polled[0] = {channel->fd(), static_cast<short>(queue.empty() ? POLLIN : POLLIN | POLLOUT), 0};
    }
    polled[1] = {wake.get(), POLLIN, 0};
    if (::poll(polled.data(), polled.size(), timeout_ms) < 0 && errno != EINTR) {
      why = FailErrno("poll").error();
      break;
    }
    if ((polled[1].revents & POLLIN) != 0) {
      eventfd_t count = 0;
      (void)::eventfd_read(wake.get(), &count);
    }
    if ((polled[0].revents & POLLOUT) != 0) {
      // A failure to send is not the end yet: what the peer said last is still to be read.
      (void)Flush();
    }
    if ((polled[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
      if (Result<void> received = ReceiveSome(); !received) {
        why = received.error();
        break;
      }
    }
  }
  Close(why);
}

Result<void> Peer::State::ReceiveSome() {
  for (std::size_t i = 0; i < kFramesPerTurn; ++i) {
    Result<std::optional<Frame>> frame = channel->TryReceive();
    if (!frame) {
      return std::unexpected(frame.error());
    }
    if (!*frame) {
      return {};
    }
    if (Result<void> taken = Dispatch(std::move(**frame)); !taken) {
      return taken;
    }
  }
  return {};
}

Result<void> Peer::State::Dispatch(Frame frame) {
  const bool control = frame.type == MessageType::kCancel || frame.type == MessageType::kCredit;
  if (frame.request == 0) {
    if (control) {
      return Violation("flow control of no request");
    }
    if (handlers.notice) {
      handlers.notice(std::move(frame));
    }
    return {};
  }
  if (IsOurs(frame.request)) {
    return control ? Violation("flow control of a request of ours") : TakeAnswer(std::move(frame));
  }
  if (frame.type == MessageType::kError) {
    return Violation("an error for its own request");
  }
  if (!control) {
    return TakeRequest(std::move(frame));
  }

  Callbacks callbacks;
  {
    const std::lock_guard lock(mutex);
    const auto found = incoming.find(frame.request);
    if (found == incoming.end()) {
      return {};  // ended meanwhile
    }
    const std::shared_ptr<Incoming::State> request = found->second;
    if (frame.type == MessageType::kCancel) {
      CancelAndDropLocked(request, callbacks);
    } else {
      Result<Credit> credit = Decode<Credit>(frame.payload);
      if (!credit) {
        return Violation(credit.error().message);
      }
      request->credit = std::min(request->credit + credit->messages, kMaxCredit);
      request->changed.notify_all();
    }
  }
  RunAll(callbacks);
  return {};
}

Result<void> Peer::State::TakeAnswer(Frame frame) {
  const std::lock_guard lock(mutex);
  const auto found = outgoing.find(frame.request);
  if (found == outgoing.end()) {
    return {};  // cancelled, or past its deadline
  }
  const std::shared_ptr<Outgoing::State> request = found->second;
  if (frame.type == MessageType::kError) {
    Result<Failure> failure = Decode<Failure>(frame.payload);
    if (!failure) {
      return Violation(failure.error().message);
    }
    request->error = std::move(*failure).ToError();
    request->ended = true;
    outgoing.erase(found);
    request->changed.notify_all();
    return {};
  }
  if (!frame.last && ++request->received > request->granted) {
    return Violation("more of a stream than it had credit for");
  }
  held_bytes += frame.payload.size();
  if (held_bytes > options.max_held_bytes) {
    return Violation("more than may be held for it");
  }
  if (frame.last) {
    request->ended = true;
    outgoing.erase(found);
  }
  request->frames.push_back(std::move(frame));
  request->changed.notify_all();
  return {};
}

Result<void> Peer::State::TakeRequest(Frame frame) {
  if (frame.payload.size() < 4) {
    return Violation("a request without a deadline");
  }
  const std::uint64_t id = frame.request;
  if (!handlers.request) {
    return Refuse(id, Error{ErrorCode::kPermissionDenied, "no requests are taken here", {}, {}});
  }
  auto request = std::make_shared<Incoming::State>();
  request->id = id;
  request->type = frame.type;
  const std::uint32_t deadline_ms = GetU32(frame.payload.view().RevealBytes());
  if (deadline_ms != 0) {
    request->deadline = BootClock::now() + std::chrono::milliseconds(deadline_ms);
  }
  request->frame = std::move(frame.payload);
  request->fds = std::move(frame.fds);

  std::unique_lock lock(mutex);
  if (stopping) {
    return {};
  }
  if (incoming.contains(id)) {
    return Violation("a request with the id of an open one");
  }
  if (waiting.size() >= options.max_queued || incoming.size() >= options.max_open ||
      held_bytes + request->frame.size() > options.max_held_bytes) {
    lock.unlock();
    return Refuse(id, Error{ErrorCode::kResourceExhausted, "too many requests at once", {}, {}});
  }
  if (idle_workers <= waiting.size() && workers.size() < options.workers) {
    // The reader makes the workers as they are needed: a keeper has many peers and most are quiet.
    try {
      workers.emplace_back([self = shared_from_this()] { self->Work(); });
    } catch (const std::system_error&) {
      if (workers.empty()) {
        lock.unlock();
        return Refuse(id, Error{ErrorCode::kResourceExhausted, "no thread for it", {}, {}});
      }
    }
  }
  request->peer = shared_from_this();
  held_bytes += request->frame.size();
  incoming.emplace(id, request);
  waiting.push_back(std::move(request));
  work.notify_one();
  return {};
}

// What the reader sends must not wait: were both ends' readers to wait for room, neither would make
// any. It is queued, and a peer that lets thousands of refusals lie is cut off.
Result<void> Peer::State::Refuse(std::uint64_t id, const Error& error) {
  return Send(Frame{.type = MessageType::kError,
                    .request = id,
                    .payload = Encode(Failure::Of(error)),
                    .fds = {},
                    .last = true},
              Patience::kNever);
}

Result<void> Peer::State::Flush() {
  const std::lock_guard lock(mutex);
  while (!queue.empty()) {
    Result<bool> sent = channel->TrySend(queue.front());
    if (!sent) {
      queue.clear();
      queue_bytes = 0;
      queue_shrunk.notify_all();
      return std::unexpected(sent.error());
    }
    if (!*sent) {
      return {};
    }
    queue_bytes -= queue.front().payload_bytes;
    queue.pop_front();
    queue_shrunk.notify_all();
  }
  return {};
}

void Peer::State::FlushBeforeEnd() {
  const BootClock::time_point until = BootClock::now() + kFlushAtEnd;
  while (Flush()) {
    pollfd writable{};
    {
      const std::lock_guard lock(mutex);
      if (queue.empty()) {
        return;
      }
      writable = {channel->fd(), POLLOUT, 0};
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - BootClock::now()).count();
    if (left <= 0 || (::poll(&writable, 1, static_cast<int>(left)) < 0 && errno != EINTR)) {
      return;
    }
  }
}

int Peer::State::ExpireDeadlines() {
  const BootClock::time_point now = BootClock::now();
  std::optional<BootClock::time_point> next;
  Callbacks callbacks;
  {
    const std::lock_guard lock(mutex);
    std::vector<std::shared_ptr<Incoming::State>> over;
    for (const auto& [id, request] : incoming) {
      if (!request->deadline || request->cancelled.load()) {
        continue;
      }
      if (*request->deadline <= now) {
        over.push_back(request);
      } else if (!next || *request->deadline < *next) {
        next = request->deadline;
      }
    }
    for (const std::shared_ptr<Incoming::State>& request : over) {
      CancelAndDropLocked(request, callbacks);
    }
  }
  RunAll(callbacks);
  if (!next) {
    return -1;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - now).count();
  return static_cast<int>(std::min<std::int64_t>(left, 60'000));
}

void Peer::State::Close(const Error& error) {
  bool ours = false;
  {
    const std::lock_guard lock(mutex);
    ours = stopping;
  }
  if (ours) {
    FlushBeforeEnd();  // answers that were given reach the peer
  }
  Callbacks callbacks;
  {
    const std::lock_guard lock(mutex);
    closed = true;
    channel.reset();
    queue.clear();
    queue_bytes = 0;
    for (const auto& [id, request] : outgoing) {
      request->error = Error{ErrorCode::kUnavailable, error.message, {}, error.detail};
      request->ended = true;
      request->changed.notify_all();
    }
    outgoing.clear();
    const auto open = incoming;
    for (const auto& [id, request] : open) {
      CancelAndDropLocked(request, callbacks);
    }
    incoming.clear();
    work.notify_all();
    queue_shrunk.notify_all();
  }
  RunAll(callbacks);
  if (!ours && handlers.closed) {
    handlers.closed(error);
  }
}

}  // namespace casemate::ipc
