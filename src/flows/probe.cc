#include "flows/probe.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include "flows/client_hello.h"
#include "flows/starttls.h"
#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

using Kind = ServerAnswer::Kind;
using Clock = std::chrono::steady_clock;

const std::vector<std::uint16_t> hybrid_groups = {kX25519MlKem768, kSecP256r1MlKem768,
                                                  kSecP384r1MlKem1024};
const std::vector<std::uint16_t> post_quantum_groups = {
    kX25519MlKem768, kSecP256r1MlKem768, kSecP384r1MlKem1024,
    kMlKem768,       kMlKem1024,         kX25519Kyber768Draft00};
const std::vector<std::uint16_t> classical_groups = {kX25519, kSecp256r1, kSecp384r1,
                                                     kX448,   kSecp521r1, 0x0100};

// What is asked one group at a time, in the order that they are listed.
const std::vector<std::uint16_t> each_group = {kX25519MlKem768,
                                               kSecP256r1MlKem768,
                                               kSecP384r1MlKem1024,
                                               kMlKem512,
                                               kMlKem768,
                                               kMlKem1024,
                                               kX25519Kyber768Draft00,
                                               kX25519,
                                               kX448,
                                               kSecp256r1,
                                               kSecp384r1,
                                               kSecp521r1,
                                               0x0100,
                                               0x0101};
const std::vector<std::uint16_t> each_cipher = {0x1301, 0x1302, 0x1303, 0x1304, 0x1305};

std::vector<std::uint16_t> Both() {
  std::vector<std::uint16_t> all = hybrid_groups;
  all.insert(all.end(), classical_groups.begin(), classical_groups.end());
  return all;
}

// The share that a group would need, or none: the server then asks for it (RFC 8446 section 4.2.8).
std::vector<std::uint16_t> ShareOf(std::uint16_t group) {
  const NamedGroup* known = FindGroup(group);
  return known != nullptr && known->share_bytes != 0 ? std::vector{group}
                                                     : std::vector<std::uint16_t>{};
}

enum class Delivery : std::uint8_t { kWhole, kSplit };

class TlsProbe {
 public:
  TlsProbe(const Endpoint& endpoint, const ProbeOptions& options)
      : endpoint_(endpoint), options_(options) {}

  Result<ProbeResult> Run() {
    Result<ServerAnswer> pq =
        Ask({.versions = {kTls13}, .groups = post_quantum_groups, .shares = {kX25519MlKem768}});
    if (!pq) {
      return std::unexpected(pq.error());
    }
    TlsFindings& tls = result_.tls;
    tls.pq_only = *std::move(pq);
    tls.classical_only =
        AskAgain({.versions = {kTls13}, .groups = classical_groups, .shares = {kX25519}});
    // Each further question would wait as long again.
    const bool mute = tls.pq_only.kind == Kind::kSilent && tls.classical_only.kind == Kind::kSilent;
    if (!mute) {
      tls.classical_share = AskAgain({.versions = {kTls13}, .groups = Both(), .shares = {kX25519}});
      tls.tls12 = AskOld(kTls12);
    }
    if (!mute && !options_.quick) {
      tls.tls11 = AskOld(kTls11);
      tls.tls10 = AskOld(kTls10);
      // Who takes none of them together takes none alone.
      if (tls.pq_only.Accepted() || tls.classical_only.Accepted()) {
        AskEach();
      }
    }
    result_.judgement = Judge(tls);
    if (!options_.quick) {
      Finish();
    }
    return std::move(result_);
  }

 private:
  Result<Stream> Connect() {
    ++result_.handshakes;
    Result<Stream> stream = Stream::Connect(endpoint_.host, endpoint_.port, options_.timeout);
    if (stream && !endpoint_.starttls.empty()) {
      if (Result<void> started = StartTls(*stream, endpoint_.starttls, endpoint_.host); !started) {
        return std::unexpected(started.error());
      }
    }
    return stream;
  }

  Result<ServerAnswer> Ask(HelloSpec spec, Delivery delivery = Delivery::kWhole) {
    spec.server_name = endpoint_.host;
    Result<Stream> stream = Connect();
    if (!stream) {
      return std::unexpected(stream.error());
    }
    if (!Send(*stream, BuildClientHello(spec), delivery)) {
      return ServerAnswer{.kind = Kind::kReset, .certificates = {}};
    }
    AnswerReader reader;
    // A peer that drips bytes must not hold the probe for longer than one that says nothing.
    const Clock::time_point until = Clock::now() + 2 * options_.timeout;
    while (Clock::now() < until) {
      Result<Bytes> piece = stream->Read();
      if (!piece) {
        return reader.End(piece.error().code == ErrorCode::kDeadlineExceeded ? Kind::kSilent
                                                                             : Kind::kReset);
      }
      if (piece->empty()) {
        return reader.End(Kind::kClosed);
      }
      if (std::optional<ServerAnswer> answer = reader.Feed(*piece)) {
        return *std::move(answer);
      }
    }
    return reader.End(Kind::kSilent);
  }

  // As Ask, after the first connection worked: one that fails now is an answer.
  ServerAnswer AskAgain(HelloSpec spec, Delivery delivery = Delivery::kWhole) {
    return Ask(std::move(spec), delivery)
        .value_or(ServerAnswer{.kind = Kind::kReset, .certificates = {}});
  }

  ServerAnswer AskOld(std::uint16_t version) {
    ServerAnswer answer = AskAgain({.versions = {version}, .groups = classical_groups});
    // A server that answers with another version than the only one offered did not accept it.
    if (answer.Accepted() && answer.version != version) {
      answer.kind = Kind::kBroken;
      answer.reason = "it answers " + std::string(VersionName(answer.version)) + " to " +
                      std::string(VersionName(version));
    }
    return answer;
  }

