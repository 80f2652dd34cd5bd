#include "assess/oscal_text.h"

#include "assess/report_compliance.h"
#include "assess/report_contradictions.h"
#include "crypto/name_uuid.h"
#include "json/writer.h"

namespace casemate::assess {
namespace {

constexpr std::string_view kNamespace = "1f6c1a52-54ff-4c8e-8d0b-6d3b7e1f9a40";  // of these reports

}  // namespace

std::string ReportUuid(const std::string& name) { return crypto::NameUuid(kNamespace, name); }

std::string ReportInstant(std::string_view day) { return std::string(day) + "T00:00:00Z"; }

std::string_view OscalMethod(Confidence confidence) {
  switch (confidence) {
    case Confidence::kMeasured:
    case Confidence::kAttested:
      return "TEST";
    case Confidence::kClaimed:
      return "INTERVIEW";
    case Confidence::kDocumented:
    case Confidence::kContract:
    case Confidence::kUnknown:
      break;
  }
  return "EXAMINE";
}

std::string OscalCollected(const Evidence& evidence, const Assessment& assessment) {
  return ReportInstant(IsDate(evidence.date) ? evidence.date : assessment.today);
}

std::string OscalContradictions::Title(const Contradiction& contradiction) const {
  return language_.Get("contradiction.title") + ": " + contradiction.Name();
}

void OscalContradictions::WriteRelated(json::Writer& out,
                                       const Contradiction& contradiction) const {
  out.Key("related-observations").BeginArray().BeginObject().Key("observation-uuid");
  out.String(ReportUuid("observation " + contradiction.id)).EndObject().EndArray();
  out.Key("related-risks").BeginArray().BeginObject().Key("risk-uuid");
  out.String(ReportUuid("risk " + contradiction.id)).EndObject().EndArray();
}

void OscalContradictions::WriteObservations(json::Writer& out) const {
  for (const Contradiction& contradiction : assessment_.contradictions) {
    const Evidence& evidence = EvidenceOf(pipeline_, contradiction);
    out.BeginObject().Key("uuid").String(ReportUuid("observation " + contradiction.id));
    out.Key("title").String(Title(contradiction)).Key("description");
    out.String(ContradictionText(language_, contradiction)).Key("methods").BeginArray();
    out.String(contradiction.exported ? "EXAMINE" : OscalMethod(evidence.confidence)).EndArray();
    out.Key("relevant-evidence").BeginArray().BeginObject();
    if (contradiction.exported) {
      out.Key("href").String(UriOf(contradiction.file));
    }
    out.Key("description").String(contradiction.file + ", " + contradiction.path).EndObject();
    out.EndArray().Key("collected").String(OscalCollected(evidence, assessment_)).EndObject();
  }
}

void OscalContradictions::WriteRisks(json::Writer& out) const {
  for (const Contradiction& contradiction : assessment_.contradictions) {
    out.BeginObject().Key("uuid").String(ReportUuid("risk " + contradiction.id)).Key("title");
    out.String(Title(contradiction)).Key("description");
    out.String(language_.Get("contradiction.threat")).Key("statement");
    out.String(ContradictionText(language_, contradiction) + ". " +
               MovesText(language_, contradiction));
    out.Key("status").String("open").EndObject();
  }
}

void OscalContradictions::WriteFindings(json::Writer& out, const std::string& control) const {
  for (const Contradiction& contradiction : assessment_.contradictions) {
    out.BeginObject().Key("uuid").String(ReportUuid("finding " + contradiction.id)).Key("title");
    out.String(Title(contradiction)).Key("description");
    out.String(ContradictionText(language_, contradiction)).Key("target").BeginObject();
    out.Key("type").String("objective-id").Key("target-id").String(control + "_obj");
    out.Key("status").BeginObject().Key("state").String("not-satisfied").EndObject().EndObject();
    WriteRelated(out, contradiction);
    out.EndObject();
  }
}

void OscalContradictions::WriteItems(json::Writer& out) const {
  for (const Contradiction& contradiction : assessment_.contradictions) {
    out.BeginObject().Key("uuid").String(ReportUuid("item " + contradiction.id)).Key("title");
    out.String(Title(contradiction)).Key("description");
    out.String(language_.Get("contradiction.measure") + " " +
               ContradictionText(language_, contradiction));
    WriteRelated(out, contradiction);
    out.EndObject();
  }
}

}  // namespace casemate::assess
