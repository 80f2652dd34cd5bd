#include "custody/server/init_server.h"

#include <condition_variable>
#include <mutex>

#include "base/log.h"
#include "custody/server/custodian.h"
#include "ipc/peer.h"

namespace casemate::custody {
namespace {

Result<InitReply> MakeDeployment(const ipc::SetupCustodian& setup, ReadyToken& token,
                                 const Init& init) {
  if (!token.token) {
    return Fail(ErrorCode::kConflict, "the deployment was made already");
  }
  Custodian::Options options;
  options.deployment = setup.deployment;
  options.mirror = setup.mirror;
  options.pin_protection = token.pin_protection;
  options.token = std::move(token.token);
  Result<Custodian::Made> made = Custodian::Make(std::move(options), init);
  if (!made) {
    return std::unexpected(made.error());
  }
  if (Result<void> stopped = made->custodian->Stop(); !stopped) {
    return std::unexpected(stopped.error());
  }
  return std::move(made->reply);
}

}  // namespace

Result<void> ServeInit(const ipc::SetupCustodian& setup, ReadyToken token, ipc::Channel supervisor,
                       ipc::Channel command) {
  std::mutex mutex;
  std::condition_variable ended;
  bool stop = false;
  const auto end = [&] {
    const std::lock_guard lock(mutex);
    stop = true;
    ended.notify_all();
  };
  ipc::Peer::Handlers from_command;
  from_command.request = [&](ipc::Incoming incoming) {
    Result<Init> init = incoming.type() == ipc::MessageType::kInit
                            ? incoming.Decode<Init>()
                            : Fail(ErrorCode::kInvalidArgument, "expected kInit");
    Result<InitReply> reply =
        init ? MakeDeployment(setup, token, *init) : std::unexpected(init.error());
    if (!reply) {
      incoming.Fail(reply.error());
      return;
    }
    incoming.Reply(*reply);
  };
  from_command.notice = [](const ipc::Frame&) {};
  from_command.closed = [&end](const Error&) { end(); };
  ipc::Peer::Handlers from_supervisor;
  from_supervisor.request = [](ipc::Incoming incoming) {
    incoming.Fail(
        {ErrorCode::kInvalidArgument, "nobody is served while a deployment is made", {}, {}});
  };
  from_supervisor.notice = [&end](const ipc::Frame& frame) {
    if (frame.type == ipc::MessageType::kStop) {
      end();
    }
  };
  from_supervisor.closed = [&end](const Error&) { end(); };
  ipc::PeerOptions options;
  options.workers = 1;
  const auto asking = ipc::Peer::Start(std::move(command), std::move(from_command), options);
  const auto watching =
      ipc::Peer::Start(std::move(supervisor), std::move(from_supervisor), options);
  std::unique_lock lock(mutex);
  ended.wait(lock, [&stop] { return stop; });
  return {};
}

}  // namespace casemate::custody
