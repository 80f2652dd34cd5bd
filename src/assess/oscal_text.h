#pragma once

#include <string>
#include <string_view>

#include "assess/report.h"

namespace casemate::json {
class Writer;
}

// What the parts of OSCAL documents share.
namespace casemate::assess {

// Version 5, of a stable name: the same thing has the same UUID in every run.
std::string ReportUuid(const std::string& name);
std::string ReportInstant(std::string_view day);
std::string_view OscalMethod(Confidence confidence);
// An observation's "collected" is a day; where a fact has none, that of the assessment.
std::string OscalCollected(const Evidence& evidence, const Assessment& assessment);

// The parts of a contradiction: an observation of the evidence, a risk, a finding against
// `control`, an item of the plan. Each writes all of the assessment's into an open array.
class OscalContradictions {
 public:
  OscalContradictions(const Language& language, const Pipeline& pipeline,
                      const Assessment& assessment)
      : language_(language), pipeline_(pipeline), assessment_(assessment) {}

  bool empty() const { return assessment_.contradictions.empty(); }
  void WriteObservations(json::Writer& out) const;
  void WriteRisks(json::Writer& out) const;
  void WriteFindings(json::Writer& out, const std::string& control) const;
  void WriteItems(json::Writer& out) const;

 private:
  std::string Title(const Contradiction& contradiction) const;
  void WriteRelated(json::Writer& out, const Contradiction& contradiction) const;

  const Language& language_;
  const Pipeline& pipeline_;
  const Assessment& assessment_;
};

}  // namespace casemate::assess
