#include "app/ingest_upload.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "app/command_output.h"
#include "base/bytes.h"
#include "crypto/hash.h"
#include "json/writer.h"
#include "net/multipart_form.h"

namespace casemate::app {
namespace {

constexpr std::size_t kCompared = 500;  // files in one question

std::string DocumentsOf(const IngestTarget& target) {
  return "/casemate/v1/collections/" + target.collection_id + "/documents";
}

// Marks those of `files` from `begin` to `end` that the collection has already. Files that cannot
// be read get their error.
Result<void> Compare(ApiClient& client, const IngestTarget& target,
                     std::vector<IngestedFile>& files, std::size_t begin, std::size_t end) {
  json::Writer writer;
  writer.BeginObject();
  if (!target.label.empty()) {
    writer.Key("label").String(target.label);
  }
  writer.Key("documents").BeginArray();
  std::vector<std::size_t> asked;
  for (std::size_t i = begin; i < end; ++i) {
    Result<Plaintext> content = ReadWholeFile(files[i].file.path);
    if (!content) {
      files[i].outcome = "failed";
      files[i].error = content.error();
      continue;
    }
    writer.BeginObject().Key("filename").String(files[i].file.name);
    writer.Key("sha256").String(ToHex(crypto::Sha256(content->view().RevealBytes())));
    writer.EndObject();
    asked.push_back(i);
  }
  writer.EndArray().EndObject();
  if (asked.empty()) {
    return {};
  }
  Result<ApiClient::Answer> answer =
      client.Call("POST", DocumentsOf(target) + "/compare", writer.Take());
  if (!answer) {
    return std::unexpected(answer.error());
  }
  const std::optional<json::Value> data = answer->body.root().GetSet("data");
  const std::vector<json::Value> found = data ? data->Elements() : std::vector<json::Value>();
  for (std::size_t i = 0; i < std::min(found.size(), asked.size()); ++i) {
    if (std::string id = TextOf(found[i], "file_id"); !id.empty()) {
      files[asked[i]].outcome = "unchanged";
      files[asked[i]].file_id = std::move(id);
    }
  }
  return {};
}

Result<void> Upload(ApiClient& client, const IngestTarget& target, IngestedFile& file) {
  Result<Plaintext> content = ReadWholeFile(file.file.path);
  if (!content) {
    return std::unexpected(content.error());
  }
  net::MultipartForm form;
  if (!target.label.empty()) {
    form.AddField("label", PlaintextView::Of(target.label));
  }
  form.AddFile("file", file.file.name, "application/octet-stream", *content);
  const std::string type = form.content_type();
  const Plaintext body = form.Finish();
  Result<ApiClient::Answer> answer = client.Call("POST", DocumentsOf(target), body, type);
  if (!answer) {
    return std::unexpected(answer.error());
  }
  const json::Value root = answer->body.root();
  file.outcome = TextOf(root, "outcome");
  file.file_id = TextOf(root, "file_id");
  file.chunks = NumberOf(root, "chunks");
  return {};
}

void UploadRest(const IngestTarget& target, std::vector<IngestedFile>& files,
                const std::vector<std::size_t>& rest, const std::atomic<bool>& stop) {
  IngestProgress progress(files.size(), files.size() - rest.size());
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;  // of `progress`
  const auto work = [&] {
    Result<ApiClient> client = ConnectApi(target.dir, target.tenant);
    while (!stop) {
      const std::size_t at = next++;
      if (at >= rest.size()) {
        break;
      }
      IngestedFile& file = files[rest[at]];
      Result<void> done =
          client ? Upload(*client, target, file) : Result<void>(std::unexpected(client.error()));
      if (!done) {
        file.outcome = "failed";
        file.error = done.error();
      }
      const std::lock_guard lock(mutex);
      progress.Advance(!done);
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < std::min<std::size_t>(target.parallel, rest.size()); ++i) {
    threads.emplace_back(work);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace

IngestSummary Summarize(const std::vector<IngestedFile>& files) {
  IngestSummary summary;
  for (const IngestedFile& file : files) {
    summary.added += file.outcome == "added" ? 1 : 0;
    summary.replaced += file.outcome == "replaced" ? 1 : 0;
    summary.unchanged += file.outcome == "unchanged" ? 1 : 0;
    summary.failed += file.error ? 1 : 0;
    summary.left += file.outcome.empty() ? 1 : 0;
    summary.chunks += file.chunks;
  }
  return summary;
}

Result<std::vector<IngestedFile>> IngestFiles(const IngestTarget& target,
                                              std::vector<FoundFile> found,
                                              const std::atomic<bool>& stop) {
  std::vector<IngestedFile> files;
  for (FoundFile& file : found) {
    files.push_back({.file = std::move(file), .outcome = "", .file_id = {}, .error = {}});
  }
  Result<ApiClient> client = ConnectApi(target.dir, target.tenant);
  if (!client) {
    return std::unexpected(client.error());
  }
  for (std::size_t at = 0; at < files.size() && !stop; at += kCompared) {
    const std::size_t end = std::min(at + kCompared, files.size());
    if (Result<void> compared = Compare(*client, target, files, at, end); !compared) {
      return std::unexpected(compared.error());
    }
  }
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].outcome.empty()) {
      rest.push_back(i);
    }
  }
  UploadRest(target, files, rest, stop);
  return files;
}

Result<std::vector<std::pair<std::string, std::optional<Error>>>> EraseMissing(
    const IngestTarget& target, const std::vector<FoundFile>& files, bool no_mirror) {
  Result<ApiClient> client = ConnectApi(target.dir, target.tenant);
  if (!client) {
    return std::unexpected(client.error());
  }
  std::set<std::string> names;
  for (const FoundFile& file : files) {
    names.insert(file.name);
  }
  std::vector<std::pair<std::string, std::string>> gone;  // name, id
  Result<void> listed =
      ForEachItem(*client, DocumentsOf(target) + "?limit=100", [&](const json::Value& item) {
        std::string name(ContentOf(item, "filename").Reveal());
        if (!names.contains(name)) {
          gone.emplace_back(std::move(name), TextOf(item, "id"));
        }
      });
  if (!listed) {
    return std::unexpected(listed.error());
  }
  std::vector<std::pair<std::string, std::optional<Error>>> erased;
  for (const auto& [name, id] : gone) {
    std::vector<net::Header> headers;
    if (no_mirror) {
      headers.push_back({"x-casemate-no-mirror", "accept"});
    }
    Result<ApiClient::Answer> answer =
        client->Call("DELETE", "/v1/files/" + id, {}, "application/json", std::move(headers));
    erased.emplace_back(name, answer ? std::nullopt : std::optional(answer.error()));
  }
  return erased;
}

}  // namespace casemate::app
