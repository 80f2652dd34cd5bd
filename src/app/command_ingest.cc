#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

#include "app/command_api.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "base/fd.h"
#include "net/multipart_form.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kUploads = 2;  // at the same time
constexpr std::size_t kMaxUploadBytes = std::size_t{512} * 1024 * 1024;
constexpr std::array<std::string_view, 6> kExtensions = {".html",     ".htm", ".md",
                                                         ".markdown", ".txt", ".rst"};

struct IngestOptions {
  std::string dir;
  std::string tenant;
  std::string collection;
  std::string label;
  std::vector<std::string> paths;
  bool json = false;
};

struct Document {
  fs::path path;
  std::string name;  // as stored: the path below the folder that was given
  std::string outcome = "failed";
  std::string file_id;
  std::int64_t chunks = 0;
  std::optional<Error> error;
};

bool IsReadable(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

// A file that is named is taken whatever it is called; a folder gives the kinds that are read.
Result<std::vector<Document>> Collect(const std::vector<std::string>& paths) {
  std::vector<Document> documents;
  for (const std::string& given : paths) {
    std::error_code failed;
    const fs::path path(given);
    if (fs::is_regular_file(path, failed)) {
      documents.push_back({.path = path, .name = path.filename().string()});
      continue;
    }
    if (!fs::is_directory(path, failed)) {
      return Fail(ErrorCode::kNotFound, given + " is neither a file nor a folder");
    }
    fs::recursive_directory_iterator it(path, fs::directory_options::skip_permission_denied,
                                        failed);
    for (; !failed && it != fs::recursive_directory_iterator(); it.increment(failed)) {
      std::error_code ignored;
      if (it->is_regular_file(ignored) && IsReadable(it->path())) {
        documents.push_back(
            {.path = it->path(), .name = it->path().lexically_relative(path).generic_string()});
      }
    }
    if (failed) {
      return Fail(ErrorCode::kUnavailable, "reading " + given + ": " + failed.message());
    }
  }
  std::sort(documents.begin(), documents.end(),
            [](const Document& a, const Document& b) { return a.name < b.name; });
  return documents;
}

Result<Plaintext> ReadDocument(const fs::path& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts{};
  if (!file.valid() || ::fstat(file.get(), &facts) != 0) {
    return FailErrno("opening " + path.string());
  }
  const auto size = static_cast<std::size_t>(facts.st_size);
  if (size > kMaxUploadBytes) {
    return Fail(ErrorCode::kTooLarge, "the file has " + std::to_string(size) + " bytes; at most " +
                                          std::to_string(kMaxUploadBytes) + " are uploaded");
  }
  Plaintext content = Plaintext::Zeroed(size);
  std::size_t used = 0;
  while (used < size) {
    const ssize_t got = ::read(file.get(), content.mutable_bytes().data() + used, size - used);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return FailErrno("reading " + path.string());
    }
    if (got == 0) {
      break;
    }
    used += static_cast<std::size_t>(got);
  }
  content.Truncate(used);
  return content;
}

Result<void> Upload(ApiClient& client, const std::string& target, const std::string& label,
                    Document& document) {
  Result<Plaintext> content = ReadDocument(document.path);
  if (!content) {
    return std::unexpected(content.error());
  }
  net::MultipartForm form;
  if (!label.empty()) {
    form.AddField("label", PlaintextView::Of(label));
  }
  form.AddFile("file", document.name, "application/octet-stream", *content);
  const std::string type = form.content_type();
  const Plaintext body = form.Finish();
  Result<ApiClient::Answer> answer = client.Call("POST", target, body, type);
  if (!answer) {
    return std::unexpected(answer.error());
  }
  const json::Value root = answer->body.root();
  document.outcome = TextOf(root, "outcome");
  document.file_id = TextOf(root, "file_id");
  document.chunks = NumberOf(root, "chunks");
  return {};
}

