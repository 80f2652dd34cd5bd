#include "net/server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/certificate_facts.h"
#include "ipc/matrix.h"
#include "metrics/metrics.h"
#include "net/admission.h"
#include "net/gate.h"
#include "net/hop_json.h"
#include "net/http_server_internal.h"
#include "net/peer_set.h"

namespace casemate::net {
namespace {

metrics::Gauge certificate_end("casemate_certificate_not_after_seconds",
                               "When the server's certificate ends, as a UNIX time");
metrics::Gauge locked("casemate_locked", "1 while the custodian waits for its passphrase");

// How new connections are held to the policy: a context each for the two minimums.
struct TlsContexts {
  std::shared_ptr<const TlsContext> usual;  // nullptr: nothing yet
  std::shared_ptr<const TlsContext> lowered;
  PeerSet lowered_for;

  [[nodiscard]] static Result<TlsContexts> Make(const TlsSettings& settings,
                                                const custody::Identity& identity) {
    Result<PeerSet> lowered_for = PeerSet::Parse(settings.classical_from);
    if (!lowered_for) {
      return std::unexpected(lowered_for.error());
    }
    TlsSettings lowered = settings;
    lowered.minimum = TlsMinimum::kClassical;
    Result<std::shared_ptr<const TlsContext>> usual = TlsContext::Make(settings, identity);
    Result<std::shared_ptr<const TlsContext>> second = TlsContext::Make(lowered, identity);
    if (!usual || !second) {
      return std::unexpected((usual ? second : usual).error());
    }
    return TlsContexts{.usual = std::move(*usual),
                       .lowered = std::move(*second),
                       .lowered_for = std::move(*lowered_for)};
  }
  const std::shared_ptr<const TlsContext>& For(int socket) const {
    return lowered_for.empty() || !lowered_for.Has(PeerOf(socket)) ? usual : lowered;
  }
};

// It stands in the log each time that it comes into force, not only when somebody makes use of it.
void WarnOfLoweredMinimum(const TlsSettings& settings) {
  if (settings.minimum == TlsMinimum::kClassical) {
    Log(LogLevel::kWarning,
        "tls.minimum is classical: what any client without ML-KEM sends and gets can be recorded "
        "today and read later");
  }
  for (const std::string& peer : settings.classical_from) {
    Log(LogLevel::kWarning,
        "tls.classical_from: this peer is held to a classical key exchange only", {{"peer", peer}});
  }
}

// A client of a server that has no certificate yet, and will have none until its operator comes: it
// learns at once that it is in vain, by an alert before the handshake (RFC 8446 section 6,
// internal_error), instead of waiting. Best effort: what it has not read yet may be lost.
void TurnAway(int socket) {
  constexpr std::array<unsigned char, 7> kAlert = {21, 3, 3, 0, 2, 2, 80};
  std::array<std::byte, 4096> hello;
  (void)!::recv(socket, hello.data(), hello.size(), MSG_DONTWAIT);
  (void)!::send(socket, kAlert.data(), kAlert.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  (void)::shutdown(socket, SHUT_WR);
}

// What the custodian has said so far. The network thread's.
struct Told {
  std::shared_ptr<const AdmissionTable> admission;  // nullptr: `why`
  Admitting why = Admitting::kNotYet;
  TlsContexts tls;
};

Error NotAdmitting(Admitting why) {
  switch (why) {
    case Admitting::kLocked:
      return {ErrorCode::kUnavailable,
              "the server is locked: its operator has to run 'casemate unlock --dir D'",
              {},
              {}};
    case Admitting::kCustodianLost:
      return {ErrorCode::kUnavailable, "the custodian is being started again; try again", {}, {}};
    case Admitting::kNotYet:
      break;
  }
  return {ErrorCode::kUnavailable, "the custodian has not said yet who may ask; try again", {}, {}};
}

class FrontGate : public Gate {
 public:
  explicit FrontGate(std::shared_ptr<const Told> told) : told_(std::move(told)) {}
  Result<void> Ready() const override {
    if (told_->admission == nullptr || told_->tls.usual == nullptr) {
      return std::unexpected(NotAdmitting(told_->why));
    }
    return {};
  }
  std::string_view NotReadyCode() const override {
    return told_->admission != nullptr        ? ""
           : told_->why == Admitting::kLocked ? "locked"
                                              : "starting";
  }
  Result<Caller> Admit(const MessageHead& head) const override {
    if (told_->admission == nullptr) {
      return std::unexpected(NotAdmitting(told_->why));
    }
    return AdmitBy(*told_->admission, head);
  }

 private:
  [[nodiscard]] virtual Result<Caller> AdmitBy(const AdmissionTable& table,
                                               const MessageHead& head) const = 0;
  std::shared_ptr<const Told> told_;
};

// The TLS port: an API key is the credential.
class KeyGate final : public FrontGate {
 public:
  using FrontGate::FrontGate;
  std::string_view HopName() const override { return "clients"; }

 private:
  Result<Caller> AdmitBy(const AdmissionTable& table, const MessageHead& head) const override {
    const bool one = head.authorizations == 1;
    const Result<Credential> credential =
        ParseBearer(one ? head.authorization.view() : PlaintextView());
    if (!credential) {
      return std::unexpected(credential.error());
    }
    return table.Authenticate(*credential);
  }
};

// The operator's socket: whoever could connect is the operator.
class OperatorGate final : public FrontGate {
 public:
  OperatorGate(std::shared_ptr<const Told> told, OperatorPages pages)
      : FrontGate(std::move(told)), pages_(std::move(pages)) {}
  std::string_view HopName() const override { return "operator"; }
  const OperatorPages* Pages() const override { return pages_ ? &pages_ : nullptr; }

 private:
  Result<Caller> AdmitBy(const AdmissionTable& table, const MessageHead& head) const override {
    const std::string* tenant = head.Find("x-casemate-tenant");
    return table.Operator(tenant != nullptr ? *tenant : "");
  }
  OperatorPages pages_;
};

// The operator's socket lets in the user that the server runs as, and root (SO_PEERCRED, unix(7)).
bool IsOperator(int socket) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return false;
  }
  if (peer.uid != ::geteuid() && peer.uid != 0) {
    Log(LogLevel::kWarning, "operator socket refused", {{"uid", peer.uid}});
    return false;
  }
  return true;
}

}  // namespace

