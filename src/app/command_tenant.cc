#include <memory>

#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "base/clock.h"
#include "custody/operator_messages.h"

namespace casemate::app {
namespace {

struct TenantOptions {
  std::string dir;
  std::string name;
  std::string confirm;
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
      writer.Key("objects").Integer(static_cast<std::int64_t>(tenant.objects));
      writer.Key("suspended").Bool(tenant.suspended).EndObject();
    }
    writer.EndArray().EndObject();
    PrintJson(writer.Take());
    return ExitStatus::kOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const custody::TenantEntry& tenant : listed->tenants) {
    rows.push_back({tenant.id.ToString(), tenant.name, FormatUtc(tenant.created),
                    std::to_string(tenant.epoch), std::to_string(tenant.objects),
                    tenant.suspended ? "suspended" : "active"});
  }
  PrintTable({"ID", "NAME", "CREATED", "EPOCH", "OBJECTS", "STATE"}, rows);
  return ExitStatus::kOk;
}

Result<ExitStatus> RunChange(const TenantOptions& options, bool suspended) {
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  custody::TenantChange request;
  request.tenant = options.name;
  request.suspended = suspended;
  Result<custody::TenantChangeReply> changed =
      AskCustodian<custody::TenantChangeReply>(*deployment, request);
  if (!changed) {
    return std::unexpected(changed.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("name").String(options.name).Key("suspended").Bool(suspended);
    writer.Key("tickets_ended").Integer(changed->tickets_ended);
    writer.Key("log_index").Integer(static_cast<std::int64_t>(changed->log_index)).EndObject();
    PrintJson(writer.Take());
  } else if (suspended) {
    PrintLine("suspended tenant '" + options.name + "', which ended " +
              std::to_string(changed->tickets_ended) + " tickets");
  } else {
    PrintLine("resumed tenant '" + options.name + "'");
  }
  return ExitStatus::kOk;
}

Result<ExitStatus> RunRemove(const TenantOptions& options) {
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  custody::TenantRemove request;
  request.tenant = options.name;
  request.confirmation = options.confirm;
  Result<custody::TenantRemoveReply> removed =
      AskCustodian<custody::TenantRemoveReply>(*deployment, request);
  if (!removed) {
    return std::unexpected(removed.error());
  }
  // What is left is sealed under keys that are gone; its keeper ended with them.
  const std::filesystem::path folder = *deployment / "tenants" / removed->id.ToString();
  std::error_code failed;
  std::filesystem::remove_all(folder, failed);
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("id").String(removed->id.ToString());
    writer.Key("name").String(options.name).Key("removed").Bool(true);
    writer.Key("objects").Integer(static_cast<std::int64_t>(removed->objects));
    writer.Key("tickets_ended").Integer(removed->tickets_ended);
    writer.Key("log_index").Integer(static_cast<std::int64_t>(removed->log_index));
    writer.Key("caveat").String(removed->caveat).EndObject();
    PrintJson(writer.Take());
  } else {
    PrintLine("removed tenant '" + options.name + "' and erased " +
              std::to_string(removed->objects) + " objects");
    PrintLine(removed->caveat);
  }
  if (failed) {
    PrintNote("its sealed folder could not be deleted, which opens nothing: " + folder.string());
  }
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
  line.Add("tenant suspend", "Give a tenant no more keys, and end what it is doing",
           "casemate tenant suspend research --dir D",
           [options] { return RunChange(*options, true); })
      .Required("name", options->name, "The tenant's name")
      .Required("--dir", options->dir, "The deployment's folder")
      .Flag("--json", options->json, "Print JSON");
  line.Add("tenant resume", "End a tenant's suspension", "casemate tenant resume research --dir D",
           [options] { return RunChange(*options, false); })
      .Required("name", options->name, "The tenant's name")
      .Required("--dir", options->dir, "The deployment's folder")
      .Flag("--json", options->json, "Print JSON");
  line.Add("tenant remove", "Erase a tenant: its keys are destroyed, then its files deleted",
           "casemate tenant remove research --confirm research --dir D",
           [options] { return RunRemove(*options); })
      .Required("name", options->name, "The tenant's name")
      .Text("--confirm", options->confirm, "The name once more: this cannot be taken back")
      .Required("--dir", options->dir, "The deployment's folder")
      .Flag("--json", options->json, "Print JSON");
  line.Add("tenant list", "List tenants", "casemate tenant list --dir D",
           [options] { return RunList(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
