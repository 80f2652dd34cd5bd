// casemate-connect: on the user's machine, between clients that cannot speak hybrid TLS and the
// gateway. Started by `casemate connect`.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "app/connect_setup.h"
#include "app/connect_token.h"
#include "app/exit_status.h"
#include "app/listen.h"
#include "audit/verify/note.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/init.h"
#include "net/connect_server.h"
#include "net/gateway_backend.h"
#include "net/hops_backend.h"
#include "net/receipt_backend.h"
#include "sandbox/sandbox.h"
#include "secmem/harden.h"

namespace {

using namespace casemate;  // NOLINT: the whole file is one program

constexpr std::uint32_t kMaxRequests = 128;  // each has a thread that waits for the gateway
constexpr std::uint32_t kMaxConnections = 256;
constexpr std::uint32_t kSpareFiles = 64;
constexpr std::chrono::seconds kReceiptTimeout(10);  // a receipt is small, and there or not

sigset_t EndingSignals() {
  sigset_t ending{};
  sigemptyset(&ending);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    sigaddset(&ending, signal);
  }
  return ending;
}

// "--setup-fd N", and nothing else.
Result<UniqueFd> SetupDescriptor(int argc, char** argv) {
  int number = -1;
  if (argc == 3 && std::string_view(argv[1]) == "--setup-fd") {
    const std::string_view text(argv[2]);
    (void)std::from_chars(text.data(), text.data() + text.size(), number);
  }
  if (number < 3 || ::fcntl(number, F_SETFD, FD_CLOEXEC) != 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "casemate-connect is started by 'casemate connect'; see its --help");
  }
  return UniqueFd(number);
}

bool SomebodyListens(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (path.size() >= sizeof(name.sun_path) || !socket.valid()) {
    return false;
  }
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
}

struct Listener {
  UniqueFd socket;
  std::string place;               // "127.0.0.1:8080" or the path
  std::vector<std::string> hosts;  // what Host may say
};

Result<Listener> Listen(const app::ConnectSetup& setup) {
  Listener listener;
  if (!setup.socket.empty()) {
    const std::filesystem::path path(setup.socket);
    std::error_code ignored;
    const auto status = std::filesystem::symlink_status(path, ignored);
    if (std::filesystem::exists(status) && !std::filesystem::is_socket(status)) {
      return Fail(ErrorCode::kConflict, setup.socket + " is there and is no socket");
    }
    if (SomebodyListens(setup.socket)) {
      return Fail(ErrorCode::kConflict, "another program listens on " + setup.socket);
    }
    Result<UniqueFd> socket = app::ListenUnixAt(path, SOCK_STREAM);
    if (!socket) {
      return std::unexpected(socket.error());
    }
    listener.socket = std::move(*socket);
    listener.place = setup.socket;
    listener.hosts = {"localhost"};
    return listener;
  }
  Result<UniqueFd> socket = app::ListenTcp(setup.address, setup.listen_port);
  if (!socket) {
    return Wrap(socket.error(), "--listen");
  }
  Result<std::string> place = net::ListenerAddress(*socket);
  if (!place) {
    return std::unexpected(place.error());
  }
  const std::string port = place->substr(place->rfind(':'));
  listener.socket = std::move(*socket);
  listener.hosts = {*place, "localhost" + port};
  if (port == ":80") {
    listener.hosts.insert(listener.hosts.end(), {place->substr(0, place->rfind(':')), "localhost"});
  }
  listener.place = std::move(*place);
  return listener;
}

// One question before anything is served: is it the gateway that was pinned, and does it know the
// key? A gateway that is not there now may come later.
Result<void> TryGateway(net::Gateway& gateway, net::Backend& backend) {
  net::HttpRequest request;
  request.method = "GET";
  request.path = "/v1/models";
  Result<std::unique_ptr<net::Answer>> answer = backend.Open({}, request);
  if (!answer) {
    return std::unexpected(answer.error());
  }
  std::uint16_t status = 0;
  while (true) {
    Result<net::AnswerPart> part = (*answer)->Next();
    if (!part || std::holds_alternative<net::HttpEnd>(*part)) {
      break;
    }
    if (const auto* head = std::get_if<net::HttpHead>(&*part)) {
      status = head->status;
    }
  }
  if (const std::optional<Error> trouble = gateway.trouble()) {
    return Wrap(*trouble, "the gateway " + gateway.authority());
  }
  if (status == 401) {
    return Fail(ErrorCode::kUnauthenticated, "the gateway " + gateway.authority() +
                                                 " refuses the API key; 'casemate key create' "
                                                 "makes one");
  }
  return {};
}