// Uploads every document over `kUploads` connections. One document's error is its own; a server
// that is gone is found by each of the rest.
void UploadAll(const IngestOptions& options, const std::string& collection_id,
               std::vector<Document>& documents, Progress& progress) {
  const std::string target = "/casemate/v1/collections/" + collection_id + "/documents";
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;  // of `progress`
  const auto work = [&] {
    Result<ApiClient> client = ConnectApi(options.dir, options.tenant);
    for (std::size_t i = next++; i < documents.size(); i = next++) {
      Result<void> done = client ? Upload(*client, target, options.label, documents[i])
                                 : std::unexpected(client.error());
      if (!done) {
        documents[i].error = done.error();
      }
      const std::lock_guard lock(mutex);
      progress.Advance();
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < std::min(kUploads, documents.size()); ++i) {
    threads.emplace_back(work);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

struct Summary {
  std::size_t added = 0;
  std::size_t replaced = 0;
  std::size_t unchanged = 0;
  std::size_t failed = 0;
  std::int64_t chunks = 0;
};

Summary Count(const std::vector<Document>& documents) {
  Summary summary;
  for (const Document& document : documents) {
    summary.added += document.outcome == "added" ? 1 : 0;
    summary.replaced += document.outcome == "replaced" ? 1 : 0;
    summary.unchanged += document.outcome == "unchanged" ? 1 : 0;
    summary.failed += document.error ? 1 : 0;
    summary.chunks += document.chunks;
  }
  return summary;
}

void PrintJsonReport(const std::string& collection_id, const std::vector<Document>& documents,
                     const Summary& summary) {
  json::Writer writer;
  writer.BeginObject().Key("collection").String(collection_id);
  writer.Key("added").Integer(static_cast<std::int64_t>(summary.added));
  writer.Key("replaced").Integer(static_cast<std::int64_t>(summary.replaced));
  writer.Key("unchanged").Integer(static_cast<std::int64_t>(summary.unchanged));
  writer.Key("failed").Integer(static_cast<std::int64_t>(summary.failed));
  writer.Key("documents").BeginArray();
  for (const Document& document : documents) {
    writer.BeginObject().Key("path").String(document.name);
    writer.Key("outcome").String(document.outcome);
    if (document.error) {
      writer.Key("error").String(document.error->message);
      writer.Key("code").String(ErrorCodeName(document.error->code));
    } else {
      writer.Key("file_id").String(document.file_id);
      writer.Key("chunks").Integer(document.chunks);
    }
    writer.EndObject();
  }
  writer.EndArray().EndObject();
  PrintJson(writer.Take());
}

Result<ExitStatus> RunIngest(const IngestOptions& options) {
  Result<std::vector<Document>> documents = Collect(options.paths);
  if (!documents) {
    return std::unexpected(documents.error());
  }
  if (documents->empty()) {
    return Fail(ErrorCode::kNotFound,
                "no document found; read are .html .htm .md .markdown .txt .rst");
  }
  Result<ApiClient> client = ConnectApi(options.dir, options.tenant);
  if (!client) {
    return std::unexpected(client.error());
  }
  Result<std::string> id = FindCollection(*client, options.collection);
  if (!id && id.error().code == ErrorCode::kNotFound) {
    id = CreateCollection(*client, options.collection, options.label);
  }
  if (!id) {
    return std::unexpected(id.error());
  }
  {
    Progress progress("ingesting", documents->size());
    UploadAll(options, *id, *documents, progress);
  }
  const Summary summary = Count(*documents);
  if (options.json) {
    PrintJsonReport(*id, *documents, summary);
  } else {
    for (const Document& document : *documents) {
      if (document.error) {
        PrintNote("casemate: " + document.name + ": " + document.error->message);
      }
    }
    PrintLine(std::to_string(documents->size()) + " documents: " + std::to_string(summary.added) +
              " added, " + std::to_string(summary.replaced) + " replaced, " +
              std::to_string(summary.unchanged) + " unchanged, " + std::to_string(summary.failed) +
              " failed; " + std::to_string(summary.chunks) + " chunks");
  }
  if (summary.failed == documents->size()) {
    return StatusOf(documents->front().error->code);
  }
  return summary.failed > 0 ? ExitStatus::kFailed : ExitStatus::kOk;
}

}  // namespace

void AddIngest(CommandLine& line) {
  auto options = std::make_shared<IngestOptions>();
  line.Add("ingest", "Read documents into a collection; unchanged ones are skipped",
           "casemate ingest docs/ --dir D --collection handbook --label internal",
           [options] { return RunIngest(*options); })
      .Many("paths", options->paths, "Files, or folders (their .html .htm .md .markdown .txt .rst)",
            true)
      .Required("--dir", options->dir, "The deployment's folder")
      .Text("--tenant", options->tenant, "The tenant's name (default: the first)")
      .Required("--collection", options->collection, "Its name; made when there is none")
      .Text("--label", options->label, "Label of the documents (default: internal)")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
