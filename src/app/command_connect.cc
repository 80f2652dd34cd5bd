#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "app/command_files.h"
#include "app/command_line.h"
#include "app/command_secret.h"
#include "app/command_server.h"
#include "app/connect_setup.h"
#include "base/file.h"
#include "config/deployment_config.h"
#include "crypto/certificate.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxSmallFile = std::size_t{64} * 1024;

struct ConnectOptions {
  std::string dir;
  std::string server;
  std::string ca;
  std::string log_key;
  SecretSource key{.option = "--key", .noun = "API key"};
  std::string listen = "127.0.0.1:8080";
  std::string socket;
  std::string token_file;
  bool new_token = false;
  std::vector<std::string> origins;
  bool require_verified = false;
  bool buffer = false;
  std::uint64_t max_body_mib = 256;
  std::string ready_file;
  bool json = false;
};

// "gateway.example:8443", "[::1]:8443".
Result<void> TakeServer(const std::string& text, ConnectSetup& setup) {
  const std::size_t colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  if (colon != std::string::npos && colon > 0 && (!bracketed || text[colon - 1] == ']')) {
    setup.host = bracketed ? text.substr(1, colon - 2) : text.substr(0, colon);
    const char* end = text.data() + text.size();
    const auto [rest, failed] = std::from_chars(text.data() + colon + 1, end, setup.port);
    if (failed == std::errc() && rest == end && setup.port != 0 && !setup.host.empty() &&
        (bracketed || setup.host.find(':') == std::string::npos)) {
      return {};
    }
  }
  return Fail(ErrorCode::kInvalidArgument,
              "--server '" + text + "': expected HOST:PORT, as gateway.example:8443 or [::1]:8443");
}

// What a deployment on this machine says about itself, for what was not given.
Result<void> TakeDeployment(ConnectOptions& options) {
  Result<fs::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  if (options.ca.empty()) {
    options.ca = *deployment / "tls" / "ca.pem";
  }
  if (options.log_key.empty()) {
    options.log_key = *deployment / "audit" / "log.vkey";
  }
  if (!options.server.empty()) {
    return {};
  }
  Result<config::DeploymentConfig> settings = config::LoadConfig(*deployment / "config.toml");
  if (!settings) {
    return std::unexpected(settings.error());
  }
  options.server = settings->server.listen;
  if (options.server.starts_with("0.0.0.0:")) {
    options.server.replace(0, 7, "127.0.0.1");
  } else if (options.server.starts_with("[::]:")) {
    options.server.replace(0, 4, "[::1]");
  }
  if (options.server.ends_with(":0")) {
    return Fail(ErrorCode::kInvalidArgument,
                "the deployment listens on any free port: say which with --server HOST:PORT");
  }
  return {};
}

Result<void> TakeListen(const ConnectOptions& options, ConnectSetup& setup) {
  if (!options.socket.empty()) {
    setup.socket = fs::absolute(options.socket).lexically_normal().string();
    return {};
  }
  Result<config::Endpoint> endpoint = config::ParseEndpoint(options.listen);
  if (!endpoint) {
    return Wrap(endpoint.error(), "--listen");
  }
  if (!endpoint->address.starts_with("127.") && endpoint->address != "::1") {
    return Fail(ErrorCode::kInvalidArgument,
                "--listen " + options.listen +
                    ": connect listens on loopback only (127.0.0.1 or [::1]): what it answers is "
                    "not encrypted");
  }
  setup.address = endpoint->address;
  setup.listen_port = endpoint->port;
  return {};
}

Result<std::string> DefaultTokenFile() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  if ((state == nullptr || *state != '/') && (home == nullptr || *home != '/')) {
    return Fail(ErrorCode::kInvalidArgument, "$HOME is not set: name a file with --token-file F");
  }
  const fs::path folder =
      (state != nullptr && *state == '/' ? fs::path(state) : fs::path(home) / ".local" / "state") /
      "casemate";
  if (Result<void> made = MakeFolder(folder); !made) {
    return std::unexpected(made.error());
  }
  return (folder / "connect.token").string();
}

Result<std::string> ReadText(const std::string& path) {
  Result<Bytes> bytes = ReadFile(path, kMaxSmallFile);
  return bytes ? Result<std::string>(std::string(AsText(*bytes))) : std::unexpected(bytes.error());
}

