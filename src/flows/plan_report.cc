#include <array>
#include <cmath>

#include "base/table_text.h"
#include "flows/html.h"
#include "flows/plan.h"
#include "flows/report.h"
#include "json/writer.h"

namespace casemate::flows {
namespace {

constexpr std::string_view kCaveat =
    "The dates are recommendations of those who are named, except where a contract, a tender or a "
    "law makes one binding for you. The day of the quantum computer is an assumption. Contract "
    "paragraphs are drafts for your lawyers.";

std::string Owner(const PlanHop& hop) { return hop.owner.empty() ? "you" : hop.owner; }

std::string Assumption(const Plan& plan, const PlanContext& context) {
  return "Today is " + DayText(context.today) + "; a quantum computer is planned for " +
         DayText(plan.quantum) + ".";
}

std::string Deadline(const PlanDeadline& deadline) {
  return DayText(deadline.date->until) + " " + deadline.date->source + " (begin by " +
         DayText(deadline.latest_start) + ")";
}

std::string Begin(const PlannedHop& planned, Day today) {
  return planned.state == HopState::kClosed ? ""
         : planned.latest_start <= today    ? "now"
                                            : DayText(planned.latest_start);
}

double Tenths(double years) { return std::round(years * 10) / 10; }

void WriteHop(json::Writer& writer, const PlannedHop& planned) {
  const PlanHop& hop = planned.hop;
  writer.BeginObject().Key("name").String(hop.name);
  writer.Key("from").String(hop.from).Key("to").String(hop.to);
  writer.Key("endpoint").String(hop.endpoint).Key("owner").String(Owner(hop));
  writer.Key("label").String(hop.label);
  writer.Key("protection").String(ProtectionName(hop.protection));
  writer.Key("verdict").String(hop.verdict).Key("verdict_from").String(hop.verdict_from);
  writer.Key("state").String(HopStateName(planned.state));
  writer.Key("urgency").String(UrgencyName(planned.urgency));
  writer.Key("lifetime_years").Number(hop.lifetime_years);
  writer.Key("migration_months").Number(hop.migration_months);
  writer.Key("mosca").BeginObject().Key("needed_years").Number(Tenths(planned.needed_years));
  writer.Key("left_years").Number(Tenths(planned.left_years)).Key("late").Bool(planned.late);
  writer.Key("latest_start").String(DayText(planned.mosca_start)).EndObject();
  writer.Key("deadlines").BeginArray();
  for (const PlanDeadline& deadline : planned.deadlines) {
    writer.BeginObject().Key("id").String(deadline.date->id);
    writer.Key("until").String(DayText(deadline.date->until));
    writer.Key("latest_start").String(DayText(deadline.latest_start)).EndObject();
  }
  writer.EndArray().Key("latest_start").String(DayText(planned.latest_start));
  writer.Key("why").String(planned.why).Key("actions").BeginArray();
  for (const std::string& action : planned.actions) {
    writer.String(action);
  }
  writer.EndArray().Key("contract").String(planned.contract).EndObject();
}

// With the word beside it, for who cannot tell colours apart.
std::string_view ColourOf(Urgency urgency) {
  switch (urgency) {
    case Urgency::kReadable:
    case Urgency::kOverdue:
      return "#c0392b";
    case Urgency::kSoon:
      return "#c98a00";
    case Urgency::kLater:
      return "#5a9e2f";
    case Urgency::kDone:
      break;
  }
  return "#1b7f4b";
}

bool Applies(const PlanDate& date, const Plan& plan) {
  for (const std::string& source : plan.sources) {
    if (source == date.source) {
      return true;
    }
  }
  return false;
}

std::string Provenance(const PlanDate& date) {
  return date.document + " (" + DayText(date.document_date) + "; " + date.confidence +
         " source, checked " + DayText(date.checked) + ")";
}

constexpr int kWidth = 1000;
constexpr int kRow = 40;
constexpr int kLeft = 300;
constexpr int kRight = 960;

// A bar a hop: migration from today, then the lifetime of what passes on its last day; and a line
// at the day of the assumption. What crosses the line is what Mosca's inequality is about.
std::string Timeline(const Plan& plan, const std::vector<PlannedHop>& hops, Day today) {
  double most = static_cast<double>((plan.quantum - today).count()) / 365.2425;
  for (const PlannedHop& hop : hops) {
    most = std::max(most, std::min(hop.needed_years, 40.0));
  }
  most = std::max(most, 1.0);
  const auto x = [most](double years) {
    return std::to_string(kLeft + static_cast<int>(std::min(years / most, 1.0) * (kRight - kLeft)));
  };
  const int height = 50 + kRow * static_cast<int>(hops.size());
  std::string svg = "<svg viewBox=\"0 0 " + std::to_string(kWidth) + " " + std::to_string(height) +
                    "\" role=\"img\" aria-label=\"Migration and lifetime of each hop\">\n";
  int y = 40;
  for (const PlannedHop& planned : hops) {
    const std::string colour(ColourOf(planned.urgency));
    const double migration = planned.hop.migration_months / 12;
    const std::string middle = std::to_string(y + 12);
    const auto bar = [&](double from, double to, const char* opacity) {
      svg.append("<path d=\"M").append(x(from)).append(" ").append(middle).append(" H");
      svg.append(x(to)).append("\" stroke=\"").append(colour);
      svg.append("\" stroke-width=\"18\" opacity=\"").append(opacity).append("\"/>\n");
    };
    svg += "<text x=\"" + std::to_string(kLeft - 10) + "\" y=\"" + std::to_string(y + 17) +
           "\" class=\"end\">" + EscapeHtml(CutText(planned.hop.name, 36)) + "</text>";
    bar(0, migration, "0.45");
    bar(migration, planned.needed_years, "1");
    y += kRow;
  }
  if (plan.quantum > today) {
    const std::string at = x(static_cast<double>((plan.quantum - today).count()) / 365.2425);
    svg += "<path d=\"M" + at + " 26 V" + std::to_string(height - 8) +
           "\" stroke=\"#1c2733\" stroke-dasharray=\"5 4\"/><text x=\"" + at +
           "\" y=\"18\" class=\"mid hop\">quantum computer, assumed " + DayText(plan.quantum) +
           "</text>\n";
  }
  return svg + "<text x=\"" + std::to_string(kLeft - 10) + "\" y=\"18\" class=\"hop end\">" +
         "from " + DayText(today) + "</text></svg>\n";
}

std::string HtmlRow(const PlannedHop& planned, std::size_t rank, Day today) {
  const PlanHop& hop = planned.hop;
  std::string row = "<tr><td>" + std::to_string(rank) + "</td><td>" + EscapeHtml(hop.name) +
                    "<br><small>" + EscapeHtml(hop.from + " → " + hop.to) + "</small></td><td>" +
                    EscapeHtml(hop.label) + "<br><small>" +
                    std::string(ProtectionName(hop.protection)) + "</small></td><td>" +
                    EscapeHtml(hop.verdict) + "<br><small>by " + EscapeHtml(hop.verdict_from) +
                    "</small></td><td style=\"color:" + std::string(ColourOf(planned.urgency)) +
                    "\"><b>" + std::string(UrgencyName(planned.urgency)) + "</b></td><td>";
  row += Begin(planned, today);
  row += "</td><td>" + EscapeHtml(planned.why);
  for (const PlanDeadline& deadline : planned.deadlines) {
    row += planned.state == HopState::kClosed
               ? ""
               : "<br><small>" + EscapeHtml(Deadline(deadline)) + "</small>";
  }
  return row + "</td></tr>\n";
}

std::string HtmlActions(const PlannedHop& planned) {
  if (planned.actions.empty()) {
    return {};
  }
  std::string out = "<h3>" + EscapeHtml(planned.hop.name) + " (" + EscapeHtml(Owner(planned.hop)) +
                    ")</h3>\n<ul>";
  for (const std::string& action : planned.actions) {
    out += "<li>" + EscapeHtml(action) + "</li>";
  }
  out += "</ul>\n";
  if (!planned.contract.empty()) {
    out += "<blockquote><p>" + EscapeHtml(planned.contract) + "</p></blockquote>\n";
  }
  return out;
}

}  // namespace

std::string RenderPlanJson(const Plan& plan, const std::vector<PlannedHop>& hops,
                           const PlanContext& context) {
  json::Writer writer;
  writer.BeginObject().Key("report").String("casemate-flows-plan").Key("format").Integer(1);
  writer.Key("title").String(plan.title).Key("date").String(DayText(context.today));
  writer.Key("assumption").BeginObject();
  writer.Key("quantum").String(DayText(plan.quantum)).EndObject();
  writer.Key("sources").BeginArray();
  for (const std::string& source : plan.sources) {
    writer.String(source);
  }
  writer.EndArray().Key("hops").BeginArray();
  for (const PlannedHop& hop : hops) {
    WriteHop(writer, hop);
  }
  writer.EndArray().Key("dates").BeginArray();
  for (const PlanDate& date : *context.dates) {
    if (Applies(date, plan)) {
      writer.BeginObject().Key("id").String(date.id).Key("source").String(date.source);
      writer.Key("document").String(date.document);
      writer.Key("document_date").String(DayText(date.document_date));
      writer.Key("says").String(date.says).Key("concerns").String(date.concerns);
      writer.Key("until").String(DayText(date.until));
      writer.Key("confidence").String(date.confidence);
      writer.Key("checked").String(DayText(date.checked)).EndObject();
    }
  }
  writer.EndArray().Key("caveat").String(kCaveat).EndObject();
  return std::string(writer.Take().view().Reveal()) + "\n";
}

std::string RenderPlanMarkdown(const Plan& plan, const std::vector<PlannedHop>& hops,
                               const PlanContext& context) {
  std::string out = "# " + MarkdownCell(plan.title) + "\n\n" + Assumption(plan, context) + " " +
                    std::string(kCaveat) +
                    "\n\n| | hop | label | verdict | urgency | begin by | why |\n"
                    "|---|---|---|---|---|---|---|\n";
  std::size_t rank = 0;
  for (const PlannedHop& planned : hops) {
    const PlanHop& hop = planned.hop;
    out += "| " + std::to_string(++rank) + " | " + MarkdownCell(hop.name) + " | " +
           MarkdownCell(hop.label) + " | " + MarkdownCell(hop.verdict) + " | " +
           std::string(UrgencyName(planned.urgency)) + " | " + Begin(planned, context.today) +
           " | " + MarkdownCell(planned.why) + " |\n";
  }
  for (const PlannedHop& planned : hops) {
    if (planned.actions.empty()) {
      continue;
    }
    out += "\n## " + MarkdownCell(planned.hop.name) + " (" + MarkdownCell(Owner(planned.hop)) +
           ")\n\n";
    for (const PlanDeadline& deadline : planned.deadlines) {
      out += "- until " + MarkdownCell(Deadline(deadline)) + "\n";
    }
    for (const std::string& action : planned.actions) {
      out += "- " + MarkdownCell(action) + "\n";
    }
    out += planned.contract.empty() ? "" : "\n> " + MarkdownCell(planned.contract) + "\n";
  }
  out += "\n## Dates\n\n";
  for (const PlanDate& date : *context.dates) {
    if (Applies(date, plan)) {
      out += "- " + DayText(date.until) + ": " + MarkdownCell(date.says) + ". " +
             MarkdownCell(Provenance(date)) + "\n";
    }
  }
  return out;
}

std::string RenderPlanHtml(const Plan& plan, const std::vector<PlannedHop>& hops,
                           const PlanContext& context) {
  std::string out =
      BeginPage(plan.title) + "<p>" + Assumption(plan, context) + " " + std::string(kCaveat) +
      "</p>\n<p>Pale: the time that closing the hop takes. Full: the time that what "
      "passes on the last day before must stay secret. What crosses the line could be "
      "opened while it still matters.</p>\n" +
      Timeline(plan, hops, context.today) +
      "<table><thead><tr><th></th><th>hop</th><th>label</th><th>verdict</th>"
      "<th>urgency</th><th>begin by</th><th>why</th></tr></thead><tbody>\n";
  std::size_t rank = 0;
  for (const PlannedHop& planned : hops) {
    out += HtmlRow(planned, ++rank, context.today);
  }
  out += "</tbody></table>\n<h2>What to do, and what to ask of whom</h2>\n";
  for (const PlannedHop& planned : hops) {
    out += HtmlActions(planned);
  }
  out += "<h2>Dates</h2>\n<ul>";
  for (const PlanDate& date : *context.dates) {
    if (Applies(date, plan)) {
      out += "<li>" + DayText(date.until) + ": " + EscapeHtml(date.says) + ". <small>" +
             EscapeHtml(Provenance(date)) + "</small></li>";
    }
  }
  return out + "</ul>\n" + EndPage();
}

}  // namespace casemate::flows
