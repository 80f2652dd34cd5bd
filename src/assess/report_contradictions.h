#pragma once

#include <string>

#include "assess/report.h"

namespace casemate::json {
class Writer;
}

// Findings of their own: where evidence contradicts a description.
namespace casemate::assess {

// "azure-engine.review: the description says off (contract; DPA; p.yaml:7:3), account.json says
// human (properties.capabilities: ...)"
std::string ContradictionText(const Language& language, const Contradiction& contradiction);
// "Were it as described: cloud-act raises cost instead of does not stop."
std::string MovesText(const Language& language, const Contradiction& contradiction);
bool HasContradictions(const Report& report);

// A section with a heading; empty where there are none.
std::string ContradictionsMarkdown(const Report& report);
std::string ContradictionsMarkdown(const Language& language, const Assessment& assessment);
std::string ContradictionsHtml(const Report& report);
// The member "contradictions" of an assessment.
void WriteContradictions(json::Writer& out, const Assessment& assessment);

}  // namespace casemate::assess
