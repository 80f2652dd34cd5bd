#include <memory>

#include "app/command_labels.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "base/clock.h"
#include "custody/operator_messages.h"

namespace casemate::app {
namespace {

struct PrincipalOptions {
  std::string dir;
  std::string tenant;
  std::string name;
  std::string ceiling;
  bool no_mirror = false;
  bool json = false;
};

Result<ExitStatus> RunCreate(const PrincipalOptions& options) {
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<policy::LabelOrder> labels = DeploymentLabels(*deployment);
  if (!labels) {
    return std::unexpected(labels.error());
  }
  Result<policy::Label> ceiling =
      options.ceiling.empty() ? labels->highest() : labels->Parse(options.ceiling);
  if (!ceiling) {
    return std::unexpected(ceiling.error());
  }
  custody::PrincipalCreate request;
  request.tenant = options.tenant;
  request.name = options.name;
  request.ceiling = *ceiling;
  Result<custody::PrincipalCreateReply> made =
      AskCustodian<custody::PrincipalCreateReply>(*deployment, request);
  if (!made) {
    return std::unexpected(made.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("id").String(made->id.ToString());
    writer.Key("name").String(options.name).Key("ceiling").String(labels->Name(*ceiling));
    writer.Key("log_index").Integer(static_cast<std::int64_t>(made->log_index)).EndObject();
    PrintJson(writer.Take());
    return ExitStatus::kOk;
  }
  PrintLine("made principal '" + options.name + "', " + made->id.ToString());
  PrintNote("It has no grant and no key yet: 'casemate grant add', then 'casemate key create'.");
  return ExitStatus::kOk;
}

void WriteEntry(json::Writer& writer, const custody::PrincipalEntry& entry,
                const policy::LabelOrder& labels) {
  writer.BeginObject().Key("id").String(entry.id.ToString());
  writer.Key("tenant").String(entry.tenant).Key("name").String(entry.name);
  writer.Key("ceiling").String(labels.Name(entry.ceiling));
  writer.Key("operator").Bool(entry.is_operator).Key("suspended").Bool(entry.suspended);
  writer.Key("created").Integer(entry.created);
  writer.Key("keys").Integer(entry.keys).Key("grants").Integer(entry.grants).EndObject();
}

Result<ExitStatus> RunList(const PrincipalOptions& options) {
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<policy::LabelOrder> labels = DeploymentLabels(*deployment);
  if (!labels) {
    return std::unexpected(labels.error());
  }
  custody::PrincipalList request;
  request.tenant = options.tenant;
  Result<custody::PrincipalListReply> listed =
      AskCustodian<custody::PrincipalListReply>(*deployment, request);
  if (!listed) {
    return std::unexpected(listed.error());
  }
  json::Writer writer;
  writer.BeginObject().Key("principals").BeginArray();
  std::vector<std::vector<std::string>> rows;
  for (const custody::PrincipalEntry& entry : listed->principals) {
    WriteEntry(writer, entry, *labels);
    rows.push_back({entry.name, entry.tenant, labels->Name(entry.ceiling),
                    std::to_string(entry.keys), std::to_string(entry.grants),
                    entry.created != 0 ? FormatUtc(entry.created) : "-",
                    entry.suspended     ? "suspended"
                    : entry.is_operator ? "operator"
                                        : "active"});
  }
  writer.EndArray().EndObject();
  if (options.json) {
    PrintJson(writer.Take());
  } else {
    PrintTable({"NAME", "TENANT", "CEILING", "KEYS", "GRANTS", "CREATED", "STATE"}, rows);
  }
  return ExitStatus::kOk;
}

Result<ExitStatus> RunChange(const PrincipalOptions& options, bool suspended) {
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  custody::PrincipalChange request;
  request.tenant = options.tenant;
  request.name = options.name;
  request.suspended = suspended;
  Result<custody::PrincipalChangeReply> changed =
      AskCustodian<custody::PrincipalChangeReply>(*deployment, request);
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
    PrintLine("suspended '" + options.name + "', which ended " +
              std::to_string(changed->tickets_ended) + " tickets");
  } else {
    PrintLine("resumed '" + options.name + "'");
  }
  return ExitStatus::kOk;
}

Result<ExitStatus> RunRemove(const PrincipalOptions& options) {
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  custody::PrincipalRemove request;
  request.tenant = options.tenant;
  request.name = options.name;
  request.no_mirror = options.no_mirror;
  Result<custody::PrincipalRemoveReply> removed =
      AskCustodian<custody::PrincipalRemoveReply>(*deployment, request);
  if (!removed) {
    return std::unexpected(removed.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("name").String(options.name).Key("removed").Bool(true);
    writer.Key("epoch").Integer(static_cast<std::int64_t>(removed->epoch));
    writer.Key("tickets_ended").Integer(removed->tickets_ended);
    writer.Key("log_index").Integer(static_cast<std::int64_t>(removed->log_index));
    writer.Key("caveat").String(removed->caveat).EndObject();
    PrintJson(writer.Take());
  } else {
    PrintLine("removed '" + options.name +
              "', its keys and its grants; its salt is erased in epoch " +
              std::to_string(removed->epoch));
    PrintLine(removed->caveat);
    PrintLine("Documents that it uploaded stay, and are the operator's to delete.");
  }
  return ExitStatus::kOk;
}

}  // namespace

void AddPrincipal(CommandLine& line) {
  auto options = std::make_shared<PrincipalOptions>();
  const auto common = [options](OptionList list) {
    list.Required("name", options->name, "The principal's name")
        .Required("--dir", options->dir, "The deployment's folder")
        .Text("--tenant", options->tenant, "The tenant's name (default: the first)")
        .Flag("--json", options->json, "Print JSON");
    return list;
  };
  common(line.Add("principal create", "Make a principal: somebody, or something, that asks",
                  "casemate principal create anna --dir D --ceiling confidential",
                  [options] { return RunCreate(*options); }))
      .Text("--ceiling", options->ceiling, "Highest label that it may see (default: the highest)");
  line.Add("principal list", "List principals", "casemate principal list --dir D",
           [options] { return RunList(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Text("--tenant", options->tenant, "Only those of this tenant")
      .Flag("--json", options->json, "Print JSON");
  common(line.Add("principal suspend", "Let a principal do nothing, and end what it is doing",
                  "casemate principal suspend anna --dir D",
                  [options] { return RunChange(*options, true); }));
  common(line.Add("principal resume", "End a principal's suspension",
                  "casemate principal resume anna --dir D",
                  [options] { return RunChange(*options, false); }));
  common(line.Add("principal remove",
                  "Remove a principal; what the log says of it can no longer be told",
                  "casemate principal remove anna --dir D",
                  [options] { return RunRemove(*options); }))
      .Flag("--no-mirror", options->no_mirror,
            "Erase although the key tree has no second copy: a lost disk then loses everything");
}

}  // namespace casemate::app
