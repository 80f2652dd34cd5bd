#include <algorithm>
#include <memory>

#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "app/doctor_checks.h"
#include "json/writer.h"

namespace casemate::app {
namespace {

struct DoctorOptions {
  std::string dir;
  bool json = false;
  bool strict = false;
};

void PrintJsonFindings(const std::vector<Finding>& findings) {
  json::Writer writer;
  writer.BeginObject().Key("findings").BeginArray();
  for (const Finding& finding : findings) {
    writer.BeginObject().Key("check").String(finding.check);
    writer.Key("severity").String(SeverityName(finding.severity));
    writer.Key("found").String(finding.found).Key("why").String(finding.why);
    writer.Key("remedy").String(finding.remedy).EndObject();
  }
  writer.EndArray().EndObject();
  PrintJson(writer.Take());
}

void PrintFindings(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    std::string name(SeverityName(finding.severity));
    name.resize(6, ' ');
    PrintLine(name + finding.check + ": " + finding.found);
    if (!finding.why.empty()) {
      PrintLine("      why: " + finding.why);
    }
    if (!finding.remedy.empty()) {
      PrintLine("      do:  " + finding.remedy);
    }
  }
}

Result<ExitStatus> RunDoctor(const DoctorOptions& options) {
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<config::DeploymentConfig> settings = config::LoadConfig(*deployment / "config.toml");
  if (!settings) {
    return std::unexpected(settings.error());
  }
  const MachineView machine = MachineView::OfThisMachine();
  std::vector<Finding> findings = CheckDeployment(*deployment, *settings, machine.unix_now);
  for (Finding& finding : CheckMachine(machine)) {
    findings.push_back(std::move(finding));
  }
  if (options.json) {
    PrintJsonFindings(findings);
  } else {
    PrintFindings(findings);
  }
  const Severity worst_allowed = options.strict ? Severity::kNote : Severity::kWarn;
  const bool bad = std::ranges::any_of(
      findings, [&](const Finding& finding) { return finding.severity > worst_allowed; });
  return bad ? ExitStatus::kFailed : ExitStatus::kOk;
}

}  // namespace

void AddDoctor(CommandLine& line) {
  auto options = std::make_shared<DoctorOptions>();
  line.Add("doctor", "Look for what weakens a deployment, and say what to do",
           "casemate doctor --dir D", [options] { return RunDoctor(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Flag("--strict", options->strict, "A warning fails as well")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
