#include <algorithm>
#include <filesystem>
#include <memory>

#include "app/command_files.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_secret.h"
#include "app/init_custodian.h"
#include "base/clock.h"
#include "base/file.h"
#include "config/deployment_config.h"
#include "crypto/certificate.h"
#include "custody/messages.h"
#include "json/writer.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

// The weights that come with Casemate; contexts are what they were trained with (models/).
struct ShippedModel {
  std::string_view name;
  std::string_view file;
  std::string_view task;
  std::uint32_t context_tokens;
};
constexpr ShippedModel kShippedModels[] = {
    {"casemate-answer", "casemate-answer-q8_0.gguf", "chat", 320},
    {"casemate-embed", "casemate-embed-q8_0.gguf", "embedding", 512},
};

struct InitOptions {
  std::string dir;
  SecretSource passphrase;
  std::string tenant = "default";
  std::string mirror;
  bool no_mirror = false;
  bool insecure_pin_file = false;
  std::string token_uri;
  std::string module;
  std::string models;
  std::uint64_t argon2_memory_kib = 0;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::vector<std::string> labels;
  std::string default_label;
  bool json = false;
};

// Removes the half-made deployment unless it was finished. Only a folder that was empty before.
class Unfinished {
 public:
  explicit Unfinished(fs::path folder) : folder_(std::move(folder)) {}
  ~Unfinished() {
    std::error_code ignored;
    if (!folder_.empty()) {
      fs::remove_all(folder_, ignored);
    }
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  void Finished() { folder_.clear(); }

 private:
  fs::path folder_;
};

// Where the shipped weights are: beside the installed program, or in the source tree that it was
// built in.
Result<fs::path> FindShippedModels(const std::string& given) {
  if (!given.empty()) {
    return fs::path(given);
  }
  Result<fs::path> bin = ExecutableFolder();
  if (!bin) {
    return bin;
  }
  for (const char* place : {"../share/casemate/models", "../../../models"}) {
    std::error_code failed;
    fs::path candidate = (*bin / place).lexically_normal();
    if (fs::exists(candidate / kShippedModels[0].file, failed)) {
      return candidate;
    }
  }
  return Fail(ErrorCode::kNotFound, "the shipped model " + std::string(kShippedModels[0].file) +
                                        " is neither in ../share/casemate/models nor in "
                                        "../../../models of " +
                                        bin->string() + "; name its folder with --models");
}

Result<fs::path> PrepareFolder(const std::string& dir) {
  std::error_code failed;
  fs::path folder = fs::absolute(dir, failed).lexically_normal();
  if (fs::exists(folder / "config.toml", failed)) {
    return Fail(ErrorCode::kConflict, folder.string() + " is a deployment already");
  }
  if (fs::exists(folder, failed) && !fs::is_empty(folder, failed)) {
    return Fail(ErrorCode::kConflict,
                folder.string() + " is not empty; a deployment needs a folder of its own");
  }
  return folder;
}

config::DeploymentConfig MakeConfig(const InitOptions& options) {
  config::DeploymentConfig made;
  made.tls.dns_names = options.dns_names;
  made.tls.ip_addresses = options.ip_addresses;
  made.custody.token = options.token_uri;
  made.custody.module = options.module;
  made.custody.mirror = options.mirror;
  if (options.no_mirror) {
    made.custody.mirror = "none";
  }
  if (!options.labels.empty()) {
    made.labels.order = options.labels;
    if (!std::ranges::contains(options.labels, made.labels.fallback)) {
      made.labels.fallback = options.labels.front();
    }
  }
  if (!options.default_label.empty()) {
    made.labels.fallback = options.default_label;
  }
  if (options.insecure_pin_file) {
    made.custody.pin_source = config::PinSource::kInsecureFile;
  }
  return made;
}

Result<std::vector<custody::ModelEntry>> CopyShippedModels(const fs::path& from,
                                                           const fs::path& to) {
  std::vector<custody::ModelEntry> models;
  for (const ShippedModel& shipped : kShippedModels) {
    Result<CopiedModel> copied = CopyModel(from / shipped.file, to);
    if (!copied) {
      return std::unexpected(copied.error());
    }
    models.push_back({.name = std::string(shipped.name),
                      .digest = copied->digest,
                      .task = std::string(shipped.task),
                      .context_tokens = shipped.context_tokens,
                      .file_bytes = copied->bytes,
                      .added = UnixSeconds()});
  }
  return models;
}

Result<void> MakeFolders(const fs::path& folder, const config::DeploymentConfig& settings) {
  for (const char* name : {"", "custodian", "audit", "tls", "tenants", "models", "run"}) {
    if (Result<void> made = MakeFolder(folder / name); !made) {
      return made;
    }
  }
  if (!settings.custody.mirror.empty() && settings.custody.mirror != "none") {
    return MakeFolder(settings.custody.mirror);
  }
  return {};
}

Result<void> WritePublicFiles(const fs::path& folder, const custody::InitReply& reply,
                              const config::DeploymentConfig& settings) {
  const std::string pem = crypto::CertificateToPem(reply.authority_der);
  if (Result<void> written = WriteFileAtomically(folder / "tls" / "ca.pem", AsBytes(pem), 0644);
      !written) {
    return written;
  }
  if (Result<void> written =
          WriteFileAtomically(folder / "audit" / "log.vkey", AsBytes(reply.log_vkeys), 0644);
      !written) {
    return written;
  }
  // Last: its presence is what makes the folder a deployment.
  return WriteFileAtomically(folder / "config.toml", AsBytes(config::FormatConfig(settings)));
}

void PrintMade(const InitOptions& options, const fs::path& folder, const custody::InitReply& reply,
               const config::DeploymentConfig& settings) {
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("deployment").String(folder.string());
    writer.Key("tenant").String(options.tenant).Key("token").String(reply.token);
    writer.Key("ca").String((folder / "tls" / "ca.pem").string());
    writer.Key("log_key").String((folder / "audit" / "log.vkey").string()).EndObject();
    PrintJson(writer.Take());
    return;
  }
  PrintLine("made a deployment in " + folder.string() + " with tenant '" + options.tenant + "'");
  PrintLine("token: " + reply.token);
  PrintLine("CA for clients: " + (folder / "tls" / "ca.pem").string());
  if (settings.custody.mirror.empty()) {
    PrintNote(
        "note: no mirror is set: erasing will be refused until custody.mirror names a folder "
        "on another disk, or is \"none\"");
  }
  if (options.insecure_pin_file) {
    PrintNote("warning: the PIN lies beside the token: a stolen disk opens everything");
  }
  PrintLine("next: casemate serve --dir " + folder.string() + " --passphrase-file F");
}

