#include <algorithm>
#include <map>
#include <set>

#include "assess/oscal_text.h"
#include "assess/report_compliance.h"
#include "json/writer.h"

// OSCAL assessment results, and plan of action and milestones (NIST, models of 1.1.3).
namespace casemate::assess {
namespace {

using json::Writer;

constexpr std::string_view kVersion = "1.1.3";
constexpr std::string_view kContradiction = "contradiction";  // no risk of the table: the default
constexpr std::string_view kFacets = "urn:casemate:assess:register";

std::string ControlOf(const RegisterTable& table, std::string_view risk) {
  const RiskEntry* entry = table.Find(risk);
  return entry == nullptr || entry->control.empty() ? "ra-3" : entry->control;
}

// One description, ready to be written.
class Part {
 public:
  Part(const Report& report, const RegisterTable& table, std::size_t index)
      : report_(report),
        language_(*report.language),
        table_(table),
        pipeline_(*report.pipelines[index]),
        assessment_(*report.assessments[index]),
        register_(MakeRegister(pipeline_, assessment_, *report.rules, table)),
        contradictions_(language_, pipeline_, assessment_) {}

  std::string RiskId(const RegisterRow& row) const { return ReportUuid("risk " + row.id); }

  void WriteObservations(Writer& out) const {
    std::set<std::string> seen;
    out.Key("observations").BeginArray();
    for (const RegisterRow* row : Open()) {
      for (const ChainFact& fact : FactsOf(*row)) {
        const std::string id = ObservationId(fact);
        if (!seen.insert(id).second) {
          continue;
        }
        out.BeginObject().Key("uuid").String(id).Key("description");
        out.String(FactText(language_, fact)).Key("methods").BeginArray();
        out.String(OscalMethod(fact.evidence.confidence)).EndArray().Key("collected");
        out.String(OscalCollected(fact.evidence, assessment_)).EndObject();
      }
    }
    contradictions_.WriteObservations(out);
    out.EndArray();
  }

  void WriteRisks(Writer& out) const {
    for (const RegisterRow* row : Open()) {
      WriteRisk(out, *row);
    }
    contradictions_.WriteRisks(out);
  }

  // Those of contradictions alone: the plan points at no others.
  void WritePlanObservations(Writer& out) const { contradictions_.WriteObservations(out); }
  bool HasContradictions() const { return !contradictions_.empty(); }

  void WriteFindings(Writer& out) const {
    out.Key("findings").BeginArray();
    for (const RegisterRow* row : Open()) {
      out.BeginObject().Key("uuid").String(ReportUuid("finding " + row->id)).Key("title");
      out.String(Title(*row)).Key("description").String(Verdict(*row)).Key("target");
      out.BeginObject().Key("type").String("objective-id").Key("target-id");
      out.String(ControlOf(table_, row->adversary->id) + "_obj").Key("status").BeginObject();
      out.Key("state").String("not-satisfied").EndObject().EndObject();
      const std::vector<ChainFact> facts = FactsOf(*row);
      if (!facts.empty()) {
        std::set<std::string> ids;
        out.Key("related-observations").BeginArray();
        for (const ChainFact& fact : facts) {
          if (const std::string id = ObservationId(fact); ids.insert(id).second) {
            out.BeginObject().Key("observation-uuid").String(id).EndObject();
          }
        }
        out.EndArray();
      }
      WriteRelated(out, *row);
      out.EndObject();
    }
    contradictions_.WriteFindings(out, ControlOf(table_, kContradiction));
    out.EndArray();
  }

  void WriteItems(Writer& out) const {
    for (const RegisterRow* row : Open()) {
      const bool has = row->cell->better.has_value();
      out.BeginObject().Key("uuid").String(ReportUuid("item " + row->id)).Key("title");
      out.String(Title(*row)).Key("description");
      out.String(has ? CounterfactualText(language_, *row->cell->better)
                     : language_.Fill("register.decide", {You()}));
      WriteRelated(out, *row);
      out.EndObject();
    }
    contradictions_.WriteItems(out);
  }

