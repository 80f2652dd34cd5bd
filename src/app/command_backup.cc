#include <filesystem>
#include <memory>

#include "app/command_files.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "base/clock.h"
#include "base/file.h"
#include "json/writer.h"
#include "storage/sqlite.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr int kLogAttempts = 20;  // the server writes a checkpoint a second at most
constexpr std::size_t kMaxCheckpoint = 131072;

struct BackupOptions {
  std::string dir;
  std::string to;
  bool with_token = false;
  bool json = false;
};

Result<void> BackUpDatabase(const fs::path& from, const fs::path& to) {
  Result<storage::Database> database = storage::Database::Open(from, {.read_only = true});
  if (!database) {
    return Wrap(database.error(), from.string());
  }
  Result<void> copied = database->BackupTo(to);
  return copied ? copied : Wrap(copied.error(), to.string());
}

// The database first: every object that it names is already in the folder, and objects are written
// once. One that came later is copied too and harms nothing.
Result<void> BackUpTenants(const fs::path& from, const fs::path& to) {
  std::error_code failed;
  for (const fs::directory_entry& tenant : fs::directory_iterator(from, failed)) {
    const fs::path target = to / tenant.path().filename();
    if (Result<void> made = MakeFolder(target); !made) {
      return made;
    }
    for (const char* name : {"store.db", "receipts.db"}) {
      if (fs::exists(tenant.path() / name, failed)) {
        if (Result<void> copied = BackUpDatabase(tenant.path() / name, target / name); !copied) {
          return copied;
        }
      }
    }
    if (fs::exists(tenant.path() / "objects", failed)) {
      if (Result<void> copied = CopyTree(tenant.path() / "objects", target / "objects"); !copied) {
        return copied;
      }
    }
  }
  return {};
}

Result<void> BackUpCustodian(const fs::path& from, const fs::path& to, bool with_token) {
  if (Result<void> made = MakeFolder(to); !made) {
    return made;
  }
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(from, failed)) {
    const std::string name = entry.path().filename().string();
    Result<void> copied;
    if (name.ends_with(".db")) {
      copied = BackUpDatabase(entry.path(), to / name);
    } else if (name == "token") {
      copied = with_token ? CopyTree(entry.path(), to / name) : Result<void>();
    } else if (entry.is_regular_file(failed) && !name.ends_with("-wal") &&
               !name.ends_with("-shm")) {
      copied = CopyFile(entry.path(), to / name);
    }
    if (!copied) {
      return copied;
    }
  }
  return SyncFolder(to);
}

// After the tree, so that the log reaches as far as the tree's head says. Copied again when a
// checkpoint came meanwhile: tiles, journal and checkpoint must be of one moment.
Result<void> BackUpLog(const fs::path& from, const fs::path& to) {
  for (int attempt = 0; attempt < kLogAttempts; ++attempt) {
    std::error_code failed;
    fs::remove_all(to, failed);
    Result<Bytes> before = ReadFile(from / "checkpoint", kMaxCheckpoint);
    Result<void> copied = CopyTree(from, to);
    Result<Bytes> after = ReadFile(from / "checkpoint", kMaxCheckpoint);
    if (!copied) {
      return copied;
    }
    if (before.has_value() == after.has_value() && (!before || *before == *after)) {
      return {};
    }
  }
  return Fail(ErrorCode::kUnavailable,
              "the log changed during each of 20 copies; try again when the server is less busy");
}

Result<void> WriteManifest(const fs::path& to, bool with_token) {
  json::Writer writer;
  writer.BeginObject().Key("format").String("casemate-backup").Key("version").Integer(1);
  writer.Key("made").Integer(UnixSeconds()).Key("with_token").Bool(with_token).EndObject();
  const Plaintext text = writer.Take();
  // Last: its presence says that the backup is whole.
  return WriteFileAtomically(to / "backup.json", text.view().RevealBytes());
}

Result<void> CopyParts(const fs::path& from, const fs::path& to, bool with_token) {
  if (Result<void> done = BackUpTenants(from / "tenants", to / "tenants"); !done) {
    return done;
  }
  if (Result<void> done = BackUpCustodian(from / "custodian", to / "custodian", with_token);
      !done) {
    return done;
  }
  if (Result<void> done = BackUpLog(from / "audit", to / "audit"); !done) {
    return done;
  }
  for (const char* folder : {"tls", "models"}) {
    if (Result<void> done = CopyTree(from / folder, to / folder); !done) {
      return done;
    }
  }
  if (Result<void> done = CopyFile(from / "config.toml", to / "config.toml"); !done) {
    return done;
  }
  return WriteManifest(to, with_token);
}

Result<ExitStatus> RunBackup(const BackupOptions& options) {
  Result<fs::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  std::error_code failed;
  const fs::path to = fs::absolute(options.to, failed).lexically_normal();
  if (fs::exists(to, failed) && !fs::is_empty(to, failed)) {
    return Fail(ErrorCode::kConflict,
                to.string() + " is not empty; a backup needs a folder of its own");
  }
  if (Result<void> made = MakeFolder(to); !made) {
    return std::unexpected(made.error());
  }
  if (Result<void> made = MakeFolder(to / "tenants"); !made) {
    return std::unexpected(made.error());
  }
  if (Result<void> copied = CopyParts(*deployment, to, options.with_token); !copied) {
    return std::unexpected(copied.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("backup").String(to.string());
    writer.Key("with_token").Bool(options.with_token).EndObject();
    PrintJson(writer.Take());
    return ExitStatus::kOk;
  }
  PrintLine("backed up " + deployment->string() + " to " + to.string());
  PrintLine(options.with_token
                ? "It holds the software token: with the passphrase it opens everything that was "
                  "not erased when it was made. An erasure after today reaches this copy only when "
                  "its token is destroyed too."
                : "It holds no token: it opens only where this deployment's token is. After an "
                  "erasure it opens nothing; make a new one then.");
  return ExitStatus::kOk;
}

}  // namespace

void AddBackup(CommandLine& line) {
  auto options = std::make_shared<BackupOptions>();
  line.Add("backup", "Copy stores, key trees and log while the server runs",
           "casemate backup --dir D --to /mnt/backup/today",
           [options] { return RunBackup(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Required("--to", options->to, "A new folder")
      .Flag("--with-token", options->with_token,
            "Copy the software token too: the backup then opens everything with the passphrase")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
