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
};

void PrintJsonFindings(const std::vector<Finding>& findings) {
  json::Writer writer;
  writer.BeginObject().Key("findings").BeginArray();
  for (const Finding& finding : findings) {
    writer.BeginObject().Key("check").String(finding.check);
    writer.Key("severity").String(SeverityName(finding.severity));
    writer.Key("found").String(finding.found).Key("remedy").String(finding.remedy).EndObject();
  }
  writer.EndArray().EndObject();
  PrintJson(writer.Take());
}

void PrintFindings(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    std::string name(SeverityName(finding.severity));
    name.resize(8, ' ');
    PrintLine(name + finding.check + ": " + finding.found);
    if (!finding.remedy.empty()) {
      PrintLine("        do: " + finding.remedy);
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
  std::vector<Finding> findings = CheckDeployment(*deployment, *settings);
  for (Finding& finding : CheckMachine()) {
    findings.push_back(std::move(finding));
  }
  if (options.json) {
    PrintJsonFindings(findings);
  } else {
    PrintFindings(findings);
  }
  const bool bad = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.severity >= Severity::kWarning;
  });
  return bad ? ExitStatus::kFailed : ExitStatus::kOk;
}

}  // namespace

void AddDoctor(CommandLine& line) {
  auto options = std::make_shared<DoctorOptions>();
  line.Add("doctor", "Look for what weakens a deployment, and say what to do",
           "casemate doctor --dir D", [options] { return RunDoctor(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
