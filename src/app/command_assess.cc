#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "app/assess_input.h"
#include "app/command_output.h"
#include "assess/report_compliance.h"

// Who can read the plaintext of a pipeline. Needs no deployment and no network.
namespace casemate::app {
namespace {

constexpr std::array<std::string_view, 5> kFormats = {"table", "csv", "json", "markdown", "html"};

struct AssessCommand {
  AssessInput input;
  std::string format = "table";
  std::string out;
  std::string table;  // of the register
  std::vector<std::string> fail_on;
  bool json = false;
  bool csv = false;
  bool markdown = false;
  bool html = false;
};

std::size_t TerminalColumns() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 60 ? size.ws_col : 120;
}

std::string Rendered(const std::string& format, const assess::Report& report, bool to_file) {
  if (format == "csv") {
    return RenderCsv(report);
  }
  if (format == "json") {
    return RenderJson(report);
  }
  if (format == "markdown") {
    return RenderMarkdown(report);
  }
  if (format == "html") {
    return RenderHtml(report);
  }
  // NO_COLOR: https://no-color.org
  const bool colour =
      !to_file && ::isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  return RenderTable(report, colour, TerminalColumns());
}

// The cells that a gate closes on, and that nobody has accepted.
Result<std::vector<std::string>> ClosedBy(const std::string& text, const AssessSetup& setup) {
  Result<assess::Gate> gate = assess::ParseGate(text, setup.rules());
  if (!gate) {
    return std::unexpected(gate.error());
  }
  std::vector<std::string> closed;
  for (const assess::Pipeline& pipeline : setup.pipelines()) {
    assess::AssessOptions options{.today = setup.today(), .label = 0, .counterfactuals = false};
    if (!gate->label.empty()) {
      const std::optional<std::size_t> label = pipeline.FindLabel(gate->label);
      if (!label) {
        return Fail(ErrorCode::kInvalidArgument,
                    "--fail-on: " + pipeline.name() + " has no label \"" + gate->label + "\"");
      }
      options.label = *label;
    }
    const assess::Assessment assessment = Assess(pipeline, setup.rules(), options);
    for (const assess::Cell& cell : assessment.cells) {
      const assess::AcceptanceOf accepted = FindAcceptance(setup.accepted(), cell, setup.today());
      if (Closes(*gate, cell) && accepted.state != assess::AcceptanceState::kAccepted) {
        closed.push_back(cell.id + " is " + std::string(VerdictName(cell.verdict)) + " (" + text +
                         ")");
      }
    }
  }
  return closed;
}

std::string FormatNames() {
  std::string names;
  for (const std::string_view name : kFormats) {
    names += std::string(name) + ", ";
  }
  for (const std::string_view name : assess::ComplianceFormats()) {
    names += (name == assess::ComplianceFormats().back() ? "or " : "") + std::string(name) +
             (name == assess::ComplianceFormats().back() ? "" : ", ");
  }
  return names;
}

// In a format for registers and other tools, or nothing where it is none of them.
Result<std::optional<std::string>> ForRegister(const std::string& format, const std::string& file,
                                               const assess::Report& report) {
  Result<assess::RegisterTable> table = assess::BuiltInRegisterTable(*report.rules);
  if (!file.empty()) {
    Result<std::string> text = ReadText(file);
    if (!text) {
      return Wrap(text.error(), "--register");
    }
    table = assess::ReadRegisterTable(*text, file, *report.rules);
  }
  if (!table) {
    return std::unexpected(table.error());
  }
  return assess::RenderCompliance(format, report, *table);
}

Result<std::string> FormatOf(const AssessCommand& command) {
  std::string format = command.format;
  for (const auto& [given, name] :
       {std::pair{command.json, "json"}, std::pair{command.csv, "csv"},
        std::pair{command.markdown, "markdown"}, std::pair{command.html, "html"}}) {
    format = given ? name : format;
  }
  const std::vector<std::string_view> more = assess::ComplianceFormats();
  if (std::ranges::find(kFormats, format) == kFormats.end() &&
      std::ranges::find(more, format) == more.end()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--format: expected " + FormatNames() + ", found \"" + format + "\"");
  }
  return format;
}

// What closes the gates, and nobody has accepted.
Result<std::vector<std::string>> ClosedByAll(const std::vector<std::string>& gates,
                                             const AssessSetup& setup) {
  std::vector<std::string> closed;
  for (const std::string& gate : gates) {
    if (gate == "contradiction") {
      if (const std::size_t count = setup.CountContradictions(); count != 0) {
        closed.push_back("evidence contradicts the description " + std::to_string(count) +
                         " time(s) (contradiction)");
      }
      continue;
    }
    Result<std::vector<std::string>> found = ClosedBy(gate, setup);
    if (!found) {
      return found;
    }
    closed.insert(closed.end(), found->begin(), found->end());
  }
  return closed;
}

