#include "assess/report_compliance.h"

#include <algorithm>
#include <array>

namespace casemate::assess {

namespace {

struct Format {
  std::string_view name;
  std::string (*render)(const Report& report, const RegisterTable& table);
};

constexpr std::array<Format, 7> kFormats = {{
    {"register", RenderRegisterCsv},
    {"register-md", RenderRegisterMarkdown},
    {"sarif", [](const Report& report, const RegisterTable&) { return RenderSarif(report); }},
    {"oscal-ar", RenderOscalResults},
    {"oscal-poam", RenderOscalPoam},
    {"dpia", RenderDpia},
    {"tia", RenderTia},
}};

}  // namespace

std::vector<std::string_view> ComplianceFormats() {
  std::vector<std::string_view> names;
  names.reserve(kFormats.size());
  for (const Format& format : kFormats) {
    names.push_back(format.name);
  }
  return names;
}

std::optional<std::string> RenderCompliance(std::string_view format, const Report& report,
                                            const RegisterTable& table) {
  const auto* found = std::ranges::find(kFormats, format, &Format::name);
  return found == kFormats.end() ? std::nullopt : std::optional(found->render(report, table));
}

}  // namespace casemate::assess
