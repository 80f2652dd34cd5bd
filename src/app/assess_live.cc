#include "app/assess_live.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <iterator>

#include "app/command_output.h"
#include "app/command_server.h"
#include "app/doctor_checks.h"
#include "app/hop_page.h"
#include "assess/fact_text.h"
#include "base/clock.h"
#include "base/file.h"
#include "config/deployment_config.h"
#include "custody/messages.h"
#include "flows/live.h"
#include "flows/report.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kComment =
    "What casemate assess --live measured, and what Casemate's documents say of every deployment.\n"
    "Fill in what is unknown; casemate assess reads this file as it stands.";

constexpr std::array kLevels = {"debug", "info", "warning", "error"};  // of LogLevel

// `casemate serve --passphrase-file` leaves a sealed memfd with the supervisor, whose descriptors
// only root sees.
assess::PassphraseKept LookForPassphrase(const fs::path& deployment) {
  const Result<int> server = ServerProcess(deployment);
  if (!server) {
    return assess::PassphraseKept::kNotSeen;
  }
  std::error_code error;
  const fs::path folder = "/proc/" + std::to_string(*server) + "/fd";
  bool any = false;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    std::error_code unread;
    const std::string target = fs::read_symlink(entry.path(), unread).string();
    if (unread) {
      continue;
    }
    any = true;
    if (target.find("memfd:casemate-secret") != std::string::npos) {
      return assess::PassphraseKept::kYes;
    }
  }
  return any && !error ? assess::PassphraseKept::kNo : assess::PassphraseKept::kNotSeen;
}

Result<void> AskCustody(const fs::path& deployment, assess::LiveFacts& facts) {
  Result<custody::StatusReply> status =
      AskCustodian<custody::StatusReply>(deployment, custody::StatusRequest{});
  if (!status) {
    return std::unexpected(status.error());
  }
  Result<custody::ModelListReply> models =
      AskCustodian<custody::ModelListReply>(deployment, custody::ModelList{});
  if (!models) {
    return std::unexpected(models.error());
  }
  facts.token = status->token;
  facts.pin_protection = status->pin_protection;
  facts.mirror = status->mirror;
  facts.log_entries = status->log_size;
  facts.log_checkpoint = status->log_checkpoint;
  for (const custody::TenantEntry& tenant : status->tenants) {
    facts.tenants.push_back(tenant.name);
  }
  for (const custody::ModelEntry& model : models->models) {
    facts.models.push_back(model.name);
  }
  return {};
}

Result<void> AskHops(const fs::path& deployment, assess::LiveFacts& facts) {
  Result<Plaintext> page = FetchHops(deployment);
  if (!page) {
    return std::unexpected(page.error());
  }
  Result<flows::LiveHops> live = flows::ReadLiveHops(*page);
  if (!live) {
    return Wrap(live.error(), "the server's hop table");
  }
  // What the server holds to now, not what the file has said since.
  facts.tls_minimum = live->minimum;
  facts.classical_from = live->classical_from;
  facts.hops_since = flows::TimeText(live->since);
  for (const flows::LiveHop& hop : live->hops) {
    facts.connections.push_back({.peer = hop.peer,
                                 .transport = hop.transport,
                                 .verdict = hop.verdict,
                                 .group = hop.group,
                                 .connections = hop.connections});
  }
  return {};
}

// What weakens the deployment and is asked by no rule, or by one that says less.
std::vector<std::string> Weaknesses(const fs::path& deployment,
                                    const config::DeploymentConfig& settings) {
  const MachineView machine = MachineView::OfThisMachine();
  std::vector<Finding> findings = CheckDeployment(deployment, settings, machine.unix_now);
  std::ranges::move(CheckMachine(machine), std::back_inserter(findings));
  std::vector<std::string> weaknesses;
  for (const Finding& finding : findings) {
    if (finding.severity == Severity::kWarn || finding.severity == Severity::kFail) {
      weaknesses.push_back(finding.check + ": " + finding.found + "; " + finding.why);
    }
  }
  return weaknesses;
}

}  // namespace

