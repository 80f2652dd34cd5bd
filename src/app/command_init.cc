#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "app/command_files.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_secret.h"
#include "base/clock.h"
#include "base/file.h"
#include "config/deployment_config.h"
#include "crypto/certificate.h"
#include "custody/messages.h"
#include "ipc/channel.h"
#include "ipc/control.h"
#include "ipc/peer.h"
#include "ipc/supervision.h"
#include "json/writer.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr int kStartTimeoutMs = 15'000;
// Argon2id, the token and the first keys; a hardware token takes its time.
constexpr auto kInitTimeout = std::chrono::minutes(5);
constexpr std::string_view kShippedModel = "casemate-answer-q8_0.gguf";
constexpr std::uint32_t kShippedContext = 320;  // tokens, what it was trained with

struct InitOptions {
  std::string dir;
  SecretSource passphrase;
  std::string tenant = "default";
  std::string mirror;
  bool no_mirror = false;
  bool insecure_pin_file = false;
  std::string token_uri;
  std::string module;
  std::string models;
  std::uint64_t argon2_memory_kib = 0;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  bool json = false;
};

// Removes the half-made deployment unless it was finished. Only a folder that was empty before.
class Unfinished {
 public:
  explicit Unfinished(fs::path folder) : folder_(std::move(folder)) {}
  ~Unfinished() {
    std::error_code ignored;
    if (!folder_.empty()) {
      fs::remove_all(folder_, ignored);
    }
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  void Finished() { folder_.clear(); }

 private:
  fs::path folder_;
};

// Where the shipped weights are: beside the installed program, or in the source tree that it was
// built in.
Result<fs::path> FindShippedModel(const std::string& given) {
  if (!given.empty()) {
    return fs::path(given) / kShippedModel;
  }
  Result<fs::path> bin = ExecutableFolder();
  if (!bin) {
    return bin;
  }
  for (const char* place : {"../share/casemate/models", "../../../models"}) {
    std::error_code failed;
    fs::path candidate = (*bin / place / kShippedModel).lexically_normal();
    if (fs::exists(candidate, failed)) {
      return candidate;
    }
  }
  return Fail(ErrorCode::kNotFound, "the shipped model " + std::string(kShippedModel) +
                                        " is neither in ../share/casemate/models nor in "
                                        "../../../models of " +
                                        bin->string() + "; name its folder with --models");
}

Result<fs::path> PrepareFolder(const std::string& dir) {
  std::error_code failed;
  const fs::path folder = fs::absolute(dir, failed).lexically_normal();
  if (fs::exists(folder / "config.toml", failed)) {
    return Fail(ErrorCode::kConflict, folder.string() + " is a deployment already");
  }
  if (fs::exists(folder, failed) && !fs::is_empty(folder, failed)) {
    return Fail(ErrorCode::kConflict,
                folder.string() + " is not empty; a deployment needs a folder of its own");
  }
  return folder;
}

config::DeploymentConfig MakeConfig(const InitOptions& options) {
  config::DeploymentConfig made;
  made.tls.dns_names = options.dns_names;
  made.tls.ip_addresses = options.ip_addresses;
  made.custody.token = options.token_uri;
  made.custody.module = options.module;
  made.custody.mirror = options.mirror;
  if (options.no_mirror) {
    made.custody.mirror = "none";
  }
  if (options.insecure_pin_file) {
    made.custody.pin_source = config::PinSource::kInsecureFile;
  }
  return made;
}

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

Result<void> SendSetup(InitCustodian& custodian, const InitOptions& options, const fs::path& folder,
                       const config::DeploymentConfig& settings, const fs::path& module,
                       UniqueFd operator_end, UniqueFd secret) {
  ipc::SetupCustodian setup;
  setup.deployment = folder.string();
  setup.pin_source = std::string(config::PinSourceName(settings.custody.pin_source));
  setup.token_uri = settings.custody.token;
  setup.module_path = module.string();
  setup.mirror = settings.custody.mirror;
  setup.lease_ms = static_cast<std::uint32_t>(settings.custody.lease.count());
  setup.argon2_memory_kib = static_cast<std::uint32_t>(options.argon2_memory_kib);
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

Result<custody::InitReply> AskInit(UniqueFd socket, const InitOptions& options,
                                   const CopiedModel& model) {
  custody::Init init;
  init.tenant = options.tenant;
  init.dns_names = options.dns_names;
  init.ip_addresses = options.ip_addresses;
  // What config.toml says is there besides those that it lists.
  init.dns_names.emplace_back("localhost");
  init.ip_addresses.insert(init.ip_addresses.end(), {"127.0.0.1", "::1"});
  for (const auto& [name, task] :
       {std::pair("casemate-answer", "chat"), std::pair("casemate-embed", "embedding")}) {
    init.models.push_back({.name = name,
                           .digest = model.digest,
                           .task = task,
                           .context_tokens = kShippedContext,
                           .file_bytes = model.bytes,
                           .added = UnixSeconds()});
  }
  std::unique_ptr<ipc::Peer> peer = ipc::Peer::Start(
      ipc::Channel(std::move(socket), ipc::ProcessKind::kOperator, ipc::ProcessKind::kCustodian),
      {.request = [](ipc::Incoming) {},
       .notice = [](ipc::Frame) {},
       .closed = [](const Error&) {}});
  return peer->Call<custody::InitReply>(init, kInitTimeout);
}

Result<custody::InitReply> RunCustodian(const InitOptions& options, const fs::path& folder,
                                        const config::DeploymentConfig& settings,
                                        const CopiedModel& model, UniqueFd secret) {
  Result<fs::path> module = config::FindModule(settings.custody);
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
  if (Result<void> sent = SendSetup(*custodian, options, folder, settings, *module,
                                    std::move(pair->second), std::move(secret));
      !sent) {
    return std::unexpected(sent.error());
  }
  Result<custody::InitReply> reply = AskInit(std::move(pair->first), options, model);
  if (reply) {
    custodian->Stop();
  }
  return reply;
}

Result<void> MakeFolders(const fs::path& folder, const config::DeploymentConfig& settings) {
  for (const char* name : {"", "custodian", "audit", "tls", "tenants", "models", "run"}) {
    if (Result<void> made = MakeFolder(folder / name); !made) {
      return made;
    }
  }
  if (!settings.custody.mirror.empty() && settings.custody.mirror != "none") {
    return MakeFolder(settings.custody.mirror);
  }
  return {};
}

Result<void> WritePublicFiles(const fs::path& folder, const custody::InitReply& reply,
                              const config::DeploymentConfig& settings) {
  const std::string pem = crypto::CertificateToPem(reply.authority_der);
  if (Result<void> written = WriteFileAtomically(folder / "tls" / "ca.pem", AsBytes(pem), 0644);
      !written) {
    return written;
  }
  if (Result<void> written =
          WriteFileAtomically(folder / "audit" / "log.vkey", AsBytes(reply.log_vkeys), 0644);
      !written) {
    return written;
  }
  // Last: its presence is what makes the folder a deployment.
  return WriteFileAtomically(folder / "config.toml", AsBytes(config::FormatConfig(settings)));
}

void PrintMade(const InitOptions& options, const fs::path& folder, const custody::InitReply& reply,
               const config::DeploymentConfig& settings) {
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("deployment").String(folder.string());
    writer.Key("tenant").String(options.tenant).Key("token").String(reply.token);
    writer.Key("ca").String((folder / "tls" / "ca.pem").string());
    writer.Key("log_key").String((folder / "audit" / "log.vkey").string()).EndObject();
    PrintJson(writer.Take());
    return;
  }
  PrintLine("made a deployment in " + folder.string() + " with tenant '" + options.tenant + "'");
  PrintLine("token: " + reply.token);
  PrintLine("CA for clients: " + (folder / "tls" / "ca.pem").string());
  if (settings.custody.mirror.empty()) {
    PrintNote(
        "note: no mirror is set: erasing will be refused until custody.mirror names a folder "
        "on another disk, or is \"none\"");
  }
  if (options.insecure_pin_file) {
    PrintNote("warning: the PIN lies beside the token: a stolen disk opens everything");
  }
  PrintLine("next: casemate serve --dir " + folder.string() + " --passphrase-file F");
}

Result<ExitStatus> RunInit(const InitOptions& given) {
  InitOptions options = given;
  if (!options.mirror.empty() && options.no_mirror) {
    return Fail(ErrorCode::kInvalidArgument, "--mirror and --no-mirror exclude each other");
  }
  if (!options.mirror.empty()) {
    options.mirror = fs::absolute(options.mirror).lexically_normal().string();
  }
  Result<fs::path> folder = PrepareFolder(options.dir);
  if (!folder) {
    return std::unexpected(folder.error());
  }
  Result<fs::path> shipped = FindShippedModel(options.models);
  if (!shipped) {
    return std::unexpected(shipped.error());
  }
  UniqueFd secret;
  if (!options.insecure_pin_file) {
    Result<SecretBuffer> passphrase = ReadPassphrase(options.passphrase, true);
    if (!passphrase) {
      return std::unexpected(passphrase.error());
    }
    Result<UniqueFd> pipe = SecretMemfd(*passphrase);
    if (!pipe) {
      return std::unexpected(pipe.error());
    }
    secret = std::move(*pipe);
  }
  const config::DeploymentConfig settings = MakeConfig(options);
  Unfinished unfinished(*folder);
  if (Result<void> made = MakeFolders(*folder, settings); !made) {
    return std::unexpected(made.error());
  }
  Result<CopiedModel> model = CopyModel(*shipped, *folder / "models");
  if (!model) {
    return std::unexpected(model.error());
  }
  Result<custody::InitReply> reply =
      RunCustodian(options, *folder, settings, *model, std::move(secret));
  if (!reply) {
    return std::unexpected(reply.error());
  }
  if (Result<void> written = WritePublicFiles(*folder, *reply, settings); !written) {
    return std::unexpected(written.error());
  }
  unfinished.Finished();
  PrintMade(options, *folder, *reply, settings);
  return ExitStatus::kOk;
}

}  // namespace

