#include <algorithm>
#include <array>
#include <set>

#include "assess/report.h"
#include "assess/report_contradictions.h"
#include "assess/text_lines.h"

namespace casemate::assess {
namespace {

constexpr std::string_view kReset = "\x1b[0m";

std::string_view ColourOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kStops:
      return "\x1b[32m";
    case Verdict::kRaisesCost:
    case Verdict::kControllable:
      return "\x1b[33m";
    case Verdict::kDoesNotStop:
      return "\x1b[31m";
    case Verdict::kUnknown:
      return "\x1b[35m";
    case Verdict::kNotApplicable:
      return "\x1b[36m";
  }
  return "";
}

// One row, as many lines high as its highest cell; the first line of each cell is painted.
void AddRow(std::string& out, const std::vector<std::string>& cells,
            const std::vector<std::size_t>& widths, const std::vector<std::string_view>& colours) {
  std::vector<std::vector<std::string>> lines;
  std::size_t height = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    lines.push_back(Wrapped(cells[i], widths[i]));
    height = std::max(height, lines.back().size());
  }
  for (std::size_t line = 0; line < height; ++line) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string cell = line < lines[i].size() ? lines[i][line] : "";
      const bool painted = !colours[i].empty() && !cell.empty();
      text += painted ? std::string(colours[i]) + cell + std::string(kReset) : cell;
      if (i + 1 < cells.size()) {
        const std::size_t width = Width(cell);
        text.append(width < widths[i] ? widths[i] - width + 2 : 2, ' ');
      }
    }
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  }
}

// Rows that the same change helps stand together.
void AddChanges(std::string& out, const Report& report, std::size_t columns) {
  const Language& language = *report.language;
  std::string body;
  for (const Assessment* assessment : report.assessments) {
    std::vector<std::pair<std::string, std::string>> changes;  // text, rows
    for (const Cell& cell : assessment->cells) {
      for (const auto* change : {&cell.better, &cell.stops}) {
        if (!*change) {
          continue;
        }
        const std::string text = CounterfactualText(language, **change);
        const auto known =
            std::ranges::find(changes, text, &std::pair<std::string, std::string>::first);
        if (known == changes.end()) {
          changes.emplace_back(text, cell.adversary->id);
        } else {
          known->second += ", " + cell.adversary->id;
        }
      }
    }
    body += changes.empty() ? "" : "  " + assessment->title + "\n";
    for (const auto& [text, rows] : changes) {
      Indented(body, "    ", rows + ": " + text, columns);
    }
  }
  if (!body.empty()) {
    out += "\n" + language.Get("change.title") + "\n" + body;
  }
}

void AddContradictionLines(std::string& out, const Report& report, std::size_t columns) {
  const Language& language = *report.language;
  if (!HasContradictions(report)) {
    return;
  }
  out += "\n" + language.Get("contradiction.title") + "\n";
  Indented(out, "  ",
           language.Get("contradiction.intro") + " " + language.Get("contradiction.measure"),
           columns);
  for (const Assessment* assessment : report.assessments) {
    for (const Contradiction& contradiction : assessment->contradictions) {
      const std::string whose =
          report.assessments.size() > 1 ? assessment->title + ", " : std::string();
      Indented(out, "  - ",
               whose + ContradictionText(language, contradiction) + ". " +
                   MovesText(language, contradiction),
               columns);
    }
  }
}

}  // namespace

std::string RenderTable(const Report& report, bool colour, std::size_t columns) {
  const Language& language = *report.language;
  const Assessment& first = *report.assessments.front();
  std::string out = language.Get("table.title") + ", " +
                    language.Fill("table.as-of", {first.today, first.label}) + "\n\n";
  std::vector<std::string> head = {language.Get("table.adversary")};
  for (const Assessment* assessment : report.assessments) {
    head.push_back(assessment->title);
  }
  std::size_t widest = 0;
  for (const Cell& cell : first.cells) {
    widest = std::max(widest, Width(cell.adversary->title.In(language.code())));
  }
  const std::size_t count = report.assessments.size();
  const std::size_t left = std::min(widest, std::max<std::size_t>(columns / 3, 20));
  const std::size_t each =
      columns > left + count * 14 ? (columns - left) / count - 2 : std::size_t{12};
  std::vector<std::size_t> widths(count + 1, std::min<std::size_t>(each, 64));
  widths[0] = left;
  AddRow(out, head, widths, std::vector<std::string_view>(count + 1));
  std::vector<std::string> footnotes;
  for (std::size_t row = 0; row < first.cells.size(); ++row) {
    std::vector<std::string> cells = {first.cells[row].adversary->title.In(language.code())};
    std::vector<std::string_view> colours = {""};
    for (const Assessment* assessment : report.assessments) {
      const Cell& cell = assessment->cells[row];
      std::string text = CellText(language, cell);
      for (const std::string& remark : Remarks(report, *assessment, cell)) {
        const auto known = std::ranges::find(footnotes, remark);
        const auto number = static_cast<std::size_t>(known - footnotes.begin()) + 1;
        if (known == footnotes.end()) {
          footnotes.push_back(remark);
        }
        text += " [" + std::to_string(number) + "]";
      }
      cells.push_back(std::move(text));
      colours.push_back(colour ? ColourOf(cell.verdict) : std::string_view());
    }
    AddRow(out, cells, widths, colours);
  }
  out += footnotes.empty() ? "" : "\n";
  for (std::size_t i = 0; i < footnotes.size(); ++i) {
    Indented(out, "[" + std::to_string(i + 1) + "] ", footnotes[i], columns);
  }
  AddContradictionLines(out, report, columns);
  AddChanges(out, report, columns);
  std::set<std::string> stale;
  for (const Assessment* assessment : report.assessments) {
    for (std::string& text : StaleTexts(language, *assessment)) {
      stale.insert(std::move(text));
    }
  }
  if (!stale.empty()) {
    out += "\n" + language.Get("stale.title") + "\n";
    for (const std::string& text : stale) {
      Indented(out, "  ", text, columns);
    }
  }
  return out;
}

}  // namespace casemate::assess
