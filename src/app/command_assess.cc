#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "app/assess_live.h"
#include "app/assess_setup.h"
#include "app/command_output.h"
#include "assess/import.h"
#include "assess/report_compliance.h"
#include "assess/run_diff.h"
#include "base/file.h"
#include "json/writer.h"

// Who can read the plaintext of a pipeline. Needs no deployment and no network.
namespace casemate::app {
namespace {

constexpr std::array<std::string_view, 5> kFormats = {"table", "csv", "json", "markdown", "html"};
constexpr std::size_t kMaxColumns = 8;  // descriptions side by side

struct AssessCommand {
  std::vector<std::string> files;
  AssessOptionsText options;
  AssessLiveText live;
  std::string format = "table";
  std::string out;
  std::string table;  // of the register
  std::vector<std::string> fail_on;
  bool reference = false;
  bool json = false;
  bool csv = false;
  bool markdown = false;
  bool html = false;
};

struct ExplainCommand {
  std::string row;
  std::vector<std::string> files;
  AssessOptionsText options;
};

struct DiffCommand {
  std::string before;
  std::string after;
  bool json = false;
};

struct ImportCommand {
  std::string file;
  std::string out;
};

struct CatalogueCommand {
  std::string folder;
  bool json = false;
};

// What was typed or written cannot be meant.
ExitStatus Usage(const Error& error) {
  PrintError(error);
  return ExitStatus::kUsage;
}

Result<ExitStatus> Ended(const Error& error) {
  return error.code == ErrorCode::kInvalidArgument ? Result<ExitStatus>(Usage(error))
                                                   : std::unexpected(error);
}

ExitStatus UsageText(const std::string& message) {
  return Usage(
      {.code = ErrorCode::kInvalidArgument, .message = message, .param = {}, .detail = {}});
}

std::vector<std::string> Joined(std::vector<std::string> paths,
                                const std::vector<std::string>& more) {
  paths.insert(paths.end(), more.begin(), more.end());
  return paths;
}

Result<void> Write(const std::string& file, const std::string& text) {
  if (file.empty() || file == "-") {
    std::cout << text << std::flush;
    return {};
  }
  Result<void> written = WriteFileAtomically(file, AsBytes(text), 0644);
  return written ? Result<void>{} : Wrap(written.error(), file);
}

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

Result<ExitStatus> RunAssess(const AssessCommand& command) {
  Result<std::string> format = FormatOf(command);
  if (!format) {
    return Usage(format.error());
  }
  if (Result<void> checked = command.live.Check(command.reference || !command.files.empty());
      !checked) {
    return Usage(checked.error());
  }
  if (!command.live.on && command.files.empty() != command.reference) {
    return UsageText(command.reference
                         ? "--reference takes no files: it shows the three built-in descriptions"
                         : "expected descriptions of pipelines: casemate assess FILE..., or "
                           "--reference, or --live; docs/assess.md begins with an empty file");
  }
  if (command.files.size() > kMaxColumns) {
    return UsageText("at most 8 descriptions side by side");
  }
  Result<LiveDeployment> live = LiveDeployment{};
  if (command.live.on) {  // while there are sockets
    live = AskDeployment(command.live.dir);
    if (!live) {
      return std::unexpected(live.error());
    }
  }
  std::vector<std::string> reads = Joined(command.options.Paths(), command.files);
  reads.push_back(command.table);
  reads.push_back(command.live.operator_file);
  if (Result<void> confined = Confine(reads, command.out, command.live.emit); !confined) {
    return std::unexpected(confined.error());
  }
  AssessSetup setup;
  if (Result<void> loaded = setup.Load(command.options); !loaded) {
    return Ended(loaded.error());
  }
  Result<void> judged = command.live.on ? JudgeLive(command.live, *live, setup)
                                        : setup.Judge(command.files, command.reference, true);
  if (!judged) {
    return Ended(judged.error());
  }
  std::vector<std::string> closed;
  for (const std::string& gate : command.fail_on) {
    if (gate == "contradiction") {
      if (const std::size_t count = setup.applied().contradictions.size(); count != 0) {
        closed.push_back("evidence contradicts the description " + std::to_string(count) +
                         " time(s) (contradiction)");
      }
      continue;
    }
    Result<std::vector<std::string>> found = ClosedBy(gate, setup);
    if (!found) {
      return Ended(found.error());
    }
    closed.insert(closed.end(), found->begin(), found->end());
  }
  const assess::Report report = setup.MakeReport();
  Result<std::optional<std::string>> text = ForRegister(*format, command.table, report);
  if (!text) {
    return Ended(text.error());
  }
  if (Result<void> written =
          Write(command.out, *text ? **text : Rendered(*format, report, !command.out.empty()));
      !written) {
    return std::unexpected(written.error());
  }
  for (const assess::Contradiction& contradiction : setup.applied().contradictions) {
    PrintNote("casemate: contradiction: " + ContradictionText(contradiction));
  }
  for (const assess::UnusedFact& fact : setup.applied().unused) {
    PrintNote("casemate: not used: " + fact.file + ", " + fact.path + ": " + fact.text +
              "; --evidence ELEMENT=" + fact.file + " says of which element");
  }
  for (const std::string& cell : closed) {
    PrintNote("casemate: " + cell);
  }
  return closed.empty() ? ExitStatus::kOk : ExitStatus::kFailed;
}

Result<ExitStatus> RunExplain(const ExplainCommand& command) {
  if (Result<void> confined = Confine(Joined(command.options.Paths(), command.files), {});
      !confined) {
    return std::unexpected(confined.error());
  }
  AssessSetup setup;
  if (Result<void> loaded = setup.Load(command.options); !loaded) {
    return Ended(loaded.error());
  }
  const std::string row = command.row.substr(0, command.row.find('@'));
  if (setup.rules().FindAdversary(row) == nullptr) {
    std::vector<std::string_view> rows;
    for (const assess::Adversary& adversary : setup.rules().adversaries) {
      rows.push_back(adversary.id);
    }
    std::string all;
    for (const std::string_view known : rows) {
      all += (all.empty() ? "" : ", ") + std::string(known);
    }
    return UsageText("no adversary \"" + row + "\"" + assess::yaml::DidYouMean(row, rows) +
                     "; there are " + all);
  }
  if (Result<void> judged = setup.Judge(command.files, command.files.empty(), true); !judged) {
    return Ended(judged.error());
  }
  const assess::Report report = setup.MakeReport();
  bool first = true;
  for (const assess::Assessment& assessment : setup.assessments()) {
    const assess::Cell* cell = assessment.Find(row);
    if (cell == nullptr) {
      return UsageText("\"" + row + "\" is not in the reference table; name a FILE");
    }
    if (command.row != row && command.row != cell->id) {
      continue;  // ROW@PIPELINE
    }
    PrintLine((first ? "" : "\n") + RenderExplanation(report, assessment, *cell));
    first = false;
  }
  return ExitStatus::kOk;
}

Result<ExitStatus> RunDiff(const DiffCommand& command) {
  if (Result<void> confined = Confine({command.before, command.after}, {}); !confined) {
    return std::unexpected(confined.error());
  }
  Result<std::string> before = ReadText(command.before);
  Result<std::string> after = ReadText(command.after);
  if (!before || !after) {
    return std::unexpected(before ? after.error() : before.error());
  }
  Result<std::vector<assess::CellChange>> changes = assess::CompareRuns(*before, *after);
  if (!changes) {
    return Ended(changes.error());
  }
  const bool worse = std::ranges::any_of(*changes, [](const assess::CellChange& change) {
    return change.kind == assess::CellChange::Kind::kWorse;
  });
  if (command.json) {
    json::Writer out;
    out.BeginObject().Key("changes").BeginArray();
    for (const assess::CellChange& change : *changes) {
      out.BeginObject().Key("cell").String(change.cell).Key("change");
      out.String(ChangeKindName(change.kind)).Key("before").String(change.before).Key("after");
      out.String(change.after).Key("facts").BeginArray();
      for (const std::string& fact : change.facts) {
        out.String(fact);
      }
      out.EndArray().EndObject();
    }
    out.EndArray().EndObject();
    PrintJson(out.Take());
  } else if (changes->empty()) {
    PrintLine("nothing has changed");
  } else {
    std::vector<std::vector<std::string>> rows;
    for (const assess::CellChange& change : *changes) {
      rows.push_back(
          {change.cell, std::string(ChangeKindName(change.kind)), change.before, change.after});
    }
    PrintTable({"CELL", "CHANGE", "BEFORE", "AFTER"}, rows);
    for (const assess::CellChange& change : *changes) {
      for (const std::string& fact : change.facts) {
        PrintLine("  " + change.cell + ": " + fact);
      }
    }
  }
  return worse ? ExitStatus::kFailed : ExitStatus::kOk;
}

Result<ExitStatus> RunImport(const ImportCommand& command) {
  if (Result<void> confined = Confine({command.file}, command.out); !confined) {
    return std::unexpected(confined.error());
  }
  Result<std::string> text = ReadText(command.file);
  if (!text) {
    return std::unexpected(text.error());
  }
  Result<std::string> imported = assess::ImportModel(*text, command.file);
  if (!imported) {
    return Ended(imported.error());
  }
  Result<void> written = Write(command.out, *imported);
  return written ? Result<ExitStatus>(ExitStatus::kOk) : std::unexpected(written.error());
}

Result<ExitStatus> RunCatalogue(const CatalogueCommand& command) {
  if (Result<void> confined = Confine({command.folder}, {}); !confined) {
    return std::unexpected(confined.error());
  }
  Result<assess::Catalogue> catalogue = command.folder.empty()
                                            ? assess::Catalogue::BuiltIn()
                                            : assess::Catalogue::FromFolder(command.folder);
  if (!catalogue) {
    return Ended(catalogue.error());
  }
  if (command.json) {
    json::Writer out;
    out.BeginObject().Key("entries").BeginArray();
    for (const auto& [id, entry] : catalogue->entries()) {
      out.BeginObject().Key("id").String(id).Key("vendor").String(entry.vendor).Key("service");
      out.String(entry.service).Key("model").String(entry.model).Key("configuration");
      out.String(entry.configuration).Key("date").String(entry.date).Key("extends");
      out.String(entry.extends).EndObject();
    }
    out.EndArray().EndObject();
    PrintJson(out.Take());
    return ExitStatus::kOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [id, entry] : catalogue->entries()) {
    rows.push_back({id, entry.vendor, entry.service, entry.model, entry.configuration, entry.date});
  }
  PrintTable({"ID", "VENDOR", "SERVICE", "MODEL", "CONFIGURATION", "DATE"}, rows);
  return ExitStatus::kOk;
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
      .Many("file", command->files, "Descriptions: docs/formats/pipeline.md; - for standard input")
      .Flag("--reference", command->reference,
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
  command->live.AddTo(options);
  command->options.AddTo(options);
}

void AddParts(CommandLine& line) {
  AddAssessEvidence(line);
  auto explain = std::make_shared<ExplainCommand>();
  OptionList options =
      line.Add("assess explain", "One cell as an argument: rules, facts, sources, changes",
               "casemate assess explain cloud-act pipeline.yaml",
               [explain] { return RunExplain(*explain); });
  options.Required("row", explain->row, "An adversary, or ADVERSARY@PIPELINE")
      .Many("file", explain->files, "Descriptions; none: the reference");
  explain->options.AddTo(options);

  auto diff = std::make_shared<DiffCommand>();
  line.Add("assess diff", "What changed between two runs; ends with 1 where something got worse",
           "casemate assess diff before.json after.json", [diff] { return RunDiff(*diff); })
      .Required("before", diff->before, "A report of casemate assess --json")
      .Required("after", diff->after, "A later one")
      .Flag("--json", diff->json, "Print JSON");

  auto catalogue = std::make_shared<CatalogueCommand>();
  line.Add("assess catalogue",
           "The services that a description can use:", "casemate assess catalogue",
           [catalogue] { return RunCatalogue(*catalogue); })
      .Text("--catalogue", catalogue->folder, "A folder of services instead of the built-in ones")
      .Flag("--json", catalogue->json, "Print JSON");

  auto import = std::make_shared<ImportCommand>();
  line.Add("assess import", "A Threagile or OWASP threat model as a description to go on from",
           "casemate assess import threagile.yaml --out pipeline.yaml",
           [import] { return RunImport(*import); })
      .Required("file", import->file, "Threagile YAML, or the OWASP format's JSON")
      .Text("--out", import->out, "Write to this file instead of standard output");

  line.Add("assess schema", "The JSON Schema of descriptions, for editors",
           "casemate assess schema > pipeline.schema.json", []() -> Result<ExitStatus> {
             std::cout << assess::PipelineSchema() << std::flush;
             return ExitStatus::kOk;
           });
}

}  // namespace

void AddAssess(CommandLine& line, std::string_view word) {
  // A description has no such name unless it is written with its folder: ./diff.
  constexpr std::array<std::string_view, 6> kParts = {"evidence",  "explain", "diff",
                                                      "catalogue", "import",  "schema"};
  if (std::ranges::find(kParts, word) != kParts.end()) {
    AddParts(line);
  } else {
    AddMain(line);
  }
}

}  // namespace casemate::app
