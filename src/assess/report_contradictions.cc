#include "assess/report_contradictions.h"

#include <algorithm>

#include "base/html_text.h"
#include "base/table_text.h"
#include "json/writer.h"

namespace casemate::assess {
namespace {

// "contract; DPA; p.yaml:7:3"
std::string ClaimText(const Language& language, const Contradiction& contradiction) {
  const Evidence& evidence = contradiction.claimed_by;
  std::string text = language.Get("confidence." + std::string(ConfidenceName(evidence.confidence)));
  for (const std::string& part : {evidence.source, contradiction.claimed_at.Text()}) {
    text += part.empty() ? "" : "; " + part;
  }
  return text;
}

// "properties.capabilities: why"
std::string FoundText(const Contradiction& contradiction) {
  return contradiction.path + (contradiction.why.empty() ? "" : ": " + contradiction.why);
}

std::string CellHtml(const std::string& value, const std::string& why) {
  return "<td><b>" + EscapeHtml(value) + "</b><br><small>" + EscapeHtml(why) + "</small></td>";
}

}  // namespace

std::string ContradictionText(const Language& language, const Contradiction& contradiction) {
  return language.Fill(
      "contradiction.text",
      {contradiction.Name(), contradiction.claimed, ClaimText(language, contradiction),
       contradiction.file, contradiction.found, FoundText(contradiction)});
}

std::string MovesText(const Language& language, const Contradiction& contradiction) {
  if (contradiction.moves.empty()) {
    return language.Get("contradiction.no-move");
  }
  std::string moves;
  for (const MovedCell& move : contradiction.moves) {
    moves += (moves.empty() ? "" : "; ") +
             language.Fill("contradiction.move", {move.adversary->title.In(language.code()),
                                                  VerdictText(language, move.claimed),
                                                  VerdictText(language, move.found)});
  }
  return language.Fill("contradiction.moves", {moves});
}

bool HasContradictions(const Report& report) {
  return std::ranges::any_of(report.assessments, [](const Assessment* assessment) {
    return !assessment->contradictions.empty();
  });
}

std::string ContradictionsMarkdown(const Report& report) {
  std::string out;
  for (const Assessment* assessment : report.assessments) {
    out += ContradictionsMarkdown(*report.language, *assessment);
  }
  return out;
}

std::string ContradictionsMarkdown(const Language& language, const Assessment& assessment) {
  if (assessment.contradictions.empty()) {
    return {};
  }
  std::string out = "\n### " + language.Get("contradiction.title") + ": " +
                    MarkdownCell(assessment.title) + "\n\n" + language.Get("contradiction.intro") +
                    " " + language.Get("contradiction.measure") + "\n\n";
  for (const Contradiction& contradiction : assessment.contradictions) {
    out += "- " + MarkdownCell(ContradictionText(language, contradiction)) + ". " +
           MovesText(language, contradiction) + "\n";
  }
  return out;
}

std::string ContradictionsHtml(const Report& report) {
  if (!HasContradictions(report)) {
    return {};
  }
  const Language& language = *report.language;
  std::string out = "<section class=\"finding\"><h2>" +
                    EscapeHtml(language.Get("contradiction.title")) + "</h2>\n<p>" +
                    EscapeHtml(language.Get("contradiction.intro") + " " +
                               language.Get("contradiction.measure")) +
                    "</p>\n<table><thead><tr>";
  for (const char* name : {"fact", "described", "shown", "effect"}) {
    out += "<th>" + EscapeHtml(language.Get("contradiction." + std::string(name))) + "</th>";
  }
  out += "</tr></thead><tbody>\n";
  for (const Assessment* assessment : report.assessments) {
    for (const Contradiction& contradiction : assessment->contradictions) {
      out += "<tr><td><code>" + EscapeHtml(contradiction.Name()) + "</code><br><small>" +
             EscapeHtml(assessment->title) + "</small></td>" +
             CellHtml(contradiction.claimed, ClaimText(language, contradiction)) +
             CellHtml(contradiction.found, contradiction.file + ", " + FoundText(contradiction)) +
             "<td>" + EscapeHtml(MovesText(language, contradiction)) + "</td></tr>\n";
    }
  }
  return out + "</tbody></table></section>\n";
}

void WriteContradictions(json::Writer& out, const Assessment& assessment) {
  out.Key("contradictions").BeginArray();
  for (const Contradiction& contradiction : assessment.contradictions) {
    out.BeginObject().Key("id").String(contradiction.id);
    out.Key("element").String(contradiction.element).Key("field").String(contradiction.field);
    out.Key("claimed").String(contradiction.claimed).Key("claimed_confidence");
    out.String(ConfidenceName(contradiction.claimed_by.confidence)).Key("claimed_source");
    out.String(contradiction.claimed_by.source).Key("claimed_date");
    out.String(contradiction.claimed_by.date).Key("claimed_at");
    out.String(contradiction.claimed_at.Text()).Key("found").String(contradiction.found);
    out.Key("file").String(contradiction.file).Key("path").String(contradiction.path);
    out.Key("why").String(contradiction.why).Key("moves").BeginArray();
    for (const MovedCell& move : contradiction.moves) {
      out.BeginObject().Key("cell").String(move.adversary->id + "@" + assessment.name);
      out.Key("claimed").String(VerdictName(move.claimed)).Key("found");
      out.String(VerdictName(move.found)).EndObject();
    }
    out.EndArray().EndObject();
  }
  out.EndArray();
}

}  // namespace casemate::assess