void AssessLiveText::AddTo(OptionList& options) {
  options.Flag("--live", on, "Describe the running deployment of --dir, and assess that")
      .Text("--dir", dir, "With --live: the deployment's folder")
      .Text("--operator", operator_file,
            "With --live: what only its operator knows, a description with use: casemate-live")
      .Text("--emit", emit, "With --live: write the description to this file");
}

Result<void> AssessLiveText::Check(bool has_others) const {
  if (!on) {
    return dir.empty() && operator_file.empty() && emit.empty()
               ? Result<void>()
               : Fail(ErrorCode::kInvalidArgument, "--dir, --operator and --emit go with --live");
  }
  if (dir.empty() || has_others) {
    return Fail(ErrorCode::kInvalidArgument,
                dir.empty() ? "--live: expected --dir D, the deployment's folder"
                            : "--live takes no other descriptions; --emit it and name the files "
                              "side by side");
  }
  return {};
}

Result<LiveDeployment> AskDeployment(const std::string& dir) {
  Result<fs::path> deployment = FindDeployment(dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<config::DeploymentConfig> settings = config::LoadConfig(*deployment / "config.toml");
  if (!settings) {
    return std::unexpected(settings.error());
  }
  LiveDeployment live;
  assess::LiveFacts& facts = live.facts;
  facts.date = FormatUtc(UnixSeconds()).substr(0, 10);
  facts.deployment = deployment->string();
  facts.version = CASEMATE_VERSION;
  if (Result<void> asked = AskCustody(*deployment, facts); !asked) {
    return std::unexpected(asked.error());
  }
  if (Result<void> asked = AskHops(*deployment, facts); !asked) {
    return std::unexpected(asked.error());
  }
  std::error_code ignored;
  facts.own_token = settings->custody.token.empty();
  facts.module = settings->custody.module;
  if (!facts.own_token && facts.module.empty()) {
    // A URI may name its library; SoftHSM2's is what is taken where nothing does.
    facts.module = settings->custody.token.find("module-path=") == std::string::npos
                       ? "softhsm"
                       : settings->custody.token;
  }
  facts.pin_beside = fs::exists(*deployment / "custodian" / "pin.insecure", ignored);
  facts.passphrase = LookForPassphrase(*deployment);
  facts.lease_seconds = std::chrono::ceil<std::chrono::seconds>(settings->custody.lease).count();
  facts.log_level = kLevels[static_cast<std::size_t>(settings->log_level)];
  facts.host = assess::ReadHost("/");
  live.weaknesses = Weaknesses(*deployment, *settings);
  return live;
}

Result<void> JudgeLive(const AssessLiveText& options, const LiveDeployment& live,
                       AssessSetup& setup) {
  std::string text;
  if (!options.operator_file.empty()) {
    Result<std::string> read = ReadText(options.operator_file);
    if (!read) {
      return std::unexpected(read.error());
    }
    text = *std::move(read);
  }
  Result<assess::LivePipeline> made =
      assess::MakeLive(live.facts, text, options.operator_file, setup.catalogue());
  if (!made) {
    return std::unexpected(made.error());
  }
  std::string comment(kComment);
  for (const std::string& weakness : live.weaknesses) {
    comment += "\ncasemate doctor: " + weakness;
    PrintNote("casemate: doctor: " + weakness);
  }
  if (!options.emit.empty()) {
    const std::string out = DescribePipeline(made->pipeline, comment);
    if (Result<void> written = WriteFileAtomically(options.emit, AsBytes(out), 0644); !written) {
      return Wrap(written.error(), options.emit);
    }
  }
  return setup.JudgeOne(std::move(made->pipeline), false, true, std::move(made->contradictions));
}

}  // namespace casemate::app
