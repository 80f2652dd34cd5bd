#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "ipc/channel.h"
#include "ipc/peer.h"

// The inside of ipc::Peer. Who sends, and why the reader never waits to do so:
// docs/decisions/0003-seqpacket-and-one-reader.md.
namespace casemate::ipc {

// What may wait to be sent. Over it, threads that send wait until the peer reads.
inline constexpr std::size_t kMaxSendQueue = 256;  // packets
inline constexpr std::size_t kMaxSendQueueBytes =
    std::size_t{64} * 1024 * 1024;  // payloads, memfds included
// The reader's own packets (refusals) are queued beyond that, but not without end: a peer that
// sends and never reads is cut off.
inline constexpr std::size_t kMaxReaderQueue = 4096;
// A peer that takes nothing for so long is gone for us.
inline constexpr std::chrono::seconds kSendPatience{30};

struct Incoming::State {
  std::shared_ptr<Peer::State> peer;
  std::uint64_t id = 0;
  MessageType type{};
  Plaintext frame;  // deadline, then the message
  std::vector<UniqueFd> fds;
  std::optional<BootClock::time_point> deadline;
  std::atomic<bool> cancelled = false;

  // Under Peer::State::mutex:
  bool finished = false;
  std::uint64_t credit = 0;
  std::vector<std::function<void()>> on_cancel;
  std::condition_variable changed;  // credit came, or cancelled
};

struct Outgoing::State {
  std::shared_ptr<Peer::State> peer;
  std::uint64_t id = 0;
  std::optional<BootClock::time_point> deadline;

  // Under Peer::State::mutex:
  std::deque<Frame> frames;
  std::optional<Error> error;  // after the frames
  bool ended = false;          // the last frame is in, or was taken
  std::uint32_t window = 0;    // credit given at the start; 0: only a last message is taken
  std::uint64_t granted = 0;   // messages that the peer may have sent
  std::uint64_t received = 0;
  std::uint32_t taken = 0;  // since credit was last given
  std::condition_variable changed;
};

struct Peer::State : std::enable_shared_from_this<Peer::State> {
  State(Channel the_channel, Handlers the_handlers, PeerOptions the_options);

  // Everything below is guarded by `mutex` unless it says otherwise. No callback runs under it.
  std::mutex mutex;
  std::optional<Channel> channel;  // empty once closed; the reader alone receives, without mutex
  bool closed = false;
  bool stopping = false;              // ~Peer has begun
  std::optional<Error> close_reason;  // a sender gave up; the reader closes
  std::deque<Packet> queue;           // not empty: everyone appends, so that order is kept
  std::size_t queue_bytes = 0;
  std::condition_variable queue_shrunk;
  std::uint64_t next_id = 0;  // ours
  std::map<std::uint64_t, std::shared_ptr<Incoming::State>> incoming;
  std::map<std::uint64_t, std::shared_ptr<Outgoing::State>> outgoing;
  std::size_t held_bytes = 0;  // payloads of open requests and of answers nobody took yet
  std::deque<std::shared_ptr<Incoming::State>> waiting;  // for a worker
  std::condition_variable work;
  std::size_t idle_workers = 0;
  std::vector<std::thread> workers;

  // Set once, before the threads:
  const ProcessKind self;
  const ProcessKind peer;
  const std::uint64_t parity;  // of our request ids
  const Handlers handlers;
  const PeerOptions options;
  UniqueFd wake;  // eventfd: the reader looks again
  std::thread reader;
  std::thread::id reader_id;  // set by the reader before it does anything else
  std::atomic<bool> reader_known = false;

  bool IsOurs(std::uint64_t id) const { return id % 2 == parity; }
  bool OnReader() const { return reader_known.load() && std::this_thread::get_id() == reader_id; }
  void Wake() const;

  // Sends or queues. kWait: where the queue is full, waits for the peer to read (never on the
  // reader). kNever: a queue that is full beyond all patience is an error.
  enum class Patience : std::uint8_t { kWait, kNever };
  [[nodiscard]] Result<void> Send(Frame frame, Patience patience = Patience::kWait);
  // The same with the lock held; false: the queue is full.
  [[nodiscard]] Result<bool> SendLocked(Packet& packet, std::size_t max_packets,
                                        std::size_t max_bytes);

  // The reader (peer_reader.cc).
  void Read();
  [[nodiscard]] Result<void> ReceiveSome();
  [[nodiscard]] Result<void> Dispatch(Frame frame);
  [[nodiscard]] Result<void> TakeAnswer(Frame frame);
  [[nodiscard]] Result<void> TakeRequest(Frame frame);
  [[nodiscard]] Result<void> Refuse(std::uint64_t id, const Error& error);
  [[nodiscard]] Result<void> Flush();
  void FlushBeforeEnd();
  int ExpireDeadlines();  // milliseconds until the next, -1: none
  void Close(const Error& error);
  void Work();

  // With the lock held. What they return is run (cancel) or destroyed (finish) without it: both may
  // come back here.
  using Callbacks = std::vector<std::function<void()>>;
  [[nodiscard]] Callbacks CancelLocked(Incoming::State& request);
  [[nodiscard]] Callbacks FinishLocked(Incoming::State& request);
  // A request that no worker has begun ends with its cancellation; another is its handler's to end.
  void CancelAndDropLocked(const std::shared_ptr<Incoming::State>& request, Callbacks& callbacks);
  // True: it was open, the peer is to be told.
  bool ForgetLocked(Outgoing::State& request, const Error& why);
};

}  // namespace casemate::ipc
