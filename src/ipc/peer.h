#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/codec.h"

// Requests, streams, cancel, deadlines and back-pressure over a Channel, as plain blocking code:
// one reader thread per process side, a bounded pool of workers for incoming requests.
namespace casemate::ipc {

// An incoming request, in the hands of one worker thread. Exactly one of Reply, End or Fail ends
// it; destroying it unfinished fails it with kUnavailable.
class Incoming {
 public:
  Incoming(Incoming&&) noexcept;
  Incoming& operator=(Incoming&&) noexcept;
  ~Incoming();

  MessageType type() const;
  PlaintextView payload() const;
  std::vector<UniqueFd>& fds();
  // The asker sent kCancel, its deadline passed, or it is gone. Long work looks at this often.
  bool cancelled() const;
  // Runs `on_cancel` once when that happens (at once if it has), on the reader thread: be brief. It
  // may still run while or shortly after the request is ended by another thread: let it share
  // ownership of what it touches.
  void OnCancel(std::function<void()> on_cancel);

  template <typename T>
  [[nodiscard]] Result<T> Decode() const {
    return ipc::Decode<T>(payload());
  }

  // One piece of a stream; waits while the asker has given no credit. Errors: kCancelled (also past
  // the deadline), kUnavailable (the asker is gone).
  template <typename T>
  [[nodiscard]] Result<void> Stream(const T& message) {
    return SendFrame(T::kType, Encode(message), {}, false);
  }
  // The last message; ends the request.
  template <typename T>
  void Reply(const T& message, std::vector<UniqueFd> fds = {}) {
    (void)SendFrame(T::kType, Encode(message), std::move(fds), true);
  }
  void Fail(const Error& error);

 private:
  friend class Peer;
  struct State;
  explicit Incoming(std::shared_ptr<State> state);
  [[nodiscard]] Result<void> SendFrame(MessageType type, Plaintext payload,
                                       std::vector<UniqueFd> fds, bool last);
  std::shared_ptr<State> state_;
};

// An outgoing request that answers with a stream. Destroying it before the end cancels it.
class Outgoing {
 public:
  Outgoing(Outgoing&&) noexcept;
  Outgoing& operator=(Outgoing&&) noexcept;
  ~Outgoing();
  // Waits for the next message. Returns the frame; the caller knows from its type whether it is the
  // last. Errors: what the peer failed with; kUnavailable: the peer is gone; kDeadlineExceeded.
  [[nodiscard]] Result<Frame> Next();
  void Cancel();

 private:
  friend class Peer;
  struct State;
  explicit Outgoing(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

struct PeerOptions {
  std::size_t workers = 4;      // threads for incoming requests
  std::size_t max_queued = 64;  // incoming requests waiting for a worker; more: kResourceExhausted
  std::uint32_t stream_credit = 32;              // messages of a stream in flight
  std::size_t max_open = 1024;                   // requests not yet ended, of each direction
  std::size_t max_held_bytes = 2 * kMaxPayload;  // payloads of those and of answers not taken yet
};

// One end of a conversation. Both ends may ask. Requests carry a deadline (u32 milliseconds before
// the message's fields; 0: none), counted on BootClock from reception. Threads: all members may run
// at the same time. The handler runs on worker threads, several at once; workers are made as they
// are needed. Nothing that waits (Call, Next, Stream without credit) may be called on the reader
// thread: it fails with kInvalidArgument there. Notify and Open never wait there.
class Peer {
 public:
  using Handler = std::function<void(Incoming)>;
  using NoticeHandler =
      std::function<void(Frame)>;  // frames with request id 0, on the reader thread
  using ClosedHandler = std::function<void(const Error&)>;

  struct Handlers {
    Handler request{};
    NoticeHandler notice{};
    ClosedHandler
        closed{};  // once, on the reader thread, when the peer is gone or broke the format
  };

  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  static std::unique_ptr<Peer> Start(Channel channel, Handlers handlers, PeerOptions options = {});
  // Fails what is open, sends what was answered (for at most a second), joins its threads. May run
  // on one of them (in `closed`): that one is let go.
  ~Peer();

  // Sends one message that expects no answer.
  template <typename T>
  [[nodiscard]] Result<void> Notify(const T& message, std::vector<UniqueFd> fds = {}) {
    return SendNotice(T::kType, Encode(message), std::move(fds));
  }

  // Asks and waits for one answer of type Answer. Errors: what the peer failed with; kUnavailable:
  // the peer is gone; kDeadlineExceeded; kIntegrityFailure: an answer of another type.
  template <typename Answer, typename T>
  [[nodiscard]] Result<Answer> Call(const T& message,
                                    std::chrono::milliseconds deadline = std::chrono::seconds(30),
                                    std::vector<UniqueFd> fds = {},
                                    std::vector<UniqueFd>* answer_fds = nullptr) {
    Result<Frame> frame = CallFrame(T::kType, Encode(message), std::move(fds), deadline);
    if (!frame) {
      return std::unexpected(frame.error());
    }
    if (frame->type != Answer::kType) {
      return ::casemate::Fail(ErrorCode::kIntegrityFailure,
                              "answer of type " + std::string(MessageTypeName(frame->type)));
    }
    if (answer_fds != nullptr) {
      *answer_fds = std::move(frame->fds);
    }
    return ipc::Decode<Answer>(frame->payload);
  }

  // Asks and returns the stream of answers. A zero deadline is none.
  template <typename T>
  [[nodiscard]] Result<Outgoing> Open(const T& message, std::chrono::milliseconds deadline,
                                      std::vector<UniqueFd> fds = {}) {
    return OpenStream(T::kType, Encode(message), std::move(fds), deadline);
  }

 private:
  friend class Incoming;
  friend class Outgoing;
  struct State;
  explicit Peer(std::shared_ptr<State> state);
  [[nodiscard]] Result<void> SendNotice(MessageType, Plaintext, std::vector<UniqueFd>);
  [[nodiscard]] Result<Frame> CallFrame(MessageType, Plaintext, std::vector<UniqueFd>,
                                        std::chrono::milliseconds);
  [[nodiscard]] Result<Outgoing> OpenStream(MessageType, Plaintext, std::vector<UniqueFd>,
                                            std::chrono::milliseconds);
  [[nodiscard]] Result<Outgoing> OpenWithWindow(MessageType, Plaintext, std::vector<UniqueFd>,
                                                std::chrono::milliseconds, std::uint32_t window);
  std::shared_ptr<State> state_;
};

}  // namespace casemate::ipc
