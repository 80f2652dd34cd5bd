#include <memory>

#include "app/assess_input.h"
#include "app/command_output.h"
#include "assess/run_diff.h"
#include "json/writer.h"

// `casemate assess diff`: two runs compared.
namespace casemate::app {
namespace {

struct DiffCommand {
  std::string before;
  std::string after;
  bool json = false;
};

void ShowJson(const assess::RunChanges& changes) {
  json::Writer out;
  out.BeginObject().Key("changes").BeginArray();
  for (const assess::CellChange& change : changes.cells) {
    out.BeginObject().Key("cell").String(change.cell).Key("change");
    out.String(ChangeKindName(change.kind)).Key("before").String(change.before).Key("after");
    out.String(change.after).Key("facts").BeginArray();
    for (const std::string& fact : change.facts) {
      out.String(fact);
    }
    out.EndArray().EndObject();
  }
  out.EndArray().Key("contradictions").BeginArray();
  for (const assess::ContradictionChange& change : changes.contradictions) {
    out.BeginObject().Key("id").String(change.id).Key("change");
    out.String(ChangeKindName(change.kind)).Key("before").String(change.before).Key("after");
    out.String(change.after).EndObject();
  }
  out.EndArray().EndObject();
  PrintJson(out.Take());
}

void Show(const assess::RunChanges& changes) {
  if (changes.empty()) {
    PrintLine("nothing has changed");
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const assess::CellChange& change : changes.cells) {
    rows.push_back(
        {change.cell, std::string(ChangeKindName(change.kind)), change.before, change.after});
  }
  for (const assess::ContradictionChange& change : changes.contradictions) {
    rows.push_back(
        {change.id, std::string(ChangeKindName(change.kind)), change.before, change.after});
  }
  PrintTable({"CELL", "CHANGE", "BEFORE", "AFTER"}, rows);
  for (const assess::CellChange& change : changes.cells) {
    for (const std::string& fact : change.facts) {
      PrintLine("  " + change.cell + ": " + fact);
    }
  }
}

Result<ExitStatus> Run(const DiffCommand& command) {
  if (Result<void> confined = Confine({command.before, command.after}, {}); !confined) {
    return std::unexpected(confined.error());
  }
  Result<std::string> before = ReadText(command.before);
  Result<std::string> after = ReadText(command.after);
  if (!before || !after) {
    return std::unexpected(before ? after.error() : before.error());
  }
  Result<assess::RunChanges> changes = assess::CompareRuns(*before, *after);
  if (!changes) {
    return EndedAssess(changes.error());
  }
  if (command.json) {
    ShowJson(*changes);
  } else {
    Show(*changes);
  }
  return changes->IsWorse() ? ExitStatus::kFailed : ExitStatus::kOk;
}

}  // namespace

void AddAssessDiff(CommandLine& line) {
  auto diff = std::make_shared<DiffCommand>();
  line.Add("assess diff", "What changed between two runs; ends with 1 where something got worse",
           "casemate assess diff before.json after.json", [diff] { return Run(*diff); })
      .Required("before", diff->before, "A report of casemate assess --json")
      .Required("after", diff->after, "A later one")
      .Flag("--json", diff->json, "Print JSON");
}

}  // namespace casemate::app
