#include <set>

#include "assess/report.h"
#include "assess/report_contradictions.h"
#include "base/html_text.h"

namespace casemate::assess {
namespace {

constexpr std::string_view kStyle =
    "body{font:16px/1.45 system-ui,sans-serif;max-width:84rem;margin:2rem auto;padding:0 1rem;"
    "color:#1c2733}table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:"
    "top;padding:.45rem .6rem;border-bottom:1px solid #d6dde3}small,.small{color:#52616f;font-size:"
    ".85em}summary{cursor:pointer}td a{text-decoration:none;color:inherit}td "
    "a:hover{text-decoration:underline}details{margin:.3rem "
    "0}div:target{background:#fff8e1}details ol{padding-left:1.2rem}"
    "details ul{padding-left:1.1rem;margin:.2rem 0}details p{margin:.4rem 0}code{font-size:.9em}"
    ".stops b{color:#1b7f4b}.raises-cost b{color:#a06a00}.controllable b{color:#a06a00}"
    ".does-not-stop b{color:#c0392b}.unknown b{color:#7d3c98}.not-applicable b{color:#1f6f8b}"
    "svg{width:100%;height:auto}svg text{font:14px system-ui,sans-serif}svg "
    ".small{font-size:11.5px;"
    "fill:#52616f}svg .mid{text-anchor:middle}svg .who{font-weight:600}svg .lane{fill:#f7f8fa;"
    "stroke:#b8c2cb}svg .yours{fill:#eef7f1;stroke:#7fb596}svg .zone{fill:#fdeceb;stroke:#c0392b;"
    "stroke-dasharray:3 3}svg .zonename{font-size:11px;fill:#c0392b}svg .node{fill:#fff;stroke:"
    "#6b7a87}svg .hop{fill:none;stroke:#1b7f4b;stroke-width:2}svg .open{stroke:#c0392b;"
    "stroke-dasharray:7 5}.finding{border-left:4px solid #c0392b;padding:.1rem 1rem;margin:1.5rem "
    "0;background:#fdf6f5}.finding h2{margin:.6rem 0}.finding table{table-layout:fixed}.finding "
    "td{overflow-wrap:anywhere}@media "
    "print{body{margin:0;max-width:none;font-size:11px}"
    "details::details-content{content-visibility:visible;display:block}tr,svg{break-inside:avoid}"
    "h2,h3,summary{break-after:avoid}td a{color:inherit;text-decoration:none}}";

constexpr std::string_view kArrow =
    "<svg width=\"0\" height=\"0\" style=\"position:absolute\"><defs><marker id=\"arrow\" "
    "viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" "
    "orient=\"auto\">"
    "<path d=\"M0 0 L10 5 L0 10 z\" fill=\"#52616f\"/></marker></defs></svg>\n";

std::string Facts(const Language& language, const std::vector<ChainFact>& facts) {
  std::string out;
  for (const ChainFact& fact : facts) {
    out += "<li><small>" + EscapeHtml(FactText(language, fact)) + "</small></li>";
  }
  return out.empty() ? "" : "<ul>" + out + "</ul>";
}

std::string Chain(const Language& language, const Cell& cell) {
  std::string out = "<ol>";
  for (const ChainStep& step : cell.chain) {
    out +=
        "<li>" + EscapeHtml(step.rule->sentence.In(language.code())) + " <small><code>" +
        EscapeHtml(step.id) + "</code>; " +
        EscapeHtml(language.Fill("explain.source", {step.rule->source + ", " + step.rule->date})) +
        "</small>" + Facts(language, step.facts) + "</li>";
  }
  return cell.chain.empty() ? "" : out + "</ol>";
}

std::string Blocked(const Language& language, const Cell& cell) {
  if (cell.blocked.empty()) {
    return {};
  }
  std::string out = "<p>" + EscapeHtml(language.Get("explain.blocked")) + "</p><ul>";
  for (const BlockedWay& way : cell.blocked) {
    out += "<li>" + EscapeHtml(way.rule->sentence.In(language.code())) + " <small><code>" +
           EscapeHtml(way.rule->id + "@" + way.element) + "</code></small>" +
           Facts(language, way.facts);
    if (!way.lacks.empty()) {
      out += "<br><small>" + EscapeHtml(language.Fill("explain.lacks", {way.lacks})) + "</small>";
    }
    out += "</li>";
  }
  return out + "</ul>";
}

// In the table: the verdict, linked to its argument below.
std::string CellHtml(const Report& report, const Assessment& assessment, const Cell& cell) {
  const Language& language = *report.language;
  std::string notes;
  for (const Texts& note : cell.notes) {
    notes += (notes.empty() ? " (" : ", ") + note.In(language.code());
  }
  notes += notes.empty() ? "" : ")";
  std::string out = "<td class=\"" + std::string(VerdictName(cell.verdict)) + "\"><a href=\"#" +
                    EscapeHtml(cell.id) + "\"><b>" +
                    EscapeHtml(VerdictText(language, cell.verdict)) + "</b></a>" +
                    EscapeHtml(notes);
  for (const std::string& remark : Remarks(report, assessment, cell)) {
    out += "<br><small>" + EscapeHtml(remark) + "</small>";
  }
  return out + "</td>";
}

// A browser opens the element that a link's target is in.
std::string Argument(const Language& language, const Cell& cell) {
  std::string out = "<details class=\"" + std::string(VerdictName(cell.verdict)) + "\"><summary>" +
                    EscapeHtml(cell.adversary->title.In(language.code())) + ": <b>" +
                    EscapeHtml(CellText(language, cell)) + "</b></summary><div id=\"" +
                    EscapeHtml(cell.id) + "\">" + Chain(language, cell);
  if (!cell.attacks.empty()) {
    out += "<p>" +
           EscapeHtml(language.Fill("explain.attacks", {std::to_string(cell.attacks.size())})) +
           "</p>" + Facts(language, cell.attacks);
  }
  if (cell.weakest) {
    out += "<p><small>" +
           EscapeHtml(language.Fill("explain.weakest", {FactText(language, *cell.weakest)})) +
           "</small></p>";
  }
  for (const auto& [name, change] :
       {std::pair{"explain.change", &cell.better}, std::pair{"explain.stops", &cell.stops}}) {
    if (*change) {
      out += "<p>" + EscapeHtml(language.Get(name)) + ": " +
             EscapeHtml(CounterfactualText(language, **change)) + "</p>";
    }
  }
  if (!cell.worse.empty()) {
    out += "<p>" + EscapeHtml(language.Get("explain.rests")) + "</p><ul>";
    for (const Counterfactual& fact : cell.worse) {
      const Change& change = fact.changes.front();
      out += "<li><small>" +
             EscapeHtml(language.Fill(
                 "explain.rest",
                 {change.element + "." + change.field, change.before,
                  ValueText(language, change.after), VerdictText(language, fact.becomes)})) +
             "</small></li>";
    }
    out += "</ul>";
  }
  return out + Blocked(language, cell) + "</div></details>\n";
}

std::string MainTable(const Report& report) {
  const Language& language = *report.language;
  std::string out =
      "<table><thead><tr><th>" + EscapeHtml(language.Get("table.adversary")) + "</th>";
  for (const Assessment* assessment : report.assessments) {
    out += "<th>" + EscapeHtml(assessment->title) + "</th>";
  }
  out += "</tr></thead><tbody>\n";
  const Assessment& first = *report.assessments.front();
  for (std::size_t row = 0; row < first.cells.size(); ++row) {
    const Adversary& adversary = *first.cells[row].adversary;
    out += "<tr><td>" + EscapeHtml(adversary.title.In(language.code())) + "<br><small>" +
           EscapeHtml(adversary.sentence.In(language.code())) + "</small></td>";
    for (const Assessment* assessment : report.assessments) {
      out += CellHtml(report, *assessment, assessment->cells[row]);
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table>\n";
}

std::string Window(const Language& language, const Assessment& assessment) {
  std::string out = "<table><thead><tr>";
  for (const char* name : {"window.place", "window.operator", "window.seat", "window.parent",
                           "window.holds", "window.label"}) {
    out += "<th>" + EscapeHtml(language.Get(name)) + "</th>";
  }
  out += "</tr></thead><tbody>\n";
  for (const WindowPlace& place : assessment.window) {
    std::string what;
    for (const std::string& word : place.what) {
      what += (what.empty() ? "" : ", ") + language.Get("what." + word);
    }
    what += place.in_tee ? "; " + language.Get("window.tee") : "";
    out += "<tr><td>" + EscapeHtml(place.title) + "</td><td>" + EscapeHtml(place.operated_by) +
           "</td><td>" + EscapeHtml(place.seat) + "</td><td>" + EscapeHtml(place.parent_seat) +
           "</td><td>" + EscapeHtml(what) + "</td><td>" + EscapeHtml(place.label) + "</td></tr>\n";
  }
  return out + "</tbody></table>\n";
}

std::string Legal(const Report& report) {
  const Language& language = *report.language;
  std::string out = "<h2>" + EscapeHtml(language.Get("legal.title")) + "</h2>\n<ul>";
  const auto add = [&](const Texts& sentence, const std::string& state, const std::string& source,
                       const std::string& date) {
    out += "<li>" + EscapeHtml(sentence.In(language.code())) + " <small>" +
           EscapeHtml(language.Fill("legal.state", {date, state}) + ". " +
                      language.Fill("explain.source", {source})) +
           "</small></li>\n";
  };
  for (const Instrument& instrument : report.rules->instruments) {
    add(instrument.title, instrument.state, instrument.source, instrument.date);
  }
  for (const LegalFact& fact : report.rules->legal) {
    add(fact.sentence, fact.state, fact.source, fact.date);
  }
  return out + "</ul>\n<p><small>" + EscapeHtml(language.Get("html.disclaimer")) + "</small></p>\n";
}

}  // namespace

std::string RenderHtml(const Report& report) {
  const Language& language = *report.language;
  const Assessment& first = *report.assessments.front();
  const std::string title = EscapeHtml(language.Get("table.title"));
  std::string out = "<!doctype html>\n<html lang=\"" + language.code() +
                    "\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                    "content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" "
                    "content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>" +
                    title + "</title><style>" + std::string(kStyle) + "</style></head><body>\n" +
                    std::string(kArrow) + "<h1>" + title + "</h1>\n<p>" +
                    EscapeHtml(language.Fill("table.as-of", {first.today, first.label})) + ". " +
                    EscapeHtml(language.Fill("html.printed", {report.version, first.today})) +
                    "</p>\n" + MainTable(report) + ContradictionsHtml(report);
  for (std::size_t i = 0; i < report.assessments.size(); ++i) {
    const Assessment& assessment = *report.assessments[i];
    out += "<section><h2>" + EscapeHtml(assessment.title) + "</h2>\n<h3>" +
           EscapeHtml(language.Get("diagram.title")) + "</h3>\n";
    const std::string drawing = RenderDiagram(*report.pipelines[i], assessment, language);
    out += drawing.empty()
               ? "<p>" +
                     EscapeHtml(language.Fill("diagram.too-large",
                                              {std::to_string(assessment.window.size())})) +
                     "</p>\n"
               : drawing + "<p><small>" + EscapeHtml(language.Get("diagram.classical")) +
                     "</small></p>\n";
    out += "<h3>" + EscapeHtml(language.Get("window.title")) + "</h3>\n" +
           Window(language, assessment);
    out += "<h3>" + EscapeHtml(language.Get("explain.title")) + "</h3>\n";
    for (const Cell& cell : assessment.cells) {
      out += Argument(language, cell);
    }
    const std::vector<std::string> stale = StaleTexts(language, assessment);
    if (!stale.empty()) {
      out += "<h3>" + EscapeHtml(language.Get("stale.title")) + "</h3>\n<ul>";
      for (const std::string& text : stale) {
        out += "<li>" + EscapeHtml(text) + "</li>";
      }
      out += "</ul>\n";
    }
    out += "</section>\n";
  }
  return out + Legal(report) + "</body></html>\n";
}

}  // namespace casemate::assess
