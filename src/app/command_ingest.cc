#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <set>

#include "app/command_api.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/ingest_upload.h"
#include "app/ingest_watch.h"
#include "json/writer.h"

namespace casemate::app {
namespace {

constexpr auto kWatchAtLeastEvery = std::chrono::minutes(10);  // should an event be lost

struct IngestOptions {
  IngestTarget target;
  std::string collection;
  std::vector<std::string> paths;
  FileChoice choice;
  bool erase_missing = false;
  bool no_mirror = false;
  bool watch = false;
  bool json = false;
};

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // as a signal handler needs it

// The first Ctrl-C lets what was begun end; the second ends the command.
void CatchInterrupts() {
  struct sigaction action{};
  action.sa_handler = [](int) { interrupted.store(true); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  (void)::sigaction(SIGINT, &action, nullptr);
  (void)::sigaction(SIGTERM, &action, nullptr);
}

using Erased = std::vector<std::pair<std::string, std::optional<Error>>>;

void PrintJsonReport(const std::string& collection_id, const std::vector<IngestedFile>& files,
                     const Erased& erased, const IngestSummary& summary) {
  json::Writer writer;
  writer.BeginObject().Key("collection").String(collection_id);
  writer.Key("added").Integer(static_cast<std::int64_t>(summary.added));
  writer.Key("replaced").Integer(static_cast<std::int64_t>(summary.replaced));
  writer.Key("unchanged").Integer(static_cast<std::int64_t>(summary.unchanged));
  writer.Key("failed").Integer(static_cast<std::int64_t>(summary.failed));
  writer.Key("not_begun").Integer(static_cast<std::int64_t>(summary.left));
  writer.Key("documents").BeginArray();
  for (const IngestedFile& file : files) {
    writer.BeginObject().Key("path").String(file.file.name);
    writer.Key("outcome").String(file.outcome.empty() ? "not begun" : file.outcome);
    if (file.error) {
      writer.Key("error").String(file.error->message);
      writer.Key("code").String(ErrorCodeName(file.error->code));
    } else {
      writer.Key("file_id").String(file.file_id);
      writer.Key("chunks").Integer(file.chunks);
    }
    writer.EndObject();
  }
  writer.EndArray().Key("erased").BeginArray();
  for (const auto& [name, error] : erased) {
    writer.BeginObject().Key("path").String(name);
    writer.Key("outcome").String(error ? "failed" : "erased");
    if (error) {
      writer.Key("error").String(error->message);
    }
    writer.EndObject();
  }
  writer.EndArray().EndObject();
  PrintJson(writer.Take());
}

void PrintReport(const std::vector<IngestedFile>& files, const Erased& erased,
                 const IngestSummary& summary) {
  for (const IngestedFile& file : files) {
    if (file.error) {
      PrintNote("casemate: " + file.file.name + ": " + file.error->message);
    }
  }
  for (const auto& [name, error] : erased) {
    if (error) {
      PrintNote("casemate: " + name + " was not erased: " + error->message);
    } else {
      PrintLine("erased " + name);
    }
  }
  PrintLine(std::to_string(files.size()) + " documents: " + std::to_string(summary.added) +
            " added, " + std::to_string(summary.replaced) + " replaced, " +
            std::to_string(summary.unchanged) + " unchanged, " + std::to_string(summary.failed) +
            " failed; " + std::to_string(summary.chunks) + " chunks");
  if (summary.left > 0) {
    PrintNote("casemate: interrupted, " + std::to_string(summary.left) +
              " documents not begun: the same command goes on with them");
  }
}

struct Round {
  std::vector<FoundFile> found;
  ExitStatus status = ExitStatus::kOk;
};

// Brings what there is now into the collection and reports.
Result<Round> RunOnce(const IngestOptions& options) {
  Round round;
  Result<std::vector<FoundFile>> found = FindFiles(options.paths, options.choice);
  if (!found) {
    return std::unexpected(found.error());
  }
  round.found = std::move(*found);
  Result<std::vector<IngestedFile>> files = IngestFiles(options.target, round.found, interrupted);
  if (!files) {
    return std::unexpected(files.error());
  }
  Erased erased;
  if (options.erase_missing && !interrupted) {
    Result<Erased> done = EraseMissing(options.target, round.found, options.no_mirror);
    if (!done) {
      return std::unexpected(done.error());
    }
    erased = std::move(*done);
  }
  const IngestSummary summary = Summarize(*files);
  if (options.json) {
    PrintJsonReport(options.target.collection_id, *files, erased, summary);
  } else {
    PrintReport(*files, erased, summary);
  }
  bool failed = summary.failed > 0 || summary.left > 0;
  for (const auto& [name, error] : erased) {
    failed = failed || error.has_value();
  }
  round.status = failed ? ExitStatus::kFailed : ExitStatus::kOk;
  if (!files->empty() && summary.failed == files->size()) {
    round.status = StatusOf(files->front().error->code);
  }
  return round;
}

// What one round found and the next did not.
void TellMissing(const std::vector<FoundFile>& before, const std::vector<FoundFile>& now) {
  std::set<std::string> names;
  for (const FoundFile& file : now) {
    names.insert(file.name);
  }
  for (const FoundFile& file : before) {
    if (!names.contains(file.name)) {
      PrintNote("casemate: " + file.name +
                " is gone from the folder and stays in the collection (--delete would erase it)");
    }
  }
}

Result<ExitStatus> Watch(const IngestOptions& options) {
  // Before the first round: what changes meanwhile is met by the second.
  Result<FolderWatch> watch = FolderWatch::Start(options.paths);
  if (!watch) {
    return std::unexpected(watch.error());
  }
  Result<Round> round = RunOnce(options);
  if (!round) {
    return std::unexpected(round.error());
  }
  PrintNote("casemate: watching; Ctrl-C ends it");
  while (!interrupted) {
    Result<bool> changed = watch->Wait(interrupted, kWatchAtLeastEvery);
    if (!changed) {
      return std::unexpected(changed.error());
    }
    if (!*changed || interrupted) {
      continue;
    }
    Result<Round> next = RunOnce(options);
    if (!next) {
      PrintError(next.error());  // a server that is away may come back
      continue;
    }
    if (!options.erase_missing) {
      TellMissing(round->found, next->found);
    }
    round = std::move(next);
  }
  return ExitStatus::kOk;
}

Result<void> CheckOptions(const IngestOptions& options) {
  const bool folders = std::ranges::all_of(options.paths, [](const std::string& path) {
    std::error_code failed;
    return std::filesystem::is_directory(path, failed);
  });
  if (options.watch && !folders) {
    return Fail(ErrorCode::kInvalidArgument, "--watch takes folders");
  }
  if (options.erase_missing && (!folders || options.paths.size() != 1)) {
    return Fail(ErrorCode::kInvalidArgument,
                "--delete takes one folder, which the collection then mirrors: a document that is "
                "not in it is erased");
  }
  return {};
}

Result<ExitStatus> RunIngest(IngestOptions& options) {
  if (Result<void> good = CheckOptions(options); !good) {
    return std::unexpected(good.error());
  }
  Result<std::vector<FoundFile>> found = FindFiles(options.paths, options.choice);
  if (!found) {
    return std::unexpected(found.error());
  }
  if (found->empty() && !options.watch && !options.erase_missing) {
    return Fail(ErrorCode::kNotFound, "no document found; read are " + std::string(ReadEndings()) +
                                          ", or what --include names");
  }
  Result<ApiClient> client = ConnectApi(options.target.dir, options.target.tenant);
  if (!client) {
    return std::unexpected(client.error());
  }
  Result<std::string> id = FindCollection(*client, options.collection);
  if (!id && id.error().code == ErrorCode::kNotFound) {
    id = CreateCollection(*client, options.collection, options.target.label);
  }
  if (!id) {
    return std::unexpected(id.error());
  }
  options.target.collection_id = *id;
  CatchInterrupts();
  if (options.watch) {
    return Watch(options);
  }
  Result<Round> round = RunOnce(options);
  return round ? Result<ExitStatus>(round->status) : std::unexpected(round.error());
}

}  // namespace

void AddIngest(CommandLine& line) {
  auto options = std::make_shared<IngestOptions>();
  line.Add("ingest", "Read documents into a collection; unchanged ones are skipped",
           "casemate ingest docs/ --dir D --collection handbook --label internal",
           [options] { return RunIngest(*options); })
      .Many("paths", options->paths, "Files, or folders (their " + std::string(ReadEndings()) + ")",
            true)
      .Required("--dir", options->target.dir, "The deployment's folder")
      .Text("--tenant", options->target.tenant, "The tenant's name (default: the first)")
      .Required("--collection", options->collection, "Its name; made when there is none")
      .Text("--label", options->target.label, "Label of the documents (default: internal)")
      .Repeated("--include", options->choice.include,
                "Of folders only files that this glob matches ('*.log'); may be repeated")
      .Repeated("--exclude", options->choice.exclude,
                "Of folders no file or folder that this glob matches; may be repeated")
      .Flag("--follow-symlinks", options->choice.follow_links, "Follow links within folders")
      .Number("--parallel", options->target.parallel, "Documents at the same time (default: 4)", 1,
              16)
      .Flag("--watch", options->watch, "Stay, and read what changes in the folders")
      .Flag("--delete", options->erase_missing,
            "Erase the collection's documents that are not in the folder (any more)")
      .Flag("--no-mirror", options->no_mirror, "With --delete: accept erasure without a mirror")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