void AddInit(CommandLine& line) {
  auto options = std::make_shared<InitOptions>();
  line.Add("init", "Make a deployment: token, key trees, certificates, log, first tenant",
           "casemate init --dir /srv/casemate --passphrase-file F --mirror "
           "/mnt/second-disk/casemate",
           [options] { return RunInit(*options); })
      .Required("--dir", options->dir, "The deployment's folder; must be new or empty")
      .Text("--passphrase-file", options->passphrase.file, "Its first line seals the token's PIN")
      .Number("--passphrase-fd", options->passphrase.descriptor, "Read it from this descriptor", 3,
              1 << 20)
      .Text("--tenant", options->tenant, "Name of the first tenant (default: default)")
      .Text("--mirror", options->mirror, "Folder on another disk for the key tree's second copy")
      .Flag("--no-mirror", options->no_mirror, "Accept that a lost disk loses everything")
      .Flag("--insecure-pin-file", options->insecure_pin_file,
            "Leave the PIN beside the token: a stolen disk opens everything")
      .Text("--token-uri", options->token_uri, "RFC 7512 URI of a PKCS#11 token (default: own)")
      .Text("--module", options->module, "The PKCS#11 library (default: SoftHSM2's)")
      .Text("--models", options->models, "Folder of the shipped model, if it is not found")
      .Number("--argon2-memory-kib", options->argon2_memory_kib,
              "Memory of Argon2id in KiB (default: 262144)", 8192, 4 << 20)
      .Many("--dns", options->dns_names, "DNS name for the server's certificate")
      .Many("--ip", options->ip_addresses, "IP address for the server's certificate")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
