#include <utility>

#include "flows/hop_map.h"
#include "flows/html.h"
#include "flows/report.h"
#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

// The prober on the left, an arrow a hop.
std::string Map(const std::vector<ProbeResult>& results) {
  std::vector<HopArrow> arrows;
  arrows.reserve(results.size());
  for (const ProbeResult& result : results) {
    const Verdict verdict = result.judgement.verdict;
    const std::string group = BestGroup(result);
    arrows.push_back(
        {.from = "here",
         .to = result.endpoint.Text(),
         .label = std::string(VerdictName(verdict)) + (group.empty() ? "" : ", " + group),
         .colour = std::string(VerdictColour(verdict)),
         .closed = AtLeast(verdict, Verdict::kHybridPreferred)});
  }
  return DrawHopMap(std::move(arrows));
}

std::string Row(const ProbeResult& result) {
  std::string row =
      "<tr><td>" + EscapeHtml(result.endpoint.Text()) +
      "</td><td style=\"color:" + std::string(VerdictColour(result.judgement.verdict)) + "\"><b>" +
      std::string(VerdictName(result.judgement.verdict)) + "</b></td><td>" +
      EscapeHtml(BestGroup(result)) + "</td><td>" + EscapeHtml(result.judgement.reason);
  for (const std::string& finding : result.judgement.findings) {
    row += "<br><small>" + EscapeHtml(finding) + "</small>";
  }
  if (result.full && !result.full->chain.empty()) {
    const CertificateFacts& leaf = result.full->chain.front();
    row += "<br><small>certificate " + EscapeHtml(leaf.subject) + ", " +
           EscapeHtml(leaf.public_key) + ", until " + TimeText(leaf.not_after).substr(0, 10) +
           "</small>";
  }
  return row + "</td></tr>\n";
}

}  // namespace

std::string RenderHtml(const std::vector<ProbeResult>& results, const ReportContext& context) {
  std::string out =
      BeginPage("Key exchange of every hop") + "<p>" + std::to_string(results.size()) +
      " endpoints, probed " + TimeText(context.time) + " by casemate " +
      EscapeHtml(context.version) +
      ". A whole line: who records it today cannot open it later, as long as the client can do as "
      "well. A broken line: it can be.</p>\n";
  out += Map(results);
  out +=
      "<table><thead><tr><th>endpoint</th><th>verdict</th><th>group</th><th>why</th></tr></thead>"
      "<tbody>\n";
  Verdict worst = Verdict::kHybridEnforced;
  for (const ProbeResult& result : results) {
    out += Row(result);
    worst = result.judgement.verdict != Verdict::kUnreachable &&
                    AtLeast(worst, result.judgement.verdict)
                ? result.judgement.verdict
                : worst;
  }
  out += "</tbody></table>\n";
  if (worst != Verdict::kHybridEnforced) {
    out += "<h2>What to change</h2>\n<pre>" + EscapeHtml(Remedy(worst, false)) +
           EscapeHtml(Remedy(worst, true)) + "</pre>\n";
  }
  return out + EndPage();
}

}  // namespace casemate::flows
