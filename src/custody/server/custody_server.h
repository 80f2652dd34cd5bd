#pragma once

#include <chrono>
#include <memory>

#include "base/fd.h"
#include "custody/server/custodian.h"
#include "ipc/channel.h"

namespace casemate::custody {

// The custodian's side of its channels: the supervisor's (keepers are attached, stop), the front's
// (identity and admission are pushed), every keeper's, and the operator's control socket.
class CustodyServer {
 public:
  struct Options {
    std::unique_ptr<Custodian> custodian;
    std::chrono::milliseconds lease{30'000};
    UniqueFd control;  // listening SOCK_SEQPACKET socket; may hold none (tests)
  };
  explicit CustodyServer(Options options);
  CustodyServer(const CustodyServer&) = delete;
  CustodyServer& operator=(const CustodyServer&) = delete;
  ~CustodyServer();  // as Stop, if it has not run

  // Pushes what the front needs at once, then each change. Errors: kIntegrityFailure,
  // kUnavailable.
  [[nodiscard]] Result<void> AttachFront(ipc::Channel channel);
  // Errors: kNotFound: there is no such tenant.
  [[nodiscard]] Result<void> AttachKeeper(const TenantId& tenant, UniqueFd channel);
  // Serves the operator on `channel`, as on a connection of the control socket.
  void AttachOperator(ipc::Channel channel);
  // Answers the supervisor until it asks to stop or is gone, then stops.
  [[nodiscard]] Result<void> Serve(ipc::Channel supervisor);

  // Ends every channel, anchors the heads, ends the log.
  [[nodiscard]] Result<void> Stop();

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace casemate::custody