Result<void> Confine(const app::ConnectSetup& setup) {
  sandbox::Rules rules;  // no files: what is needed of them was read
  rules.may_use_network = true;
  rules.connect_ports = {setup.port};
  rules.max_files = kMaxConnections + 2 * kMaxRequests + kSpareFiles;
  Result<sandbox::Applied> applied = sandbox::Enter(rules);
  if (!applied) {
    return std::unexpected(applied.error());
  }
  for (const std::string& lack : applied->degraded) {
    Log(LogLevel::kWarning, "the sandbox is weaker here", {{"lack", lack}});
  }
  return {};
}

Result<SecretBuffer> CopySecret(PlaintextView secret) {
  Result<SecretBuffer> copy = SecretBuffer::Allocate(secret.size());
  if (copy) {
    std::ranges::copy(secret.RevealBytes(), copy->mutable_bytes().begin());
  }
  return copy;
}

// For the user; nothing in it is secret, nor comes from the network but the group's name.
void Tell(const app::ConnectSetup& setup, const Listener& listener, const net::Gateway& gateway) {
  const bool unix_socket = !setup.socket.empty();
  const std::string group = gateway.group().empty() ? "not connected yet" : gateway.group();
  const char* verifies = setup.log_keys.empty()                                      ? "none"
                         : setup.mode == std::to_underlying(net::ReceiptMode::kMark) ? "marked"
                         : setup.mode == std::to_underlying(net::ReceiptMode::kRequire)
                             ? "required"
                             : "buffered";
  if (setup.json) {
    std::printf(
        "{\"listen\":\"%s\",\"server\":\"%s\",\"group\":\"%s\",\"token_file\":\"%s\","
        "\"receipts\":\"%s\"}\n",
        listener.place.c_str(), gateway.authority().c_str(), gateway.group().c_str(),
        setup.token_file.c_str(), verifies);
    std::fflush(stdout);
    return;
  }
  const std::string url = unix_socket ? "http://localhost/v1" : "http://" + listener.place + "/v1";
  std::printf("connect: %s%s -> https://%s (TLS 1.3, %s)\n", url.c_str(),
              unix_socket ? (" over " + listener.place).c_str() : "", gateway.authority().c_str(),
              group.c_str());
  std::printf("token:   in %s (only you may read it)\n", setup.token_file.c_str());
  std::printf("answers: %s\n",
              setup.log_keys.empty()
                  ? "NOT verified: give the keys of the server's log with --log-key"
                  : (std::string("receipts are verified and ") + verifies).c_str());
  std::printf("try:     curl %s-H @<(echo \"Authorization: Bearer $(cat %s)\") %s/models\n",
              unix_socket ? ("--unix-socket " + listener.place + " ").c_str() : "",
              setup.token_file.c_str(), url.c_str());
  std::fflush(stdout);
}

