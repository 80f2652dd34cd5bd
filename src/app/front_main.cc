// casemate-front: ends TLS, reads HTTP, checks API keys, hands requests to the tenants' keepers.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "app/front_pages.h"
#include "base/log.h"
#include "base/log_settings.h"
#include "crypto/init.h"
#include "custody/messages.h"
#include "ipc/child.h"
#include "ipc/peer.h"
#include "ipc/supervision.h"
#include "metrics/messages.h"
#include "net/keeper_backend.h"
#include "net/server.h"
#include "sandbox/sandbox.h"
#include "secmem/harden.h"

namespace {

using namespace casemate;  // NOLINT: the whole file is one program

// The descriptors of SetupFront, in its order.
enum : std::size_t { kCustodianFd = 0, kTlsListenerFd, kOperatorListenerFd, kSetupFds };

constexpr std::uint32_t kMostConnections = 65536;
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

Result<void> Confine() {
  if (Result<void> hardened = HardenProcess(/*die_with_parent=*/true); !hardened) {
    return hardened;
  }
  if (Result<void> ready = crypto::InitCrypto(); !ready) {
    return ready;
  }
  sandbox::Rules rules;
  rules.may_use_network = true;
  rules.may_listen_unix = true;
  rules.max_files = kMostConnections + kSpareFiles;  // the limit may be raised while it runs
  Result<sandbox::Applied> applied = sandbox::Enter(rules);
  if (!applied) {
    return std::unexpected(applied.error());
  }
  for (const std::string& what : applied->degraded) {
    Log(LogLevel::kWarning, "sandbox degraded", {{"what", what}});
  }
  return {};
}

net::TlsMinimum MinimumFrom(bool hybrid_only) {
  return hybrid_only ? net::TlsMinimum::kHybrid : net::TlsMinimum::kClassical;
}

net::ServerOptions OptionsFrom(const ipc::SetupFront& setup) {
  net::ServerOptions options;
  if (!setup.groups.empty()) {
    options.tls.groups = setup.groups;
  }
  options.tls.minimum = MinimumFrom(setup.hybrid_only);
  options.tls.classical_from = setup.classical_from;
  options.hops = net::HopTable::Make();
  if (setup.max_body_bytes > 0) {
    options.limits.max_body_bytes = setup.max_body_bytes;
  }
  if (setup.max_connections > 0) {
    options.max_connections = setup.max_connections;
  }
  return options;
}

// The front's end of the channel to the custodian; another one each time that it was started anew.
class CustodianLink {
 public:
  CustodianLink(net::Server& server, ipc::Peer& supervisor, Ending& ending, net::HopTable& hops)
      : server_(server), supervisor_(supervisor), ending_(ending), hops_(hops) {}

  void Attach(UniqueFd channel) {
    const std::lock_guard lock(mutex_);
    peer_.reset();
    have_ = 0;
    hop_ = hops_.Open({.hop = "custodian",
                       .peer = "casemate-custodian",
                       .transport = net::HopTransport::kSocketPair});
    peer_ = ipc::Peer::Start(
        ipc::Channel(std::move(channel), ipc::ProcessKind::kFront, ipc::ProcessKind::kCustodian),
        MakeHandlers(), {.workers = 1});
  }

 private:
  ipc::Peer::Handlers MakeHandlers() {
    ipc::Peer::Handlers handlers;
    handlers.request = [this](ipc::Incoming incoming) { Answer(std::move(incoming)); };
    handlers.notice = [this](const ipc::Frame& frame) { Take(frame); };
    handlers.closed = [this](const Error& error) {
      // Without the custodian nobody tells which keys were revoked: no request may be let in.
      LogError("custodian is gone", error);
      server_.Suspend(net::Admitting::kCustodianLost);
    };
    return handlers;
  }
  Result<void> TakeAdmission(PlaintextView payload) {
    Result<custody::Admission> table = ipc::Decode<custody::Admission>(payload);
    if (!table) {
      LogError("admission table not understood", table.error());
      return std::unexpected(table.error());
    }
    server_.SetAdmission(*table);
    Have(kAdmission);
    return {};
  }
  // The operator's command returns when a new key is let in, or a revoked one no more.
  void Answer(ipc::Incoming incoming) {
    if (incoming.type() != custody::Admission::kType) {
      return;  // nothing else is asked here; dropping it refuses it
    }
    if (Result<void> taken = TakeAdmission(incoming.payload()); !taken) {
      incoming.Fail(taken.error());
      return;
    }
    incoming.Reply(custody::AdmissionReply{});
  }
  void Take(const ipc::Frame& frame) {
    if (frame.type == custody::Admission::kType) {
      (void)TakeAdmission(frame.payload);
    } else if (frame.type == custody::LockState::kType) {
      have_ = 0;
      server_.Suspend(net::Admitting::kLocked);
    } else if (frame.type == custody::Identity::kType) {
      TakeIdentity(frame);
    }
  }
  void TakeIdentity(const ipc::Frame& frame) {
    Result<custody::Identity> identity = ipc::Decode<custody::Identity>(frame.payload);
    Result<void> set =
        identity ? server_.SetIdentity(*identity) : Result<void>(std::unexpected(identity.error()));
    if (!set) {
      LogError("server identity not usable", set.error());
      ending_.Set(EXIT_FAILURE);
      return;
    }
    Have(kIdentity);
  }
  // Serving is said when a request would be answered: with a certificate and a table of who may
  // ask, in whichever order they come.
  void Have(unsigned what) {
    constexpr unsigned kBoth = kIdentity | kAdmission;
    if (((have_.fetch_or(what) | what) & kBoth) != kBoth || (have_.fetch_or(kTold) & kTold) != 0) {
      return;
    }
    if (Result<void> told = supervisor_.Notify(ipc::Serving{.address = server_.address()}); !told) {
      LogError("supervisor not told", told.error());
    }
  }

