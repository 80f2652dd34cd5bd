#include <map>
#include <set>

#include "assess/report_compliance.h"
#include "crypto/name_uuid.h"
#include "json/writer.h"

// OSCAL assessment results, and plan of action and milestones (NIST, models of 1.1.3).
namespace casemate::assess {
namespace {

using json::Writer;

constexpr std::string_view kNamespace = "1f6c1a52-54ff-4c8e-8d0b-6d3b7e1f9a40";  // of these reports
constexpr std::string_view kVersion = "1.1.3";
constexpr std::string_view kFacets = "urn:casemate:assess:register";

std::string Uuid(const std::string& name) { return crypto::NameUuid(kNamespace, name); }
std::string Instant(std::string_view day) { return std::string(day) + "T00:00:00Z"; }

std::string_view MethodOf(Confidence confidence) {
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
        register_(MakeRegister(pipeline_, assessment_, *report.rules, table)) {}

  std::string RiskId(const RegisterRow& row) const { return Uuid("risk " + row.id); }

  void WriteObservations(Writer& out) const {
    std::set<std::string> seen;
    out.Key("observations").BeginArray();
    for (const RegisterRow* row : Open()) {
      for (const ChainFact& fact : FactsOf(*row)) {
        const std::string id = ObservationId(fact);
        if (!seen.insert(id).second) {
          continue;
        }
        const std::string& date = fact.evidence.date;
        out.BeginObject().Key("uuid").String(id).Key("description");
        out.String(FactText(language_, fact)).Key("methods").BeginArray();
        out.String(MethodOf(fact.evidence.confidence)).EndArray().Key("collected");
        out.String(Instant(IsDate(date) ? date : assessment_.today)).EndObject();
      }
    }
    out.EndArray();
  }

  void WriteRisks(Writer& out) const {
    for (const RegisterRow* row : Open()) {
      WriteRisk(out, *row);
    }
  }

  void WriteFindings(Writer& out) const {
    out.Key("findings").BeginArray();
    for (const RegisterRow* row : Open()) {
      out.BeginObject().Key("uuid").String(Uuid("finding " + row->id)).Key("title");
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
    out.EndArray();
  }

  void WriteItems(Writer& out) const {
    for (const RegisterRow* row : Open()) {
      const bool has = row->cell != nullptr && row->cell->better.has_value();
      out.BeginObject().Key("uuid").String(Uuid("item " + row->id)).Key("title");
      out.String(Title(*row)).Key("description");
      out.String(has ? CounterfactualText(language_, *row->cell->better)
                     : language_.Fill("register.decide", {You()}));
      WriteRelated(out, *row);
      out.EndObject();
    }
  }

  void WriteResult(Writer& out) const {
    out.BeginObject().Key("uuid").String(Uuid("result " + Name()));
    out.Key("title").String(assessment_.title).Key("description");
    out.String(language_.Fill("table.as-of", {assessment_.today, assessment_.label}));
    out.Key("start").String(Instant(assessment_.today)).Key("reviewed-controls").BeginObject();
    out.Key("control-selections").BeginArray().BeginObject().Key("include-controls").BeginArray();
    std::set<std::string> controls;
    for (const Cell& cell : assessment_.cells) {
      controls.insert(ControlOf(table_, cell.adversary->id));
    }
    for (const std::string& control : controls) {
      out.BeginObject().Key("control-id").String(control).EndObject();
    }
    out.EndArray().EndObject().EndArray().EndObject();
    if (!Open().empty()) {
      WriteObservations(out);
      out.Key("risks").BeginArray();
      WriteRisks(out);
      out.EndArray();
      WriteFindings(out);
    }
    out.EndObject();
  }

  std::string Name() const { return assessment_.name + " " + assessment_.today; }
  bool HasOpen() const { return !Open().empty(); }

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
  std::string Verdict(const RegisterRow& row) const {
    return row.cell == nullptr ? VerdictText(language_, row.verdict)
                               : CellText(language_, *row.cell);
  }
  std::string ObservationId(const ChainFact& fact) const {
    return Uuid("fact " + assessment_.name + " " + fact.Name() + " " + fact.value);
  }
  static std::vector<ChainFact> FactsOf(const RegisterRow& row) {
    std::vector<ChainFact> facts;
    if (row.cell != nullptr) {
      for (const ChainStep& step : row.cell->chain) {
        facts.insert(facts.end(), step.facts.begin(), step.facts.end());
      }
    }
    return facts;
  }
  void WriteRelated(Writer& out, const RegisterRow& row) const {
    out.Key("related-risks").BeginArray().BeginObject().Key("risk-uuid").String(RiskId(row));
    out.EndObject().EndArray();
  }

  void WriteRisk(Writer& out, const RegisterRow& row) const {
    AcceptanceOf accepted;
    if (row.cell != nullptr && report_.accepted != nullptr) {
      accepted = FindAcceptance(*report_.accepted, *row.cell, assessment_.today);
    }
    const bool is_accepted = accepted.state == AcceptanceState::kAccepted;
    std::string statement;
    if (row.cell != nullptr) {
      for (const ChainStep& step : row.cell->chain) {
        statement += (statement.empty() ? "" : " ") + step.rule->sentence.In(language_.code());
      }
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
    out.Key("type").String("tool").Key("actor-uuid").String(Uuid("tool")).EndObject().EndArray();
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
      out.Key("deadline").String(Instant(accepted.acceptance->until));
    }
    if (row.cell != nullptr && row.cell->better) {
      out.Key("remediations").BeginArray().BeginObject().Key("uuid");
      out.String(Uuid("remediation " + row.id)).Key("lifecycle").String("recommendation");
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
  out.Key("last-modified").String(Instant(report.assessments.front()->today)).Key("version");
  out.String(report.version).Key("oscal-version").String(kVersion).EndObject();
}

}  // namespace

std::string RenderOscalResults(const Report& report, const RegisterTable& table) {
  const std::vector<Part> parts = PartsOf(report, table);
  const std::string plan = Uuid("plan " + NamesOf(parts));
  Writer out;
  out.BeginObject().Key("assessment-results").BeginObject().Key("uuid");
  out.String(Uuid("assessment-results " + NamesOf(parts)));
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
  out.String(Uuid("poam " + NamesOf(parts)));
  WriteMetadata(out, report, "oscal.poam");
  out.Key("system-id").BeginObject().Key("identifier-type");
  out.String("http://ietf.org/rfc/rfc4122").Key("id");
  std::string names;
  for (const Assessment* assessment : report.assessments) {
    names += " " + assessment->name;
  }
  out.String(Uuid("system" + names)).EndObject().Key("risks").BeginArray();
  for (const Part& part : parts) {
    part.WriteRisks(out);
  }
  out.EndArray().Key("poam-items").BeginArray();
  for (const Part& part : parts) {
    part.WriteItems(out);
  }
  out.EndArray().EndObject().EndObject();
  return std::string(out.Take().view().Reveal()) + "\n";
}

}  // namespace casemate::assess
