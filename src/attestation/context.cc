#include "attestation/context.h"

#include <algorithm>

namespace casemate::attestation {

void CompareReportData(const Context& context, ByteView found, Appraisal& appraisal) {
  const std::optional<Bytes>& expected = context.report_data ? context.report_data : context.nonce;
  if (!expected) {
    appraisal.Skip(
        "report-data",
        "no expected value was given (--report-data, --nonce): the evidence may be old or "
        "meant for another verifier",
        false);
    return;
  }
  const bool same = expected->size() <= found.size() &&
                    std::ranges::equal(*expected, found.first(expected->size())) &&
                    std::ranges::all_of(found.subspan(expected->size()),
                                        [](std::byte b) { return b == std::byte{0}; });
  if (same) {
    appraisal.Pass("report-data", "the report data is what was expected");
  } else {
    appraisal.Refuse("report-data", "expected " + ToHex(*expected) + ", found " + ToHex(found));
  }
}

}  // namespace casemate::attestation
