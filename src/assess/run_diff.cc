#include "assess/run_diff.h"

#include <algorithm>
#include <array>
#include <map>

#include "assess/accepted.h"
#include "json/reader.h"

namespace casemate::assess {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"better", "worse", "changed", "new", "gone"};

struct RunCell {
  Verdict verdict = Verdict::kUnknown;
  Verdict worst = Verdict::kUnknown;
  std::string confidence;
  std::map<std::string, std::string> facts;  // of its chain and of what blocks cheaper ways

  int Rank() const { return RankOf(verdict == Verdict::kUnknown ? worst : verdict); }
  std::string Text() const { return std::string(VerdictName(verdict)) + " (" + confidence + ")"; }
};
struct Run {
  std::map<std::string, RunCell> cells;
  std::map<std::string, std::string> contradictions;  // id: "off, found human"
};

Result<std::string> TextOf(const json::Value& value, std::string_view name) {
  Result<json::Value> found = value.Require(name);
  if (!found) {
    return std::unexpected(found.error());
  }
  Result<PlaintextView> text = found->AsString();
  if (!text) {
    return std::unexpected(text.error());
  }
  return std::string(text->Reveal());
}

Result<Verdict> VerdictIn(const json::Value& value, std::string_view name) {
  Result<std::string> text = TextOf(value, name);
  if (!text) {
    return std::unexpected(text.error());
  }
  const std::optional<Verdict> verdict = ParseVerdict(*text);
  return verdict ? Result<Verdict>(*verdict)
                 : Fail(ErrorCode::kInvalidArgument, "no verdict \"" + *text + "\"");
}

Result<void> ReadFacts(const json::Value& cell, RunCell& read) {
  for (const char* part : {"chain", "blocked"}) {
    Result<json::Value> steps = cell.Require(part);
    if (!steps) {
      return std::unexpected(steps.error());
    }
    for (const json::Value& step : steps->Elements()) {
      Result<json::Value> facts = step.Require("facts");
      if (!facts) {
        return std::unexpected(facts.error());
      }
      for (const json::Value& fact : facts->Elements()) {
        Result<std::string> element = TextOf(fact, "element");
        Result<std::string> field = TextOf(fact, "field");
        Result<std::string> value = TextOf(fact, "value");
        if (!element || !field || !value) {
          return Fail(ErrorCode::kInvalidArgument, "a fact without element, field or value");
        }
        read.facts.emplace(*element + "." + *field, *value);
      }
    }
  }
  return {};
}

// Reports of versions before 0.9 have none.
Result<void> ReadContradictions(const json::Value& assessment, Run& run) {
  const std::optional<json::Value> found = assessment.Get("contradictions");
  if (!found) {
    return {};
  }
  for (const json::Value& contradiction : found->Elements()) {
    Result<std::string> id = TextOf(contradiction, "id");
    Result<std::string> claimed = TextOf(contradiction, "claimed");
    Result<std::string> shown = TextOf(contradiction, "found");
    if (!id || !claimed || !shown) {
      return Fail(ErrorCode::kInvalidArgument, "a contradiction without id, claimed or found");
    }
    run.contradictions.emplace(*std::move(id), *claimed + ", found " + *shown);
  }
  return {};
}

std::vector<ContradictionChange> CompareContradictions(
    const std::map<std::string, std::string>& before,
    const std::map<std::string, std::string>& after) {
  std::vector<ContradictionChange> changes;
  for (const auto& [id, was] : before) {
    const auto now = after.find(id);
    if (now == after.end()) {
      changes.push_back({.id = id, .kind = CellChange::Kind::kGone, .before = was, .after = {}});
    } else if (now->second != was) {
      changes.push_back(
          {.id = id, .kind = CellChange::Kind::kChanged, .before = was, .after = now->second});
    }
  }
  for (const auto& [id, now] : after) {
    if (!before.contains(id)) {
      changes.push_back({.id = id, .kind = CellChange::Kind::kNew, .before = {}, .after = now});
    }
  }
  return changes;
}