  void AskEach() {
    for (const std::uint16_t group : each_group) {
      if (AskAgain({.versions = {kTls13}, .groups = {group}, .shares = ShareOf(group)})
              .Accepted()) {
        result_.tls.groups.push_back(group);
      }
    }
    std::vector<std::uint16_t> all = Both();
    for (const std::uint16_t cipher : each_cipher) {
      if (AskAgain({.versions = {kTls13},
                    .groups = all,
                    .shares = {kX25519MlKem768, kX25519},
                    .ciphers = {cipher}})
              .Accepted()) {
        result_.tls.ciphers.push_back(cipher);
      }
    }
    if (result_.tls.pq_only.Accepted()) {
      result_.tls.split = AskAgain(
          {.versions = {kTls13}, .groups = post_quantum_groups, .shares = {kX25519MlKem768}},
          Delivery::kSplit);
    }
  }

  static bool Send(Stream& stream, const Bytes& hello, Delivery delivery) {
    if (delivery == Delivery::kWhole) {
      return stream.Write(hello).has_value();
    }
    const ByteView all(hello);
    if (!stream.Write(all.first(all.size() / 2))) {
      return false;
    }
    // Long enough that the kernel sends the first part by itself.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return stream.Write(all.subspan(all.size() / 2)).has_value();
  }

  // An implementation that is not ours goes all the way: certificates, and a second opinion.
  void Finish() {
    if (!options_.full_handshake || result_.judgement.verdict == Verdict::kUnreachable) {
      return;
    }
    Result<Stream> stream = Connect();
    if (!stream) {
      result_.full_error = stream.error().message;
      return;
    }
    Result<FullHandshake> full =
        options_.full_handshake(stream->TakeSocket(), endpoint_.host, options_.timeout);
    if (!full) {
      result_.full_error = full.error().message;
      if (AtLeast(result_.judgement.verdict, Verdict::kHybridSupported)) {
        result_.judgement.findings.push_back("a full handshake by OpenSSL does not succeed: " +
                                             full.error().message);
      }
      return;
    }
    result_.full = *std::move(full);
    CompareOpinions();
  }

  // A hybrid client of another make: it must get what the plain text said that it would.
  void CompareOpinions() {
    const bool hybrid = result_.full->group.find("MLKEM") != std::string::npos;
    const bool expected = AtLeast(result_.judgement.verdict, Verdict::kHybridPreferred);
    const bool excluded = result_.judgement.verdict == Verdict::kClassical;
    if ((expected && !hybrid) || (excluded && hybrid)) {
      result_.judgement.findings.push_back(
          "a full handshake by OpenSSL got " + result_.full->group +
          ", which does not fit: is there more than one server behind this address?");
    }
  }

  const Endpoint& endpoint_;
  const ProbeOptions& options_;
  ProbeResult result_;
};

Result<ProbeResult> ProbeSsh(const Endpoint& endpoint, const ProbeOptions& options) {
  Result<Stream> stream = Stream::Connect(endpoint.host, endpoint.port, options.timeout);
  if (!stream) {
    return std::unexpected(stream.error());
  }
  ProbeResult result;
  result.handshakes = 1;
  if (Result<void> said = stream->Write(AsBytes("SSH-2.0-casemate_flows\r\n")); !said) {
    return std::unexpected(said.error());
  }
  SshReader reader;
  while (true) {
    Result<Bytes> piece = stream->Read();
    if (!piece) {
      return std::unexpected(piece.error());
    }
    if (piece->empty()) {
      return Fail(ErrorCode::kInvalidArgument, "it closed the connection before its offer");
    }
    if (std::optional<Result<SshOffer>> offer = reader.Feed(*piece)) {
      if (!*offer) {
        return std::unexpected(offer->error());
      }
      result.ssh = **std::move(offer);
      result.judgement = Judge(*result.ssh);
      return result;
    }
  }
}

ProbeResult Failed(const Error& error) {
  ProbeResult result;
  const bool reached =
      error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kPermissionDenied;
  result.judgement.verdict = reached ? Verdict::kBroken : Verdict::kUnreachable;
  result.judgement.reason = error.message;
  return result;
}

}  // namespace

ProbeResult Probe(const Endpoint& endpoint, const ProbeOptions& options) {
  const Clock::time_point started = Clock::now();
  Result<ProbeResult> probed = endpoint.scheme == Endpoint::Scheme::kSsh
                                   ? ProbeSsh(endpoint, options)
                                   : TlsProbe(endpoint, options).Run();
  ProbeResult result = probed ? *std::move(probed) : Failed(probed.error());
  result.endpoint = endpoint;
  result.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started);
  return result;
}

std::vector<ProbeResult> ProbeAll(const std::vector<Endpoint>& endpoints,
                                  const ProbeOptions& options, unsigned parallel,
                                  const std::function<void(const ProbeResult&)>& done) {
  std::vector<ProbeResult> results(endpoints.size());
  std::atomic<std::size_t> next = 0;
  std::mutex reporting;
  const auto work = [&] {
    for (std::size_t i = next++; i < endpoints.size(); i = next++) {
      results[i] = Probe(endpoints[i], options);
      if (done) {
        const std::scoped_lock lock(reporting);
        done(results[i]);
      }
    }
  };
  const auto workers = std::clamp<std::size_t>(parallel, 1, 256);
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < std::min(workers, endpoints.size()); ++i) {
    threads.emplace_back(work);
  }
  work();
  threads.clear();
  return results;
}

}  // namespace casemate::flows
