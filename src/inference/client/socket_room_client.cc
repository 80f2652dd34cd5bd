#include "inference/client/socket_room_client.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace casemate::inference {
namespace {

constexpr std::chrono::minutes kEmbedDeadline{10};
constexpr std::chrono::minutes kCountDeadline{1};
constexpr std::chrono::milliseconds kCancelPoll{10};

// Asks `cancelled` now and then while the owner waits for the room, which says nothing during a
// long prompt; cancels the stream when it says yes.
class CancelWatch {
 public:
  CancelWatch(const std::function<bool()>& cancelled, ipc::Outgoing& stream) {
    if (cancelled) {
      thread_ = std::thread([this, &cancelled, &stream] { Run(cancelled, stream); });
    }
  }
  CancelWatch(const CancelWatch&) = delete;
  CancelWatch& operator=(const CancelWatch&) = delete;
  ~CancelWatch() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) {
      thread_.join();
    }
  }
  bool fired() const { return fired_.load(); }

 private:
  void Run(const std::function<bool()>& cancelled, ipc::Outgoing& stream) {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kCancelPoll, [this] { return over_; })) {
      if (cancelled()) {
        fired_ = true;
        stream.Cancel();
        return;
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::atomic<bool> fired_ = false;
  std::thread thread_;
};

std::unexpected<Error> Cancelled() {
  return Fail(ErrorCode::kCancelled, "the request was cancelled");
}

// One message of the stream: nothing (go on), or how the answer ended.
Result<std::optional<GenerateDone>> Take(const ipc::Frame& frame, const RoomClient::Sink& sink) {
  switch (frame.type) {
    case ipc::MessageType::kGenerateStarted: {
      Result<GenerateStarted> started = ipc::Decode<GenerateStarted>(frame.payload);
      if (!started) {
        return std::unexpected(started.error());
      }
      if (sink.started && !sink.started(*started)) {
        return Cancelled();
      }
      return std::nullopt;
    }
    case ipc::MessageType::kGenerateText: {
      Result<GenerateText> text = ipc::Decode<GenerateText>(frame.payload);
      if (!text) {
        return std::unexpected(text.error());
      }
      if (sink.text && !sink.text(*text)) {
        return Cancelled();
      }
      return std::nullopt;
    }
    case ipc::MessageType::kGenerateDone: {
      Result<GenerateDone> done = ipc::Decode<GenerateDone>(frame.payload);
      if (!done) {
        return std::unexpected(done.error());
      }
      if (done->reason == FinishReason::kCancelled) {
        return Cancelled();
      }
      return *done;
    }
    default:
      return Fail(ErrorCode::kIntegrityFailure, "an answer that no room gives");
  }
}

}  // namespace

SocketRoomClient::SocketRoomClient(ipc::Channel channel, std::string name)
    : name_(std::move(name)), alive_(std::make_shared<std::atomic<bool>>(true)) {
  ipc::Peer::Handlers handlers;
  handlers.request = [](ipc::Incoming request) {
    request.Fail(Error{ErrorCode::kPermissionDenied, "a room asks nothing", {}, {}});
  };
  handlers.closed = [alive = alive_](const Error&) { alive->store(false); };
  peer_ = ipc::Peer::Start(std::move(channel), std::move(handlers), {.workers = 1});
}

Error SocketRoomClient::Explain(Error error) const {
  if (!alive()) {
    error.code = ErrorCode::kUnavailable;
    error.message = "the room of model '" + name_ + "' ended; asking again starts another";
  }
  return error;
}

Result<GenerateDone> SocketRoomClient::Generate(const inference::Generate& request,
                                                const Sink& sink,
                                                const std::function<bool()>& cancelled) {
  Result<ipc::Outgoing> stream = peer_->Open(request, std::chrono::milliseconds(0));
  if (!stream) {
    return std::unexpected(Explain(stream.error()));
  }
  const CancelWatch watch(cancelled, *stream);
  while (true) {
    Result<ipc::Frame> frame = stream->Next();
    if (!frame) {
      return watch.fired() ? Cancelled() : std::unexpected(Explain(frame.error()));
    }
    Result<std::optional<GenerateDone>> taken = Take(*frame, sink);
    if (!taken) {
      stream->Cancel();
      return std::unexpected(taken.error());
    }
    if (*taken) {
      return **taken;
    }
  }
}

Result<EmbedReply> SocketRoomClient::Embed(const inference::Embed& request) {
  Result<EmbedReply> reply = peer_->Call<EmbedReply>(request, kEmbedDeadline);
  if (!reply) {
    return std::unexpected(Explain(reply.error()));
  }
  const std::size_t expected = request.texts.size() * reply->dimensions * sizeof(float);
  if (reply->dimensions == 0 || reply->vectors.size() != expected) {
    return Fail(ErrorCode::kIntegrityFailure, "vectors of a wrong size from the room");
  }
  return reply;
}

Result<std::vector<std::uint32_t>> SocketRoomClient::CountTokens(
    const std::vector<PlaintextView>& texts) {
  inference::CountTokens request;
  request.texts.reserve(texts.size());
  for (const PlaintextView text : texts) {
    request.texts.push_back(Plaintext::Copy(text));
  }
  Result<CountTokensReply> reply = peer_->Call<CountTokensReply>(request, kCountDeadline);
  if (!reply) {
    return std::unexpected(Explain(reply.error()));
  }
  if (reply->tokens.size() != texts.size()) {
    return Fail(ErrorCode::kIntegrityFailure, "counts of a wrong number from the room");
  }
  return std::move(reply->tokens);
}

Result<RankReply> SocketRoomClient::Rank(const inference::Rank& request) {
  Result<RankReply> reply = peer_->Call<RankReply>(request, kEmbedDeadline);
  if (!reply) {
    return std::unexpected(Explain(reply.error()));
  }
  if (reply->scores.size() != request.documents.size()) {
    return Fail(ErrorCode::kIntegrityFailure, "scores of a wrong number from the room");
  }
  return reply;
}

}  // namespace casemate::inference
