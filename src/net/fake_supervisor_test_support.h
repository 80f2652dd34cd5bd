#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ipc/peer.h"
#include "ipc/supervision.h"
#include "net/messages.h"

namespace casemate::net::testing {

// The supervisor and the keepers that it starts, as the front sees them, in this process.
class FakeSupervisor {
 public:
  using KeeperHandler = std::function<void(ipc::Incoming)>;

  // `channel` is the supervisor's end of its channel to the front.
  FakeSupervisor(ipc::Channel channel, KeeperHandler keeper) : keeper_(std::move(keeper)) {
    Begin(std::move(channel));
  }

  // The first message that the front sent on its own ("serving").
  std::string WaitForAddress() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !address_.empty(); });
    return address_;
  }
  int keepers_started() const {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(keepers_.size());
  }
  // As if every keeper had died.
  void KillKeepers() {
    const std::lock_guard lock(mutex_);
    for (auto& keeper : keepers_) {
      keeper.reset();
    }
  }
  ipc::Peer& peer() { return *peer_; }

 private:
  void Begin(ipc::Channel channel) {
    ipc::Peer::Handlers handlers;
    handlers.request = [this](ipc::Incoming incoming) {
      Result<std::pair<UniqueFd, UniqueFd>> pair = ipc::Channel::MakePair();
      {
        const std::lock_guard lock(mutex_);
        keepers_.push_back(
            ipc::Peer::Start(ipc::Channel(std::move(pair->first), ipc::ProcessKind::kKeeper,
                                          ipc::ProcessKind::kFront),
                             {.request = keeper_, .notice = {}, .closed = [](const Error&) {}}));
      }
      std::vector<UniqueFd> fds;
      fds.push_back(std::move(pair->second));
      incoming.Reply(ipc::StartKeeperReply{}, std::move(fds));
    };
    handlers.notice = [this](const ipc::Frame& frame) {
      if (Result<ipc::Serving> serving = ipc::Decode<ipc::Serving>(frame.payload);
          frame.type == ipc::Serving::kType && serving) {
        const std::lock_guard lock(mutex_);
        address_ = serving->address;
        changed_.notify_all();
      }
    };
    handlers.closed = [](const Error&) {};
    peer_ = ipc::Peer::Start(std::move(channel), std::move(handlers));
  }

  KeeperHandler keeper_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::string address_;
  std::vector<std::unique_ptr<ipc::Peer>> keepers_;
  std::unique_ptr<ipc::Peer> peer_;  // last: its handlers use the above
};

// A keeper that sends the path and the body back.
inline void Echo(ipc::Incoming incoming) {
  Result<HttpRequest> request = incoming.Decode<HttpRequest>();
  if (!request) {
    incoming.Fail(request.error());
    return;
  }
  const std::size_t size = request->path.size() + request->body.size();
  const HttpHead head{.status = 200,
                      .headers = {{"content-type", "text/plain"}},
                      .has_length = true,
                      .length = size};
  if (incoming.Stream(head) &&
      incoming.Stream(HttpBody{Plaintext::Copy(std::string_view(request->path))}) &&
      incoming.Stream(HttpBody{std::move(request->body)})) {
    incoming.Reply(HttpEnd{});
  }
}

}  // namespace casemate::net::testing
