// casemate-supervisor: opens what a server needs, then starts and watches its processes.
#include <fcntl.h>
#include <getopt.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "app/service_notifier.h"
#include "app/supervisor.h"
#include "app/supervisor_sockets.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/log.h"
#include "base/log_settings.h"
#include "config/deployment_config.h"
#include "sandbox/sandbox.h"
#include "secmem/harden.h"

namespace {

using namespace casemate;  // NOLINT: the whole file is one program

constexpr const char* kUsage =
    "usage: casemate-supervisor --dir D --ready-fd N [--listen ADDRESS:PORT]\n"
    "         [--secret-fd N] [--pin-source passphrase|pin|credential|insecure-file]\n"
    "Without --secret-fd the server waits, locked, for 'casemate unlock'.\n"
    "Started by 'casemate serve'; see 'casemate serve --help'.\n";

constexpr const char* kOperatorSocket = "admin.sock";
constexpr const char* kCustodianSocket = "custodian.sock";

struct Arguments {
  std::filesystem::path deployment;
  std::string listen;
  std::string pin_source;
  UniqueFd ready;
  UniqueFd secret;
};

// A descriptor that our starter left open; from here on no child inherits it.
Result<UniqueFd> TakeDescriptor(const char* text) {
  int number = -1;
  const std::string_view view(text);
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), number);
  if (error != std::errc() || end != view.data() + view.size() || number < 3 ||
      ::fcntl(number, F_SETFD, FD_CLOEXEC) != 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + std::string(view) + "' is not an open descriptor of 3 or more");
  }
  return UniqueFd(number);
}

