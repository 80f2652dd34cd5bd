#include "attestation/appraisal.h"
#include "base/clock.h"
#include "json/writer.h"

namespace casemate::attestation {
namespace {

void Put(json::Writer& json, std::string_view name, std::string_view text) {
  json.Key(name).String(text);
}

void PutSteps(json::Writer& json, const std::vector<Step>& steps) {
  json.Key("steps").BeginArray();
  for (const Step& step : steps) {
    json.BeginObject();
    Put(json, "id", step.id);
    Put(json, "outcome", OutcomeName(step.outcome));
    json.Key("decides").Bool(step.decides);
    Put(json, "reason", step.reason);
    json.EndObject();
  }
  json.EndArray();
}

void PutTexts(json::Writer& json, std::string_view name, const std::vector<std::string>& texts) {
  json.Key(name).BeginArray();
  for (const std::string& text : texts) {
    json.String(text);
  }
  json.EndArray();
}

void PutPairs(json::Writer& json, std::string_view name, const std::vector<NamedValue>& pairs) {
  json.Key(name).BeginArray();
  for (const NamedValue& pair : pairs) {
    json.BeginObject();
    Put(json, "name", pair.name);
    Put(json, "value", pair.value);
    json.EndObject();
  }
  json.EndArray();
}

void PutTcb(json::Writer& json, const Tcb& tcb) {
  json.Key("tcb").BeginObject();
  Put(json, "status", tcb.status);
  Put(json, "date", tcb.date);
  PutPairs(json, "components", tcb.components);
  PutTexts(json, "advisories", tcb.advisories);
  json.EndObject();
}

void PutPolicy(json::Writer& json, const std::vector<PolicyBit>& policy) {
  json.Key("policy").BeginArray();
  for (const PolicyBit& bit : policy) {
    json.BeginObject();
    Put(json, "name", bit.name);
    json.Key("set").Bool(bit.set);
    Put(json, "meaning", bit.meaning);
    json.Key("warning").Bool(bit.warning);
    json.EndObject();
  }
  json.EndArray();
}

void PutVouchers(json::Writer& json, const std::vector<Voucher>& vouchers) {
  json.Key("vouchers").BeginArray();
  for (const Voucher& voucher : vouchers) {
    json.BeginObject();
    Put(json, "role", voucher.role);
    Put(json, "holder", voucher.holder);
    Put(json, "company", voucher.company);
    Put(json, "jurisdiction", voucher.jurisdiction);
    Put(json, "sha256", voucher.sha256);
    json.EndObject();
  }
  json.EndArray();
}

void PutAttacks(json::Writer& json, const std::vector<AttackResult>& attacks) {
  json.Key("attacks").BeginArray();
  for (const AttackResult& attack : attacks) {
    json.BeginObject();
    Put(json, "id", attack.id);
    Put(json, "name", attack.name);
    Put(json, "coverage", CoverageName(attack.coverage));
    Put(json, "reason", attack.reason);
    Put(json, "void_because", attack.void_because);
    Put(json, "vendor_scope", attack.vendor_scope);
    Put(json, "source", attack.source);
    Put(json, "date", attack.date);
    json.EndObject();
  }
  json.EndArray();
}

void PutAppraisal(json::Writer& json, const Appraisal& appraisal) {
  json.BeginObject();
  Put(json, "source", appraisal.source);
  Put(json, "kind", KindName(appraisal.kind));
  Put(json, "wrapper", appraisal.wrapper);
  Put(json, "evidence_format", appraisal.format);
  Put(json, "product", appraisal.product);
  Put(json, "time", FormatUtc(appraisal.time));
  Put(json, "verdict", VerdictName(appraisal.verdict()));
  Put(json, "verdict_reason", appraisal.VerdictReason());
  PutSteps(json, appraisal.steps);
  PutTcb(json, appraisal.tcb);
  PutPolicy(json, appraisal.policy);
  PutPairs(json, "facts", appraisal.facts);
  PutVouchers(json, appraisal.vouchers);
  PutTexts(json, "cannot_show", appraisal.cannot_show);
  Put(json, "attacks_date", appraisal.attacks_date);
  PutAttacks(json, appraisal.attacks);
  PutTexts(json, "warnings", appraisal.warnings);
  json.EndObject();
}

}  // namespace

Plaintext ToJson(const std::vector<Appraisal>& appraisals) {
  json::Writer json;
  json.BeginObject();
  Put(json, "format", "casemate-appraisal/1");
  json.Key("appraisals").BeginArray();
  for (const Appraisal& appraisal : appraisals) {
    PutAppraisal(json, appraisal);
  }
  json.EndArray();
  json.EndObject();
  return json.Take();
}

}  // namespace casemate::attestation
