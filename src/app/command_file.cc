#include <filesystem>
#include <memory>

#include "app/command_api.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "app/ingest_files.h"
#include "base/clock.h"
#include "base/id.h"
#include "net/multipart_form.h"

namespace casemate::app {
namespace {

struct FileOptions {
  std::string dir;
  std::string tenant;
  std::string collection;
  std::string id;
  std::string path;
  std::string name;
  std::string label;
  std::string purpose = "user_data";
  bool no_mirror = false;
  bool json = false;
};

Result<std::string> ListTarget(ApiClient& client, const FileOptions& options) {
  if (options.collection.empty()) {
    return "/v1/files?order=asc&limit=1000";
  }
  Result<std::string> id = FindCollection(client, options.collection);
  return id ? Result<std::string>("/casemate/v1/collections/" + *id +
                                  "/documents?order=asc&limit=100")
            : std::unexpected(id.error());
}

void WriteFile(json::Writer& writer, const json::Value& file) {
  writer.BeginObject().Key("id").String(TextOf(file, "id"));
  writer.Key("filename").Content(ContentOf(file, "filename"));
  writer.Key("bytes").Integer(NumberOf(file, "bytes"));
  writer.Key("created").Integer(NumberOf(file, "created_at"));
  writer.Key("status").String(TextOf(file, "status"));
  if (const std::string error(ContentOf(file, "error").Reveal()); !error.empty()) {
    writer.Key("error").String(error);
  }
  writer.EndObject();
}

Result<ExitStatus> RunList(const FileOptions& options) {
  Result<ApiClient> client = ConnectApi(options.dir, options.tenant);
  if (!client) {
    return std::unexpected(client.error());
  }
  Result<std::string> target = ListTarget(*client, options);
  if (!target) {
    return std::unexpected(target.error());
  }
  std::vector<std::vector<std::string>> rows;
  json::Writer writer;
  writer.BeginObject().Key("files").BeginArray();
  Result<void> read = ForEachItem(*client, *target, [&](const json::Value& file) {
    WriteFile(writer, file);
    rows.push_back({TextOf(file, "id"), std::to_string(NumberOf(file, "bytes")),
                    FormatUtc(NumberOf(file, "created_at")), TextOf(file, "status"),
                    Clean(ContentOf(file, "filename"))});
  });
  if (!read) {
    return std::unexpected(read.error());
  }
  writer.EndArray().EndObject();
  if (options.json) {
    PrintJson(writer.Take());
  } else {
    PrintTable({"ID", "BYTES", "CREATED", "STATUS", "NAME"}, rows);
  }
  return ExitStatus::kOk;
}

const std::string* FindHeader(const std::vector<net::Header>& headers, std::string_view name) {
  for (const net::Header& header : headers) {
    if (header.name == name) {
      return &header.value;
    }
  }
  return nullptr;
}

Result<ExitStatus> RunDelete(const FileOptions& options) {
  Result<FileId> id = FileId::Parse(options.id);
  if (!id) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected a file's id as 'casemate file list' prints "
                "it (file-...), found '" +
                    options.id + "'");
  }
  Result<ApiClient> client = ConnectApi(options.dir, options.tenant);
  if (!client) {
    return std::unexpected(client.error());
  }
  std::vector<net::Header> headers;
  if (options.no_mirror) {
    headers.push_back({"x-casemate-no-mirror", "accept"});
  }
  Result<ApiClient::Answer> deleted = client->Call("DELETE", "/v1/files/" + id->ToString(), {},
                                                   "application/json", std::move(headers));
  if (!deleted) {
    return std::unexpected(deleted.error());
  }
  const std::string* epoch = FindHeader(deleted->headers, "x-casemate-epoch");
  const std::string* caveat = FindHeader(deleted->headers, "x-casemate-erasure-caveat");
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("id").String(id->ToString()).Key("deleted").Bool(true);
    writer.Key("epoch").String(epoch != nullptr ? *epoch : "");
    writer.Key("caveat").String(caveat != nullptr ? *caveat : "").EndObject();
    PrintJson(writer.Take());
    return ExitStatus::kOk;
  }
  PrintLine("erased " + id->ToString() + (epoch != nullptr ? " in epoch " + *epoch : ""));
  if (caveat != nullptr) {
    PrintLine(*caveat);
  }
  return ExitStatus::kOk;
}

Result<ExitStatus> RunUpload(const FileOptions& options) {
  Result<ApiClient> client = ConnectApi(options.dir, options.tenant);
  if (!client) {
    return std::unexpected(client.error());
  }
  Result<Plaintext> content = ReadWholeFile(options.path);
  if (!content) {
    return std::unexpected(content.error());
  }
  const std::string name =
      options.name.empty() ? std::filesystem::path(options.path).filename().string() : options.name;
  net::MultipartForm form;
  form.AddField("purpose", PlaintextView::Of(options.purpose));
  if (!options.label.empty()) {
    form.AddField("casemate_label", PlaintextView::Of(options.label));
  }
  form.AddFile("file", name, "application/octet-stream", *content);
  const std::string type = form.content_type();
  const Plaintext body = form.Finish();
  Result<ApiClient::Answer> made = client->Call("POST", "/v1/files", body, type);
  if (!made) {
    return std::unexpected(made.error());
  }
  const json::Value file = made->body.root();
  const std::optional<json::Value> casemate = file.Get("casemate");
  const std::string label = casemate ? TextOf(*casemate, "label") : std::string();
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("id").String(TextOf(file, "id"));
    writer.Key("filename").Content(ContentOf(file, "filename"));
    writer.Key("bytes").Integer(NumberOf(file, "bytes")).Key("label").String(label).EndObject();
    PrintJson(writer.Take());
  } else {
    PrintLine("uploaded " + TextOf(file, "id") + ", label " + label);
  }
  return ExitStatus::kOk;
}

}  // namespace

void AddFile(CommandLine& line) {
  auto options = std::make_shared<FileOptions>();
  line.Add("file list", "List documents", "casemate file list --dir D --collection handbook",
           [options] { return RunList(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Text("--tenant", options->tenant, "The tenant's name (default: the first)")
      .Text("--collection", options->collection, "Only those of this collection")
      .Flag("--json", options->json, "Print JSON");
  line.Add("file upload", "Upload a document that is in no collection",
           "casemate file upload plan.md --dir D --label confidential",
           [options] { return RunUpload(*options); })
      .Required("path", options->path, "The document")
      .Required("--dir", options->dir, "The deployment's folder")
      .Text("--tenant", options->tenant, "The tenant's name (default: the first)")
      .Text("--label", options->label, "Its label (default: the deployment's)")
      .Text("--name", options->name, "Its name there (default: the file's)")
      .Text("--purpose", options->purpose, "As OpenAI has it (default: user_data)")
      .Flag("--json", options->json, "Print JSON");
  line.Add("file delete", "Erase a document and everything made from it",
           "casemate file delete file-mfrggzdfmztwq2lknnwg23tpoa --dir D",
           [options] { return RunDelete(*options); })
      .Required("id", options->id, "The document's id")
      .Required("--dir", options->dir, "The deployment's folder")
      .Text("--tenant", options->tenant, "The tenant's name (default: the first)")
      .Flag("--no-mirror", options->no_mirror,
            "Erase although the key tree has no second copy: a lost disk then loses everything")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
