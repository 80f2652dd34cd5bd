#include <filesystem>
#include <memory>

#include "app/command_files.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "base/file.h"
#include "json/reader.h"
#include "json/writer.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

struct RestoreOptions {
  std::string from;
  std::string dir;
  bool json = false;
};

// True when the backup has its token. Errors: kNotFound, kInvalidArgument: not a whole backup.
Result<bool> ReadManifest(const fs::path& from) {
  Result<Bytes> text = ReadFile(from / "backup.json", 65536);
  if (!text) {
    return Fail(
        ErrorCode::kNotFound,
        from.string() + " has no backup.json: it is no backup, or one that was not finished");
  }
  Result<json::Document> manifest = json::Document::Parse(PlaintextView::Of(ByteView(*text)));
  if (!manifest) {
    return Wrap(manifest.error(), "backup.json");
  }
  const json::Value root = manifest->root();
  Result<json::Value> version = root.Require("version");
  if (!version || version->AsInteger().value_or(0) != 1) {
    return Fail(ErrorCode::kInvalidArgument,
                "backup.json: expected version 1; a newer casemate made this backup");
  }
  const std::optional<json::Value> token = root.Get("with_token");
  return token && token->AsBool().value_or(false);
}

Result<ExitStatus> RunRestore(const RestoreOptions& options) {
  const fs::path from(options.from);
  Result<bool> with_token = ReadManifest(from);
  if (!with_token) {
    return std::unexpected(with_token.error());
  }
  std::error_code failed;
  const fs::path to = fs::absolute(options.dir, failed).lexically_normal();
  if (fs::exists(to, failed) && !fs::is_empty(to, failed)) {
    return Fail(ErrorCode::kConflict, to.string() +
                                          " is not empty; restore into a new folder, so "
                                          "that nothing there is lost");
  }
  if (Result<void> made = MakeFolder(to); !made) {
    return std::unexpected(made.error());
  }
  for (const char* part : {"tenants", "custodian", "audit", "tls", "models"}) {
    if (Result<void> copied = CopyTree(from / part, to / part); !copied) {
      return std::unexpected(copied.error());
    }
  }
  if (Result<void> made = MakeFolder(to / "run"); !made) {
    return std::unexpected(made.error());
  }
  // Last, as with init: its presence makes the folder a deployment.
  if (Result<void> copied = CopyFile(from / "config.toml", to / "config.toml"); !copied) {
    return std::unexpected(copied.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("deployment").String(to.string());
    writer.Key("with_token").Bool(*with_token).EndObject();
    PrintJson(writer.Take());
    return ExitStatus::kOk;
  }
  PrintLine("restored " + from.string() + " to " + to.string());
  if (!*with_token) {
    PrintLine(
        "The backup has no token. Put the deployment's token back (custodian/token for the "
        "software token), or point custody.token in config.toml at it, before serving.");
  }
  PrintLine("next: casemate serve --dir " + to.string() + " --passphrase-file F");
  return ExitStatus::kOk;
}

}  // namespace

void AddRestore(CommandLine& line) {
  auto options = std::make_shared<RestoreOptions>();
  line.Add("restore", "Make a deployment again from a backup",
           "casemate restore --from /mnt/backup/today --dir /srv/casemate",
           [options] { return RunRestore(*options); })
      .Required("--from", options->from, "The backup's folder")
      .Required("--dir", options->dir, "A new folder")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
