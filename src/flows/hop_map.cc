#include "flows/hop_map.h"

#include <algorithm>
#include <map>

#include "flows/html.h"

namespace casemate::flows {
namespace {

constexpr int kRow = 40;
constexpr int kTop = 16;
constexpr int kWidth = 900;
constexpr int kBoxWidth = 240;
constexpr int kBoxHeight = 34;
constexpr int kLeftEdge = kBoxWidth + 10;
constexpr int kRightEdge = kWidth - kBoxWidth - 10;
constexpr int kBend = 140;  // from here on an arrow runs level, and its label stands on it
constexpr std::size_t kMostBox = 30;
constexpr std::size_t kMostLabel = 42;

std::string Number(int value) { return std::to_string(value); }

std::string Box(int x, int top, int height, const std::string& text, std::string_view colour) {
  return "<rect x=\"" + Number(x) + "\" y=\"" + Number(top) + "\" width=\"" + Number(kBoxWidth) +
         "\" height=\"" + Number(height) + "\" rx=\"6\" class=\"box\"" +
         (colour.empty() ? "" : " style=\"stroke:" + std::string(colour) + "\"") + "/><text x=\"" +
         Number(x + kBoxWidth / 2) + "\" y=\"" + Number(top + height / 2 + 5) +
         "\" class=\"mid\">" + EscapeHtml(CutText(text, kMostBox)) + "</text>\n";
}

std::string Arrow(const HopArrow& arrow, int from_y, int y) {
  const std::string stroke =
      "\" fill=\"none\" stroke=\"" + arrow.colour + "\" stroke-width=\"2.5\"";
  const int level = kLeftEdge + kBend;
  std::string out = "<path d=\"M" + Number(kLeftEdge) + " " + Number(from_y) + " C " +
                    Number(kLeftEdge + 70) + " " + Number(from_y) + " " + Number(level - 70) + " " +
                    Number(y) + " " + Number(level) + " " + Number(y) + " L" + Number(kRightEdge) +
                    " " + Number(y) + stroke + (arrow.closed ? "" : " stroke-dasharray=\"7 5\"") +
                    "/>\n";
  out += "<path d=\"M" + Number(kRightEdge - 9) + " " + Number(y - 5) + " l9 5 l-9 5" + stroke +
         "/>\n";
  return out + "<text x=\"" + Number(kRightEdge - 14) + "\" y=\"" + Number(y - 6) +
         "\" class=\"hop end\" fill=\"" + arrow.colour + "\">" +
         EscapeHtml(CutText(arrow.label, kMostLabel)) + "</text>\n";
}

struct Span {
  int first = 0;  // y of the first and the last arrow that ends here
  int last = 0;
  std::string colour;
  bool closed = true;  // all of them
};

}  // namespace

std::string DrawHopMap(std::vector<HopArrow> arrows) {
  std::ranges::stable_sort(arrows, {}, &HopArrow::to);
  std::map<std::string, Span> rights;
  std::map<std::string, std::pair<int, int>> lefts;  // sum of rows, count
  int y = kTop + kRow / 2;
  for (const HopArrow& arrow : arrows) {
    const auto [entry, added] =
        rights.try_emplace(arrow.to, Span{y, y, arrow.colour, arrow.closed});
    Span& span = entry->second;
    span.last = y;
    if (span.closed && !arrow.closed) {
      span.closed = false;
      span.colour = arrow.colour;
    }
    auto& [sum, count] = lefts[arrow.from];
    sum += y;
    ++count;
    y += kRow;
  }
  // Left boxes in the order of where their arrows go, evenly spread.
  std::vector<std::pair<int, std::string>> order;
  order.reserve(lefts.size());
  for (const auto& [name, where] : lefts) {
    order.emplace_back(where.first / where.second, name);
  }
  std::ranges::sort(order);
  const int rows = std::max(static_cast<int>(arrows.size()), static_cast<int>(order.size()));
  const int height = 2 * kTop + rows * kRow;
  std::string boxes;
  std::map<std::string, int> left_y;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const int middle = kTop + static_cast<int>((2 * i + 1) * static_cast<std::size_t>(rows * kRow) /
                                               (2 * order.size()));
    left_y[order[i].second] = middle;
    boxes += Box(10, middle - kBoxHeight / 2, kBoxHeight, order[i].second, "");
  }
  for (const auto& [name, span] : rights) {
    boxes += Box(kRightEdge, span.first - kBoxHeight / 2, span.last - span.first + kBoxHeight, name,
                 span.colour);
  }
  std::string drawn;
  y = kTop + kRow / 2;
  for (const HopArrow& arrow : arrows) {
    drawn += Arrow(arrow, left_y[arrow.from], y);
    y += kRow;
  }
  return "<svg viewBox=\"0 0 " + Number(kWidth) + " " + Number(height) +
         "\" role=\"img\" aria-label=\"The hops and their verdicts\">\n" + drawn + boxes +
         "</svg>\n";
}

std::string_view VerdictColour(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHybridEnforced:
      return "#1b7f4b";
    case Verdict::kHybridPreferred:
      return "#5a9e2f";
    case Verdict::kHybridSupported:
      return "#b87b00";
    case Verdict::kClassical:
      return "#c0392b";
    case Verdict::kBroken:
      return "#7d3c98";
    case Verdict::kUnreachable:
      break;
  }
  return "#6b7778";
}

std::string_view VerdictColour(SessionVerdict verdict) {
  switch (verdict) {
    case SessionVerdict::kHybrid:
      return VerdictColour(Verdict::kHybridEnforced);
    case SessionVerdict::kClassical:
      return VerdictColour(Verdict::kClassical);
    case SessionVerdict::kPlain:
      return "#8e1b10";
    case SessionVerdict::kRefused:
    case SessionVerdict::kUnknown:
      break;
  }
  return VerdictColour(Verdict::kUnreachable);
}

}  // namespace casemate::flows
