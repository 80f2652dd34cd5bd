#include <algorithm>
#include <array>
#include <set>

#include "assess/report.h"

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

// Columns that a text takes: its code points.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

// Lines of at most `width`, broken at spaces; a longer word stands alone.
std::vector<std::string> Wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines = {""};
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!lines.back().empty() && Width(lines.back()) + 1 + Width(word) > width) {
      lines.emplace_back();
    }
    lines.back() += (lines.back().empty() ? "" : " ") + std::string(word);
  }
  return lines;
}

void Indented(std::string& out, std::string_view first, std::string_view text, std::size_t width) {
  const std::size_t indent = Width(first);
  bool is_first = true;
  for (const std::string& line : Wrapped(text, width > indent + 20 ? width - indent : width)) {
    out += is_first ? std::string(first) : std::string(indent, ' ');
    out += line + "\n";
    is_first = false;
  }
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

// A rule that leads nowhere is said once, with every element that it was asked of.
void AddBlocked(std::string& out, const Language& language, const Cell& cell, std::size_t columns) {
  if (cell.blocked.empty()) {
    return;
  }
  out += "\n" + language.Get("explain.blocked") + "\n";
  std::vector<const Rule*> done;
  for (const BlockedWay& first : cell.blocked) {
    if (std::ranges::find(done, first.rule) != done.end()) {
      continue;
    }
    done.push_back(first.rule);
    Indented(out, "  - ", first.rule->sentence.In(language.code()) + " [" + first.rule->id + "]",
             columns);
    std::set<std::string> said;
    for (const BlockedWay& way : cell.blocked) {
      if (way.rule != first.rule) {
        continue;
      }
      std::string text =
          way.lacks.empty() ? "" : way.element + ": " + language.Fill("explain.lacks", {way.lacks});
      for (const ChainFact& fact : way.facts) {
        text += (text.empty() ? "" : "; ") + FactText(language, fact);
      }
      if (said.insert(text).second) {
        Indented(out, "       ", text, columns);
      }
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

std::string RenderExplanation(const Report& report, const Assessment& assessment,
                              const Cell& cell) {
  constexpr std::size_t kColumns = 110;
  const Language& language = *report.language;
  const std::string& code = language.code();
  std::string out = cell.id + ": " + CellText(language, cell) + "\n";
  Indented(out, cell.adversary->title.In(code) + ": ", cell.adversary->sentence.In(code), kColumns);
  if (const Instrument* instrument = report.rules->FindInstrument(cell.adversary->instrument)) {
    Indented(out, "  ",
             instrument->title.In(code) + ". " +
                 language.Fill("legal.state", {instrument->date, instrument->state}) + ". " +
                 language.Fill("explain.source", {instrument->source}),
             kColumns);
  }
  for (const std::string& remark : Remarks(report, assessment, cell)) {
    Indented(out, "  ", remark, kColumns);
  }
  if (!cell.chain.empty()) {
    out += "\n" + language.Get("explain.why") + "\n";
  }
  for (std::size_t i = 0; i < cell.chain.size(); ++i) {
    const ChainStep& step = cell.chain[i];
    std::string from;
    for (const std::size_t before : step.from) {
      from += (from.empty() ? " " + language.Get("explain.from") + " " : ", ") +
              std::to_string(before + 1);
    }
    Indented(out, "  " + std::to_string(i + 1) + ". ",
             step.rule->sentence.In(code) + " [" + step.id + from + "]", kColumns);
    for (const ChainFact& fact : step.facts) {
      Indented(out, "       ", FactText(language, fact), kColumns);
    }
    Indented(out, "       ",
             language.Fill("explain.source", {step.rule->source + ", " + step.rule->date}),
             kColumns);
  }
  if (!cell.attacks.empty()) {
    out += "\n" + language.Fill("explain.attacks", {std::to_string(cell.attacks.size())}) + "\n";
    for (const ChainFact& attack : cell.attacks) {
      Indented(out, "  - ", FactText(language, attack), kColumns);
    }
  }
  if (!cell.reached.empty()) {
    std::string names;
    for (const std::string& id : cell.reached) {
      names += (names.empty() ? "" : ", ") + id;
    }
    names += cell.reached_count > cell.reached.size()
                 ? language.Fill("change.more",
                                 {std::to_string(cell.reached_count - cell.reached.size())})
                 : "";
    out += "\n" + language.Fill("explain.reached", {names}) + "\n";
  }
  if (cell.weakest) {
    Indented(out, "", language.Fill("explain.weakest", {FactText(language, *cell.weakest)}),
             kColumns);
  }
  if (!cell.missing.empty()) {
    out += "\n" + language.Get("explain.missing") + ", " +
           language.Fill("explain.range",
                         {VerdictText(language, cell.worst), VerdictText(language, cell.best)}) +
           "\n";
    for (const ChainFact& fact : cell.missing) {
      out += "  " + fact.Name() + "\n";
    }
  }
  if (cell.better) {
    out += "\n";
    Indented(out, language.Get("explain.change") + ": ", CounterfactualText(language, *cell.better),
             kColumns);
  } else if (RankOf(cell) < RankOf(Verdict::kStops)) {
    out += "\n" + language.Get("explain.change") + ": " + language.Get("change.none") + "\n";
  }
  if (cell.stops) {
    Indented(out, language.Get("explain.stops") + ": ", CounterfactualText(language, *cell.stops),
             kColumns);
  }
  if (!cell.worse.empty()) {
    out += "\n" + language.Get("explain.rests") + "\n";
    for (const Counterfactual& fact : cell.worse) {
      const Change& change = fact.changes.front();
      Indented(out, "  ",
               language.Fill("explain.rest", {change.element + "." + change.field, change.before,
                                              ValueText(language, change.after),
                                              VerdictText(language, fact.becomes)}),
               kColumns);
    }
  }
  AddBlocked(out, language, cell, kColumns);
  return out;
}

}  // namespace casemate::assess
