// casemate-custodian: token, key trees, tickets and the audit log. It speaks to the supervisor, the
// front, the keepers and the operator's command; it has no HTTP and no model in it.
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "base/log.h"
#include "crypto/init.h"
#include "custody/server/custody_server.h"
#include "custody/server/init_server.h"
#include "custody/server/lock_server.h"
#include "custody/server/token_setup.h"
#include "ipc/child.h"
#include "ipc/supervision.h"
#include "sandbox/sandbox.h"
#include "secmem/harden.h"

namespace casemate {
namespace {

namespace fs = std::filesystem;
using Started = ipc::Started<ipc::SetupCustodian>;

// Own folder, log, mirror, and what the PKCS#11 library is made of.
Result<void> EnterSandbox(const ipc::SetupCustodian& setup) {
  const fs::path deployment = setup.deployment;
  std::error_code failed;
  sandbox::Rules rules;
  for (const char* name : {"custodian", "audit"}) {
    fs::create_directories(deployment / name, failed);
    rules.read_write.push_back(deployment / name);
  }
  if (!setup.mirror.empty() && setup.mirror != "none") {
    rules.read_write.emplace_back(setup.mirror);
  }
  for (const fs::path& path : {fs::path("/usr/lib"), fs::path("/lib"), fs::path("/etc/ld.so.cache"),
                               fs::path("/etc/ssl"), fs::path(setup.module_path).parent_path()}) {
    if (!path.empty() && fs::exists(path, failed)) {
      rules.read_only.push_back(path);
    }
  }
  rules.may_listen_unix = true;
  Result<sandbox::Applied> applied = sandbox::Enter(rules);
  if (!applied) {
    return std::unexpected(applied.error());
  }
  for (const std::string& lack : applied->degraded) {
    Log(LogLevel::kWarning, "the sandbox is weaker here", {{"lack", lack}});
  }
  return {};
}

UniqueFd TakeSecret(Started& started) {
  return started.fds.size() > 2 ? std::move(started.fds[2]) : UniqueFd();
}

Result<void> RunInit(Started started) {
  Result<custody::ReadyToken> token = custody::PrepareToken(started.setup, TakeSecret(started));
  if (!token) {
    ipc::SendStartFailure(started.supervisor, token.error());
    return std::unexpected(token.error());
  }
  if (Result<void> ready = ipc::SendReady(started.supervisor); !ready) {
    return ready;
  }
  return custody::ServeInit(started.setup, std::move(*token), std::move(started.supervisor),
                            ipc::Channel(std::move(started.fds[0]), ipc::ProcessKind::kCustodian,
                                         ipc::ProcessKind::kOperator));
}

// Opens everything that the token opens.
Result<std::unique_ptr<custody::CustodyServer>> Prepare(Started& started,
                                                        Result<custody::ReadyToken> token,
                                                        ipc::Channel front) {
  if (!token) {
    return std::unexpected(token.error());
  }
  custody::Custodian::Options options;
  options.deployment = started.setup.deployment;
  options.mirror = started.setup.mirror;
  options.pin_protection = token->pin_protection;
  options.labels = started.setup.labels;
  options.default_label = started.setup.default_label;
  options.token = std::move(token->token);
  Result<std::unique_ptr<custody::Custodian>> custodian =
      custody::Custodian::Open(std::move(options));
  if (!custodian) {
    return std::unexpected(custodian.error());
  }
  custody::CustodyServer::Options server;
  server.custodian = std::move(*custodian);
  server.lease = std::chrono::milliseconds(started.setup.lease_ms);
  server.control = std::move(started.fds[1]);
  auto made = std::make_unique<custody::CustodyServer>(std::move(server));
  if (Result<void> attached = made->AttachFront(std::move(front)); !attached) {
    if (attached.error().code != ErrorCode::kUnavailable) {
      return std::unexpected(attached.error());
    }
    // It has died: the supervisor brings another one's channel.
    LogError("the front is gone", attached.error());
  }
  return made;
}

Result<void> Serve(Started& started, Result<custody::ReadyToken> token, ipc::Channel front) {
  Result<std::unique_ptr<custody::CustodyServer>> server =
      Prepare(started, std::move(token), std::move(front));
  if (!server) {
    ipc::SendStartFailure(started.supervisor, server.error());
    return std::unexpected(server.error());
  }
  if (Result<void> sent = ipc::SendReady(started.supervisor); !sent) {
    return sent;
  }
  return (*server)->Serve(std::move(started.supervisor));
}

// Without its passphrase: says so, and goes on when the operator has brought it.
Result<void> ServeLocked(Started& started, ipc::Channel front) {
  if (Result<void> sent = ipc::SendReady(started.supervisor); !sent) {
    return sent;
  }
  custody::LockServer lock(started.setup, std::move(front), std::move(started.fds[1]),
                           [](const ipc::SetupCustodian& setup, SecretBuffer secret) {
                             return custody::PrepareToken(setup, std::move(secret));
                           });
  Result<bool> unlocked = lock.Wait(started.supervisor);
  if (!unlocked || !*unlocked) {
    return unlocked ? Result<void>() : std::unexpected(unlocked.error());
  }
  started.setup = lock.setup();
  started.fds[1] = lock.TakeControl();
  return Serve(started, lock.TakeToken(), lock.TakeFront());
}

Result<void> Run() {
  Result<Started> started =
      ipc::ReceiveSetup<ipc::SetupCustodian>(ipc::ProcessKind::kCustodian, 2, 3);
  if (!started) {
    return std::unexpected(started.error());
  }
  Result<void> ready = crypto::InitCrypto();
  if (ready) {
    ready = HardenProcess(true);
  }
  if (ready) {
    ready = EnterSandbox(started->setup);
  }
  if (!ready) {
    ipc::SendStartFailure(started->supervisor, ready.error());
    return ready;
  }
  if (started->setup.init) {
    return RunInit(std::move(*started));
  }
  ipc::Channel front(std::move(started->fds[0]), ipc::ProcessKind::kCustodian,
                     ipc::ProcessKind::kFront);
  const bool needs_secret = started->setup.pin_source != "insecure-file";
  if (needs_secret && started->fds.size() == 2) {
    return ServeLocked(*started, std::move(front));
  }
  return Serve(*started, custody::PrepareToken(started->setup, TakeSecret(*started)),
               std::move(front));
}

}  // namespace
}  // namespace casemate

int main() {
  casemate::InitLog("custodian");
  if (casemate::Result<void> done = casemate::Run(); !done) {
    casemate::LogError("the custodian ends", done.error());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
