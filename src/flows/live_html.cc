#include <algorithm>

#include "flows/html.h"
#include "flows/live.h"
#include "flows/report.h"

namespace casemate::flows {
namespace {

constexpr std::size_t kMostDrawn = 24;  // on each side; the tables have all
constexpr int kRow = 46;
constexpr int kTop = 20;
constexpr int kWidth = 1000;
constexpr int kBox = 210;     // width of a box at the edge
constexpr int kMiddle = 440;  // left edge of the front's box
constexpr int kFront = 120;   // its width

// One arrow with a box at its outer end.
struct Arrow {
  std::string who;
  std::string what;
  std::string colour;
  bool whole = true;     // the line; broken where what passes can be opened later
  bool refused = false;  // ends before the front
  bool inward = true;
};

// With the words beside them, for who cannot tell them apart.
std::string ColourOf(const std::string& verdict) {
  return verdict == "hybrid"  ? "#1b7f4b"
         : verdict == "local" ? "#52616f"
         : verdict == "pure"  ? "#c98a00"
                              : "#c0392b";
}

Arrow ArrowOf(const LiveHop& hop) {
  return {.who = hop.peer.contains(hop.hop) ? hop.peer : hop.hop + " " + hop.peer,
          .what = hop.transport == "tls" ? hop.group : hop.transport,
          .colour = ColourOf(hop.verdict),
          .whole = hop.verdict != "classical",
          .inward = hop.direction == "accepted"};
}

Arrow ArrowOf(const LiveRefusal& refusal) {
  return {.who = refusal.hop + " " + refusal.peer,
          .what = "refused " + std::to_string(refusal.count) + " x: " + refusal.reason,
          .colour = "#c0392b",
          .whole = false,
          .refused = true};
}

std::string Number(int value) { return std::to_string(value); }

std::string Line(const Arrow& arrow, int from, int to, int y) {
  const int end = arrow.refused ? (from + to) / 2 : to;
  std::string out = "<path d=\"M" + Number(from) + " " + Number(y) + " L" + Number(end) + " " +
                    Number(y) + "\" fill=\"none\" stroke=\"" + arrow.colour +
                    "\" stroke-width=\"2.5\"" + (arrow.whole ? "" : " stroke-dasharray=\"7 5\"") +
                    "/>\n";
  const int tip = arrow.inward ? end : from;
  const int back = (arrow.inward ? end > from : from > end) ? -9 : 9;
  if (arrow.refused) {
    out += "<path d=\"M" + Number(end - 6) + " " + Number(y - 6) + " l12 12 m0 -12 l-12 12\"";
  } else {
    out += "<path d=\"M" + Number(tip + back) + " " + Number(y - 5) + " L" + Number(tip) + " " +
           Number(y) + " l" + Number(back) + " 5\"";
  }
  return out + " fill=\"none\" stroke=\"" + arrow.colour + "\" stroke-width=\"2.5\"/>\n";
}

std::string Draw(const Arrow& arrow, bool left, int y) {
  const int box = left ? 10 : kWidth - kBox - 10;
  const int from = left ? box + kBox + 4 : box - 4;
  const int to = left ? kMiddle - 6 : kMiddle + kFront + 6;
  return "<rect x=\"" + Number(box) + "\" y=\"" + Number(y - 17) + "\" width=\"" + Number(kBox) +
         "\" height=\"34\" rx=\"6\" class=\"box\"/><text x=\"" + Number(box + 10) + "\" y=\"" +
         Number(y + 5) + "\">" + EscapeHtml(CutText(arrow.who, 24)) + "</text>\n" +
         Line(arrow, from, to, y) + "<text x=\"" + Number((from + to) / 2) + "\" y=\"" +
         Number(y - 8) + "\" class=\"hop mid\" fill=\"" + arrow.colour + "\">" +
         EscapeHtml(CutText(arrow.what, 30)) + "</text>\n";
}

std::string Map(const LiveHops& hops) {
  std::vector<Arrow> left;
  std::vector<Arrow> right;
  for (const LiveHop& hop : hops.hops) {
    const bool outside = hop.transport == "tls" || hop.transport == "unix-socket";
    std::vector<Arrow>& side = outside && hop.direction == "accepted" ? left : right;
    if (side.size() < kMostDrawn) {
      side.push_back(ArrowOf(hop));
    }
  }
  for (const LiveRefusal& refusal : hops.refused) {
    if (left.size() < kMostDrawn) {
      left.push_back(ArrowOf(refusal));
    }
  }
  const int rows = static_cast<int>(std::max({left.size(), right.size(), std::size_t{2}}));
  const int height = 2 * kTop + rows * kRow;
  std::string svg = "<svg viewBox=\"0 0 " + Number(kWidth) + " " + Number(height) +
                    "\" role=\"img\" aria-label=\"The hops of the front and their verdicts\">\n"
                    "<rect x=\"" +
                    Number(kMiddle) + "\" y=\"" + Number(kTop) + "\" width=\"" + Number(kFront) +
                    "\" height=\"" + Number(height - 2 * kTop) +
                    "\" rx=\"8\" class=\"box\"/><text x=\"" + Number(kMiddle + kFront / 2) +
                    "\" y=\"" + Number(height / 2) + "\" class=\"mid\">front</text><text x=\"" +
                    Number(kMiddle + kFront / 2) + "\" y=\"" + Number(height / 2 + 18) +
                    "\" class=\"mid hop\">at least " + EscapeHtml(hops.minimum) + "</text>\n";
  for (const bool is_left : {true, false}) {
    int y = kTop + kRow / 2;
    for (const Arrow& arrow : is_left ? left : right) {
      svg += Draw(arrow, is_left, y);
      y += kRow;
    }
  }
  return svg + "</svg>\n";
}

std::string Cell(const std::string& text) { return "<td>" + EscapeHtml(text) + "</td>"; }

std::string Row(const LiveHop& hop) {
  std::string row = "<tr><td>" + EscapeHtml(hop.hop);
  row += "</td>" + Cell(hop.peer) + "<td style=\"color:" + ColourOf(hop.verdict) + "\"><b>" +
         EscapeHtml(hop.verdict) + "</b></td><td>" +
         EscapeHtml(hop.group.empty() ? hop.transport : hop.group + ", " + hop.version);
  if (!hop.certificate.empty()) {
    row += "<br><small>" + EscapeHtml(hop.certificate) + "</small>";
  }
  return row + "</td>" +
         Cell(std::to_string(hop.connections) + " (" + std::to_string(hop.open) + " open)") +
         "<td>" + SizeText(hop.bytes_in) + " in<br>" + SizeText(hop.bytes_out) + " out</td><td>" +
         TimeText(hop.first_seen) + "<br>" + TimeText(hop.last_seen) + "</td></tr>\n";
}

std::string Row(const LiveRefusal& refusal) {
  return "<tr>" + Cell(refusal.hop) + Cell(refusal.peer) + Cell(refusal.reason) + "<td>" +
         EscapeHtml(refusal.offered) + "<br><small>" + EscapeHtml(refusal.detail) +
         "</small></td>" + Cell(std::to_string(refusal.count)) + "<td>" +
         TimeText(refusal.first_seen) + "<br>" + TimeText(refusal.last_seen) + "</td></tr>\n";
}

}  // namespace

std::string RenderLiveHtml(const LiveHops& hops) {
  std::string out = BeginPage("Hops of this server");
  out += "<p>" + TimeText(hops.time) + ", counted since " + TimeText(hops.since) +
         ". Least key exchange: <b>" + EscapeHtml(hops.minimum) + "</b>";
  for (const std::string& peer : hops.classical_from) {
    out += ", <b style=\"color:#c0392b\">classical from " + EscapeHtml(peer) + "</b>";
  }
  out +=
      ". A broken line: what passed there can be recorded and opened later; with a cross: "
      "refused, nothing passed.</p>\n" +
      Map(hops) +
      "<table><thead><tr><th>hop</th><th>peer</th><th>verdict</th><th>group and certificate</th>"
      "<th>connections</th><th>bytes</th><th>seen</th></tr>"
      "</thead><tbody>\n";
  for (const LiveHop& hop : hops.hops) {
    out += Row(hop);
  }
  out += "</tbody></table>\n";
  if (!hops.refused.empty()) {
    out +=
        "<h2>Refused</h2>\n<table><thead><tr><th>hop</th><th>peer</th><th>reason</th>"
        "<th>offered</th><th>times</th><th>seen</th></tr></thead><tbody>\n";
    for (const LiveRefusal& refusal : hops.refused) {
      out += Row(refusal);
    }
    out += "</tbody></table>\n";
  }
  if (hops.forgotten_hops > 0 || hops.forgotten_refusals > 0) {
    out += "<p>Not shown: " + std::to_string(hops.forgotten_hops) + " hops and " +
           std::to_string(hops.forgotten_refusals) + " refusals from before.</p>\n";
  }
  out += "<p><small>Further channels, all inherited socket pairs on this machine:";
  for (const auto& [one, other] : hops.channels) {
    if (one != "front" && other != "front") {
      out += " " + EscapeHtml(one) + "–" + EscapeHtml(other);
    }
  }
  return out + ".</small></p>\n" + EndPage();
}

}  // namespace casemate::flows