Result<Arguments> ParseArguments(int argc, char** argv) {
  enum { kDir = 1, kReadyFd, kListen, kSecretFd, kPinSource };
  static constexpr option kOptions[] = {
      {"dir", required_argument, nullptr, kDir},
      {"ready-fd", required_argument, nullptr, kReadyFd},
      {"listen", required_argument, nullptr, kListen},
      {"secret-fd", required_argument, nullptr, kSecretFd},
      {"pin-source", required_argument, nullptr, kPinSource},
      {nullptr, 0, nullptr, 0},
  };
  Arguments arguments;
  for (int which = 0; (which = ::getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    switch (which) {
      case kDir:
        arguments.deployment = optarg;
        break;
      case kListen:
        arguments.listen = optarg;
        break;
      case kPinSource:
        arguments.pin_source = optarg;
        break;
      case kReadyFd:
      case kSecretFd: {
        Result<UniqueFd> fd = TakeDescriptor(optarg);
        if (!fd) {
          return std::unexpected(fd.error());
        }
        (which == kReadyFd ? arguments.ready : arguments.secret) = std::move(*fd);
        break;
      }
      default:
        return Fail(ErrorCode::kInvalidArgument, kUsage);
    }
  }
  if (optind != argc || arguments.deployment.empty() || !arguments.ready.valid()) {
    return Fail(ErrorCode::kInvalidArgument, kUsage);
  }
  return arguments;
}

Result<void> CheckPinSource(const std::string& source, bool has_secret) {
  if (source != "passphrase" && source != "pin" && source != "credential" &&
      source != "insecure-file") {
    return Fail(
        ErrorCode::kInvalidArgument,
        "--pin-source '" + source + "': expected passphrase, pin, credential, insecure-file");
  }
  if (source == "insecure-file" && has_secret) {
    return Fail(ErrorCode::kInvalidArgument, "--secret-fd with an insecure-file");
  }
  return {};
}

// What the supervisor may still do, which is the most that any child may do: a sandbox is
// inherited, and each child narrows it to its own.
Result<void> Confine(const app::SupervisorSetup& setup) {
  sandbox::Rules rules;
  rules.may_exec = true;
  rules.max_files = 65536 + 1024;  // a front with the most connections
  rules.read_only = {"/"};
  rules.read_write = {setup.deployment, "/dev"};
  const config::CustodyConfig& custody = setup.config.custody;
  if (!custody.mirror.empty() && custody.mirror != "none" &&
      std::filesystem::exists(custody.mirror)) {
    rules.read_write.emplace_back(custody.mirror);
  }
  if (!custody.token.empty()) {
    // Where the library of somebody else's token keeps its state is not known here.
    rules.read_write = {"/"};
    Log(LogLevel::kInfo, "files are not restricted before the custodian does it itself",
        {{"because", "custody.token names a token outside of the deployment"}});
  }
  Result<sandbox::Applied> applied = sandbox::Enter(rules);
  if (!applied) {
    return std::unexpected(applied.error());
  }
  for (const std::string& lack : applied->degraded) {
    Log(LogLevel::kWarning, "the sandbox is weaker here", {{"lack", lack}});
  }
  return {};
}

Result<app::SupervisorSetup> Prepare(Arguments& arguments, UniqueFd& lock) {
  app::SupervisorSetup setup;
  std::error_code error;
  setup.deployment = std::filesystem::canonical(arguments.deployment, error);
  if (error) {
    return Fail(ErrorCode::kNotFound, arguments.deployment.string() +
                                          " is not there: make it with 'casemate init --dir " +
                                          arguments.deployment.string() + "'");
  }
  setup.executables = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  if (error) {
    return Fail(ErrorCode::kUnavailable, "/proc/self/exe: " + error.message());
  }
  Result<config::DeploymentConfig> config = config::LoadConfig(setup.deployment / "config.toml");
  if (!config) {
    return std::unexpected(config.error());
  }
  setup.config = std::move(*config);
  InitLog("supervisor", setup.config.log_level);
  SetLogFormat(setup.config.log_format);

  setup.pin_source = arguments.pin_source.empty()
                         ? config::PinSourceName(setup.config.custody.pin_source)
                         : arguments.pin_source;
  if (Result<void> good = CheckPinSource(setup.pin_source, arguments.secret.valid()); !good) {
    return std::unexpected(good.error());
  }
  setup.secret = std::move(arguments.secret);
  Result<std::filesystem::path> module = config::FindModule(setup.config.custody);
  if (!module) {
    return std::unexpected(module.error());
  }
  setup.module_path = module->string();

  Result<UniqueFd> locked = app::LockDeployment(setup.deployment);
  if (!locked) {
    return std::unexpected(locked.error());
  }
  lock = std::move(*locked);
  Result<config::Endpoint> endpoint = config::ParseEndpoint(
      arguments.listen.empty() ? setup.config.server.listen : arguments.listen);
  if (!endpoint) {
    return std::unexpected(endpoint.error());
  }
  Result<UniqueFd> tcp = app::ListenTcp(endpoint->address, endpoint->port);
  Result<UniqueFd> admin = app::ListenUnix(setup.deployment, kOperatorSocket, SOCK_STREAM);
  Result<UniqueFd> control = app::ListenUnix(setup.deployment, kCustodianSocket, SOCK_SEQPACKET);
  for (Result<UniqueFd>* opened : {&tcp, &admin, &control}) {
    if (!*opened) {
      return std::unexpected(opened->error());
    }
  }
  setup.tcp_listener = std::move(*tcp);
  setup.operator_listener = std::move(*admin);
  setup.custodian_listener = std::move(*control);
  return setup;
}

// Told once; a restart serves at the same address.
std::function<void(const std::string&)> TellOnce(UniqueFd ready) {
  return [ready = std::make_shared<UniqueFd>(std::move(ready))](const std::string& address) {
    if (ready->valid()) {
      if (Result<void> told = WriteAll(ready->get(), AsBytes(address + "\n")); !told) {
        LogError("the address could not be told", told.error());
      }
      ready->Reset();
    }
  };
}

Result<void> RunSupervisor(int argc, char** argv) {
  Result<Arguments> arguments = ParseArguments(argc, argv);
  if (!arguments) {
    return std::unexpected(arguments.error());
  }
  if (Result<void> hardened = HardenProcess(/*die_with_parent=*/false); !hardened) {
    return hardened;
  }
  const app::ServiceNotifier notifier = app::ServiceNotifier::FromEnvironment();
  UniqueFd lock;  // until the last child has ended
  Result<app::SupervisorSetup> setup = Prepare(*arguments, lock);
  if (!setup) {
    return std::unexpected(setup.error());
  }
  if (Result<void> confined = Confine(*setup); !confined) {
    return confined;
  }
  setup->serving = TellOnce(std::move(arguments->ready));
  setup->notify = [&notifier](const std::string& state) { notifier.Tell(state); };
  setup->notify_alive = notifier.alive_every();
  const std::filesystem::path deployment = setup->deployment;
  Result<void> ended = app::Supervisor(std::move(*setup)).Run();
  for (const char* name : {kOperatorSocket, kCustodianSocket}) {
    app::RemoveUnix(deployment, name);  // still ours: the lock is
  }
  return ended;
}

}  // namespace

int main(int argc, char** argv) {
  InitLog("supervisor");
  Result<void> ended = RunSupervisor(argc, argv);
  if (!ended) {
    LogError("the server ends", ended.error());
    return EXIT_FAILURE;
  }
  Log(LogLevel::kInfo, "ended");
  return EXIT_SUCCESS;
}