Result<ConnectSetup> MakeSetup(ConnectOptions options) {
  ConnectSetup setup;
  if (!options.dir.empty()) {
    if (Result<void> taken = TakeDeployment(options); !taken) {
      return std::unexpected(taken.error());
    }
  }
  if (options.server.empty() || options.ca.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected --server HOST:PORT and --ca FILE, or --dir D of a deployment here");
  }
  if (Result<void> taken = TakeServer(options.server, setup); !taken) {
    return std::unexpected(taken.error());
  }
  Result<std::string> pem = ReadText(options.ca);
  Result<Bytes> authority =
      pem ? crypto::CertificateFromPem(*pem) : Result<Bytes>(std::unexpected(pem.error()));
  if (!authority) {
    return Wrap(authority.error(), "--ca " + options.ca);
  }
  setup.authority_der = std::move(*authority);
  if (!options.log_key.empty()) {
    Result<std::string> keys = ReadText(options.log_key);
    if (!keys) {
      return Wrap(keys.error(), "--log-key " + options.log_key);
    }
    setup.log_keys = std::move(*keys);
  } else if (options.require_verified || options.buffer) {
    return Fail(ErrorCode::kInvalidArgument,
                "nothing can be verified without the keys of the server's log: --log-key FILE (the "
                "server's D/audit/log.vkey)");
  }
  if (Result<void> taken = TakeListen(options, setup); !taken) {
    return std::unexpected(taken.error());
  }
  // 0: marked, 1: required, 2: buffered (net::ReceiptMode).
  setup.mode = options.buffer ? 2 : options.require_verified ? 1 : 0;
  setup.origins = options.origins;
  setup.new_token = options.new_token;
  setup.max_body_bytes = options.max_body_mib << 20;
  setup.json = options.json;
  Result<std::string> token = options.token_file.empty()
                                  ? DefaultTokenFile()
                                  : fs::absolute(options.token_file).lexically_normal().string();
  if (!token) {
    return std::unexpected(token.error());
  }
  setup.token_file = std::move(*token);
  if (!options.ready_file.empty()) {
    setup.ready_file = fs::absolute(options.ready_file).string();
    ::unlink(setup.ready_file.c_str());  // an old address must not pass for the new one
  }
  Result<SecretBuffer> key = ReadPassphrase(options.key, false);
  if (!key) {
    return std::unexpected(key.error());
  }
  setup.api_key = Plaintext::Copy(key->RevealBytes());
  if (setup.api_key.view().Reveal().find_first_of(" \t\r") != std::string_view::npos) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "the API key has a space in it; expected the line that 'casemate key create' shows");
  }
  return setup;
}

Result<ExitStatus> RunConnect(const ConnectOptions& options) {
  Result<ConnectSetup> setup = MakeSetup(options);
  if (!setup) {
    return std::unexpected(setup.error());
  }
  Result<fs::path> bin = ExecutableFolder();
  if (!bin) {
    return std::unexpected(bin.error());
  }
  Result<UniqueFd> fd = WriteSetup(*setup);
  if (!fd) {
    return std::unexpected(fd.error());
  }
  std::string program = (*bin / "casemate-connect").string();
  std::string option = "--setup-fd";
  std::string number = std::to_string(fd->get());
  if (::fcntl(fd->get(), F_SETFD, 0) != 0) {
    return FailErrno("fcntl");
  }
  char* const arguments[] = {program.data(), option.data(), number.data(), nullptr};
  ::execv(program.c_str(), arguments);
  return FailErrno("starting " + program);
}

}  // namespace

void AddConnect(CommandLine& line) {
  auto options = std::make_shared<ConnectOptions>();
  line.Add("connect", "Serve the API on loopback to clients that cannot speak hybrid TLS",
           "casemate connect --server gateway.example:8443 --ca ca.pem --key-file key --log-key "
           "log.vkey",
           [options] { return RunConnect(*options); })
      .Text("--server", options->server, "The gateway as HOST:PORT; its certificate must name HOST")
      .Text("--ca", options->ca, "The one CA that is trusted: the server's D/tls/ca.pem")
      .Text("--log-key", options->log_key,
            "Verifies receipts: the server's D/audit/log.vkey; without it answers are not verified")
      .Text("--dir", options->dir,
            "A deployment on this machine, for --server, --ca and --log-key that are not given")
      .Text("--key-file", options->key.file, "Its first line is the API key")
      .Number("--key-fd", options->key.descriptor, "Read the API key from this descriptor", 3,
              1 << 20)
      .Text("--listen", options->listen,
            "Loopback address and port (default 127.0.0.1:8080); port 0: any")
      .Text("--socket", options->socket, "Listen on this UNIX socket (mode 0600) instead")
      .Text("--token-file", options->token_file,
            "Where connect's own token is, or is written (default: "
            "~/.local/state/casemate/connect.token)")
      .Flag("--new-token", options->new_token, "Replace the token")
      .Many("--allow-origin", options->origins,
            "Web pages of this origin may ask, as http://localhost:3000")
      .Flag("--require-verified", options->require_verified,
            "No answer ends well unless its receipt verifies; streams flow and are cut otherwise")
      .Flag("--buffer-until-verified", options->buffer,
            "Nothing of an answer goes out before its receipt verifies")
      .Number("--max-body-mib", options->max_body_mib, "Largest request (default 256 MiB)", 1, 4096)
      .Text("--ready-file", options->ready_file, "Write the address there once it serves")
      .Flag("--json", options->json, "Tell address and files as JSON");
}

}  // namespace casemate::app
