#include "attestation/azure/appraise.h"

#include <algorithm>

#include "attestation/azure/envelope.h"
#include "attestation/little_endian.h"
#include "attestation/snp/appraise.h"
#include "json/reader.h"

namespace casemate::attestation::azure {
namespace {

constexpr std::size_t kSnpReportDataAt = 0x50;
constexpr std::size_t kTdReportDataAt = 128;  // REPORTMACSTRUCT

// Keys that the runtime data binds (the vTPM's attestation key among them), and the VM's
// configuration.
void AddRuntimeFacts(const Envelope& envelope, Appraisal& appraisal) {
  appraisal.AddFact("runtime-data-sha256", ToHex(envelope.digest));
  Result<json::Document> document = json::Document::Parse(
      PlaintextView::Of(envelope.runtime_data),
      {.max_bytes = std::size_t{1} << 17, .max_depth = 8, .max_values = 5'000});
  if (!document) {
    appraisal.warnings.push_back("the runtime data is no JSON: " + document.error().message);
    return;
  }
  const json::Value root = document->root();
  const std::optional<json::Value> keys = root.GetSet("keys");
  for (const json::Value& key : keys ? keys->Elements() : std::vector<json::Value>()) {
    const std::optional<json::Value> id = key.GetSet("kid");
    appraisal.AddFact("bound-key", id ? id->AsName(128).value_or("?") : "?");
  }
  const std::optional<json::Value> configuration = root.GetSet("vm-configuration");
  for (const json::Value::Member& member :
       configuration ? configuration->Members() : std::vector<json::Value::Member>()) {
    if (member.value.kind() == json::Value::Kind::kBool) {
      appraisal.AddFact("vm." + member.key,
                        member.value.AsBool().value_or(false) ? "true" : "false");
    } else if (member.value.kind() == json::Value::Kind::kString) {
      appraisal.AddFact("vm." + member.key, member.value.AsName(256).value_or("?"));
    }
  }
}

void CheckBinding(const Envelope& envelope, std::size_t at, Appraisal& appraisal) {
  const ByteView bound = ByteView(envelope.report).subspan(at, 32);
  if (std::ranges::equal(bound, envelope.digest)) {
    appraisal.Pass("runtime-data", "the report data begins with the runtime data's SHA-256");
  } else {
    appraisal.Refuse(
        "runtime-data",
        "the report data does not begin with the runtime data's SHA-256: one of both was "
        "changed");
  }
}

}  // namespace

Appraisal Appraise(const std::string& source, ByteView raw, const Context& context) {
  Appraisal appraisal = Begin(source, Kind::kUnknown, "Azure's vTPM report", context);
  Result<Envelope> envelope = ParseEnvelope(raw);
  if (!envelope) {
    appraisal.Refuse("format", envelope.error().message);
    appraisal.wrapper = "azure-hcl";
    return appraisal;
  }
  if (envelope->type == ReportType::kSnp) {
    appraisal = snp::Appraise(source, envelope->report, context);
    CheckBinding(*envelope, kSnpReportDataAt, appraisal);
  } else {
    appraisal.kind = Kind::kTdx;
    appraisal.format = "TDREPORT";
    appraisal.Refuse(
        "format",
        "the envelope holds a TDREPORT, which only the machine that made it can check: "
        "judge the quote that Azure's quoting service makes of it");
    CheckBinding(*envelope, kTdReportDataAt, appraisal);
  }
  appraisal.wrapper = "azure-hcl";
  appraisal.vouchers.push_back({.role = "wrapper",
                                .holder = "paravisor (HCL) of the VM",
                                .company = "Microsoft Corporation (Redmond WA)",
                                .jurisdiction = "USA",
                                .sha256 = {}});
  AddRuntimeFacts(*envelope, appraisal);
  appraisal.cannot_show.emplace_back(
      "anything about the guest itself: the measurement is of Microsoft's paravisor, and what the "
      "vTPM "
      "says of the guest rests on it");
  return appraisal;
}

}  // namespace casemate::attestation::azure
