#include <algorithm>
#include <utility>

#include "flows/capture_report.h"
#include "flows/hop_map.h"
#include "flows/html.h"

namespace casemate::flows {
namespace {

std::string Map(const CaptureReport& report) {
  std::vector<const SeenHop*> hops = ListedHops(report);
  const std::size_t all = hops.size();
  hops.resize(std::min(all, kMaxHtmlHops));
  std::vector<HopArrow> arrows;
  for (const SeenHop* hop : hops) {
    const SessionVerdict worst = hop->Worst();
    std::string label = CountsText(hop->sessions);
    if (hop->openable_bytes > 0) {
      label.insert(0, SizeText(hop->openable_bytes) + " openable: ");
    }
    arrows.push_back(
        {.from = hop->client,
         .to = hop->endpoint().Text(),
         .label = std::move(label),
         .colour = std::string(VerdictColour(worst)),
         .closed = worst == SessionVerdict::kHybrid || worst == SessionVerdict::kRefused});
  }
  std::string out = DrawHopMap(std::move(arrows));
  if (all > kMaxHtmlHops) {
    out += "<p><small>" + std::to_string(all - kMaxHtmlHops) +
           " more hops are not drawn; those with the most that could be opened are.</small></p>\n";
  }
  return out;
}

std::string Cell(std::string_view text) { return "<td>" + EscapeHtml(text) + "</td>"; }

std::string VerdictCell(std::string_view verdict, std::string_view colour) {
  return "<td style=\"color:" + std::string(colour) + "\"><b>" + std::string(verdict) + "</b></td>";
}

std::string Servers(const CaptureReport& report) {
  std::string out =
      "<h2>Servers</h2>\n<table><thead><tr><th>server</th><th>verdict</th><th>sessions</th>"
      "<th>openable</th><th>why</th></tr></thead><tbody>\n";
  for (const SeenServer* server : ListedServers(report)) {
    const std::optional<Judgement> judged = server->judgement();
    const std::string name = server->endpoint().Text() +
                             (server->server_name().empty() ? "" : " " + server->server_name());
    out += "<tr>" + Cell(name) +
           VerdictCell(VerdictText(*server),
                       VerdictColour(judged ? judged->verdict : Verdict::kUnreachable)) +
           Cell(CountsText(server->sessions())) + Cell(SizeText(server->openable_bytes())) +
           Cell(ReasonOf(report, *server)) + "</tr>\n";
  }
  return out + "</tbody></table>\n";
}

std::string Sessions(const CaptureReport& report) {
  std::string out =
      "<h2>Sessions</h2>\n<table><thead><tr><th>client</th><th>server</th><th>verdict</th>"
      "<th>key exchange</th><th>openable</th><th>why</th></tr></thead><tbody>\n";
  const std::size_t shown = std::min(report.sessions.size(), kMaxHtmlSessions);
  for (std::size_t i = 0; i < shown; ++i) {
    const CapturedSession& session = report.sessions[i];
    out += "<tr>" + Cell(session.client.Text()) +
           Cell(session.server.Text() + " " + ServiceOf(session)) +
           VerdictCell(SessionVerdictName(session.verdict), VerdictColour(session.verdict)) +
           Cell(session.key_exchange) + Cell(SizeText(session.OpenableBytes())) +
           Cell(session.why) + "</tr>\n";
  }
  out += "</tbody></table>\n";
  if (report.sessions.size() > shown) {
    out += "<p><small>" + std::to_string(report.sessions.size() - shown) +
           " more: --format json or csv has them.</small></p>\n";
  }
  return out;
}

}  // namespace

std::string RenderHtml(const CaptureReport& report, const ReportContext& context) {
  std::string out =
      BeginPage("What a recorder could open") + "<p>" + std::to_string(report.counts.sessions) +
      " sessions (" + CountsText(report.summary.sessions) + "), of which <b>" +
      SizeText(report.summary.openable_bytes) +
      "</b> could be read by whoever recorded them, now or once a quantum computer is there. "
      "Read " +
      TimeText(context.time) + " by casemate " + EscapeHtml(context.version) +
      ". A whole line stays closed; of a broken one something can be opened, or was not "
      "seen.</p>\n";
  out += Map(report) + Servers(report) + Sessions(report);
  const std::vector<std::string> missing = WhatIsMissing(report);
  if (!missing.empty()) {
    out += "<h2>What was not seen</h2>\n<ul>";
    for (const std::string& sentence : missing) {
      out += "<li>" + EscapeHtml(sentence) + "</li>";
    }
    out += "</ul>\n";
  }
  return out + EndPage();
}

}  // namespace casemate::flows
