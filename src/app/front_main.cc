// casemate-front: ends TLS, reads HTTP, checks API keys, hands requests to the tenants' keepers.
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/log.h"
#include "crypto/init.h"
#include "custody/messages.h"
#include "ipc/child.h"
#include "ipc/peer.h"
#include "ipc/supervision.h"
#include "net/keeper_backend.h"
#include "net/server.h"
#include "sandbox/sandbox.h"
#include "secmem/harden.h"

namespace {

using namespace casemate;  // NOLINT: the whole file is one program

// The descriptors of SetupFront, in its order.
enum : std::size_t { kCustodianFd = 0, kTlsListenerFd, kOperatorListenerFd, kSetupFds };

constexpr std::uint32_t kSpareFiles = 256;  // keepers' channels, messages that come as memfds

// Fulfilled once, by whoever first learns that the process has to end.
class Ending {
 public:
  void Set(int exit_code) {
    std::call_once(once_, [&] { code_.set_value(exit_code); });
  }
  int Wait() { return code_.get_future().get(); }

 private:
  std::once_flag once_;
  std::promise<int> code_;
};

Result<void> Confine(const ipc::SetupFront& setup) {
  if (Result<void> hardened = HardenProcess(/*die_with_parent=*/true); !hardened) {
    return hardened;
  }
  if (Result<void> ready = crypto::InitCrypto(); !ready) {
    return ready;
  }
  sandbox::Rules rules;
  rules.may_use_network = true;
  rules.may_listen_unix = true;
  rules.max_files = setup.max_connections + kSpareFiles;
  Result<sandbox::Applied> applied = sandbox::Enter(rules);
  if (!applied) {
    return std::unexpected(applied.error());
  }
  for (const std::string& what : applied->degraded) {
    Log(LogLevel::kWarning, "sandbox degraded", {{"what", what}});
  }
  return {};
}

net::ServerOptions OptionsFrom(const ipc::SetupFront& setup) {
  net::ServerOptions options;
  if (!setup.groups.empty()) {
    options.tls.groups = setup.groups;
  }
  options.tls.hybrid_only = setup.hybrid_only;
  if (setup.max_body_bytes > 0) {
    options.limits.max_body_bytes = setup.max_body_bytes;
  }
  if (setup.max_connections > 0) {
    options.max_connections = setup.max_connections;
  }
  return options;
}

ipc::Peer::Handlers CustodianHandlers(net::Server& server, ipc::Peer& supervisor, Ending& ending) {
  ipc::Peer::Handlers handlers;
  handlers.request = [](ipc::Incoming) {};  // the custodian asks nothing; dropping it refuses it
  handlers.notice = [&](const ipc::Frame& frame) {
    if (frame.type == custody::Admission::kType) {
      if (Result<custody::Admission> table = ipc::Decode<custody::Admission>(frame.payload)) {
        server.SetAdmission(*table);
      } else {
        LogError("admission table not understood", table.error());
      }
    } else if (frame.type == custody::Identity::kType) {
      Result<custody::Identity> identity = ipc::Decode<custody::Identity>(frame.payload);
      Result<void> set = identity ? server.SetIdentity(*identity)
                                  : Result<void>(std::unexpected(identity.error()));
      if (!set) {
        LogError("server identity not usable", set.error());
        ending.Set(EXIT_FAILURE);
        return;
      }
      if (Result<void> told = supervisor.Notify(ipc::Serving{.address = server.address()}); !told) {
        LogError("supervisor not told", told.error());
      }
    }
  };
  handlers.closed = [&](const Error& error) {
    // Without the custodian nobody tells which keys were revoked: no request may be let in.
    LogError("custodian is gone", error);
    ending.Set(EXIT_FAILURE);
  };
  return handlers;
}

int Serve(ipc::Started<ipc::SetupFront> started) {
  Ending ending;
  ipc::Peer::Handlers handlers;
  handlers.request = [](ipc::Incoming) {};
  handlers.notice = [&ending](const ipc::Frame& frame) {
    if (frame.type == ipc::Stop::kType) {
      ending.Set(EXIT_SUCCESS);
    }
  };
  handlers.closed = [&ending](const Error&) { ending.Set(EXIT_FAILURE); };
  const std::unique_ptr<ipc::Peer> supervisor =
      ipc::Peer::Start(std::move(started.supervisor), std::move(handlers), {.workers = 1});

  Result<std::unique_ptr<net::Server>> server =
      net::Server::Start(OptionsFrom(started.setup), std::move(started.fds[kTlsListenerFd]),
                         std::move(started.fds[kOperatorListenerFd]),
                         std::make_shared<net::KeeperBackend>(*supervisor));
  if (!server) {
    LogError("cannot serve", server.error());
    return EXIT_FAILURE;
  }
  const std::unique_ptr<ipc::Peer> custodian =
      ipc::Peer::Start(ipc::Channel(std::move(started.fds[kCustodianFd]), ipc::ProcessKind::kFront,
                                    ipc::ProcessKind::kCustodian),
                       CustodianHandlers(**server, *supervisor, ending), {.workers = 1});
  const int code = ending.Wait();
  // Whoever waits for a keeper to start would hold up an orderly end for seconds; nothing here
  // outlives the process.
  std::fflush(stderr);
  std::_Exit(code);
}

}  // namespace

int main() {
  InitLog("front");
  Result<ipc::Started<ipc::SetupFront>> started =
      ipc::ReceiveSetup<ipc::SetupFront>(ipc::ProcessKind::kFront, kSetupFds, kSetupFds);
  if (!started) {
    LogError("no setup", started.error());
    return EXIT_FAILURE;
  }
  if (Result<void> confined = Confine(started->setup); !confined) {
    LogError("cannot confine the process", confined.error());
    ipc::SendStartFailure(started->supervisor, confined.error());
    return EXIT_FAILURE;
  }
  if (Result<void> ready = ipc::SendReady(started->supervisor); !ready) {
    LogError("supervisor not told", ready.error());
    return EXIT_FAILURE;
  }
  return Serve(std::move(*started));
}
