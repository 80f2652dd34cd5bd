#include <memory>

#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "custody/messages.h"

namespace casemate::app {
namespace {

struct StatusOptions {
  std::string dir;
  bool json = false;
};

void PrintStatusJson(const custody::StatusReply& status) {
  json::Writer writer;
  writer.BeginObject().Key("token").String(status.token);
  writer.Key("pin_protection").String(status.pin_protection);
  writer.Key("mirror").String(status.mirror);
  writer.Key("log_size").Integer(static_cast<std::int64_t>(status.log_size));
  writer.Key("log_checkpoint").Integer(static_cast<std::int64_t>(status.log_checkpoint));
  writer.Key("open_tickets").Integer(status.open_tickets);
  writer.Key("opened_keys").Integer(static_cast<std::int64_t>(status.opened_keys));
  writer.Key("tenants").BeginArray();
  for (const custody::TenantEntry& tenant : status.tenants) {
    writer.BeginObject().Key("name").String(tenant.name);
    writer.Key("epoch").Integer(static_cast<std::int64_t>(tenant.epoch));
    writer.Key("objects").Integer(static_cast<std::int64_t>(tenant.objects)).EndObject();
  }
  writer.EndArray().EndObject();
  PrintJson(writer.Take());
}

void PrintStatus(const custody::StatusReply& status) {
  const std::string mirror = status.mirror.empty()     ? "not set: erasing is refused"
                             : status.mirror == "none" ? "none (accepted)"
                                                       : status.mirror;
  PrintLine("token:   " + status.token);
  PrintLine("PIN:     " + status.pin_protection);
  PrintLine("mirror:  " + mirror);
  PrintLine("log:     " + std::to_string(status.log_size) + " entries, " +
            std::to_string(status.log_checkpoint) + " under a signed checkpoint");
  PrintLine("tickets: " + std::to_string(status.open_tickets) + " open; " +
            std::to_string(status.opened_keys) + " keys released since start");
  for (const custody::TenantEntry& tenant : status.tenants) {
    PrintLine("tenant:  " + tenant.name + ", epoch " + std::to_string(tenant.epoch) + ", " +
              std::to_string(tenant.objects) + " objects");
  }
}

Result<ExitStatus> RunStatus(const StatusOptions& options) {
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<custody::StatusReply> status =
      AskCustodian<custody::StatusReply>(*deployment, custody::StatusRequest{});
  if (!status) {
    return std::unexpected(status.error());
  }
  if (options.json) {
    PrintStatusJson(*status);
  } else {
    PrintStatus(*status);
  }
  return ExitStatus::kOk;
}

}  // namespace

void AddStatus(CommandLine& line) {
  auto options = std::make_shared<StatusOptions>();
  line.Add("status", "Show token, log, tickets and tenants of a running server",
           "casemate status --dir D", [options] { return RunStatus(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
