#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assess/register.h"
#include "assess/report.h"

// Reports for registers, scanners' dashboards and data-protection files: docs/assess.md, "For the
// register".
namespace casemate::assess {

// SARIF 2.1.0: a result for each cell that is not `stops`, at the fact that decides.
std::string RenderSarif(const Report& report);

// CycloneDX 1.6 or 1.7 (`seven`): hops, keys and stores, the algorithms that they are said to use,
// and how each fact is known. No key's value: a description has none.
std::string RenderCbom(const Report& report, bool seven);

// OSCAL 1.1.3. UUIDs follow from stable ids, so that two runs can be compared; the time is the day
// of the assessment.
std::string RenderOscalResults(const Report& report, const RegisterTable& table);
std::string RenderOscalPoam(const Report& report, const RegisterTable& table);

// Sections of a data protection impact assessment (GDPR Art. 35) and of a transfer impact
// assessment, as far as facts go; the rest says who has to do it. Markdown.
std::string RenderDpia(const Report& report, const RegisterTable& table);
std::string RenderTia(const Report& report, const RegisterTable& table);

// The names of those formats: "register", "sarif", ...
std::vector<std::string_view> ComplianceFormats();
// nullopt: none of them.
std::optional<std::string> RenderCompliance(std::string_view format, const Report& report,
                                            const RegisterTable& table);

// Shared by them.
constexpr std::int64_t kReviewDays = 180;  // until a risk is looked at again
// A path as a URI; that of standard input is "stdin".
std::string UriOf(std::string_view path);
// The row of a contradiction, in the columns of the register.
std::vector<std::string> ContradictionColumns(const Report& report, const RegisterTable& table,
                                              const Pipeline& pipeline,
                                              const Assessment& assessment,
                                              const Contradiction& contradiction);
// What the evidence became in the pipeline: its confidence and day.
const Evidence& EvidenceOf(const Pipeline& pipeline, const Contradiction& contradiction);
std::string PartyName(const Pipeline& pipeline, std::size_t party);
std::string DayText(std::int64_t day);  // YYYY-MM-DD
// Of what is reached; where nothing is, or no cell is given, of all that there is.
std::string HighestLabel(const Pipeline& pipeline, const Cell* cell);
// "G 0.14, G 0.29"
std::string Threats(const RegisterTable& table, std::string_view risk);
// Why controls that are filed under a risk do not mitigate it; empty where there are none.
std::string RefusalText(const Language& language, const RegisterRow& row);

}  // namespace casemate::assess
