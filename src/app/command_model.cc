#include <memory>

#include "app/command_files.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "base/clock.h"
#include "custody/messages.h"

namespace casemate::app {
namespace {

struct ModelOptions {
  std::string dir;
  std::string file;
  std::string name;
  std::string task = "chat";
  std::uint64_t context_tokens = 4096;
  bool json = false;
};

void WriteModel(json::Writer& writer, const custody::ModelEntry& model) {
  writer.BeginObject().Key("name").String(model.name).Key("task").String(model.task);
  writer.Key("context_tokens").Integer(model.context_tokens);
  writer.Key("digest").String(model.digest);
  writer.Key("bytes").Integer(static_cast<std::int64_t>(model.file_bytes));
  writer.Key("added").Integer(model.added).EndObject();
}

Result<ExitStatus> RunAdd(const ModelOptions& options) {
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  // Asked before the copy: a large file is not moved for nothing.
  Result<std::unique_ptr<ipc::Peer>> custodian = ConnectCustodian(*deployment);
  if (!custodian) {
    return std::unexpected(custodian.error());
  }
  Result<CopiedModel> copied = CopyModel(options.file, *deployment / "models");
  if (!copied) {
    return std::unexpected(copied.error());
  }
  const custody::ModelEntry model{
      .name = options.name,
      .digest = copied->digest,
      .task = options.task,
      .context_tokens = static_cast<std::uint32_t>(options.context_tokens),
      .file_bytes = copied->bytes,
      .added = UnixSeconds()};
  Result<custody::ModelRegisterReply> done =
      (*custodian)->Call<custody::ModelRegisterReply>(custody::ModelRegister{.model = model});
  if (!done) {
    return std::unexpected(done.error());
  }
  if (options.json) {
    json::Writer writer;
    WriteModel(writer, model);
    PrintJson(writer.Take());
  } else {
    PrintLine("added model '" + model.name + "' (" + model.task + ", SHA-256 " + model.digest +
              ")");
  }
  return ExitStatus::kOk;
}

Result<ExitStatus> RunList(const ModelOptions& options) {
  Result<std::filesystem::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<custody::ModelListReply> listed =
      AskCustodian<custody::ModelListReply>(*deployment, custody::ModelList{});
  if (!listed) {
    return std::unexpected(listed.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("models").BeginArray();
    for (const custody::ModelEntry& model : listed->models) {
      WriteModel(writer, model);
    }
    writer.EndArray().EndObject();
    PrintJson(writer.Take());
    return ExitStatus::kOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const custody::ModelEntry& model : listed->models) {
    rows.push_back({model.name, model.task, std::to_string(model.context_tokens),
                    std::to_string(model.file_bytes), FormatUtc(model.added),
                    model.digest.substr(0, 16)});
  }
  PrintTable({"NAME", "TASK", "CONTEXT", "BYTES", "ADDED", "SHA-256"}, rows);
  return ExitStatus::kOk;
}

}  // namespace

void AddModel(CommandLine& line) {
  auto options = std::make_shared<ModelOptions>();
  line.Add("model add", "Copy a GGUF model into the deployment and register it",
           "casemate model add granite.gguf --name granite --task chat --context-tokens 8192 --dir "
           "D",
           [options] { return RunAdd(*options); })
      .Required("file", options->file, "The GGUF file")
      .Required("--name", options->name, "What API clients call it")
      .Choice("--task", options->task, "What it is for (default: chat)", {"chat", "embedding"})
      .Number("--context-tokens", options->context_tokens, "Context to use (default: 4096)", 64,
              1 << 20)
      .Required("--dir", options->dir, "The deployment's folder")
      .Flag("--json", options->json, "Print JSON");
  line.Add("model list", "List models", "casemate model list --dir D",
           [options] { return RunList(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