Result<ExitStatus> RunInit(const InitOptions& given) {
  InitOptions options = given;
  if (!options.mirror.empty() && options.no_mirror) {
    return Fail(ErrorCode::kInvalidArgument, "--mirror and --no-mirror exclude each other");
  }
  if (!options.mirror.empty()) {
    options.mirror = fs::absolute(options.mirror).lexically_normal().string();
  }
  Result<fs::path> folder = PrepareFolder(options.dir);
  if (!folder) {
    return std::unexpected(folder.error());
  }
  Result<fs::path> shipped = FindShippedModels(options.models);
  if (!shipped) {
    return std::unexpected(shipped.error());
  }
  UniqueFd secret;
  if (!options.insecure_pin_file) {
    Result<SecretBuffer> passphrase = ReadPassphrase(options.passphrase, true);
    if (!passphrase) {
      return std::unexpected(passphrase.error());
    }
    Result<UniqueFd> pipe = SecretMemfd(*passphrase);
    if (!pipe) {
      return std::unexpected(pipe.error());
    }
    secret = std::move(*pipe);
  }
  const config::DeploymentConfig settings = MakeConfig(options);
  Result<policy::LabelOrder> labels = policy::LabelOrder::Of(settings.labels.order);
  Result<policy::Label> fallback =
      labels ? labels->Parse(settings.labels.fallback) : std::unexpected(labels.error());
  if (!fallback) {
    return std::unexpected(fallback.error());
  }
  Unfinished unfinished(*folder);
  if (Result<void> made = MakeFolders(*folder, settings); !made) {
    return std::unexpected(made.error());
  }
  Result<std::vector<custody::ModelEntry>> models = CopyShippedModels(*shipped, *folder / "models");
  if (!models) {
    return std::unexpected(models.error());
  }
  Result<custody::InitReply> reply =
      AskNewCustodian({.deployment = *folder,
                       .settings = settings,
                       .tenant = options.tenant,
                       .argon2_memory_kib = static_cast<std::uint32_t>(options.argon2_memory_kib),
                       .models = std::move(*models)},
                      std::move(secret));
  if (!reply) {
    return std::unexpected(reply.error());
  }
  if (Result<void> written = WritePublicFiles(*folder, *reply, settings); !written) {
    return std::unexpected(written.error());
  }
  unfinished.Finished();
  PrintMade(options, *folder, *reply, settings);
  return ExitStatus::kOk;
}

}  // namespace

void AddInit(CommandLine& line) {
  auto options = std::make_shared<InitOptions>();
  line.Add("init", "Make a deployment: token, key trees, certificates, log, first tenant",
           "casemate init --dir /srv/casemate --passphrase-file F --mirror "
           "/mnt/second-disk/casemate",
           [options] { return RunInit(*options); })
      .Required("--dir", options->dir, "The deployment's folder; must be new or empty")
      .Text("--passphrase-file", options->passphrase.file, "Its first line seals the token's PIN")
      .Number("--passphrase-fd", options->passphrase.descriptor, "Read it from this descriptor", 3,
              1 << 20)
      .Text("--tenant", options->tenant, "Name of the first tenant (default: default)")
      .Text("--mirror", options->mirror, "Folder on another disk for the key tree's second copy")
      .Flag("--no-mirror", options->no_mirror, "Accept that a lost disk loses everything")
      .Flag("--insecure-pin-file", options->insecure_pin_file,
            "Leave the PIN beside the token: a stolen disk opens everything")
      .Text("--token-uri", options->token_uri, "RFC 7512 URI of a PKCS#11 token (default: own)")
      .Text("--module", options->module, "The PKCS#11 library (default: SoftHSM2's)")
      .Text("--models", options->models, "Folder of the shipped models, if it is not found")
      .Number("--argon2-memory-kib", options->argon2_memory_kib,
              "Memory of Argon2id in KiB (default: 262144)", 8192, 4 << 20)
      .Many("--dns", options->dns_names, "DNS name for the server's certificate")
      .Many("--labels", options->labels,
            "Labels, lowest first (default: public internal confidential secret); fixed for good")
      .Text("--default-label", options->default_label,
            "Label of what comes without one (default: internal)")
      .Many("--ip", options->ip_addresses, "IP address for the server's certificate")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