  void WriteResult(Writer& out) const {
    out.BeginObject().Key("uuid").String(ReportUuid("result " + Name()));
    out.Key("title").String(assessment_.title).Key("description");
    out.String(language_.Fill("table.as-of", {assessment_.today, assessment_.label}));
    out.Key("start")
        .String(ReportInstant(assessment_.today))
        .Key("reviewed-controls")
        .BeginObject();
    out.Key("control-selections").BeginArray().BeginObject().Key("include-controls").BeginArray();
    std::set<std::string> controls;
    for (const Cell& cell : assessment_.cells) {
      controls.insert(ControlOf(table_, cell.adversary->id));
    }
    if (!contradictions_.empty()) {
      controls.insert(ControlOf(table_, kContradiction));
    }
    for (const std::string& control : controls) {
      out.BeginObject().Key("control-id").String(control).EndObject();
    }
    out.EndArray().EndObject().EndArray().EndObject();
    if (HasOpen()) {
      WriteObservations(out);
      out.Key("risks").BeginArray();
      WriteRisks(out);
      out.EndArray();
      WriteFindings(out);
    }
    out.EndObject();
  }

  std::string Name() const { return assessment_.name + " " + assessment_.today; }
  bool HasOpen() const { return !Open().empty() || !contradictions_.empty(); }

 private:
  std::vector<const RegisterRow*> Open() const {
    std::vector<const RegisterRow*> rows;
    for (const RegisterRow& row : register_.rows) {
      if (row.verdict != Verdict::kStops) {
        rows.push_back(&row);
      }
    }
    return rows;
  }
  std::string You() const { return PartyName(pipeline_, pipeline_.you()); }
  std::string Title(const RegisterRow& row) const {
    return row.adversary->title.In(language_.code()) + " (" + row.id + ")";
  }
  std::string Verdict(const RegisterRow& row) const { return CellText(language_, *row.cell); }
  std::string ObservationId(const ChainFact& fact) const {
    return ReportUuid("fact " + assessment_.name + " " + fact.Name() + " " + fact.value);
  }
  static std::vector<ChainFact> FactsOf(const RegisterRow& row) {
    std::vector<ChainFact> facts;
    for (const ChainStep& step : row.cell->chain) {
      facts.insert(facts.end(), step.facts.begin(), step.facts.end());
    }
    return facts;
  }
  void WriteRelated(Writer& out, const RegisterRow& row) const {
    out.Key("related-risks").BeginArray().BeginObject().Key("risk-uuid").String(RiskId(row));
    out.EndObject().EndArray();
  }

  void WriteRisk(Writer& out, const RegisterRow& row) const {
    AcceptanceOf accepted;
    if (report_.accepted != nullptr) {
      accepted = FindAcceptance(*report_.accepted, *row.cell, assessment_.today);
    }
    const bool is_accepted = accepted.state == AcceptanceState::kAccepted;
    std::string statement;
    for (const ChainStep& step : row.cell->chain) {
      statement += (statement.empty() ? "" : " ") + step.rule->sentence.In(language_.code());
    }
    if (const std::string refused = RefusalText(language_, row); !refused.empty()) {
      statement += (statement.empty() ? "" : " ") + refused;
    }
    const std::string description = row.adversary->sentence.In(language_.code());
    out.BeginObject().Key("uuid").String(RiskId(row)).Key("title").String(Title(row));
    out.Key("description").String(description).Key("statement");
    out.String(statement.empty() ? description : statement).Key("status");
    out.String(is_accepted ? "deviation-approved" : "open").Key("characterizations").BeginArray();
    out.BeginObject().Key("origin").BeginObject().Key("actors").BeginArray().BeginObject();
    out.Key("type")
        .String("tool")
        .Key("actor-uuid")
        .String(ReportUuid("tool"))
        .EndObject()
        .EndArray();
    out.EndObject().Key("facets").BeginArray();
    const std::size_t likelihood = table_.LikelihoodOf(row.adversary->id, row.verdict);
    const std::size_t impact = table_.ImpactOf(HighestLabel(pipeline_, row.cell));
    for (const auto& [name, value] :
         {std::pair{"likelihood", table_.likelihood[likelihood].id},
          std::pair{"impact", table_.impact[impact].id},
          std::pair{"risk", table_.levels[table_.matrix[impact][likelihood]].id},
          std::pair{"verdict", std::string(VerdictName(row.verdict))}}) {
      out.BeginObject().Key("name").String(name).Key("system").String(kFacets).Key("value");
      out.String(value).EndObject();
    }
    out.EndArray().EndObject().EndArray();
    if (is_accepted) {
      out.Key("deadline").String(ReportInstant(accepted.acceptance->until));
    }
    if (row.cell->better) {
      out.Key("remediations").BeginArray().BeginObject().Key("uuid");
      out.String(ReportUuid("remediation " + row.id)).Key("lifecycle").String("recommendation");
      out.Key("title").String(ChangesText(language_, *row.cell->better)).Key("description");
      out.String(CounterfactualText(language_, *row.cell->better)).EndObject().EndArray();
    }
    out.EndObject();
  }

