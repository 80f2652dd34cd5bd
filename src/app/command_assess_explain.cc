#include <memory>

#include "app/assess_input.h"
#include "app/command_output.h"

// `casemate assess explain`: one cell as an argument.
namespace casemate::app {
namespace {

struct ExplainCommand {
  std::string row;
  AssessInput input;
};

Error NoAdversary(const std::string& row, const assess::RuleSet& rules) {
  std::vector<std::string_view> rows;
  std::string all;
  for (const assess::Adversary& adversary : rules.adversaries) {
    rows.push_back(adversary.id);
    all += (all.empty() ? "" : ", ") + adversary.id;
  }
  return {.code = ErrorCode::kInvalidArgument,
          .message = "no adversary \"" + row + "\"" + assess::yaml::DidYouMean(row, rows) +
                     "; there are " + all,
          .param = {},
          .detail = {}};
}

Result<ExitStatus> Run(ExplainCommand command) {
  AssessInput& input = command.input;
  input.reference = input.files.empty() && !input.live.on;
  AssessSetup setup;
  if (Result<void> judged = JudgeInput(input, {}, {}, setup); !judged) {
    return EndedAssess(judged.error());
  }
  const std::string row = command.row.substr(0, command.row.find('@'));
  if (setup.rules().FindAdversary(row) == nullptr) {
    return EndedAssess(NoAdversary(row, setup.rules()));
  }
  const assess::Report report = setup.MakeReport();
  std::string text;
  std::string cells;
  for (const assess::Assessment& assessment : setup.assessments()) {
    const assess::Cell* cell = assessment.Find(row);
    if (cell == nullptr) {
      return EndedAssess({.code = ErrorCode::kInvalidArgument,
                          .message = "\"" + row + "\" is not in the reference table; name a FILE",
                          .param = {},
                          .detail = {}});
    }
    cells += (cells.empty() ? "" : ", ") + cell->id;
    if (command.row == row || command.row == cell->id) {  // ROW@PIPELINE
      text += (text.empty() ? "" : "\n") + RenderExplanation(report, assessment, *cell) + "\n";
    }
  }
  if (text.empty()) {
    return EndedAssess({.code = ErrorCode::kInvalidArgument,
                        .message = "no cell \"" + command.row + "\"; there are " + cells,
                        .param = {},
                        .detail = {}});
  }
  Result<void> written = WriteReport({}, text);
  return written ? Result<ExitStatus>(ExitStatus::kOk) : std::unexpected(written.error());
}

}  // namespace

void AddAssessExplain(CommandLine& line) {
  auto explain = std::make_shared<ExplainCommand>();
  OptionList options =
      line.Add("assess explain", "One cell as an argument: rules, facts, sources, changes",
               "casemate assess explain cloud-act pipeline.yaml\n"
               "  casemate assess explain storage-thief --live --dir D",
               [explain] { return Run(*explain); });
  options.Required("row", explain->row, "An adversary, or ADVERSARY@PIPELINE")
      .Many("file", explain->input.files, "Descriptions; none, and no --live: the reference");
  explain->input.live.AddTo(options);
  explain->input.options.AddTo(options);
}

}  // namespace casemate::app
