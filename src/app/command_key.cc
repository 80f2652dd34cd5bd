#include <memory>

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
  std::string label = "secret";
  std::string name;
  std::string id;
  bool json = false;
};

Result<ExitStatus> RunCreate(const KeyOptions& options) {
  Result<policy::Label> ceiling = policy::ParseLabel(options.label);
  if (!ceiling) {
    return std::unexpected(ceiling.error());
  }
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<custody::KeyCreateReply> made = AskCustodian<custody::KeyCreateReply>(
      *deployment,
      custody::KeyCreate{.tenant = options.tenant, .name = options.name, .ceiling = *ceiling});
  if (!made) {
    return std::unexpected(made.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("id").String(made->id.ToString());
    writer.Key("key").Content(made->key);
    writer.Key("principal").String(made->principal.ToString());
    writer.Key("label").String(policy::LabelName(*ceiling)).EndObject();
    PrintJson(writer.Take());
    return ExitStatus::kOk;
  }
  PrintContent(made->key);
  PrintLine("");
  PrintNote("This key is shown once. Its id, for 'casemate key revoke': " + made->id.ToString());
  return ExitStatus::kOk;
}

void PrintKeys(const std::vector<custody::KeyEntry>& keys, bool json) {
  if (!json) {
    std::vector<std::vector<std::string>> rows;
    rows.reserve(keys.size());
    for (const custody::KeyEntry& key : keys) {
      rows.push_back({key.id.ToString(), key.tenant, key.name,
                      std::string(policy::LabelName(key.ceiling)), FormatUtc(key.created),
                      key.revoked ? "revoked" : "live"});
    }
    PrintTable({"ID", "TENANT", "NAME", "CEILING", "CREATED", "STATE"}, rows);
    return;
  }
  json::Writer writer;
  writer.BeginObject().Key("keys").BeginArray();
  for (const custody::KeyEntry& key : keys) {
    writer.BeginObject().Key("id").String(key.id.ToString());
    writer.Key("tenant").String(key.tenant).Key("name").String(key.name);
    writer.Key("principal").String(key.principal.ToString());
    writer.Key("label").String(policy::LabelName(key.ceiling));
    writer.Key("created").Integer(key.created).Key("revoked").Bool(key.revoked).EndObject();
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
  PrintKeys(listed->keys, options.json);
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
           "casemate key create --dir D --name notebook --label internal",
           [options] { return RunCreate(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Text("--tenant", options->tenant, "The tenant's name (default: the first)")
      .Text("--label", options->label, "Highest label it may see (default: secret)")
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
