#include <memory>

#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "base/clock.h"
#include "custody/messages.h"

namespace casemate::app {
namespace {

struct TenantOptions {
  std::string dir;
  std::string name;
  bool json = false;
};

Result<ExitStatus> RunCreate(const TenantOptions& options) {
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<custody::TenantCreateReply> made = AskCustodian<custody::TenantCreateReply>(
      *deployment, custody::TenantCreate{.name = options.name});
  if (!made) {
    return std::unexpected(made.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("id").String(made->id.ToString());
    writer.Key("name").String(options.name).EndObject();
    PrintJson(writer.Take());
  } else {
    PrintLine("made tenant '" + options.name + "', " + made->id.ToString());
  }
  return ExitStatus::kOk;
}

Result<ExitStatus> RunList(const TenantOptions& options) {
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<custody::TenantListReply> listed =
      AskCustodian<custody::TenantListReply>(*deployment, custody::TenantList{});
  if (!listed) {
    return std::unexpected(listed.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("tenants").BeginArray();
    for (const custody::TenantEntry& tenant : listed->tenants) {
      writer.BeginObject().Key("id").String(tenant.id.ToString());
      writer.Key("name").String(tenant.name).Key("created").Integer(tenant.created);
      writer.Key("epoch").Integer(static_cast<std::int64_t>(tenant.epoch));
      writer.Key("objects").Integer(static_cast<std::int64_t>(tenant.objects)).EndObject();
    }
    writer.EndArray().EndObject();
    PrintJson(writer.Take());
    return ExitStatus::kOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const custody::TenantEntry& tenant : listed->tenants) {
    rows.push_back({tenant.id.ToString(), tenant.name, FormatUtc(tenant.created),
                    std::to_string(tenant.epoch), std::to_string(tenant.objects)});
  }
  PrintTable({"ID", "NAME", "CREATED", "EPOCH", "OBJECTS"}, rows);
  return ExitStatus::kOk;
}

}  // namespace

void AddTenant(CommandLine& line) {
  auto options = std::make_shared<TenantOptions>();
  line.Add("tenant create", "Make a tenant with a key tree of its own",
           "casemate tenant create research --dir D", [options] { return RunCreate(*options); })
      .Required("name", options->name, "1 to 63 of a-z, 0-9 and '-'")
      .Required("--dir", options->dir, "The deployment's folder")
      .Flag("--json", options->json, "Print JSON");
  line.Add("tenant list", "List tenants", "casemate tenant list --dir D",
           [options] { return RunList(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
