#include <array>
#include <map>
#include <set>

#include "flows/report.h"
#include "flows/tls_registry.h"
#include "json/writer.h"

// CycloneDX cryptography bill of materials: https://cyclonedx.org/docs/1.6/json/ and 1.7. The
// schemas refuse fields of each other's version, so what differs is written by version.
namespace casemate::flows {
namespace {

// How the standard describes a key agreement.
struct AlgorithmFacts {
  std::string_view primitive;  // "combiner", "kem", "key-agree"
  std::string_view parameters;
  std::string_view family;  // 1.7
  std::string_view curve;   // 1.6: "Curve25519"; empty: none
  std::string_view curve17;
  int classical_bits;
  int quantum_level;  // NIST's 1 to 5; 0: broken by Shor's algorithm
};

AlgorithmFacts FactsOf(std::uint16_t group) {
  switch (group) {
    case kX25519MlKem768:
    case kX25519Kyber768Draft00:
      return {"combiner", "768", "ML-KEM", "Curve25519", "other/Curve25519", 192, 3};
    case kSecP256r1MlKem768:
      return {"combiner", "768", "ML-KEM", "P-256", "nist/P-256", 192, 3};
    case kSecP384r1MlKem1024:
      return {"combiner", "1024", "ML-KEM", "P-384", "nist/P-384", 256, 5};
    case kMlKem512:
      return {"kem", "512", "ML-KEM", "", "", 128, 1};
    case kMlKem768:
      return {"kem", "768", "ML-KEM", "", "", 192, 3};
    case kMlKem1024:
      return {"kem", "1024", "ML-KEM", "", "", 256, 5};
    case kX25519:
      return {"key-agree", "x25519", "ECDH", "Curve25519", "other/Curve25519", 128, 0};
    case kX448:
      return {"key-agree", "x448", "ECDH", "Curve448", "other/Curve448", 224, 0};
    case kSecp256r1:
      return {"key-agree", "secp256r1", "ECDH", "P-256", "nist/P-256", 128, 0};
    case kSecp384r1:
      return {"key-agree", "secp384r1", "ECDH", "P-384", "nist/P-384", 192, 0};
    case kSecp521r1:
      return {"key-agree", "secp521r1", "ECDH", "P-521", "nist/P-521", 256, 0};
    default:
      return {"key-agree",
              GroupKind(group) == KeyExchange::kClassical ? "ffdhe" : "unknown",
              "FFDH",
              "",
              "",
              112,
              0};
  }
}

std::string Lower(std::string text) {
  for (char& c : text) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

std::string GroupRef(std::uint16_t group) { return "alg:" + Lower(GroupName(group)); }
std::string SshRef(const std::string& name) { return "alg:ssh:" + Lower(name); }
std::string CertificateRef(const CertificateFacts& certificate) {
  return "cert:" + certificate.sha256;
}
std::string ProtocolRef(const ProbeResult& result) { return "proto:" + result.endpoint.Text(); }

class Bill {
 public:
  Bill(const std::vector<ProbeResult>& results, const ReportContext& context, bool seven)
      : results_(results), context_(context), seven_(seven) {}

  std::string Write() {
    writer_.BeginObject().Key("bomFormat").String("CycloneDX");
    writer_.Key("specVersion").String(seven_ ? "1.7" : "1.6");
    writer_.Key("serialNumber").String("urn:uuid:" + context_.uuid).Key("version").Integer(1);
    writer_.Key("metadata").BeginObject().Key("timestamp").String(TimeText(context_.time));
    writer_.Key("tools").BeginObject().Key("components").BeginArray().BeginObject();
    writer_.Key("type").String("application").Key("name").String("casemate");
    writer_.Key("version").String(context_.version).EndObject().EndArray().EndObject();
    writer_.Key("component").BeginObject().Key("type").String("application");
    writer_.Key("bom-ref").String("probed").Key("name").String(context_.subject);
    writer_.Key("version").String("1").EndObject().EndObject();
    writer_.Key("components").BeginArray();
    for (const ProbeResult& result : results_) {
      Algorithms(result);
      Certificates(result);
      Protocol(result);
    }
    writer_.EndArray();
    Dependencies();
    writer_.EndObject();
    return std::string(writer_.Take().view().Reveal()) + "\n";
  }

 private:
  // True the first time: a reference names one component.
  bool Begin(const std::string& reference, std::string_view name) {
    if (!written_.insert(reference).second) {
      return false;
    }
    writer_.BeginObject().Key("type").String("cryptographic-asset");
    writer_.Key("bom-ref").String(reference).Key("name").String(name);
    return true;
  }

  void Algorithms(const ProbeResult& result) {
    for (const std::uint16_t group : result.tls.groups) {
      Group(group);
    }
    if (result.ssh) {
      for (const std::string& name : result.ssh->key_exchange) {
        SshKeyExchange(name);
      }
    }
  }

  void Group(std::uint16_t group) {
    if (!Begin(GroupRef(group), GroupName(group))) {
      return;
    }
    const AlgorithmFacts facts = FactsOf(group);
    writer_.Key("cryptoProperties").BeginObject().Key("assetType").String("algorithm");
    writer_.Key("algorithmProperties").BeginObject().Key("primitive").String(facts.primitive);
    writer_.Key("parameterSetIdentifier").String(facts.parameters);
    if (seven_) {
      writer_.Key("algorithmFamily").String(facts.family);
    }
    if (!facts.curve.empty()) {
      writer_.Key(seven_ ? "ellipticCurve" : "curve").String(seven_ ? facts.curve17 : facts.curve);
    }
    writer_.Key("cryptoFunctions").BeginArray().String("keygen");
    if (facts.primitive != "key-agree") {
      writer_.String("encapsulate").String("decapsulate");
    }
    writer_.String("keyderive").EndArray();
    writer_.Key("classicalSecurityLevel").Integer(facts.classical_bits);
    writer_.Key("nistQuantumSecurityLevel").Integer(facts.quantum_level);
    writer_.EndObject().EndObject();
    writer_.Key("properties").BeginArray().BeginObject().Key("name").String("tls:named-group");
    writer_.Key("value").String(std::to_string(group)).EndObject().EndArray().EndObject();
  }

  void SshKeyExchange(const std::string& name) {
    const KeyExchange kind = SshKeyExchangeKind(name);
    if (kind == KeyExchange::kUnknown || !Begin(SshRef(name), name)) {
      return;
    }
    const bool hybrid = IsPostQuantum(kind);
    writer_.Key("cryptoProperties").BeginObject().Key("assetType").String("algorithm");
    writer_.Key("algorithmProperties").BeginObject();
    writer_.Key("primitive").String(hybrid ? "combiner" : "key-agree");
    writer_.Key("nistQuantumSecurityLevel").Integer(hybrid ? 3 : 0);
    writer_.EndObject().EndObject().EndObject();
  }

  void Certificates(const ProbeResult& result) {
    if (!result.full) {
      return;
    }
    for (const CertificateFacts& certificate : result.full->chain) {
      if (!Begin(CertificateRef(certificate), certificate.subject)) {
        continue;
      }
      writer_.Key("cryptoProperties").BeginObject().Key("assetType").String("certificate");
      writer_.Key("certificateProperties").BeginObject();
      writer_.Key("subjectName").String(certificate.subject);
      writer_.Key("issuerName").String(certificate.issuer);
      writer_.Key("notValidBefore").String(TimeText(certificate.not_before));
      writer_.Key("notValidAfter").String(TimeText(certificate.not_after));
      writer_.Key("certificateFormat").String("X.509");
      if (seven_) {
        writer_.Key("fingerprint").BeginObject().Key("alg").String("SHA-256");
        writer_.Key("content").String(certificate.sha256).EndObject();
      }
      writer_.EndObject().EndObject();
      writer_.Key("properties").BeginArray();
      Property("x509:public-key", certificate.public_key);
      Property("x509:signature", certificate.signature);
      writer_.EndArray().EndObject();
    }
  }

  void Property(std::string_view name, std::string_view value) {
    writer_.BeginObject().Key("name").String(name).Key("value").String(value).EndObject();
  }

  void Protocol(const ProbeResult& result) {
    if (result.judgement.verdict == Verdict::kUnreachable ||
        !Begin(ProtocolRef(result), result.endpoint.Text())) {
      return;
    }
    writer_.Key("cryptoProperties").BeginObject().Key("assetType").String("protocol");
    writer_.Key("protocolProperties").BeginObject();
    if (result.ssh) {
      writer_.Key("type").String("ssh").Key("version").String("2.0");
    } else {
      writer_.Key("type").String("tls");
      const std::uint16_t version =
          result.tls.pq_only.Accepted() || result.tls.classical_only.Accepted() ? kTls13 : kTls12;
      writer_.Key("version").String(VersionName(version).substr(4));
      Suites(result);
    }
    if (!seven_) {
      const std::vector<std::string> used = Uses(result);
      if (!used.empty()) {
        writer_.Key("cryptoRefArray").BeginArray();
        for (const std::string& reference : used) {
          writer_.String(reference);
        }
        writer_.EndArray();
      }
    }
    writer_.EndObject().EndObject();
    writer_.Key("properties").BeginArray();
    Property("casemate:verdict", VerdictName(result.judgement.verdict));
    Property("casemate:reason", result.judgement.reason);
    writer_.EndArray().EndObject();
  }

  void Suites(const ProbeResult& result) {
    writer_.Key("cipherSuites").BeginArray();
    for (const std::uint16_t cipher : result.tls.ciphers) {
      writer_.BeginObject().Key("name").String(CipherName(cipher));
      if (seven_ && !result.tls.groups.empty()) {
        writer_.Key("tlsGroups").BeginArray();
        for (const std::uint16_t group : result.tls.groups) {
          writer_.String(GroupName(group));
        }
        writer_.EndArray();
      }
      writer_.EndObject();
    }
    writer_.EndArray();
  }

  std::vector<std::string> Uses(const ProbeResult& result) const {
    std::vector<std::string> used;
    used.reserve(result.tls.groups.size());
    for (const std::uint16_t group : result.tls.groups) {
      used.push_back(GroupRef(group));
    }
    if (result.ssh) {
      for (const std::string& name : result.ssh->key_exchange) {
        if (SshKeyExchangeKind(name) != KeyExchange::kUnknown) {
          used.push_back(SshRef(name));
        }
      }
    }
    if (result.full && !result.full->chain.empty()) {
      used.push_back(CertificateRef(result.full->chain.front()));
    }
    return used;
  }

  void Dependencies() {
    writer_.Key("dependencies").BeginArray();
    std::set<std::string> named;
    for (const ProbeResult& result : results_) {
      if (!written_.contains(ProtocolRef(result)) || !named.insert(ProtocolRef(result)).second) {
        continue;
      }
      writer_.BeginObject().Key("ref").String(ProtocolRef(result)).Key("dependsOn").BeginArray();
      for (const std::string& reference : Uses(result)) {
        writer_.String(reference);
      }
      writer_.EndArray().EndObject();
    }
    writer_.EndArray();
  }

  const std::vector<ProbeResult>& results_;
  const ReportContext& context_;
  bool seven_;
  json::Writer writer_;
  std::set<std::string> written_;
};

}  // namespace

std::string RenderCbom(const std::vector<ProbeResult>& results, const ReportContext& context,
                       bool seven) {
  return Bill(results, context, seven).Write();
}

}  // namespace casemate::flows