  const Report& report_;
  const Language& language_;
  const RegisterTable& table_;
  const Pipeline& pipeline_;
  const Assessment& assessment_;
  Register register_;
  OscalContradictions contradictions_;
};

std::vector<Part> PartsOf(const Report& report, const RegisterTable& table) {
  std::vector<Part> parts;
  parts.reserve(report.assessments.size());
  for (std::size_t i = 0; i < report.assessments.size(); ++i) {
    parts.emplace_back(report, table, i);
  }
  return parts;
}

std::string NamesOf(const std::vector<Part>& parts) {
  std::string names;
  for (const Part& part : parts) {
    names += (names.empty() ? "" : ", ") + part.Name();
  }
  return names;
}

void WriteMetadata(Writer& out, const Report& report, std::string_view title) {
  out.Key("metadata").BeginObject().Key("title").String(report.language->Get(title));
  out.Key("last-modified").String(ReportInstant(report.assessments.front()->today)).Key("version");
  out.String(report.version).Key("oscal-version").String(kVersion).EndObject();
}

}  // namespace

std::string RenderOscalResults(const Report& report, const RegisterTable& table) {
  const std::vector<Part> parts = PartsOf(report, table);
  const std::string plan = ReportUuid("plan " + NamesOf(parts));
  Writer out;
  out.BeginObject().Key("assessment-results").BeginObject().Key("uuid");
  out.String(ReportUuid("assessment-results " + NamesOf(parts)));
  WriteMetadata(out, report, "oscal.results");
  out.Key("import-ap").BeginObject().Key("href").String("#" + plan).EndObject();
  out.Key("results").BeginArray();
  for (const Part& part : parts) {
    part.WriteResult(out);
  }
  out.EndArray().Key("back-matter").BeginObject().Key("resources").BeginArray().BeginObject();
  out.Key("uuid").String(plan).Key("title").String(report.language->Get("oscal.plan"));
  out.EndObject().EndArray().EndObject().EndObject().EndObject();
  return std::string(out.Take().view().Reveal()) + "\n";
}

std::string RenderOscalPoam(const Report& report, const RegisterTable& table) {
  const std::vector<Part> parts = PartsOf(report, table);
  Writer out;
  out.BeginObject().Key("plan-of-action-and-milestones").BeginObject().Key("uuid");
  out.String(ReportUuid("poam " + NamesOf(parts)));
  WriteMetadata(out, report, "oscal.poam");
  out.Key("system-id").BeginObject().Key("identifier-type");
  out.String("http://ietf.org/rfc/rfc4122").Key("id");
  std::string names;
  for (const Assessment* assessment : report.assessments) {
    names += " " + assessment->name;
  }
  out.String(ReportUuid("system" + names)).EndObject();
  // An array that is there is not empty.
  if (std::ranges::any_of(parts, &Part::HasContradictions)) {
    out.Key("observations").BeginArray();
    for (const Part& part : parts) {
      part.WritePlanObservations(out);
    }
    out.EndArray();
  }
  const bool open = std::ranges::any_of(parts, &Part::HasOpen);
  if (open) {
    out.Key("risks").BeginArray();
    for (const Part& part : parts) {
      part.WriteRisks(out);
    }
    out.EndArray();
  }
  out.Key("poam-items").BeginArray();
  for (const Part& part : parts) {
    part.WriteItems(out);
  }
  if (!open) {
    out.BeginObject().Key("uuid").String(ReportUuid("nothing" + names)).Key("title");
    out.String(report.language->Get("oscal.nothing")).Key("description");
    out.String(report.language->Get("oscal.nothing")).EndObject();
  }
  out.EndArray().EndObject().EndObject();
  return std::string(out.Take().view().Reveal()) + "\n";
}

}  // namespace casemate::assess
