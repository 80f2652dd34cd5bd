#include "assess/run_diff.h"

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
using Run = std::map<std::string, RunCell>;

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
      run.emplace(*std::move(id), std::move(read));
    }
  }
  return run;
}

}  // namespace

std::string_view ChangeKindName(CellChange::Kind kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

Result<std::vector<CellChange>> CompareRuns(std::string_view before, std::string_view after) {
  Result<Run> a = ReadRun(before);
  Result<Run> b = ReadRun(after);
  if (!a || !b) {
    return Wrap(a ? b.error() : a.error(), a ? "the second run" : "the first run");
  }
  std::vector<CellChange> changes;
  for (const auto& [id, old] : *a) {
    const auto found = b->find(id);
    if (found == b->end()) {
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
        change.facts.push_back(name + ": " + value + " → " + same->second);
      }
    }
    if (change.before != change.after || !change.facts.empty()) {
      changes.push_back(std::move(change));
    }
  }
  for (const auto& [id, now] : *b) {
    if (!a->contains(id)) {
      changes.push_back({.cell = id,
                         .kind = CellChange::Kind::kNew,
                         .before = {},
                         .after = now.Text(),
                         .facts = {}});
    }
  }
  return changes;
}

}  // namespace casemate::assess
