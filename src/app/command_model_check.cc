#include <cmath>
#include <memory>

#include "app/command_line.h"
#include "app/command_output.h"
#include "app/model_check.h"
#include "app/model_room.h"
#include "json/writer.h"

// What a model file can do here, before it is added. Needs no deployment and no server.
namespace casemate::app {
namespace {

struct CheckOptions {
  std::string file;
  std::string task = "chat";
  std::uint64_t context_tokens = 4096;
  std::uint64_t sequences = 4;
  std::uint64_t threads = 0;
  bool json = false;
};

std::string Mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20U) + " MiB"; }

void PrintReport(const CheckOptions& options, const ModelReport& report, const RoomMemory& memory) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(report.findings.size());
  for (const ModelFinding& finding : report.findings) {
    // The template's own errors can hold anything: it came with the model.
    rows.push_back({finding.id, std::string(FindingName(finding.finding)),
                    Clean(PlaintextView::Of(finding.what))});
  }
  PrintTable({"CHECK", "FINDING", "WHAT"}, rows);
  for (const ModelFinding& finding : report.findings) {
    if (!finding.remedy.empty()) {
      PrintLine(finding.id + ": " + finding.remedy);
    }
  }
  PrintLine("memory: " + Mebibytes(memory.weights) + " of weights, shared by all tenants; " +
            Mebibytes(memory.own) + " for each tenant that talks to it" +
            (options.task == "chat"
                 ? " (" + std::to_string(options.sequences) + " answers of " +
                       std::to_string(options.context_tokens) + " tokens at the same time)"
                 : ""));
}

void PrintReportJson(const CheckOptions& options, const ModelReport& report,
                     const RoomMemory& memory) {
  json::Writer writer;
  writer.BeginObject().Key("report").String("casemate-model-check").Key("format").Integer(1);
  writer.Key("file").String(options.file).Key("task").String(options.task);
  writer.Key("result").String(FindingName(report.worst()));
  writer.Key("context_tokens").Integer(static_cast<std::int64_t>(options.context_tokens));
  writer.Key("sequences").Integer(static_cast<std::int64_t>(options.sequences));
  writer.Key("findings").BeginArray();
  for (const ModelFinding& finding : report.findings) {
    writer.BeginObject().Key("id").String(finding.id);
    writer.Key("finding").String(FindingName(finding.finding));
    writer.Key("what").String(finding.what).Key("remedy").String(finding.remedy).EndObject();
  }
  writer.EndArray();
  const auto rate = [&](const char* key, double value) {
    writer.Key(key).Number(std::round(value * 10) / 10);
  };
  rate("prompt_tokens_per_s", report.speed.prompt_tokens_per_s);
  rate("answer_tokens_per_s", report.speed.answer_tokens_per_s);
  rate("texts_per_s", report.speed.texts_per_s);
  writer.Key("weights_bytes").Integer(static_cast<std::int64_t>(memory.weights));
  writer.Key("tenant_bytes").Integer(static_cast<std::int64_t>(memory.own)).EndObject();
  PrintJson(writer.Take());
}

Result<ExitStatus> RunCheck(const CheckOptions& options) {
  Result<std::unique_ptr<ModelRoom>> room = ModelRoom::Start(
      options.file, {.task = options.task,
                     .context_tokens = static_cast<std::uint32_t>(options.context_tokens),
                     .sequences = static_cast<std::uint32_t>(options.sequences),
                     .threads = static_cast<std::uint32_t>(options.threads)});
  if (!room) {
    return std::unexpected(room.error());
  }
  Result<ModelReport> report =
      options.task == "chat"
          ? CheckChatModel((*room)->client(), static_cast<std::uint32_t>(options.context_tokens))
          : CheckEmbeddingModel((*room)->client());
  if (!report) {
    return std::unexpected(report.error());
  }
  Result<RoomMemory> memory = (*room)->Memory();
  if (!memory) {
    return std::unexpected(memory.error());
  }
  options.json ? PrintReportJson(options, *report, *memory)
               : PrintReport(options, *report, *memory);
  return report->worst() == Finding::kBad ? ExitStatus::kFailed : ExitStatus::kOk;
}

}  // namespace

void AddModelCheck(CommandLine& line) {
  auto options = std::make_shared<CheckOptions>();
  line.Add("model check",
           "What a GGUF model can do here: template, stop tokens, JSON, context, speed, memory",
           "casemate model check granite.gguf --context-tokens 8192",
           [options] { return RunCheck(*options); })
      .Required("file", options->file, "The GGUF file; nothing is copied or registered")
      .Choice("--task", options->task, "What it is for (default: chat)", {"chat", "embedding"})
      .Number("--context-tokens", options->context_tokens, "Context to use (default: 4096)", 64,
              1 << 20)
      .Number("--sequences", options->sequences, "Answers at the same time (default: 4)", 1, 256)
      .Number("--threads", options->threads, "Threads of a step; 0: by the model's size (default)",
              0, 1024)
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