Result<void> Serve(app::ConnectSetup setup) {
  for (const std::string& origin : setup.origins) {
    if (Result<void> good = net::CheckOrigin(origin); !good) {
      return Wrap(good.error(), "--allow-origin");
    }
  }
  Result<std::vector<net::SocketAddress>> addresses = net::Resolve(setup.host, setup.port);
  if (!addresses) {
    return std::unexpected(addresses.error());
  }
  net::GatewayOptions options{.host = setup.host,
                              .port = setup.port,
                              .addresses = std::move(*addresses),
                              .authority_der = setup.authority_der};
  const std::shared_ptr<net::HopTable> hops = net::HopTable::Make();
  options.hops = hops;
  Result<std::shared_ptr<net::Gateway>> gateway = net::Gateway::Make(options);
  options.timeouts.silence = kReceiptTimeout;
  Result<std::shared_ptr<net::Gateway>> receipts = net::Gateway::Make(options);
  if (!gateway || !receipts) {
    return std::unexpected((gateway ? receipts : gateway).error());
  }
  std::vector<audit::VerifierKey> log_keys;
  if (!setup.log_keys.empty()) {
    Result<std::vector<audit::VerifierKey>> parsed = audit::ParseVerifierKeys(setup.log_keys);
    if (!parsed) {
      return Wrap(parsed.error(), "the log's keys");
    }
    log_keys = std::move(*parsed);
  }
  Result<SecretBuffer> key = CopySecret(setup.api_key);
  Result<SecretBuffer> receipt_key = CopySecret(setup.api_key);
  if (!key || !receipt_key) {
    return std::unexpected((key ? receipt_key : key).error());
  }
  setup.api_key.Clear();
  auto backend = std::make_shared<net::GatewayBackend>(*gateway, std::move(*key));
  if (Result<void> tried = TryGateway(**gateway, *backend); !tried) {
    const ErrorCode code = tried.error().code;
    if (code != ErrorCode::kUnavailable && code != ErrorCode::kDeadlineExceeded) {
      return tried;
    }
    Log(LogLevel::kWarning, "the gateway is not there yet; requests get 503 until it is",
        {{"reason", tried.error().message}});
  }
  Result<crypto::Digest> token = app::TokenDigest(setup.token_file, setup.new_token);
  if (!token) {
    return std::unexpected(token.error());
  }
  Result<Listener> listener = Listen(setup);
  if (!listener) {
    return std::unexpected(listener.error());
  }
  if (!setup.ready_file.empty()) {
    if (Result<void> written =
            WriteFileAtomically(setup.ready_file, AsBytes(listener->place + "\n"), 0644);
        !written) {
      return written;
    }
  }
  if (Result<void> confined = Confine(setup); !confined) {
    return confined;
  }
  std::shared_ptr<net::ReceiptChecker> checker;
  if (!log_keys.empty()) {
    checker = std::make_shared<net::ReceiptChecker>(
        std::make_shared<net::GatewayBackend>(*receipts, std::move(*receipt_key)),
        std::move(log_keys), [gateway = *gateway] { return gateway->group(); });
  }
  auto verified = std::make_shared<net::ReceiptBackend>(
      backend, checker, net::ReceiptOptions{.mode = static_cast<net::ReceiptMode>(setup.mode)});
  net::HttpServerOptions bounds;
  bounds.limits.max_body_bytes = setup.max_body_bytes;
  bounds.max_connections = kMaxConnections;
  bounds.max_requests = kMaxRequests;
  bounds.workers = kMaxRequests;
  bounds.hops = hops;
  Result<std::unique_ptr<net::ConnectServer>> server = net::ConnectServer::Start(
      bounds, std::move(listener->socket),
      {.hosts = listener->hosts, .origins = setup.origins, .token_digest = *token},
      std::make_shared<net::HopsBackend>(std::move(verified), hops));
  if (!server) {
    return std::unexpected(server.error());
  }
  Tell(setup, *listener, **gateway);
  const sigset_t ending = EndingSignals();
  int came = 0;
  while (::sigwait(&ending, &came) != 0) {
  }
  if (checker != nullptr) {
    checker->Stop();  // the server waits for whoever waits for a receipt
  }
  server->reset();
  return {};
}

Result<void> RunConnect(int argc, char** argv) {
  // Before there are threads: they inherit the mask, and the main thread waits for these.
  const sigset_t ending = EndingSignals();
  if (::pthread_sigmask(SIG_BLOCK, &ending, nullptr) != 0) {
    return Fail(ErrorCode::kUnavailable, "signals cannot be blocked");
  }
  if (Result<void> hardened = HardenProcess(/*die_with_parent=*/false); !hardened) {
    return hardened;
  }
  if (Result<void> ready = crypto::InitCrypto(); !ready) {
    return ready;
  }
  Result<UniqueFd> fd = SetupDescriptor(argc, argv);
  if (!fd) {
    return std::unexpected(fd.error());
  }
  Result<app::ConnectSetup> setup = app::ReadSetup(std::move(*fd));
  if (!setup) {
    return std::unexpected(setup.error());
  }
  return Serve(std::move(*setup));
}

}  // namespace

int main(int argc, char** argv) {
  InitLog("connect");
  Result<void> ended = RunConnect(argc, argv);
  if (!ended) {
    std::fprintf(stderr, "casemate: %s\n", ended.error().message.c_str());
    return static_cast<int>(app::StatusOf(ended.error().code));
  }
  return static_cast<int>(app::ExitStatus::kOk);
}
