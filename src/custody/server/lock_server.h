#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "base/fd.h"
#include "custody/server/token_setup.h"
#include "ipc/channel.h"
#include "ipc/supervision.h"

namespace casemate::custody {

// A custodian that was started without its passphrase: the supervisor had it from a pipe or a
// prompt and kept nothing, or the server was started without one. It tells the front that nobody
// can be let in, refuses keepers, and waits on the control socket for the operator's Unlock.
// Threads: one.
class LockServer {
 public:
  // After a wrong secret the next is looked at no sooner than kFirstDelay later; each further wrong
  // one doubles that, up to kMaxDelay.
  static constexpr std::chrono::milliseconds kFirstDelay{1000};
  static constexpr std::chrono::milliseconds kMaxDelay{60'000};
  static constexpr std::size_t kMaxOperators = 16;

  using Open = std::function<Result<ReadyToken>(const ipc::SetupCustodian&, SecretBuffer)>;
  // `open` is PrepareToken, or a test's.
  LockServer(ipc::SetupCustodian setup, ipc::Channel front, UniqueFd control, Open open);

  // Waits. True: unlocked, and what follows is there to be taken. False: the supervisor asked to
  // stop or is gone.
  [[nodiscard]] Result<bool> Wait(ipc::Channel& supervisor);

  ReadyToken TakeToken() { return std::move(*token_); }
  ipc::Channel TakeFront() { return std::move(front_); }
  UniqueFd TakeControl() { return std::move(control_); }
  // With the lease of a configuration that was read meanwhile.
  const ipc::SetupCustodian& setup() const { return setup_; }

 private:
  using Clock = std::chrono::steady_clock;
  void TellFront();
  void Accept();
  // False: the channel is over.
  bool ServeOperator(ipc::Channel& channel);
  [[nodiscard]] Result<void> Try(const ipc::Frame& frame);
  // False: stop.
  bool ServeSupervisor(ipc::Channel& supervisor);

  ipc::SetupCustodian setup_;
  ipc::Channel front_;
  UniqueFd control_;
  Open open_;
  std::vector<ipc::Channel> operators_;
  std::optional<ReadyToken> token_;
  Clock::time_point next_try_ = Clock::now();
  std::chrono::milliseconds delay_ = kFirstDelay;
};

// The peer of a control connection is the deployment's owner or root; anybody else is turned away
// before a byte is read.
bool MayOperate(int socket);

}  // namespace casemate::custody
