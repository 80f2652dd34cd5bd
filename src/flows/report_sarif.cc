#include <array>

#include "flows/report.h"
#include "json/writer.h"

// SARIF 2.1.0 (OASIS): a rule per verdict below hybrid-enforced.
namespace casemate::flows {
namespace {

struct SarifRule {
  Verdict verdict;
  std::string_view level;  // "error", "warning", "note"
  std::string_view text;
};

constexpr std::array<SarifRule, 5> kRules = {{
    {Verdict::kHybridPreferred, "note",
     "Clients without a hybrid key exchange are served: what they send can be recorded and opened "
     "later."},
    {Verdict::kHybridSupported, "warning",
     "A client that sends a classical share first gets a classical key exchange, although both "
     "sides could do better."},
    {Verdict::kClassical, "error",
     "Only classical key exchange is accepted: recorded traffic can be opened by a quantum "
     "computer."},
    {Verdict::kBroken, "error",
     "The endpoint does not complete a handshake that a hybrid client "
     "would make."},
    {Verdict::kUnreachable, "warning", "The endpoint did not answer."},
}};

std::string RuleId(Verdict verdict) { return "flows/" + std::string(VerdictName(verdict)); }

std::string_view LevelOf(Verdict verdict) {
  for (const SarifRule& rule : kRules) {
    if (rule.verdict == verdict) {
      return rule.level;
    }
  }
  return "none";
}

void WriteRules(json::Writer& writer) {
  writer.Key("rules").BeginArray();
  for (const SarifRule& rule : kRules) {
    writer.BeginObject().Key("id").String(RuleId(rule.verdict));
    writer.Key("shortDescription").BeginObject().Key("text").String(rule.text).EndObject();
    writer.Key("help").BeginObject().Key("text");
    writer.String(Remedy(rule.verdict, false)).EndObject();
    writer.Key("defaultConfiguration").BeginObject().Key("level").String(rule.level).EndObject();
    writer.EndObject();
  }
  writer.EndArray();
}

// An endpoint is no file: its location is logical, and an artifact URI so that viewers show it.
void WriteLocation(json::Writer& writer, const Endpoint& endpoint) {
  const std::string name =
      endpoint.host.find(':') == std::string::npos ? endpoint.host : "[" + endpoint.host + "]";
  const std::string uri = (endpoint.scheme == Endpoint::Scheme::kSsh ? "ssh://" : "tls://") + name +
                          ":" + std::to_string(endpoint.port);
  writer.Key("locations").BeginArray().BeginObject();
  writer.Key("physicalLocation").BeginObject().Key("artifactLocation").BeginObject();
  writer.Key("uri").String(uri).EndObject().EndObject();
  writer.Key("logicalLocations").BeginArray().BeginObject();
  writer.Key("fullyQualifiedName").String(endpoint.Text()).EndObject().EndArray();
  writer.EndObject().EndArray();
}

}  // namespace

std::string RenderSarif(const std::vector<ProbeResult>& results, const ReportContext& context) {
  json::Writer writer;
  writer.BeginObject().Key("$schema").String("https://json.schemastore.org/sarif-2.1.0.json");
  writer.Key("version").String("2.1.0").Key("runs").BeginArray().BeginObject();
  writer.Key("tool").BeginObject().Key("driver").BeginObject().Key("name").String("casemate-flows");
  writer.Key("version").String(context.version);
  WriteRules(writer);
  writer.EndObject().EndObject().Key("results").BeginArray();
  for (const ProbeResult& result : results) {
    if (result.judgement.verdict == Verdict::kHybridEnforced) {
      continue;
    }
    writer.BeginObject().Key("ruleId").String(RuleId(result.judgement.verdict));
    writer.Key("level").String(LevelOf(result.judgement.verdict));
    writer.Key("message").BeginObject().Key("text");
    writer.String(result.endpoint.Text() + ": " + result.judgement.reason).EndObject();
    WriteLocation(writer, result.endpoint);
    // What makes two runs' results the same one.
    writer.Key("partialFingerprints").BeginObject().Key("endpointVerdict/v1");
    writer.String(result.endpoint.Text() + " " +
                  std::string(VerdictName(result.judgement.verdict)));
    writer.EndObject().EndObject();
  }
  writer.EndArray().EndObject().EndArray().EndObject();
  return std::string(writer.Take().view().Reveal()) + "\n";
}

}  // namespace casemate::flows
