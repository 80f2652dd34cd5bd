#include <memory>

#include "app/command_labels.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "base/clock.h"
#include "custody/messages.h"
#include "policy/label.h"

namespace casemate::app {
namespace {

struct KeyOptions {
  std::string dir;
  std::string tenant;
  std::string ceiling;
  std::string name;
  std::string principal;
  std::string expires;
  std::string id;
  bool json = false;
};

Result<ExitStatus> RunCreate(const KeyOptions& options) {
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
  Result<std::int64_t> expires = ParseExpiry(options.expires, UnixSeconds());
  if (!ceiling || !expires) {
    return std::unexpected(ceiling ? expires.error() : ceiling.error());
  }
  Result<custody::KeyCreateReply> made = AskCustodian<custody::KeyCreateReply>(
      *deployment, custody::KeyCreate{.tenant = options.tenant,
                                      .name = options.name,
                                      .ceiling = *ceiling,
                                      .principal = options.principal,
                                      .expires = *expires});
  if (!made) {
    return std::unexpected(made.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("id").String(made->id.ToString());
    writer.Key("key").Content(made->key);
    writer.Key("principal").String(made->principal.ToString());
    writer.Key("label").String(labels->Name(*ceiling));
    writer.Key("expires");
    *expires == 0 ? writer.Null() : writer.Integer(*expires);
    writer.EndObject();
    PrintJson(writer.Take());
    return ExitStatus::kOk;
  }
  PrintContent(made->key);
  PrintLine("");
  PrintNote("This key is shown once. Its id, for 'casemate key revoke': " + made->id.ToString());
  return ExitStatus::kOk;
}

std::string StateOf(const custody::KeyEntry& key) {
  if (key.revoked) {
    return "revoked";
  }
  if (key.expires == 0) {
    return "live";
  }
  return (UnixSeconds() >= key.expires ? "expired " : "until ") + FormatUtc(key.expires);
}

void PrintKeys(const std::vector<custody::KeyEntry>& keys, const policy::LabelOrder& labels,
               bool json) {
  if (!json) {
    std::vector<std::vector<std::string>> rows;
    rows.reserve(keys.size());
    for (const custody::KeyEntry& key : keys) {
      rows.push_back({key.id.ToString(), key.tenant, key.principal_name, key.name,
                      labels.Name(key.ceiling), FormatUtc(key.created), StateOf(key)});
    }
    PrintTable({"ID", "TENANT", "PRINCIPAL", "NAME", "CEILING", "CREATED", "STATE"}, rows);
    return;
  }
  json::Writer writer;
  writer.BeginObject().Key("keys").BeginArray();
  for (const custody::KeyEntry& key : keys) {
    writer.BeginObject().Key("id").String(key.id.ToString());
    writer.Key("tenant").String(key.tenant).Key("name").String(key.name);
    writer.Key("principal").String(key.principal.ToString());
    writer.Key("principal_name").String(key.principal_name);
    writer.Key("label").String(labels.Name(key.ceiling));
    writer.Key("created").Integer(key.created).Key("revoked").Bool(key.revoked);
    writer.Key("expires");
    key.expires == 0 ? writer.Null() : writer.Integer(key.expires);
    writer.EndObject();
  }
  writer.EndArray().EndObject();
  PrintJson(writer.Take());
}

Result<ExitStatus> RunList(const KeyOptions& options) {
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<custody::KeyListReply> listed =
      AskCustodian<custody::KeyListReply>(*deployment, custody::KeyList{});
  if (!listed) {
    return std::unexpected(listed.error());
  }
  Result<policy::LabelOrder> labels = DeploymentLabels(*deployment);
  if (!labels) {
    return std::unexpected(labels.error());
  }
  PrintKeys(listed->keys, *labels, options.json);
  return ExitStatus::kOk;
}

Result<ExitStatus> RunRevoke(const KeyOptions& options) {
  Result<KeyId> id = KeyId::Parse(options.id);
  if (!id) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected a key's id as 'casemate key list' prints it "
                "(key_...), found '" +
                    options.id + "'");
  }
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<custody::KeyRevokeReply> revoked =
      AskCustodian<custody::KeyRevokeReply>(*deployment, custody::KeyRevoke{.id = *id});
  if (!revoked) {
    return std::unexpected(revoked.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("id").String(id->ToString()).Key("revoked").Bool(true);
    writer.Key("tickets_ended").Integer(revoked->tickets_ended);
    writer.Key("log_index").Integer(static_cast<std::int64_t>(revoked->log_index)).EndObject();
    PrintJson(writer.Take());
    return ExitStatus::kOk;
  }
  PrintLine("revoked " + id->ToString() + ", which ended " +
            std::to_string(revoked->tickets_ended) + " tickets");
  return ExitStatus::kOk;
}

}  // namespace

void AddKey(CommandLine& line) {
  auto options = std::make_shared<KeyOptions>();
  line.Add("key create", "Make an API key; it is shown once",
           "casemate key create --dir D --principal anna --ceiling internal --expires 90d",
           [options] { return RunCreate(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Text("--tenant", options->tenant, "The tenant's name (default: the first)")
      .Text("--principal", options->principal,
            "Whose key it is (default: one of its own, which may do everything up to the ceiling)")
      .Text("--ceiling,--label", options->ceiling,
            "Highest label that it may see (default: the highest)")
      .Text("--expires", options->expires, "When it ends: 90d, 12h, 30m (default: never)")
      .Text("--name", options->name, "What lists call it")
      .Flag("--json", options->json, "Print JSON");
  line.Add("key list", "List API keys", "casemate key list --dir D",
           [options] { return RunList(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Flag("--json", options->json, "Print JSON");
  line.Add("key revoke", "Revoke an API key and end what runs under it",
           "casemate key revoke key_mfrggzdfmztwq2lknnwg23tpoa --dir D",
           [options] { return RunRevoke(*options); })
      .Required("id", options->id, "The key's id")
      .Required("--dir", options->dir, "The deployment's folder")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
