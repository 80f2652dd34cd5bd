#include <map>
#include <memory>

#include "app/command_api.h"
#include "app/command_labels.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "base/clock.h"
#include "custody/operator_messages.h"

namespace casemate::app {
namespace {

struct GrantOptions {
  std::string dir;
  std::string tenant;
  std::string principal;
  std::string collection;
  bool all_collections = false;
  std::string actions = "list,read,search";
  std::string up_to;
  std::string id;
  bool json = false;
};

// The custodian knows collections by id: a name stands in the tenant's sealed store and is looked
// up there, over the operator's HTTP socket.
Result<CollectionId> CollectionIdOf(const GrantOptions& options) {
  Result<ApiClient> client = ConnectApi(options.dir, options.tenant);
  if (!client) {
    return std::unexpected(client.error());
  }
  Result<std::string> id = FindCollection(*client, options.collection);
  return id ? CollectionId::Parse(*id) : Result<CollectionId>(std::unexpected(id.error()));
}

Result<ExitStatus> RunAdd(const GrantOptions& options) {
  if (options.all_collections != options.collection.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected either --collection NAME or --all-collections");
  }
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<policy::LabelOrder> labels = DeploymentLabels(*deployment);
  if (!labels) {
    return std::unexpected(labels.error());
  }
  Result<policy::Label> ceiling = labels->Parse(options.up_to);
  Result<policy::ActionSet> actions = policy::ParseActions(options.actions);
  if (!ceiling || !actions) {
    return std::unexpected(ceiling ? actions.error() : ceiling.error());
  }
  custody::GrantAdd request;
  request.tenant = options.tenant;
  request.principal = options.principal;
  request.all_collections = options.all_collections;
  // Whoever may read or search a thing may know that it is there; the API looks before it opens.
  if (policy::Allows(*actions, policy::Action::kRead) ||
      policy::Allows(*actions, policy::Action::kSearch)) {
    *actions = *actions | policy::Action::kList;
  }
  request.actions = *actions;
  request.ceiling = *ceiling;
  if (!options.all_collections) {
    Result<CollectionId> collection = CollectionIdOf(options);
    if (!collection) {
      return std::unexpected(collection.error());
    }
    request.collection = *collection;
  }
  Result<custody::GrantAddReply> added = AskCustodian<custody::GrantAddReply>(*deployment, request);
  if (!added) {
    return std::unexpected(added.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("id").String(added->id.ToString());
    writer.Key("replaced").Bool(added->replaced);
    writer.Key("tickets_ended").Integer(added->tickets_ended);
    writer.Key("log_index").Integer(static_cast<std::int64_t>(added->log_index)).EndObject();
    PrintJson(writer.Take());
    return ExitStatus::kOk;
  }
  PrintLine(std::string(added->replaced ? "replaced" : "added") + " " + added->id.ToString() +
            ": '" + options.principal + "' may " + policy::ActionNames(*actions) + " in " +
            (options.all_collections ? "all collections" : "'" + options.collection + "'") +
            " up to " + labels->Name(*ceiling));
  return ExitStatus::kOk;
}

// Names for lists; an id whose name cannot be had stays an id.
class CollectionNames {
 public:
  explicit CollectionNames(std::string dir) : dir_(std::move(dir)) {}

  std::string Of(const custody::GrantEntry& grant) {
    if (grant.all_collections) {
      return "(all)";
    }
    const std::map<std::string, std::string>& names = Names(grant.tenant);
    const auto found = names.find(grant.collection.ToString());
    return found != names.end() ? found->second : grant.collection.ToString();
  }

 private:
  const std::map<std::string, std::string>& Names(const std::string& tenant) {
    const auto [place, fresh] = of_tenant_.try_emplace(tenant);
    if (fresh) {
      if (Result<ApiClient> client = ConnectApi(dir_, tenant)) {
        (void)ForEachItem(
            *client, "/v1/vector_stores?order=asc&limit=100", [&place](const json::Value& store) {
              place->second.emplace(TextOf(store, "id"), Clean(ContentOf(store, "name")));
            });
      }
    }
    return place->second;
  }

  std::string dir_;
  std::map<std::string, std::map<std::string, std::string>> of_tenant_;
};

Result<ExitStatus> RunList(const GrantOptions& options) {
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<policy::LabelOrder> labels = DeploymentLabels(*deployment);
  if (!labels) {
    return std::unexpected(labels.error());
  }
  custody::GrantList request;
  request.tenant = options.tenant;
  request.principal = options.principal;
  Result<custody::GrantListReply> listed =
      AskCustodian<custody::GrantListReply>(*deployment, request);
  if (!listed) {
    return std::unexpected(listed.error());
  }
  CollectionNames names(options.dir);
  json::Writer writer;
  writer.BeginObject().Key("grants").BeginArray();
  std::vector<std::vector<std::string>> rows;
  for (const custody::GrantEntry& grant : listed->grants) {
    const std::string collection = names.Of(grant);
    writer.BeginObject().Key("id").String(grant.id.ToString());
    writer.Key("tenant").String(grant.tenant).Key("principal").String(grant.principal);
    writer.Key("all_collections").Bool(grant.all_collections);
    writer.Key("collection");
    grant.all_collections ? writer.Null() : writer.String(grant.collection.ToString());
    writer.Key("collection_name");
    grant.all_collections ? writer.Null() : writer.String(collection);
    writer.Key("actions").String(policy::ActionNames(grant.actions));
    writer.Key("up_to").String(labels->Name(grant.ceiling));
    writer.Key("created").Integer(grant.created).EndObject();
    rows.push_back({grant.id.ToString(), grant.tenant, grant.principal, collection,
                    policy::ActionNames(grant.actions), labels->Name(grant.ceiling)});
  }
  writer.EndArray().EndObject();
  if (options.json) {
    PrintJson(writer.Take());
  } else {
    PrintTable({"ID", "TENANT", "PRINCIPAL", "COLLECTION", "ACTIONS", "UP TO"}, rows);
  }
  return ExitStatus::kOk;
}

Result<ExitStatus> RunRemove(const GrantOptions& options) {
  Result<custody::GrantId> id = custody::GrantId::Parse(options.id);
  if (!id) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected a grant's id as 'casemate grant list' prints it (grant_...), found '" +
                    options.id + "'");
  }
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  custody::GrantRemove request;
  request.id = *id;
  Result<custody::GrantRemoveReply> removed =
      AskCustodian<custody::GrantRemoveReply>(*deployment, request);
  if (!removed) {
    return std::unexpected(removed.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("id").String(id->ToString()).Key("removed").Bool(true);
    writer.Key("tickets_ended").Integer(removed->tickets_ended);
    writer.Key("log_index").Integer(static_cast<std::int64_t>(removed->log_index)).EndObject();
    PrintJson(writer.Take());
  } else {
    PrintLine("removed " + id->ToString() + ", which ended " +
              std::to_string(removed->tickets_ended) + " tickets");
  }
  return ExitStatus::kOk;
}

}  // namespace

void AddGrant(CommandLine& line) {
  auto options = std::make_shared<GrantOptions>();
  line.Add("grant add", "Let a principal do something in a collection, up to a label",
           "casemate grant add --dir D --principal anna --collection handbook --actions "
           "list,read,search --up-to confidential",
           [options] { return RunAdd(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Required("--principal", options->principal, "The principal's name")
      .Text("--collection", options->collection, "The collection's name")
      .Flag("--all-collections", options->all_collections, "All that there are and will be")
      .Text("--actions", options->actions,
            "Some of list, read, search, seal, erase, index (default: list,read,search)")
      .Required("--up-to", options->up_to, "Highest label that the grant reaches")
      .Text("--tenant", options->tenant, "The tenant's name (default: the first)")
      .Flag("--json", options->json, "Print JSON");
  line.Add("grant list", "List grants", "casemate grant list --dir D --principal anna",
           [options] { return RunList(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Text("--principal", options->principal, "Only those of this principal")
      .Text("--tenant", options->tenant, "Only those of this tenant")
      .Flag("--json", options->json, "Print JSON");
  line.Add("grant remove", "Take a grant back and end what rests on it",
           "casemate grant remove grant_mfrggzdfmztwq2lknnwg23tpoa --dir D",
           [options] { return RunRemove(*options); })
      .Required("id", options->id, "The grant's id")
      .Required("--dir", options->dir, "The deployment's folder")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
