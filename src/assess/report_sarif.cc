#include "assess/report_compliance.h"
#include "assess/report_contradictions.h"
#include "json/writer.h"

// SARIF 2.1.0 (OASIS): an adversary is a rule, a cell is a result.
namespace casemate::assess {
namespace {

using json::Writer;

constexpr std::string_view kContradictionRule = "assess/contradiction";

std::string RuleId(const Adversary& adversary) { return "assess/" + adversary.id; }

std::string_view LevelOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kDoesNotStop:
      return "error";
    case Verdict::kRaisesCost:
    case Verdict::kUnknown:
      return "warning";
    case Verdict::kControllable:
      return "note";
    case Verdict::kStops:
    case Verdict::kNotApplicable:
      break;
  }
  return "none";
}

// A fact that somebody wrote into a file; those of the built-in catalogue and those that nobody
// stated are in none.
bool IsInFile(const Place& place) {
  return place.mark.line != 0 && !place.file.starts_with("catalogue/");
}
bool IsInFile(const ChainFact& fact) { return IsInFile(fact.place); }

// `file` is the description; dashboards show nothing that is in no file.
void WriteLocation(Writer& out, const Place& place, const std::string& file,
                   const std::string& name, const std::string& text) {
  out.BeginObject().Key("physicalLocation").BeginObject().Key("artifactLocation").BeginObject();
  out.Key("uri").String(UriOf(IsInFile(place) ? place.file : file)).EndObject();
  if (IsInFile(place)) {
    out.Key("region").BeginObject().Key("startLine").Integer(place.mark.line);
    out.Key("startColumn").Integer(place.mark.column).EndObject();
  }
  out.EndObject().Key("logicalLocations").BeginArray().BeginObject().Key("fullyQualifiedName");
  out.String(name).EndObject().EndArray();
  out.Key("message").BeginObject().Key("text").String(text).EndObject();
  out.EndObject();
}

void WriteLocation(Writer& out, const ChainFact& fact, const std::string& file,
                   const Language& language) {
  WriteLocation(out, fact.place, file, fact.Name(), FactText(language, fact));
}

// The fact that the cheapest change would alter, else the first of the path that is in a file.
const ChainFact* Deciding(const Cell& cell) {
  const ChainFact* first = nullptr;
  for (const ChainStep& step : cell.chain) {
    for (const ChainFact& fact : step.facts) {
      if (cell.better && !cell.better->changes.empty() &&
          cell.better->changes[0].element == fact.element &&
          cell.better->changes[0].field == fact.field && IsInFile(fact)) {
        return &fact;
      }
      if (first == nullptr || (!IsInFile(*first) && IsInFile(fact))) {
        first = &fact;
      }
    }
  }
  return first;
}

void WriteLocations(Writer& out, const Cell& cell, const std::string& file,
                    const Language& language) {
  const ChainFact* deciding = Deciding(cell);
  if (deciding == nullptr) {
    return;
  }
  out.Key("locations").BeginArray();
  WriteLocation(out, *deciding, file, language);
  out.EndArray().Key("relatedLocations").BeginArray();
  for (const ChainStep& step : cell.chain) {
    for (const ChainFact& fact : step.facts) {
      if (&fact != deciding) {
        WriteLocation(out, fact, file, language);
      }
    }
  }
  out.EndArray();
}

void WriteRules(Writer& out, const Report& report) {
  const std::string& code = report.language->code();
  out.Key("rules").BeginArray();
  for (const Adversary& adversary : report.rules->adversaries) {
    out.BeginObject().Key("id").String(RuleId(adversary)).Key("shortDescription").BeginObject();
    out.Key("text").String(adversary.title.In(code)).EndObject().Key("fullDescription");
    out.BeginObject().Key("text").String(adversary.sentence.In(code)).EndObject().EndObject();
  }
  out.BeginObject().Key("id").String(kContradictionRule).Key("shortDescription").BeginObject();
  out.Key("text").String(report.language->Get("contradiction.title")).EndObject();
  out.Key("fullDescription").BeginObject().Key("text");
  out.String(report.language->Get("contradiction.threat") + " " +
             report.language->Get("contradiction.measure"));
  out.EndObject().EndObject();
  out.EndArray();
}

