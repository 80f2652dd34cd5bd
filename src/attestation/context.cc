#include "attestation/context.h"

#include <algorithm>

namespace casemate::attestation {

Appraisal Begin(std::string source, Kind kind, std::string format, const Context& context) {
  Appraisal appraisal;
  appraisal.source = std::move(source);
  appraisal.kind = kind;
  appraisal.format = std::move(format);
  appraisal.time = context.time;
  return appraisal;
}

void Close(const Context& context, const AttackFacts& facts, std::vector<std::string> cannot_show,
           Appraisal& appraisal) {
  appraisal.cannot_show = std::move(cannot_show);
  AttacksOf(context).Judge(facts, appraisal);
}

void CompareReportData(const Context& context, ByteView found, Appraisal& appraisal) {
  if (!context.report_data && !context.nonce) {
    appraisal.Skip(
        "report-data",
        "no expected value was given (--report-data, --nonce): the evidence may be old or "
        "meant for another verifier",
        false);
  }
  const std::pair<const char*, const std::optional<Bytes>*> values[] = {
      {"report-data", &context.report_data}, {"nonce", &context.nonce}};
  for (const auto& [step, expected] : values) {
    if (!*expected) {
      continue;
    }
    const Bytes& value = **expected;
    const bool same = !value.empty() && value.size() <= found.size() &&
                      std::ranges::equal(value, found.first(value.size())) &&
                      std::ranges::all_of(found.subspan(value.size()),
                                          [](std::byte b) { return b == std::byte{0}; });
    if (same) {
      appraisal.Pass(step, "the evidence carries the value that was expected");
    } else {
      appraisal.Refuse(step, "expected " + ToHex(value) + ", found " + ToHex(found));
    }
  }
}

}  // namespace casemate::attestation