void SayOnTheSide(const AssessSetup& setup, const std::vector<std::string>& closed) {
  if (const std::size_t count = setup.CountContradictions(); count != 0) {
    PrintNote("casemate: contradictions between the description and evidence: " +
              std::to_string(count) + ", listed in the report");
  }
  for (const assess::UnusedFact& fact : setup.unused()) {
    PrintNote("casemate: not used: " + fact.file + ", " + fact.path + ": " + fact.text +
              "; --evidence ELEMENT=" + fact.file + " says of which element");
  }
  for (const std::string& cell : closed) {
    PrintNote("casemate: " + cell);
  }
}

Result<void> CheckInput(const AssessInput& input) {
  if (Result<void> live = input.live.Check(input.reference || !input.files.empty()); !live) {
    return live;
  }
  if (!input.live.on && input.files.empty() != input.reference) {
    return Fail(ErrorCode::kInvalidArgument,
                input.reference
                    ? "--reference takes no files: it shows the three built-in descriptions"
                    : "expected descriptions of pipelines: casemate assess FILE..., or "
                      "--reference, or --live; docs/assess.md begins with an empty file");
  }
  return {};
}

Result<ExitStatus> RunAssess(const AssessCommand& command) {
  Result<std::string> format = FormatOf(command);
  if (!format) {
    return EndedAssess(format.error());
  }
  if (Result<void> checked = CheckInput(command.input); !checked) {
    return EndedAssess(checked.error());
  }
  AssessSetup setup;
  if (Result<void> judged = JudgeInput(command.input, {command.table}, command.out, setup);
      !judged) {
    return EndedAssess(judged.error());
  }
  Result<std::vector<std::string>> closed = ClosedByAll(command.fail_on, setup);
  if (!closed) {
    return EndedAssess(closed.error());
  }
  const assess::Report report = setup.MakeReport();
  Result<std::optional<std::string>> text = ForRegister(*format, command.table, report);
  if (!text) {
    return EndedAssess(text.error());
  }
  if (Result<void> written = WriteReport(
          command.out, *text ? **text : Rendered(*format, report, !command.out.empty()));
      !written) {
    return std::unexpected(written.error());
  }
  SayOnTheSide(setup, *closed);
  return closed->empty() ? ExitStatus::kOk : ExitStatus::kFailed;
}

void AddMain(CommandLine& line) {
  auto command = std::make_shared<AssessCommand>();
  OptionList options = line.Add(
      "assess", "Who can read the plaintext of a pipeline, why, and what would change it",
      "casemate assess pipeline.yaml --html --out table.html\n"
      "  casemate assess --reference\n"
      "  casemate assess --live --dir D --emit own.yaml\n"
      "  casemate assess pipeline.yaml --fail-on cloud-act=does-not-stop@confidential\n"
      "More:\n  casemate assess explain ROW [FILE...]   one cell as an argument\n"
      "  casemate assess diff A B                two reports of --json\n"
      "  casemate assess catalogue               services that a description can use\n"
      "  casemate assess evidence FILE...        what exports of the vendors' tools show\n"
      "  casemate assess import FILE             from Threagile or an OWASP threat model\n"
      "  casemate assess schema                  the JSON Schema of descriptions, for editors",
      [command] { return RunAssess(*command); });
  options
      .Many("file", command->input.files,
            "Descriptions: docs/formats/pipeline.md; - for standard input")
      .Flag("--reference", command->input.reference,
            "The reference table, from the built-in descriptions")
      .Text("--format", command->format, FormatNames())
      .Flag("--json", command->json, "The same as --format json")
      .Flag("--csv", command->csv, "The same as --format csv")
      .Flag("--markdown", command->markdown, "The same as --format markdown")
      .Flag("--html", command->html, "The same as --format html")
      .Text("--out", command->out, "Write to this file instead of standard output")
      .Text("--register", command->table,
            "A table of classes and controls for the register instead of the built-in one")
      .Repeated(
          "--fail-on", command->fail_on,
          "ADVERSARY=VERDICT[@LABEL]: end with 1 where it is that bad, or may be, and nobody "
          "has accepted it; any for all adversaries; contradiction: where evidence says otherwise");
  command->input.live.AddTo(options);
  command->input.options.AddTo(options);
}

}  // namespace

void AddAssess(CommandLine& line, std::string_view word) {
  // A description has no such name unless it is written with its folder: ./diff.
  constexpr std::array<std::string_view, 6> kParts = {"evidence",  "explain", "diff",
                                                      "catalogue", "import",  "schema"};
  if (std::ranges::find(kParts, word) != kParts.end()) {
    AddAssessEvidence(line);
    AddAssessExplain(line);
    AddAssessDiff(line);
    AddAssessDescribe(line);
  } else {
    AddMain(line);
  }
}

}  // namespace casemate::app
