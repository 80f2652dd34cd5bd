#include "ipc/child.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <string>

#include "ipc/control.h"

namespace casemate::ipc {
namespace {

constexpr int kStartTimeoutMs = 10'000;

}  // namespace

Result<Channel> SupervisorChannel(ProcessKind self) {
  int kind = 0;
  socklen_t size = sizeof(kind);
  if (::getsockopt(kSupervisorFd, SOL_SOCKET, SO_TYPE, &kind, &size) != 0 ||
      kind != SOCK_SEQPACKET || ::fcntl(kSupervisorFd, F_SETFD, FD_CLOEXEC) != 0) {
    return Fail(ErrorCode::kUnavailable,
                "no channel to a supervisor: this program is started by casemate-supervisor");
  }
  return Channel(UniqueFd(kSupervisorFd), self, ProcessKind::kSupervisor);
}

Result<Frame> ReceiveSetupFrame(Channel& supervisor, MessageType type, std::size_t min_fds,
                                std::size_t max_fds) {
  Result<Frame> frame = supervisor.Receive(kStartTimeoutMs);
  if (!frame) {
    return frame;
  }
  if (frame->type != type || frame->fds.size() < min_fds || frame->fds.size() > max_fds) {
    return Fail(ErrorCode::kIntegrityFailure, "expected " + std::string(MessageTypeName(type)) +
                                                  " with " + std::to_string(min_fds) + " to " +
                                                  std::to_string(max_fds) + " descriptors, got " +
                                                  std::string(MessageTypeName(frame->type)) +
                                                  " with " + std::to_string(frame->fds.size()));
  }
  return frame;
}

Result<void> SendReady(Channel& supervisor) {
  return supervisor.Send(Frame{.type = Ready::kType, .payload = {}, .fds = {}}, kStartTimeoutMs);
}

void SendStartFailure(Channel& supervisor, const Error& error) {
  (void)supervisor.Send(
      Frame{.type = Failure::kType, .payload = Encode(Failure::Of(error)), .fds = {}},
      kStartTimeoutMs);
}

}  // namespace casemate::ipc
