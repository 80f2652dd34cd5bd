#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include "app/supervisor.h"
#include "base/log.h"
#include "base/log_settings.h"
#include "config/reload.h"
#include "ipc/control.h"

// What an operator asks of the whole server: its numbers, its configuration anew.
namespace casemate::app {
namespace {

using ipc::ProcessKind;

constexpr std::chrono::seconds kGatherWithin{1};  // a scrape is not worth waiting longer for
constexpr std::size_t kMaxGatherings = 4;
constexpr ProcessKind kCounted[] = {ProcessKind::kFront, ProcessKind::kCustodian,
                                    ProcessKind::kKeeper, ProcessKind::kRoom};

metrics::Gauge processes("casemate_processes", "Processes that run now", {"process"});
metrics::Gauge locked_bytes("casemate_process_locked_bytes",
                            "Memory locked against swapping (VmLck), by kind of process",
                            {"process"});
metrics::Gauge resident_bytes("casemate_process_resident_bytes",
                              "Memory in use (VmRSS), by kind of process", {"process"});
metrics::Counter reloads("casemate_config_reloads_total", "Configurations read anew", {"outcome"});

bool IsCounted(ProcessKind kind) { return std::ranges::find(kCounted, kind) != std::end(kCounted); }

// Bytes of one line of /proc/PID/status, which is in KiB; 0 when it is not there.
double StatusBytes(const std::string& status, const std::string& field) {
  const std::size_t at = status.find("\n" + field + ":");
  return at == std::string::npos
             ? 0
             : std::strtod(status.c_str() + at + field.size() + 2, nullptr) * 1024;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : ",") + word;
  }
  return out;
}

ipc::Settings SettingsFrom(const config::DeploymentConfig& config) {
  return ipc::Settings{
      .log_level = config.log_level,
      .log_json = config.log_format == LogFormat::kJson,
      .hybrid_only = config.tls.minimum == config::TlsMinimum::kHybrid,
      .groups = config.tls.groups,
      .classical_from = config.tls.classical_from,
      .max_body_bytes = std::uint64_t{config.server.max_body_mib} << 20,
      .max_connections = config.server.max_connections,
      .lease_ms = static_cast<std::uint32_t>(config.custody.lease.count()),
      .dns_names = config.tls.dns_names,
      .ip_addresses = config.tls.ip_addresses,
  };
}

}  // namespace

void Supervisor::ReadProcesses() const {
  struct Sum {
    double count = 0;
    double locked = 0;
    double resident = 0;
  };
  std::map<ProcessKind, Sum> sums;
  for (int kind = 1; kind <= static_cast<int>(ProcessKind::kLoader); ++kind) {
    if (static_cast<ProcessKind>(kind) != ProcessKind::kOperator) {
      sums.try_emplace(static_cast<ProcessKind>(kind));
    }
  }
  const auto add = [&sums](ProcessKind kind, const std::string& pid) {
    std::ifstream file("/proc/" + pid + "/status");
    const std::string status{std::istreambuf_iterator<char>(file), {}};
    Sum& sum = sums[kind];
    sum.count += 1;
    sum.locked += StatusBytes(status, "VmLck");
    sum.resident += StatusBytes(status, "VmRSS");
  };
  add(ProcessKind::kSupervisor, "self");
  for (const auto& [id, child] : children_) {
    add(child->kind, std::to_string(child->pid));
  }
  for (const auto& [kind, sum] : sums) {
    const auto label = metrics::LabelValue::FromCode(ipc::ProcessKindName(kind));
    processes.Set(sum.count, {label});
    locked_bytes.Set(sum.locked, {label});
    resident_bytes.Set(sum.resident, {label});
  }
}

void Supervisor::Gather(Asker asker) {
  if (gatherings_.size() >= kMaxGatherings) {
    return Refuse(asker, Error{ErrorCode::kRateLimited, "the numbers are being gathered", {}, {}});
  }
  Gathering gathering{
      .asker = asker, .reply = {}, .open = {}, .by = BootClock::now() + kGatherWithin};
  gathering.reply.reports.push_back({.process = 0, .snapshot = metrics::EncodeOwn()});
  std::vector<int> ids;
  for (const auto& [id, child] : children_) {
    if (child->ready && IsCounted(child->kind) && !IsEnding(*child)) {
      ids.push_back(id);
    }
  }
  for (const int id : ids) {
    gathering.open.insert(Ask(*Find(id), metrics::Collect{}));
  }
  gatherings_.push_back(std::move(gathering));
  FinishGatherings();
}

Result<void> Supervisor::OnCollected(const Child& child, const ipc::Frame& frame) {
  for (Gathering& gathering : gatherings_) {
    if (gathering.open.erase(frame.request) == 0) {
      continue;
    }
    if (frame.type == metrics::Collected::kType) {
      Result<metrics::Collected> collected = ipc::Decode<metrics::Collected>(frame.payload);
      if (!collected || collected->snapshot.size() > metrics::kMaxSnapshotBytes) {
        return Fail(ErrorCode::kIntegrityFailure, "numbers that are none");
      }
      gathering.reply.reports.push_back({.process = static_cast<std::uint64_t>(child.id),
                                         .snapshot = std::move(collected->snapshot)});
    } else {
      ++gathering.reply.missing;
    }
  }
  FinishGatherings();
  return {};
}

// Answers those that are complete or have waited long enough.
void Supervisor::FinishGatherings() {
  const BootClock::time_point now = BootClock::now();
  for (auto one = gatherings_.begin(); one != gatherings_.end();) {
    if (!one->open.empty() && one->by > now) {
      ++one;
      continue;
    }
    one->reply.missing += static_cast<std::uint32_t>(one->open.size());
    Answer(one->asker, one->reply);
    one = gatherings_.erase(one);
  }
}

void Supervisor::ReloadConfig(std::optional<Asker> asker) {
  Result<config::DeploymentConfig> loaded = config::LoadConfig(setup_.deployment / "config.toml");
  if (!loaded) {
    reloads.Add({"refused"});
    LogError("configuration refused: nothing changed", loaded.error());
    if (asker) {
      Refuse(*asker, loaded.error());
    }
    return;
  }
  const config::Reloaded reloaded = config::Reload(*loaded, setup_.config);
  SetLogLevel(setup_.config.log_level);
  SetLogFormat(setup_.config.log_format);
  const ipc::Settings settings = SettingsFrom(setup_.config);
  for (const auto& [id, child] : children_) {
    if (IsCounted(child->kind)) {  // one that starts reads it after its setup
      Notify(*child, settings);
    }
  }
  reloads.Add({"applied"});
  Log(LogLevel::kInfo, "configuration reloaded",
      {{"applied", Joined(reloaded.applied)}, {"need_restart", Joined(reloaded.need_restart)}});
  if (asker) {
    Answer(*asker,
           ipc::ReloadReply{.applied = reloaded.applied, .need_restart = reloaded.need_restart});
  }
}

}  // namespace casemate::app