  enum : unsigned { kIdentity = 1, kAdmission = 2, kTold = 4 };

  net::Server& server_;
  ipc::Peer& supervisor_;
  Ending& ending_;
  net::HopTable& hops_;
  std::atomic<unsigned> have_ = 0;  // what this custodian has said
  std::mutex mutex_;                // guards what follows
  std::unique_ptr<ipc::Peer> peer_;
  net::HopUse hop_;
};

// What the supervisor says; it may begin before the rest is there.
class SupervisorWords {
 public:
  explicit SupervisorWords(Ending& ending) : ending_(ending) {}

  void Begin(net::Server& server, CustodianLink& custodian, ipc::Peer& supervisor,
             net::TlsSettings tls) {
    const std::lock_guard lock(mutex_);
    server_ = &server;
    custodian_ = &custodian;
    supervisor_ = &supervisor;
    tls_ = std::move(tls);
    for (ipc::Frame& frame : std::exchange(early_, {})) {
      Take(std::move(frame));
    }
  }
  void Notice(ipc::Frame frame) {
    if (frame.type == ipc::Stop::kType) {
      ending_.Set(EXIT_SUCCESS);
      return;
    }
    const std::lock_guard lock(mutex_);
    if (server_ == nullptr) {
      early_.push_back(std::move(frame));
    } else {
      Take(std::move(frame));
    }
  }

 private:
  // With mutex_ held.
  void Take(ipc::Frame frame) {
    if (frame.type == ipc::AttachCustodian::kType && frame.fds.size() == 1) {
      custodian_->Attach(std::move(frame.fds.front()));
    } else if (frame.type == ipc::Drain::kType) {
      server_->Drain([supervisor = supervisor_] { (void)supervisor->Notify(ipc::Drained{}); });
    } else if (frame.type == ipc::Settings::kType) {
      TakeSettings(frame);
    }
  }
  void TakeSettings(const ipc::Frame& frame) {
    Result<ipc::Settings> settings = ipc::Decode<ipc::Settings>(frame.payload);
    if (!settings) {
      LogError("settings not understood", settings.error());
      return;
    }
    SetLogLevel(settings->log_level);
    SetLogFormat(settings->log_json ? LogFormat::kJson : LogFormat::kText);
    tls_.groups = settings->groups;
    tls_.minimum = MinimumFrom(settings->hybrid_only);
    tls_.classical_from = settings->classical_from;
    if (Result<void> set =
            server_->SetLimits(tls_, settings->max_body_bytes, settings->max_connections);
        !set) {
      LogError("settings not usable", set.error());
    }
  }

  Ending& ending_;
  std::mutex mutex_;  // guards what follows
  net::Server* server_ = nullptr;
  CustodianLink* custodian_ = nullptr;
  ipc::Peer* supervisor_ = nullptr;
  net::TlsSettings tls_;
  std::vector<ipc::Frame> early_;
};

int Serve(ipc::Started<ipc::SetupFront> started) {
  Ending ending;
  SupervisorWords words(ending);
  ipc::Peer::Handlers handlers;
  handlers.request = metrics::AnswerSupervisor;
  handlers.notice = [&words](ipc::Frame frame) { words.Notice(std::move(frame)); };
  handlers.closed = [&ending](const Error&) { ending.Set(EXIT_FAILURE); };
  const std::unique_ptr<ipc::Peer> supervisor =
      ipc::Peer::Start(std::move(started.supervisor), std::move(handlers), {.workers = 1});

  app::FrontPages pages(*supervisor);
  net::ServerOptions options = OptionsFrom(started.setup);
  options.operator_pages = [&pages](std::string_view method, std::string_view path,
                                    std::string_view accept) {
    return pages.Answer(method, path, accept);
  };
  Result<std::unique_ptr<net::Server>> server = net::Server::Start(
      options, std::move(started.fds[kTlsListenerFd]), std::move(started.fds[kOperatorListenerFd]),
      std::make_shared<net::KeeperBackend>(*supervisor, options.hops));
  if (!server) {
    LogError("cannot serve", server.error());
    return EXIT_FAILURE;
  }
  const net::HopUse to_supervisor =
      options.hops->Open({.hop = "supervisor",
                          .peer = "casemate-supervisor",
                          .transport = net::HopTransport::kSocketPair});
  CustodianLink custodian(**server, *supervisor, ending, *options.hops);
  custodian.Attach(std::move(started.fds[kCustodianFd]));
  words.Begin(**server, custodian, *supervisor, options.tls);
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
  if (Result<void> confined = Confine(); !confined) {
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
