#include "net/keeper_backend.h"

#include <atomic>
#include <chrono>
#include <utility>
#include <vector>

#include "base/log.h"
#include "ipc/channel.h"
#include "ipc/supervision.h"

namespace casemate::net {
namespace {

constexpr std::chrono::seconds kStartDeadline(30);

template <typename Part>
Result<AnswerPart> DecodePart(const ipc::Frame& frame) {
  Result<Part> part = ipc::Decode<Part>(frame.payload);
  if (!part) {
    return std::unexpected(part.error());
  }
  return AnswerPart(std::move(*part));
}

}  // namespace

struct KeeperBackend::Keeper {
  // Shared with the closed handler, which may run after the keeper was replaced.
  std::shared_ptr<std::atomic<bool>> dead = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<ipc::Peer> peer;
  HopUse hop;
};

namespace {

class KeeperAnswer : public Answer {
 public:
  KeeperAnswer(std::shared_ptr<void> keeper, HopUse hop, ipc::Outgoing outgoing)
      : keeper_(std::move(keeper)), hop_(std::move(hop)), outgoing_(std::move(outgoing)) {}

  Result<AnswerPart> Next() override {
    Result<ipc::Frame> frame = outgoing_.Next();
    if (!frame) {
      return std::unexpected(frame.error());
    }
    switch (frame->type) {
      case ipc::MessageType::kHttpHead:
        return DecodePart<HttpHead>(*frame);
      case ipc::MessageType::kHttpBody: {
        Result<AnswerPart> part = DecodePart<HttpBody>(*frame);
        if (part) {
          hop_->Add(std::get<HttpBody>(*part).bytes.size(), 0);
        }
        return part;
      }
      case ipc::MessageType::kHttpEnd:
        return DecodePart<HttpEnd>(*frame);
      default:
        return Fail(ErrorCode::kIntegrityFailure, "the keeper's answer has a message out of place");
    }
  }
  void Cancel() override { outgoing_.Cancel(); }

 private:
  std::shared_ptr<void> keeper_;  // its peer must outlive the stream
  HopUse hop_;
  ipc::Outgoing outgoing_;
};

}  // namespace

Result<std::shared_ptr<KeeperBackend::Keeper>> KeeperBackend::Get(const TenantId& tenant) {
  std::shared_ptr<Slot> slot;
  {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Slot>& place = slots_[tenant];
    if (place == nullptr) {
      place = std::make_shared<Slot>();
    }
    slot = place;
  }
  const std::lock_guard lock(slot->mutex);
  if (slot->keeper != nullptr && !*slot->keeper->dead) {
    return slot->keeper;
  }
  std::vector<UniqueFd> fds;
  Result<ipc::StartKeeperReply> started = supervisor_.Call<ipc::StartKeeperReply>(
      ipc::StartKeeper{.tenant = tenant}, kStartDeadline, {}, &fds);
  if (!started) {
    return Wrap(started.error(), "start the tenant's keeper");
  }
  if (fds.size() != 1) {
    return Fail(ErrorCode::kIntegrityFailure, "the supervisor sent no channel to the keeper");
  }
  auto keeper = std::make_shared<Keeper>();
  ipc::Peer::Handlers handlers;
  handlers.request = [](ipc::Incoming) {};  // a keeper asks nothing of the front
  handlers.notice = [](ipc::Frame) {};
  handlers.closed = [dead = keeper->dead, tenant](const Error& error) {
    *dead = true;
    Log(LogLevel::kWarning, "channel to keeper closed",
        {{"tenant", tenant.ToString()}, {"code", error.code}, {"message", error.message}});
  };
  keeper->peer = ipc::Peer::Start(
      ipc::Channel(std::move(fds.front()), ipc::ProcessKind::kFront, ipc::ProcessKind::kKeeper),
      std::move(handlers), {.workers = 1, .max_queued = 1, .stream_credit = 32});
  keeper->hop = hops_->Open({.hop = "keeper",
                             .peer = tenant.ToString(),
                             .made = true,
                             .transport = HopTransport::kSocketPair});
  slot->keeper = keeper;
  return keeper;
}

Result<std::unique_ptr<Answer>> KeeperBackend::Open(const TenantId& tenant,
                                                    const HttpRequest& request) {
  // A keeper that died since its last request is found out by the first one that is sent: that one
  // gets a second try, with a fresh keeper.
  for (int attempt = 0;; ++attempt) {
    Result<std::shared_ptr<Keeper>> keeper = Get(tenant);
    if (!keeper) {
      return std::unexpected(keeper.error());
    }
    Result<ipc::Outgoing> stream = (*keeper)->peer->Open(request, std::chrono::milliseconds(0));
    if (stream) {
      (*keeper)->hop->Add(0, request.body.size());
      return std::make_unique<KeeperAnswer>(*keeper, (*keeper)->hop, std::move(*stream));
    }
    if (stream.error().code == ErrorCode::kUnavailable) {
      *(*keeper)->dead = true;
    }
    if (stream.error().code != ErrorCode::kUnavailable || attempt > 0) {
      return std::unexpected(stream.error());
    }
  }
}

}  // namespace casemate::net
