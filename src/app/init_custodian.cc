#include "app/init_custodian.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <utility>

#include "app/command_files.h"
#include "ipc/channel.h"
#include "ipc/control.h"
#include "ipc/peer.h"
#include "ipc/supervision.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr int kStartTimeoutMs = 15'000;
// Argon2id, the token and the first keys; a hardware token takes its time.
constexpr auto kInitTimeout = std::chrono::minutes(5);

// The custodian while it makes a deployment: a child with its two channels.
class InitCustodian {
 public:
  static Result<InitCustodian> Start(const fs::path& program) {
    Result<std::pair<UniqueFd, UniqueFd>> control = ipc::Channel::MakePair();
    if (!control) {
      return std::unexpected(control.error());
    }
    const pid_t child = ::fork();
    if (child < 0) {
      return FailErrno("fork");
    }
    if (child == 0) {
      // dup2 leaves the copy without CLOEXEC, unless both are the same number.
      if (control->second.get() == ipc::kSupervisorFd) {
        (void)::fcntl(ipc::kSupervisorFd, F_SETFD, 0);
      } else if (::dup2(control->second.get(), ipc::kSupervisorFd) < 0) {
        ::_exit(127);
      }
      ::execl(program.c_str(), "casemate-custodian", static_cast<char*>(nullptr));
      ::_exit(127);
    }
    control->second.Reset();
    return InitCustodian(child,
                         ipc::Channel(std::move(control->first), ipc::ProcessKind::kSupervisor,
                                      ipc::ProcessKind::kCustodian));
  }
  InitCustodian(InitCustodian&& other) noexcept
      : child_(std::exchange(other.child_, -1)), channel_(std::move(other.channel_)) {}
  InitCustodian& operator=(InitCustodian&&) = delete;
  ~InitCustodian() {
    if (child_ > 0) {
      (void)::kill(child_, SIGTERM);
      (void)::waitpid(child_, nullptr, 0);
    }
  }
  ipc::Channel& channel() { return channel_; }
  // It has answered everything: it ends by itself when told so.
  void Stop() {
    (void)channel_.Send({.type = ipc::MessageType::kStop,
                         .request = 0,
                         .payload = ipc::Encode(ipc::Stop{}),
                         .fds = {}},
                        kStartTimeoutMs);
    (void)::waitpid(std::exchange(child_, -1), nullptr, 0);
  }

 private:
  InitCustodian(pid_t child, ipc::Channel channel) : child_(child), channel_(std::move(channel)) {}
  pid_t child_;
  ipc::Channel channel_;
};

Result<void> SendSetup(InitCustodian& custodian, const NewDeployment& made, const fs::path& module,
                       UniqueFd operator_end, UniqueFd secret) {
  const config::CustodyConfig& custody = made.settings.custody;
  ipc::SetupCustodian setup;
  setup.deployment = made.deployment.string();
  setup.pin_source = std::string(config::PinSourceName(custody.pin_source));
  setup.token_uri = custody.token;
  setup.module_path = module.string();
  setup.mirror = custody.mirror;
  setup.lease_ms = static_cast<std::uint32_t>(custody.lease.count());
  setup.argon2_memory_kib = made.argon2_memory_kib;
  setup.init = true;

  // While a deployment is made nobody listens; the place of the control socket is filled by an
  // unbound one.
  UniqueFd placeholder(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!placeholder.valid()) {
    return FailErrno("socket");
  }
  ipc::Frame frame{
      .type = ipc::SetupCustodian::kType, .request = 0, .payload = ipc::Encode(setup), .fds = {}};
  frame.fds.push_back(std::move(operator_end));
  frame.fds.push_back(std::move(placeholder));
  if (secret.valid()) {
    frame.fds.push_back(std::move(secret));
  }
  if (Result<void> sent = custodian.channel().Send(frame, kStartTimeoutMs); !sent) {
    return sent;
  }
  Result<ipc::Frame> ready = custodian.channel().Receive(kStartTimeoutMs);
  if (!ready) {
    return Wrap(ready.error(), "casemate-custodian did not start");
  }
  if (ready->type == ipc::MessageType::kError) {
    Result<ipc::Failure> failure = ipc::Decode<ipc::Failure>(ready->payload);
    return std::unexpected(failure ? std::move(*failure).ToError() : failure.error());
  }
  return {};
}

Result<custody::InitReply> AskInit(UniqueFd socket, const NewDeployment& made) {
  custody::Init init;
  init.tenant = made.tenant;
  init.models = made.models;
  init.labels = made.settings.labels.order;
  init.default_label = made.settings.labels.fallback;
  init.dns_names = made.settings.tls.dns_names;
  init.ip_addresses = made.settings.tls.ip_addresses;
  // What config.toml says is there besides those that it lists.
  init.dns_names.emplace_back("localhost");
  init.ip_addresses.insert(init.ip_addresses.end(), {"127.0.0.1", "::1"});
  ipc::Peer::Handlers handlers;
  handlers.request = [](ipc::Incoming) {};  // the custodian asks nothing; dropping it refuses it
  handlers.notice = [](ipc::Frame) {};
  handlers.closed = [](const Error&) {};
  const std::unique_ptr<ipc::Peer> peer = ipc::Peer::Start(
      ipc::Channel(std::move(socket), ipc::ProcessKind::kOperator, ipc::ProcessKind::kCustodian),
      std::move(handlers));
  return peer->Call<custody::InitReply>(init, kInitTimeout);
}

}  // namespace

Result<custody::InitReply> AskNewCustodian(const NewDeployment& made, UniqueFd secret) {
  Result<fs::path> module = config::FindModule(made.settings.custody);
  if (!module) {
    return std::unexpected(module.error());
  }
  Result<fs::path> bin = ExecutableFolder();
  if (!bin) {
    return std::unexpected(bin.error());
  }
  Result<InitCustodian> custodian = InitCustodian::Start(*bin / "casemate-custodian");
  if (!custodian) {
    return std::unexpected(custodian.error());
  }
  Result<std::pair<UniqueFd, UniqueFd>> pair = ipc::Channel::MakePair();
  if (!pair) {
    return std::unexpected(pair.error());
  }
  if (Result<void> sent =
          SendSetup(*custodian, made, *module, std::move(pair->second), std::move(secret));
      !sent) {
    return std::unexpected(sent.error());
  }
  Result<custody::InitReply> reply = AskInit(std::move(pair->first), made);
  if (reply) {
    custodian->Stop();
  }
  return reply;
}

}  // namespace casemate::app
