#include "flows/report.h"
#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// Colours that keep apart in grey and for the colour-blind, with the word always beside them.
std::string_view ColourOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHybridEnforced:
      return "#1b7f4b";
    case Verdict::kHybridPreferred:
      return "#5a9e2f";
    case Verdict::kHybridSupported:
      return "#c98a00";
    case Verdict::kClassical:
      return "#c0392b";
    case Verdict::kBroken:
      return "#7d3c98";
    case Verdict::kUnreachable:
      return "#7f8c8d";
  }
  return "#7f8c8d";
}

constexpr int kRowHeight = 46;
constexpr int kTop = 24;
constexpr int kLeft = 150;
constexpr int kRight = 550;
constexpr int kWidth = 820;

std::string Cut(const std::string& text, std::size_t most) {
  return text.size() <= most ? text : text.substr(0, most - 1) + "…";
}

// The prober on the left, an arrow a hop: whole where a recorded session stays closed, broken where
// it does not.
std::string Map(const std::vector<ProbeResult>& results) {
  const int height = 2 * kTop + kRowHeight * static_cast<int>(results.size());
  std::string svg = "<svg viewBox=\"0 0 " + std::to_string(kWidth) + " " + std::to_string(height) +
                    "\" role=\"img\" aria-label=\"The hops and their verdicts\">\n";
  svg += "<rect x=\"10\" y=\"" + std::to_string(height / 2 - 22) +
         "\" width=\"130\" height=\"44\" rx=\"6\" class=\"box\"/><text x=\"75\" y=\"" +
         std::to_string(height / 2 + 5) + "\" class=\"mid\">here</text>\n";
  int y = kTop + kRowHeight / 2;
  for (const ProbeResult& result : results) {
    const std::string colour(ColourOf(result.judgement.verdict));
    const bool closed = AtLeast(result.judgement.verdict, Verdict::kHybridPreferred);
    const std::string at = std::to_string(y);
    svg += "<path d=\"M" + std::to_string(kLeft - 10) + " " + std::to_string(height / 2) + " C " +
           std::to_string(kLeft + 80) + " " + std::to_string(height / 2) + " " +
           std::to_string(kLeft + 60) + " " + at + " " + std::to_string(kRight - 255) + " " + at +
           " L" + std::to_string(kRight) + " " + at + "\" fill=\"none\" stroke=\"" + colour +
           "\" stroke-width=\"2.5\"" + (closed ? "" : " stroke-dasharray=\"7 5\"") + "/>\n";
    svg += "<path d=\"M" + std::to_string(kRight - 9) + " " + std::to_string(y - 5) +
           " l9 5 l-9 5\" "
           "fill=\"none\" stroke=\"" +
           colour + "\" stroke-width=\"2.5\"/>\n";
    svg += "<text x=\"" + std::to_string(kRight - 250) + "\" y=\"" + std::to_string(y - 7) +
           "\" class=\"hop\" fill=\"" + colour + "\">" +
           Escape(Cut(std::string(VerdictName(result.judgement.verdict)) +
                          (BestGroup(result).empty() ? "" : ", " + BestGroup(result)),
                      40)) +
           "</text>\n";
    svg += "<rect x=\"" + std::to_string(kRight + 4) + "\" y=\"" + std::to_string(y - 17) +
           "\" width=\"" + std::to_string(kWidth - kRight - 14) +
           "\" height=\"34\" rx=\"6\" class=\"box\" stroke=\"" + colour + "\"/><text x=\"" +
           std::to_string(kRight + 16) + "\" y=\"" + std::to_string(y + 5) + "\">" +
           Escape(Cut(result.endpoint.Text(), 32)) + "</text>\n";
    y += kRowHeight;
  }
  return svg + "</svg>\n";
}

std::string Row(const ProbeResult& result) {
  std::string row = "<tr><td>" + Escape(result.endpoint.Text()) +
                    "</td><td style=\"color:" + std::string(ColourOf(result.judgement.verdict)) +
                    "\"><b>" + std::string(VerdictName(result.judgement.verdict)) +
                    "</b></td><td>" + Escape(BestGroup(result)) + "</td><td>" +
                    Escape(result.judgement.reason);
  for (const std::string& finding : result.judgement.findings) {
    row += "<br><small>" + Escape(finding) + "</small>";
  }
  if (result.full && !result.full->chain.empty()) {
    const CertificateFacts& leaf = result.full->chain.front();
    row += "<br><small>certificate " + Escape(leaf.subject) + ", " + Escape(leaf.public_key) +
           ", until " + TimeText(leaf.not_after).substr(0, 10) + "</small>";
  }
  return row + "</td></tr>\n";
}

constexpr std::string_view kStyle =
    "body{font:16px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1c2733}svg{width:100%;height:auto}svg text{font:14px system-ui,sans-serif}"
    "svg .hop{font-size:12px}svg .mid{text-anchor:middle}svg .box{fill:#f4f6f8;stroke:#9aa7b2}"
    "td "
    "b{white-space:nowrap}table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-"
    "align:top;"
    "padding:.4rem .6rem;border-bottom:1px solid #d6dde3}small{color:#52616f}"
    "pre{background:#f4f6f8;padding:.8rem;overflow:auto}@media print{body{margin:0}}";

}  // namespace

std::string RenderHtml(const std::vector<ProbeResult>& results, const ReportContext& context) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\">"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\"><title>Key exchange of every hop</title><style>" +
      std::string(kStyle) + "</style></head><body>\n<h1>Key exchange of every hop</h1>\n<p>" +
      std::to_string(results.size()) + " endpoints, probed " + TimeText(context.time) +
      " by casemate " + Escape(context.version) +
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
    out += "<h2>What to change</h2>\n<pre>" + Escape(Remedy(worst, false)) +
           Escape(Remedy(worst, true)) + "</pre>\n";
  }
  return out + "</body></html>\n";
}

}  // namespace casemate::flows