struct Server::State {
  State(const ServerOptions& options, std::shared_ptr<Backend> backend)
      : tls(options.tls), hops(options.hops), http(options, std::move(backend)) {}

  // The operator's page about hops: what is known of connections, never what they carried.
  OperatorPage HopsPage() {
    HopsContext context{.time = UnixSeconds(), .minimum = {}};
    {
      const std::lock_guard lock(mutex);
      context.minimum = TlsMinimumName(tls.minimum);
      context.classical_from = tls.classical_from;
    }
    for (const ipc::ChannelRule& rule : ipc::ChannelMatrix()) {
      if (rule.from < rule.to) {  // the matrix has a row for each direction
        context.channels.emplace_back(ipc::ProcessKindName(rule.from),
                                      ipc::ProcessKindName(rule.to));
      }
    }
    return {.content_type = "application/json",
            .body = std::string(HopsJson(hops->Snapshot(), context).view().Reveal())};
  }

  // Serves the TLS port, if it is not served yet. With `mutex` held.
  Result<void> ListenTls() {
    if (!tls_listener.valid()) {
      return {};
    }
    return http.Listen(
        std::move(tls_listener), std::make_shared<KeyGate>(told),
        [told = told](boost::asio::io_context& io, UniqueFd socket) -> std::unique_ptr<Stream> {
          const std::shared_ptr<const TlsContext>& context = told->tls.For(socket.get());
          if (context == nullptr) {
            TurnAway(socket.get());
            return nullptr;
          }
          return MakeTlsStream(io, std::move(socket), context);
        });
  }

  std::mutex mutex;  // guards what follows
  TlsSettings tls;
  std::optional<custody::Identity> identity;  // the last, for a context with other settings