void WriteSuppression(Writer& out, const AcceptanceOf& accepted) {
  if (accepted.state != AcceptanceState::kAccepted) {
    return;
  }
  out.Key("suppressions").BeginArray().BeginObject().Key("kind").String("external");
  out.Key("status").String("accepted").Key("justification");
  out.String(accepted.acceptance->owner + ", " + accepted.acceptance->until + ": " +
             accepted.acceptance->reason);
  out.EndObject().EndArray();
}

void WriteResult(Writer& out, const Report& report, const Pipeline& pipeline,
                 const Assessment& assessment, const Cell& cell) {
  const Language& language = *report.language;
  out.BeginObject().Key("ruleId").String(RuleId(*cell.adversary)).Key("level");
  out.String(LevelOf(cell.verdict)).Key("kind");
  out.String(cell.verdict == Verdict::kNotApplicable ? "notApplicable" : "fail");
  std::string text = language.Fill(
      "sarif.message", {cell.adversary->title.In(language.code()), CellText(language, cell)});
  std::string reached;
  for (const std::string& element : cell.reached) {
    reached += (reached.empty() ? "" : ", ") + element;
  }
  if (!reached.empty()) {
    text += " " + language.Fill("sarif.reached", {reached});
  }
  if (cell.better) {
    text += " " + language.Fill("sarif.better", {CounterfactualText(language, *cell.better)});
  }
  for (const std::string& remark : Remarks(report, assessment, cell)) {
    text += " " + remark + ".";
  }
  out.Key("message").BeginObject().Key("text").String(text).EndObject();
  WriteLocations(out, cell, pipeline.element(pipeline.you()).place.file, language);
  // What makes two runs' results the same one.
  out.Key("partialFingerprints").BeginObject().Key("cellVerdict/v1");
  out.String(cell.id + " " + std::string(VerdictName(cell.verdict))).EndObject();
  if (report.accepted != nullptr) {
    WriteSuppression(out, FindAcceptance(*report.accepted, cell, assessment.today));
  }
  out.EndObject();
}

// At the line of the claim; the evidence is a related location, unless it is no file.
void WriteContradiction(Writer& out, const Report& report, const Pipeline& pipeline,
                        const Contradiction& contradiction) {
  const Language& language = *report.language;
  const std::string& file = pipeline.element(pipeline.you()).place.file;
  out.BeginObject().Key("ruleId").String(kContradictionRule).Key("level").String("error");
  out.Key("kind").String("fail").Key("message").BeginObject().Key("text");
  out.String(ContradictionText(language, contradiction) + ". " +
             MovesText(language, contradiction));
  out.EndObject().Key("locations").BeginArray();
  WriteLocation(out, contradiction.claimed_at, file, contradiction.Name(),
                contradiction.Name() + " = " + contradiction.claimed);
  out.EndArray().Key("relatedLocations").BeginArray();
  if (contradiction.exported) {
    WriteLocation(out, {}, contradiction.file, contradiction.path, contradiction.why);
  }
  out.EndArray().Key("partialFingerprints").BeginObject().Key("contradiction/v1");
  out.String(contradiction.id + " " + contradiction.claimed + " " + contradiction.found);
  out.EndObject().EndObject();
}

}  // namespace

std::string RenderSarif(const Report& report) {
  Writer out;
  out.BeginObject().Key("$schema").String("https://json.schemastore.org/sarif-2.1.0.json");
  out.Key("version").String("2.1.0").Key("runs").BeginArray().BeginObject();
  out.Key("tool").BeginObject().Key("driver").BeginObject().Key("name").String("casemate-assess");
  out.Key("version").String(report.version);
  WriteRules(out, report);
  out.EndObject().EndObject().Key("columnKind").String("unicodeCodePoints");
  out.Key("language").String(report.language->code()).Key("results").BeginArray();
  for (std::size_t i = 0; i < report.assessments.size(); ++i) {
    for (const Cell& cell : report.assessments[i]->cells) {
      if (cell.verdict != Verdict::kStops) {
        WriteResult(out, report, *report.pipelines[i], *report.assessments[i], cell);
      }
    }
    for (const Contradiction& contradiction : report.assessments[i]->contradictions) {
      WriteContradiction(out, report, *report.pipelines[i], contradiction);
    }
  }
  out.EndArray().EndObject().EndArray().EndObject();
  return std::string(out.Take().view().Reveal()) + "\n";
}

}  // namespace casemate::assess
