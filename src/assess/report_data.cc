#include "assess/report.h"
#include "assess/report_contradictions.h"
#include "base/table_text.h"
#include "json/writer.h"

namespace casemate::assess {
namespace {

using json::Writer;

std::vector<std::string> NotesOf(const Language& language, const Cell& cell) {
  std::vector<std::string> notes;
  notes.reserve(cell.notes.size());
  for (const Texts& note : cell.notes) {
    notes.push_back(note.In(language.code()));
  }
  return notes;
}

void WriteFact(Writer& out, const ChainFact& fact) {
  out.BeginObject().Key("element").String(fact.element).Key("field").String(fact.field);
  out.Key("value").String(fact.value).Key("confidence");
  out.String(ConfidenceName(fact.evidence.confidence)).Key("source").String(fact.evidence.source);
  out.Key("date").String(fact.evidence.date).Key("place").String(fact.place.Text()).EndObject();
}

void WriteFacts(Writer& out, std::string_view name, const std::vector<ChainFact>& facts) {
  out.Key(name).BeginArray();
  for (const ChainFact& fact : facts) {
    WriteFact(out, fact);
  }
  out.EndArray();
}

void WriteCounterfactual(Writer& out, const Counterfactual& counterfactual) {
  out.BeginObject().Key("becomes").String(VerdictName(counterfactual.becomes));
  out.Key("smallest").Bool(counterfactual.searched_all).Key("changes").BeginArray();
  for (const Change& change : counterfactual.changes) {
    out.BeginObject().Key("element").String(change.element).Key("field").String(change.field);
    out.Key("before").String(change.before).Key("after").String(change.after).EndObject();
  }
  out.EndArray().EndObject();
}

void WriteChain(Writer& out, const Language& language, const Cell& cell) {
  out.Key("chain").BeginArray();
  for (const ChainStep& step : cell.chain) {
    out.BeginObject().Key("id").String(step.id).Key("rule").String(step.rule->id);
    out.Key("element").String(step.element).Key("sentence");
    out.String(step.rule->sentence.In(language.code())).Key("source").String(step.rule->source);
    out.Key("date").String(step.rule->date).Key("step").String(StepName(step.rule->step));
    out.Key("from").BeginArray();
    for (const std::size_t from : step.from) {
      out.Integer(static_cast<std::int64_t>(from));
    }
    out.EndArray();
    WriteFacts(out, "facts", step.facts);
    out.EndObject();
  }
  out.EndArray().Key("blocked").BeginArray();
  for (const BlockedWay& way : cell.blocked) {
    out.BeginObject().Key("rule").String(way.rule->id).Key("element").String(way.element);
    out.Key("lacks").String(way.lacks);
    WriteFacts(out, "facts", way.facts);
    out.EndObject();
  }
  out.EndArray();
}

std::string_view StateName(AcceptanceState state) {
  switch (state) {
    case AcceptanceState::kAccepted:
      return "accepted";
    case AcceptanceState::kExpired:
      return "expired";
    case AcceptanceState::kOutgrown:
      return "outgrown";
    case AcceptanceState::kNone:
      break;
  }
  return "none";
}

void WriteCell(Writer& out, const Report& report, const Assessment& assessment, const Cell& cell) {
  const Language& language = *report.language;
  out.BeginObject().Key("id").String(cell.id).Key("adversary").String(cell.adversary->id);
  out.Key("title").String(cell.adversary->title.In(language.code()));
  out.Key("verdict").String(VerdictName(cell.verdict));
  out.Key("derived").String(VerdictName(cell.derived));
  out.Key("worst").String(VerdictName(cell.worst)).Key("best").String(VerdictName(cell.best));
  out.Key("confidence").String(ConfidenceName(cell.confidence)).Key("weakest");
  if (cell.weakest) {
    WriteFact(out, *cell.weakest);
  } else {
    out.Null();
  }
  out.Key("notes").BeginArray();
  for (const std::string& note : NotesOf(language, cell)) {
    out.String(note);
  }
  out.EndArray().Key("reached").BeginArray();
  for (const std::string& id : cell.reached) {
    out.String(id);
  }
  out.EndArray().Key("reached_count").Integer(static_cast<std::int64_t>(cell.reached_count));
  out.Key("may_notes").BeginArray();
  for (const Texts& note : cell.may_notes) {
    out.String(note.In(language.code()));
  }
  out.EndArray().Key("may_reach").BeginArray();
  for (const std::string& id : cell.may_reach) {
    out.String(id);
  }
  out.EndArray();
  WriteFacts(out, "attacks", cell.attacks);
  WriteFacts(out, "missing", cell.missing);
  WriteChain(out, language, cell);
  for (const auto& [name, change] :
       {std::pair{"better", &cell.better}, std::pair{"stops", &cell.stops}}) {
    out.Key(name);
    if (*change) {
      WriteCounterfactual(out, **change);
    } else {
      out.Null();
    }
  }
  out.Key("rests_on").BeginArray();
  for (const Counterfactual& fact : cell.worse) {
    WriteCounterfactual(out, fact);
  }
  out.EndArray();
  const AcceptanceOf accepted = report.accepted == nullptr
                                    ? AcceptanceOf()
                                    : FindAcceptance(*report.accepted, cell, assessment.today);
  out.Key("acceptance").BeginObject().Key("state").String(StateName(accepted.state));
  if (accepted.acceptance != nullptr) {
    out.Key("owner").String(accepted.acceptance->owner).Key("until");
    out.String(accepted.acceptance->until).Key("reason").String(accepted.acceptance->reason);
  }
  out.EndObject().EndObject();
}

void WriteWindow(Writer& out, const Assessment& assessment) {
  out.Key("window").BeginArray();
  for (const WindowPlace& place : assessment.window) {
    out.BeginObject().Key("element").String(place.element).Key("kind");
    out.String(InfoOf(place.kind).name).Key("title").String(place.title);
    out.Key("operator").String(place.operated_by).Key("seat").String(place.seat);
    out.Key("parent_seat").String(place.parent_seat).Key("label").String(place.label);
    out.Key("tee").Bool(place.in_tee).Key("holds").BeginArray();
    for (const std::string& what : place.what) {
      out.String(what);
    }
    out.EndArray().EndObject();
  }
  out.EndArray().Key("stale").BeginArray();
  for (const StaleFact& stale : assessment.stale) {
    out.BeginObject().Key("days").Integer(stale.days).Key("fact");
    WriteFact(out, stale.fact);
    out.EndObject();
  }
  out.EndArray();
}

}  // namespace

std::string RenderJson(const Report& report) {
  Writer out;
  out.BeginObject().Key("report").String("casemate-assess").Key("format").Integer(1);
  out.Key("version").String(report.version).Key("language").String(report.language->code());
  out.Key("assessments").BeginArray();
  for (const Assessment* assessment : report.assessments) {
    out.BeginObject().Key("name").String(assessment->name).Key("title").String(assessment->title);
    out.Key("date").String(assessment->date).Key("today").String(assessment->today);
    out.Key("label").String(assessment->label).Key("cells").BeginArray();
    for (const Cell& cell : assessment->cells) {
      WriteCell(out, report, *assessment, cell);
    }
    out.EndArray();
    WriteWindow(out, *assessment);
    WriteContradictions(out, *assessment);
    out.EndObject();
  }
  out.EndArray().Key("instruments").BeginArray();
  for (const Instrument& instrument : report.rules->instruments) {
    out.BeginObject().Key("id").String(instrument.id).Key("state").String(instrument.state);
    out.Key("source").String(instrument.source).Key("date").String(instrument.date).EndObject();
  }
  out.EndArray().Key("legal").BeginArray();
  for (const LegalFact& fact : report.rules->legal) {
    out.BeginObject().Key("id").String(fact.id).Key("sentence");
    out.String(fact.sentence.In(report.language->code())).Key("state").String(fact.state);
    out.Key("source").String(fact.source).Key("date").String(fact.date).EndObject();
  }
  out.EndArray().EndObject();
  return std::string(out.Take().view().Reveal()) + "\n";
}

std::string RenderCsv(const Report& report) {
  const Language& language = *report.language;
  std::string out =
      "pipeline,adversary,title,verdict,derived,worst,best,confidence,notes,reached,weakest,better,"
      "better_becomes,stops\r\n";
  for (const Assessment* assessment : report.assessments) {
    for (const Cell& cell : assessment->cells) {
      const std::vector<std::string> fields = {
          assessment->name,
          cell.adversary->id,
          cell.adversary->title.In(language.code()),
          std::string(VerdictName(cell.verdict)),
          std::string(VerdictName(cell.derived)),
          std::string(VerdictName(cell.worst)),
          std::string(VerdictName(cell.best)),
          std::string(ConfidenceName(cell.confidence)),
          Joined(NotesOf(language, cell), "; "),
          Joined(cell.reached, " "),
          cell.weakest ? cell.weakest->Name() : "",
          cell.better ? ChangesText(language, *cell.better) : "",
          cell.better ? std::string(VerdictName(cell.better->becomes)) : "",
          cell.stops ? ChangesText(language, *cell.stops) : ""};
      std::string line;
      for (std::size_t i = 0; i < fields.size(); ++i) {
        line += (i == 0 ? "" : ",") + CsvField(fields[i]);
      }
      out += line + "\r\n";
    }
  }
  return out;
}

std::string RenderMarkdown(const Report& report) {
  const Language& language = *report.language;
  const Assessment& first = *report.assessments.front();
  std::string out = "## " + language.Get("table.title") + "\n\n" +
                    language.Fill("table.as-of", {first.today, first.label}) + "\n\n| " +
                    language.Get("table.adversary") + " |";
  std::string line = "|---|";
  for (const Assessment* assessment : report.assessments) {
    out += " " + MarkdownCell(assessment->title) + " |";
    line += "---|";
  }
  out += "\n" + line + "\n";
  for (std::size_t row = 0; row < first.cells.size(); ++row) {
    out += "| " + MarkdownCell(first.cells[row].adversary->title.In(language.code())) + " |";
    for (const Assessment* assessment : report.assessments) {
      const Cell& cell = assessment->cells[row];
      out += " " + MarkdownCell(CellText(language, cell));
      for (const std::string& remark : Remarks(report, *assessment, cell)) {
        out += "<br>" + MarkdownCell(remark);
      }
      out += " |";
    }
    out += "\n";
  }
  out += ContradictionsMarkdown(report);
  out += "\n### " + language.Get("change.title") + "\n\n";
  for (const Assessment* assessment : report.assessments) {
    for (const Cell& cell : assessment->cells) {
      for (const auto* change : {&cell.better, &cell.stops}) {
        if (*change) {
          out += "- `" + cell.id + "`: " + CounterfactualText(language, **change) + "\n";
        }
      }
    }
  }
  return out;
}

}  // namespace casemate::assess