  const std::shared_ptr<HopTable> hops;
  std::string address;
  UniqueFd tls_listener;  // until the first identity
  std::shared_ptr<Told> told = std::make_shared<Told>();
  HttpServer http;
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, UniqueFd tls_listener,
                                              UniqueFd operator_listener,
                                              std::shared_ptr<Backend> backend) {
  ServerOptions with_hops = options;
  if (with_hops.hops == nullptr) {
    with_hops.hops = HopTable::Make();
  }
  auto state = std::make_unique<State>(with_hops, std::move(backend));
  const auto pages = [state = state.get(), others = options.operator_pages](
                         std::string_view method, std::string_view path,
                         std::string_view accept) -> std::optional<Result<OperatorPage>> {
    if (path == kHopsPath && (method == "GET" || method == "HEAD")) {
      return state->HopsPage();
    }
    return others ? others(method, path, accept) : std::nullopt;
  };
  if (tls_listener.valid()) {
    Result<std::string> address = AddressOf(tls_listener.get());
    if (!address) {
      return std::unexpected(address.error());
    }
    state->address = std::move(*address);
    state->tls_listener = std::move(tls_listener);
  }
  if (operator_listener.valid()) {
    Result<void> listens = state->http.Listen(
        std::move(operator_listener), std::make_shared<OperatorGate>(state->told, pages),
        [](boost::asio::io_context& io, UniqueFd socket) {
          return IsOperator(socket.get()) ? MakePlainStream(io, std::move(socket)) : nullptr;
        },
        /*while_draining=*/true);
    if (!listens) {
      return std::unexpected(listens.error());
    }
  }
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Result<void> Server::SetIdentity(const custody::Identity& identity) {
  const std::lock_guard lock(state_->mutex);
  Result<TlsContexts> made = TlsContexts::Make(state_->tls, identity);
  if (!made) {
    return std::unexpected(made.error());
  }
  WarnOfLoweredMinimum(state_->tls);
  state_->identity =
      custody::Identity{.certificate_der = identity.certificate_der,
                        .authority_der = identity.authority_der,
                        .private_key_der = Plaintext::Copy(identity.private_key_der)};
  if (Result<crypto::CertificateFacts> facts = crypto::ReadCertificate(identity.certificate_der)) {
    certificate_end.Set(static_cast<double>(facts->not_after));
  }
  const std::shared_ptr<Told> told = state_->told;
  state_->http.Post([told, contexts = std::move(*made)] { told->tls = contexts; });
  return state_->ListenTls();
}

void Server::SetAdmission(const custody::Admission& admission) {
  auto table = std::make_shared<const AdmissionTable>(admission);
  state_->http.Post([state = state_.get(), table = std::move(table)] {
    state->told->admission = table;
    locked.Set(0);
    state->http.AbortIf([&table](const Caller& caller) {
      if (table->Admits(caller)) {
        return false;
      }
      Log(LogLevel::kInfo, "request ended: its key is not admitted any more",
          {{"key", caller.key.ToString()}});
      return true;
    });
  });
}

void Server::Suspend(Admitting why) {
  if (why == Admitting::kLocked) {
    const std::lock_guard lock(state_->mutex);
    if (Result<void> listens = state_->ListenTls(); !listens) {
      LogError("the TLS port is not served", listens.error());
    }
  }
  state_->http.Post([told = state_->told, why] {
    told->admission = nullptr;
    told->why = why;
    locked.Set(why == Admitting::kLocked ? 1 : 0);
  });
}

Result<void> Server::SetLimits(const TlsSettings& tls, std::uint64_t max_body_bytes,
                               std::uint32_t max_connections) {
  const std::lock_guard lock(state_->mutex);
  std::optional<TlsContexts> contexts;
  if (state_->identity) {
    Result<TlsContexts> made = TlsContexts::Make(tls, *state_->identity);
    if (!made) {
      return std::unexpected(made.error());
    }
    contexts = std::move(*made);
    WarnOfLoweredMinimum(tls);
  }
  state_->tls = tls;
  state_->http.Post([state = state_.get(), contexts, max_body_bytes, max_connections] {
    if (contexts) {
      state->told->tls = *contexts;
    }
    state->http.SetLimits(max_body_bytes, max_connections);
  });
  return {};
}

void Server::Drain(std::function<void()> drained) {
  state_->http.Post([http = &state_->http, drained = std::move(drained)]() mutable {
    http->Drain(std::move(drained));
  });
}

const std::string& Server::address() const { return state_->address; }
ServerCounters Server::counters() const { return state_->http.counters(); }

}  // namespace casemate::net
