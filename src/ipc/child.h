#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/codec.h"
#include "ipc/supervision.h"

// The first words of every child process.
namespace casemate::ipc {

// What a child was started with. `setup` came with exactly the descriptors that its comment names.
template <typename Setup>
struct Started {
  Channel supervisor;
  Setup setup;
  std::vector<UniqueFd> fds;
};

// The channel that the supervisor left as descriptor 3. Errors: kUnavailable: there is none (the
// program was not started by casemate-supervisor).
[[nodiscard]] Result<Channel> SupervisorChannel(ProcessKind self);
[[nodiscard]] Result<Frame> ReceiveSetupFrame(Channel& supervisor, MessageType type,
                                              std::size_t min_fds, std::size_t max_fds);

// Waits (10 s) for the one kSetup message. Errors: kIntegrityFailure: another message or number of
// descriptors.
template <typename Setup>
[[nodiscard]] Result<Started<Setup>> ReceiveSetup(ProcessKind self, std::size_t min_fds,
                                                  std::size_t max_fds) {
  Result<Channel> channel = SupervisorChannel(self);
  if (!channel) {
    return std::unexpected(channel.error());
  }
  Result<Frame> frame = ReceiveSetupFrame(*channel, Setup::kType, min_fds, max_fds);
  if (!frame) {
    return std::unexpected(frame.error());
  }
  Result<Setup> setup = Decode<Setup>(frame->payload);
  if (!setup) {
    return std::unexpected(setup.error());
  }
  return Started<Setup>{std::move(*channel), std::move(*setup), std::move(frame->fds)};
}

// Sandboxed and about to serve.
[[nodiscard]] Result<void> SendReady(Channel& supervisor);
// Could not start: the supervisor logs why, or hands it to whoever asked. End afterwards.
void SendStartFailure(Channel& supervisor, const Error& error);

}  // namespace casemate::ipc
