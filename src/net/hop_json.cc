#include "net/hop_json.h"

#include "json/writer.h"
#include "net/tls_group.h"

namespace casemate::net {
namespace {

std::int64_t Number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

void WriteCertificate(json::Writer& writer, const HopCertificate& certificate) {
  writer.Key("certificate").BeginObject().Key("own").Bool(certificate.own);
  writer.Key("sha256").String(certificate.sha256);
  writer.Key("subject").String(certificate.subject).Key("issuer").String(certificate.issuer);
  writer.Key("public_key").String(certificate.public_key);
  writer.Key("signature").String(certificate.signature);
  writer.Key("post_quantum").Bool(certificate.post_quantum);
  writer.Key("not_after").Integer(certificate.not_after).EndObject();
}

void WriteEnds(json::Writer& writer, const std::string& hop, const std::string& peer, bool made) {
  writer.BeginObject().Key("hop").String(hop).Key("peer").String(peer);
  writer.Key("direction").String(made ? "made" : "accepted");
}

void WriteHop(json::Writer& writer, const HopRow& row) {
  const HopFacts& facts = row.facts;
  WriteEnds(writer, facts.hop, facts.peer, facts.made);
  writer.Key("transport").String(HopTransportName(facts.transport));
  if (facts.transport == HopTransport::kTls) {
    writer.Key("group").String(facts.group);
  }
  writer.Key("verdict").String(HopVerdict(facts));
  if (facts.transport == HopTransport::kTls) {
    writer.Key("version").String(facts.version).Key("cipher").String(facts.cipher);
    writer.Key("minimum").String(facts.minimum);
  }
  if (facts.certificate != nullptr) {
    WriteCertificate(writer, *facts.certificate);
  }
  writer.Key("connections").Integer(Number(row.connections));
  writer.Key("open").Integer(Number(row.open));
  writer.Key("bytes_in").Integer(Number(row.bytes_in));
  writer.Key("bytes_out").Integer(Number(row.bytes_out));
  writer.Key("first_seen").Integer(row.first_seen);
  writer.Key("last_seen").Integer(row.last_seen).EndObject();
}

void WriteRefusal(json::Writer& writer, const RefusalRow& row) {
  const HopRefusal& refusal = row.refusal;
  WriteEnds(writer, refusal.hop, refusal.peer, refusal.made);
  writer.Key("reason").String(refusal.reason).Key("detail").String(refusal.detail);
  writer.Key("offered_groups").String(refusal.groups);
  writer.Key("offered_versions").String(refusal.versions);
  writer.Key("count").Integer(Number(row.count));
  writer.Key("first_seen").Integer(row.first_seen);
  writer.Key("last_seen").Integer(row.last_seen).EndObject();
}

}  // namespace

std::string_view HopVerdict(const HopFacts& facts) {
  if (facts.transport != HopTransport::kTls) {
    return "local";
  }
  if (IsHybridGroup(facts.group)) {
    return "hybrid";
  }
  return facts.group.find("MLKEM") != std::string::npos ? "pure" : "classical";
}

Plaintext HopsJson(const HopSnapshot& snapshot, const HopsContext& context) {
  json::Writer writer;
  writer.BeginObject().Key("report").String("casemate-hops").Key("format").Integer(1);
  writer.Key("since").Integer(snapshot.since).Key("time").Integer(context.time);
  writer.Key("minimum").String(context.minimum).Key("classical_from").BeginArray();
  for (const std::string& peer : context.classical_from) {
    writer.String(peer);
  }
  writer.EndArray().Key("hops").BeginArray();
  for (const HopRow& row : snapshot.hops) {
    WriteHop(writer, row);
  }
  writer.EndArray().Key("refused").BeginArray();
  for (const RefusalRow& row : snapshot.refused) {
    WriteRefusal(writer, row);
  }
  const HopsForgotten& forgotten = snapshot.forgotten;
  writer.EndArray().Key("forgotten").BeginObject();
  writer.Key("hops").Integer(Number(forgotten.hops));
  writer.Key("connections").Integer(Number(forgotten.connections));
  writer.Key("bytes_in").Integer(Number(forgotten.bytes_in));
  writer.Key("bytes_out").Integer(Number(forgotten.bytes_out));
  writer.Key("refused").Integer(Number(forgotten.refusals)).EndObject();
  writer.Key("channels").BeginArray();
  for (const auto& [one, other] : context.channels) {
    writer.BeginArray().String(one).String(other).EndArray();
  }
  writer.EndArray().EndObject();
  return writer.Take();
}

}  // namespace casemate::net
