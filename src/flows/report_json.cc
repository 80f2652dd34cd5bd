#include "flows/report.h"
#include "flows/tls_registry.h"
#include "json/reader.h"
#include "json/writer.h"

namespace casemate::flows {
namespace {

std::string_view KindName(KeyExchange kind) {
  switch (kind) {
    case KeyExchange::kClassical:
      return "classical";
    case KeyExchange::kHybrid:
      return "hybrid";
    case KeyExchange::kPure:
      return "pure";
    case KeyExchange::kLegacy:
      return "legacy-draft";
    case KeyExchange::kUnknown:
      break;
  }
  return "unknown";
}

void WriteAnswer(json::Writer& writer, std::string_view name, const ServerAnswer& answer) {
  writer.Key(name).BeginObject();
  writer.Key("accepted").Bool(answer.Accepted());
  writer.Key("answer").String(Describe(answer));
  if (answer.Accepted()) {
    writer.Key("retry").Bool(answer.kind == ServerAnswer::Kind::kRetry);
    writer.Key("version").String(VersionName(answer.version));
    if (answer.group != 0) {
      writer.Key("group").String(GroupName(answer.group));
    }
    if (answer.cipher != 0) {
      writer.Key("cipher").String(CipherName(answer.cipher));
    }
  }
  writer.EndObject();
}

void WriteTls(json::Writer& writer, const TlsFindings& tls) {
  writer.Key("handshakes").BeginObject();
  WriteAnswer(writer, "pq_only", tls.pq_only);
  WriteAnswer(writer, "classical_share", tls.classical_share);
  WriteAnswer(writer, "classical_only", tls.classical_only);
  const auto optional = [&](std::string_view name, const std::optional<ServerAnswer>& answer) {
    if (answer) {
      WriteAnswer(writer, name, *answer);
    }
  };
  optional("tls12", tls.tls12);
  optional("tls11", tls.tls11);
  optional("tls10", tls.tls10);
  optional("split", tls.split);
  writer.EndObject();
  writer.Key("groups").BeginArray();
  for (const std::uint16_t group : tls.groups) {
    writer.BeginObject().Key("name").String(GroupName(group));
    writer.Key("kind").String(KindName(GroupKind(group))).EndObject();
  }
  writer.EndArray().Key("ciphers").BeginArray();
  for (const std::uint16_t cipher : tls.ciphers) {
    writer.String(CipherName(cipher));
  }
  writer.EndArray();
}

void WriteSsh(json::Writer& writer, const SshOffer& ssh) {
  writer.Key("ssh").BeginObject().Key("software").String(ssh.software);
  writer.Key("key_exchange").BeginArray();
  for (const std::string& name : ssh.key_exchange) {
    writer.BeginObject().Key("name").String(name);
    writer.Key("kind").String(KindName(SshKeyExchangeKind(name))).EndObject();
  }
  writer.EndArray().Key("host_keys").BeginArray();
  for (const std::string& name : ssh.host_keys) {
    writer.String(name);
  }
  writer.EndArray().EndObject();
}

void WriteFull(json::Writer& writer, const FullHandshake& full) {
  writer.Key("full_handshake").BeginObject();
  writer.Key("version").String(full.version).Key("group").String(full.group);
  writer.Key("cipher").String(full.cipher).Key("signature").String(full.peer_signature);
  writer.Key("chain").BeginArray();
  for (const CertificateFacts& certificate : full.chain) {
    writer.BeginObject().Key("subject").String(certificate.subject);
    writer.Key("issuer").String(certificate.issuer);
    writer.Key("public_key").String(certificate.public_key);
    writer.Key("signature").String(certificate.signature);
    writer.Key("post_quantum").Bool(certificate.post_quantum);
    writer.Key("not_before").String(TimeText(certificate.not_before));
    writer.Key("not_after").String(TimeText(certificate.not_after));
    writer.Key("bytes").Integer(static_cast<std::int64_t>(certificate.der_bytes));
    writer.Key("sha256").String(certificate.sha256).EndObject();
  }
  writer.EndArray().EndObject();
}

void WriteResult(json::Writer& writer, const ProbeResult& result) {
  const BaselineEntry entry = EntryOf(result);
  writer.BeginObject().Key("endpoint").String(result.endpoint.Text());
  writer.Key("host").String(result.endpoint.host).Key("port").Integer(result.endpoint.port);
  writer.Key("protocol")
      .String(result.endpoint.scheme == Endpoint::Scheme::kSsh ? "ssh"
              : result.endpoint.starttls.empty()               ? "tls"
                                                 : std::string_view(result.endpoint.starttls));
  writer.Key("verdict").String(entry.verdict).Key("reason").String(result.judgement.reason);
  writer.Key("cve_2026_2673").Bool(result.judgement.cve_2026_2673);
  writer.Key("findings").BeginArray();
  for (const std::string& finding : result.judgement.findings) {
    writer.String(finding);
  }
  writer.EndArray();
  writer.Key("remedy").String(
      Remedy(result.judgement.verdict, result.endpoint.scheme == Endpoint::Scheme::kSsh));
  writer.Key("groups_text").String(entry.groups).Key("certificate").String(entry.certificate);
  const bool reached = result.judgement.verdict != Verdict::kUnreachable;
  if (result.ssh) {
    WriteSsh(writer, *result.ssh);
  } else if (reached && result.endpoint.scheme == Endpoint::Scheme::kTls) {
    WriteTls(writer, result.tls);
  }
  if (result.full) {
    WriteFull(writer, *result.full);
  } else if (!result.full_error.empty()) {
    writer.Key("full_handshake_error").String(result.full_error);
  }
  writer.Key("connections").Integer(result.handshakes);
  writer.Key("took_ms").Integer(result.took.count()).EndObject();
}

Result<std::string> Name(const json::Value& object, std::string_view key) {
  return object.Require(key).and_then(
      [](const json::Value& value) { return value.AsName(std::size_t{64} * 1024); });
}

}  // namespace

std::string RenderJson(const std::vector<ProbeResult>& results, const ReportContext& context) {
  json::Writer writer;
  writer.BeginObject().Key("report").String("casemate-flows").Key("format").Integer(1);
  writer.Key("version").String(context.version).Key("time").String(TimeText(context.time));
  writer.Key("endpoints").BeginArray();
  for (const ProbeResult& result : results) {
    WriteResult(writer, result);
  }
  writer.EndArray().EndObject();
  return std::string(writer.Take().view().Reveal()) + "\n";
}

Result<std::map<std::string, BaselineEntry>> ReadBaseline(PlaintextView json,
                                                          std::string_view list) {
  Result<json::Document> document = json::Document::Parse(json);
  if (!document) {
    return std::unexpected(document.error());
  }
  Result<json::Value> endpoints = document->root().Require(list);
  if (!endpoints) {
    return Fail(ErrorCode::kInvalidArgument,
                "not a report of this command: write one with --format json --out");
  }
  std::map<std::string, BaselineEntry> baseline;
  for (const json::Value& endpoint : endpoints->Elements()) {
    Result<std::string> name = Name(endpoint, "endpoint");
    Result<std::string> verdict = Name(endpoint, "verdict");
    Result<std::string> groups = Name(endpoint, "groups_text");
    Result<std::string> certificate = Name(endpoint, "certificate");
    for (const Result<std::string>* field : {&name, &verdict, &groups, &certificate}) {
      if (!*field) {
        return std::unexpected(field->error());
      }
    }
    baseline[*name] = {.verdict = *verdict, .groups = *groups, .certificate = *certificate};
  }
  return baseline;
}

}  // namespace casemate::flows
