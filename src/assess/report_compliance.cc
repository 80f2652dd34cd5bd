#include "assess/report_compliance.h"

namespace casemate::assess {

std::vector<std::string_view> ComplianceFormats() { return {"register", "register-md", "sarif"}; }

std::optional<std::string> RenderCompliance(std::string_view format, const Report& report,
                                            const RegisterTable& table) {
  if (format == "register") {
    return RenderRegisterCsv(report, table);
  }
  if (format == "register-md") {
    return RenderRegisterMarkdown(report, table);
  }
  if (format == "sarif") {
    return RenderSarif(report);
  }
  return std::nullopt;
}

}  // namespace casemate::assess
