#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "app/command_files.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_secret.h"
#include "app/command_server.h"
#include "base/file.h"
#include "config/deployment_config.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxAddress = 256;  // bytes of the ready line

struct ServeOptions {
  std::string dir;
  SecretSource passphrase;
  std::string listen;
  std::string ready_file;
  bool locked = false;
};

// Waits for the address on `pipe` and tells it: into the ready file, whole or not at all, or to the
// terminal. Ends when the server does without having served.
[[noreturn]] void TellAddress(int pipe, const std::string& ready_file) {
  std::string address;
  char c = 0;
  while (address.size() < kMaxAddress && ::read(pipe, &c, 1) == 1 && c != '\n') {
    address += c;
  }
  if (address.empty()) {
    ::_exit(0);
  }
  if (ready_file.empty()) {
    PrintNote("casemate: serving on https://" + address);
    ::_exit(0);
  }
  Result<void> written = WriteFileAtomically(ready_file, AsBytes(address + "\n"), 0644);
  if (!written) {
    PrintError(written.error());
  }
  ::_exit(written ? 0 : 1);
}

// Starts the watcher as a child of init, not of ours: this process becomes the supervisor, which
// knows all its children. Returns the pipe's end for it.
Result<UniqueFd> StartWatcher(const std::string& ready_file) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return FailErrno("pipe2");
  }
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) {
    return FailErrno("fork");
  }
  if (child == 0) {
    writer.Reset();
    const pid_t watcher = ::fork();
    if (watcher == 0) {
      TellAddress(reader.get(), ready_file);
    }
    ::_exit(watcher < 0 ? 1 : 0);
  }
  (void)::waitpid(child, nullptr, 0);
  return writer;
}

// The descriptor that the custodian will read its PIN's protection from; invalid: none is needed.
Result<UniqueFd> OpenSecret(const ServeOptions& options, config::PinSource source) {
  switch (source) {
    case config::PinSource::kPassphrase: {
      const SecretSource& from = options.passphrase;
      const bool asks = from.file.empty() && from.descriptor == 0;
      const UniqueFd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
      if (options.locked || (asks && !terminal.valid())) {
        PrintNote("casemate: no passphrase: the server waits, locked, for 'casemate unlock'");
        return UniqueFd();
      }
      Result<SecretBuffer> passphrase = ReadPassphrase(from, false);
      if (!passphrase) {
        return std::unexpected(passphrase.error());
      }
      // What came from a file may be read again for a custodian that is started anew; what was
      // typed or handed over is kept by nobody: after such a start 'casemate unlock' is needed.
      return from.file.empty() ? SecretPipe(*passphrase) : SecretMemfd(*passphrase);
    }
    case config::PinSource::kCredential: {
      const char* folder = ::getenv("CREDENTIALS_DIRECTORY");
      if (folder == nullptr) {
        return Fail(ErrorCode::kInvalidArgument,
                    "custody.pin_source is \"credential\" but $CREDENTIALS_DIRECTORY is not set; "
                    "run as a systemd service with LoadCredential=casemate-pin");
      }
      const fs::path path = fs::path(folder) / "casemate-pin";
      UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      return file.valid() ? Result<UniqueFd>(std::move(file))
                          : FailErrno("opening the credential " + path.string());
    }
    case config::PinSource::kInsecureFile:
      break;
  }
  return UniqueFd();
}

Result<void> KeepOverExec(const UniqueFd& fd) {
  return ::fcntl(fd.get(), F_SETFD, 0) == 0 ? Result<void>() : FailErrno("fcntl");
}

Result<ExitStatus> RunServe(const ServeOptions& options) {
  Result<fs::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<config::DeploymentConfig> settings = config::LoadConfig(*deployment / "config.toml");
  if (!settings) {
    return std::unexpected(settings.error());
  }
  Result<fs::path> bin = ExecutableFolder();
  if (!bin) {
    return std::unexpected(bin.error());
  }
  Result<UniqueFd> secret = OpenSecret(options, settings->custody.pin_source);
  if (!secret) {
    return std::unexpected(secret.error());
  }
  std::string ready_file = options.ready_file;
  if (!ready_file.empty()) {
    ready_file = fs::absolute(ready_file).string();
    ::unlink(ready_file.c_str());  // an old address must not pass for the new one
  }
  Result<UniqueFd> ready = StartWatcher(ready_file);
  if (!ready) {
    return std::unexpected(ready.error());
  }
  const std::string program = (*bin / "casemate-supervisor").string();
  std::vector<std::string> words = {program, "--dir", deployment->string(), "--ready-fd",
                                    std::to_string(ready->get())};
  if (!options.listen.empty()) {
    words.insert(words.end(), {"--listen", options.listen});
  }
  words.insert(words.end(),
               {"--pin-source", std::string(config::PinSourceName(settings->custody.pin_source))});
  if (secret->valid()) {
    words.insert(words.end(), {"--secret-fd", std::to_string(secret->get())});
    if (Result<void> kept = KeepOverExec(*secret); !kept) {
      return std::unexpected(kept.error());
    }
  }
  if (Result<void> kept = KeepOverExec(*ready); !kept) {
    return std::unexpected(kept.error());
  }
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  return FailErrno("starting " + program);
}

}  // namespace

void AddServe(CommandLine& line) {
  auto options = std::make_shared<ServeOptions>();
  line.Add("serve", "Serve a deployment until SIGTERM or Ctrl-C",
           "casemate serve --dir D --passphrase-file F --listen 127.0.0.1:8443",
           [options] { return RunServe(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Text("--passphrase-file", options->passphrase.file, "Its first line opens the token's PIN")
      .Number("--passphrase-fd", options->passphrase.descriptor, "Read it from this descriptor", 3,
              1 << 20)
      .Text("--listen", options->listen, "Address and port (default: server.listen); port 0: any")
      .Flag("--locked", options->locked, "Wait for 'casemate unlock' instead of asking")
      .Text("--ready-file", options->ready_file, "Write the address there once it serves");
}

}  // namespace casemate::app