Result<Run> ReadRun(std::string_view text) {
  Result<json::Document> document =
      json::Document::Parse(PlaintextView::Of(text), {.max_bytes = std::size_t{64} << 20});
  if (!document) {
    return std::unexpected(document.error());
  }
  const json::Value root = document->root();
  Result<std::string> what = TextOf(root, "report");
  if (!what || *what != "casemate-assess") {
    return Fail(ErrorCode::kInvalidArgument, "expected a report of casemate assess --json");
  }
  Result<json::Value> assessments = root.Require("assessments");
  if (!assessments) {
    return std::unexpected(assessments.error());
  }
  Run run;
  for (const json::Value& assessment : assessments->Elements()) {
    Result<json::Value> cells = assessment.Require("cells");
    if (!cells) {
      return std::unexpected(cells.error());
    }
    for (const json::Value& cell : cells->Elements()) {
      RunCell read;
      Result<std::string> id = TextOf(cell, "id");
      Result<Verdict> verdict = VerdictIn(cell, "verdict");
      Result<Verdict> worst = VerdictIn(cell, "worst");
      Result<std::string> confidence = TextOf(cell, "confidence");
      if (!id || !verdict || !worst || !confidence) {
        return Fail(ErrorCode::kInvalidArgument, "a cell without id, verdict or confidence");
      }
      read.verdict = *verdict;
      read.worst = *worst;
      read.confidence = *std::move(confidence);
      if (Result<void> facts = ReadFacts(cell, read); !facts) {
        return std::unexpected(facts.error());
      }
      run.cells.emplace(*std::move(id), std::move(read));
    }
    if (Result<void> found = ReadContradictions(assessment, run); !found) {
      return std::unexpected(found.error());
    }
  }
  return run;
}

}  // namespace

std::string_view ChangeKindName(CellChange::Kind kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

bool RunChanges::IsWorse() const {
  return std::ranges::any_of(
             cells,
             [](const CellChange& change) { return change.kind == CellChange::Kind::kWorse; }) ||
         std::ranges::any_of(contradictions, [](const ContradictionChange& change) {
           return change.kind == CellChange::Kind::kNew;
         });
}

Result<RunChanges> CompareRuns(std::string_view before, std::string_view after) {
  Result<Run> a = ReadRun(before);
  Result<Run> b = ReadRun(after);
  if (!a || !b) {
    return Wrap(a ? b.error() : a.error(), a ? "the second run" : "the first run");
  }
  RunChanges result{.cells = {},
                    .contradictions = CompareContradictions(a->contradictions, b->contradictions)};
  std::vector<CellChange>& changes = result.cells;
  for (const auto& [id, old] : a->cells) {
    const auto found = b->cells.find(id);
    if (found == b->cells.end()) {
      changes.push_back({.cell = id,
                         .kind = CellChange::Kind::kGone,
                         .before = old.Text(),
                         .after = {},
                         .facts = {}});
      continue;
    }
    const RunCell& now = found->second;
    CellChange change{.cell = id,
                      .kind = now.Rank() > old.Rank()   ? CellChange::Kind::kBetter
                              : now.Rank() < old.Rank() ? CellChange::Kind::kWorse
                                                        : CellChange::Kind::kChanged,
                      .before = old.Text(),
                      .after = now.Text(),
                      .facts = {}};
    for (const auto& [name, value] : old.facts) {
      const auto same = now.facts.find(name);
      if (same != now.facts.end() && same->second != value) {
        std::string text = name;
        text.append(": ").append(value).append(" → ").append(same->second);
        change.facts.push_back(std::move(text));
      }
    }
    if (change.before != change.after || !change.facts.empty()) {
      changes.push_back(std::move(change));
    }
  }
  for (const auto& [id, now] : b->cells) {
    if (!a->cells.contains(id)) {
      changes.push_back({.cell = id,
                         .kind = CellChange::Kind::kNew,
                         .before = {},
                         .after = now.Text(),
                         .facts = {}});
    }
  }
  return result;
}

}  // namespace casemate::assess
