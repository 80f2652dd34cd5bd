#include <memory>

#include "app/command_api.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "base/clock.h"

namespace casemate::app {
namespace {

struct CollectionOptions {
  std::string dir;
  std::string tenant;
  std::string name;
  std::string label;
  bool json = false;
};

Result<ExitStatus> RunCreate(const CollectionOptions& options) {
  Result<ApiClient> client = ConnectApi(options.dir, options.tenant);
  if (!client) {
    return std::unexpected(client.error());
  }
  Result<std::string> id = CreateCollection(*client, options.name, options.label);
  if (!id) {
    return std::unexpected(id.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("id").String(*id).Key("name").String(options.name).EndObject();
    PrintJson(writer.Take());
  } else {
    PrintLine("made collection '" + options.name + "', " + *id);
  }
  return ExitStatus::kOk;
}

void AddRow(const json::Value& store, std::vector<std::vector<std::string>>& rows) {
  const std::optional<json::Value> counts = store.Get("file_counts");
  rows.push_back({TextOf(store, "id"), Clean(ContentOf(store, "name")),
                  counts ? std::to_string(NumberOf(*counts, "completed")) : "",
                  counts ? std::to_string(NumberOf(*counts, "failed")) : "",
                  std::to_string(NumberOf(store, "usage_bytes")),
                  FormatUtc(NumberOf(store, "created_at"))});
}

void WriteRow(json::Writer& writer, const json::Value& store) {
  const std::optional<json::Value> counts = store.Get("file_counts");
  writer.BeginObject().Key("id").String(TextOf(store, "id"));
  writer.Key("name").Content(ContentOf(store, "name"));
  for (const char* state : {"completed", "in_progress", "failed"}) {
    writer.Key(state).Integer(counts ? NumberOf(*counts, state) : 0);
  }
  writer.Key("bytes").Integer(NumberOf(store, "usage_bytes"));
  writer.Key("created").Integer(NumberOf(store, "created_at")).EndObject();
}

Result<ExitStatus> RunList(const CollectionOptions& options) {
  Result<ApiClient> client = ConnectApi(options.dir, options.tenant);
  if (!client) {
    return std::unexpected(client.error());
  }
  std::vector<std::vector<std::string>> rows;
  json::Writer writer;
  writer.BeginObject().Key("collections").BeginArray();
  Result<void> read =
      ForEachItem(*client, "/v1/vector_stores?order=asc&limit=100", [&](const json::Value& store) {
        AddRow(store, rows);
        WriteRow(writer, store);
      });
  if (!read) {
    return std::unexpected(read.error());
  }
  writer.EndArray().EndObject();
  if (options.json) {
    PrintJson(writer.Take());
  } else {
    PrintTable({"ID", "NAME", "DOCUMENTS", "FAILED", "BYTES", "CREATED"}, rows);
  }
  return ExitStatus::kOk;
}

}  // namespace

void AddCollection(CommandLine& line) {
  auto options = std::make_shared<CollectionOptions>();
  line.Add("collection create", "Make an empty collection",
           "casemate collection create handbook --dir D --label confidential",
           [options] { return RunCreate(*options); })
      .Required("name", options->name, "Its name")
      .Required("--dir", options->dir, "The deployment's folder")
      .Text("--tenant", options->tenant, "The tenant's name (default: the first)")
      .Text("--label", options->label, "Its label (default: internal)")
      .Flag("--json", options->json, "Print JSON");
  line.Add("collection list", "List collections", "casemate collection list --dir D",
           [options] { return RunList(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Text("--tenant", options->tenant, "The tenant's name (default: the first)")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
