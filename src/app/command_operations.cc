#include <memory>

#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_secret.h"
#include "app/command_server.h"
#include "base/file.h"
#include "custody/messages.h"
#include "net/unix_client.h"

// What an operator asks of a running server: its numbers, its configuration anew, its unlocking.
namespace casemate::app {
namespace {

namespace fs = std::filesystem;

// The token's key derivation (Argon2id with a gigabyte on a busy machine) and the start behind it.
constexpr std::chrono::seconds kUnlockTime{120};

struct MetricsOptions {
  std::string dir;
  bool open_metrics = false;
};

Result<ExitStatus> RunMetrics(const MetricsOptions& options) {
  Result<fs::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<net::HttpClient> client = net::HttpClient::Connect(*deployment / "run" / "admin.sock");
  if (!client) {
    return std::unexpected(client.error().code == ErrorCode::kPermissionDenied
                               ? client.error()
                               : NoServer(*deployment));
  }
  net::ClientRequest request{.target = "/metrics"};
  if (options.open_metrics) {
    request.headers.push_back({"accept", "application/openmetrics-text; version=1.0.0"});
  }
  Result<net::ClientResponse> response = client->Send(request);
  if (!response) {
    return std::unexpected(response.error());
  }
  if (!response->ok()) {
    return Fail(ErrorCode::kUnavailable,
                "the server answered with status " + std::to_string(response->status));
  }
  if (Result<void> written = WriteAll(1, response->body.view().RevealBytes()); !written) {
    return std::unexpected(written.error());
  }
  return ExitStatus::kOk;
}

struct ReloadOptions {
  std::string dir;
  bool json = false;
};

std::vector<std::string> Names(const json::Document& document, std::string_view list) {
  std::vector<std::string> names;
  const std::optional<json::Value> values = document.root().Get(list);
  for (const json::Value& value : values ? values->Elements() : std::vector<json::Value>()) {
    if (Result<std::string> name = value.AsName()) {
      names.push_back(std::move(*name));
    }
  }
  return names;
}

Result<ExitStatus> RunReload(const ReloadOptions& options) {
  Result<fs::path> deployment = FindDeployment(options.dir);
  Result<ApiClient> client = deployment ? ApiClient::Connect(*deployment, "")
                                        : Result<ApiClient>(std::unexpected(deployment.error()));
  if (!client) {
    return std::unexpected(client.error());
  }
  Result<ApiClient::Answer> answer = client->Call("POST", "/casemate/v1/reload");
  if (!answer) {
    return std::unexpected(answer.error());
  }
  const std::vector<std::string> applied = Names(answer->body, "applied");
  const std::vector<std::string> need_restart = Names(answer->body, "need_restart");
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("applied").BeginArray();
    for (const std::string& name : applied) {
      writer.String(name);
    }
    writer.EndArray().Key("need_restart").BeginArray();
    for (const std::string& name : need_restart) {
      writer.String(name);
    }
    writer.EndArray().EndObject();
    PrintJson(writer.Take());
    return ExitStatus::kOk;
  }
  for (const std::string& name : applied) {
    PrintLine(name + ": taken over");
  }
  for (const std::string& name : need_restart) {
    PrintLine(name + " needs a restart: unchanged");
  }
  if (applied.empty() && need_restart.empty()) {
    PrintLine("nothing in config.toml has changed");
  }
  return ExitStatus::kOk;
}

struct UnlockOptions {
  std::string dir;
  SecretSource passphrase;
};

Result<ExitStatus> RunUnlock(const UnlockOptions& options) {
  Result<fs::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  // Before anybody is asked for a passphrase that nobody waits for.
  Result<std::unique_ptr<ipc::Peer>> peer = ConnectCustodian(*deployment);
  if (!peer) {
    return std::unexpected(peer.error());
  }
  Result<SecretBuffer> passphrase = ReadPassphrase(options.passphrase, false);
  if (!passphrase) {
    return std::unexpected(passphrase.error());
  }
  custody::Unlock unlock;
  unlock.secret.Append(PlaintextView::Of(passphrase->RevealBytes()));
  Result<custody::UnlockReply> reply = (*peer)->Call<custody::UnlockReply>(unlock, kUnlockTime);
  if (!reply) {
    return std::unexpected(reply.error());
  }
  PrintLine("unlocked");
  return ExitStatus::kOk;
}

}  // namespace

void AddOperations(CommandLine& line) {
  auto metrics = std::make_shared<MetricsOptions>();
  line.Add("metrics", "Print the numbers of a running server, as Prometheus reads them",
           "casemate metrics --dir D", [metrics] { return RunMetrics(*metrics); })
      .Required("--dir", metrics->dir, "The deployment's folder")
      .Flag("--openmetrics", metrics->open_metrics, "OpenMetrics 1.0 instead of the text format");
  auto reload = std::make_shared<ReloadOptions>();
  line.Add("reload", "Have a running server read config.toml anew", "casemate reload --dir D",
           [reload] { return RunReload(*reload); })
      .Required("--dir", reload->dir, "The deployment's folder")
      .Flag("--json", reload->json, "Print JSON");
  auto unlock = std::make_shared<UnlockOptions>();
  line.Add("unlock", "Give a locked server its passphrase", "casemate unlock --dir D",
           [unlock] { return RunUnlock(*unlock); })
      .Required("--dir", unlock->dir, "The deployment's folder")
      .Text("--passphrase-file", unlock->passphrase.file, "Its first line")
      .Number("--passphrase-fd", unlock->passphrase.descriptor, "Read it from this descriptor", 3,
              1 << 20);
}

}  // namespace casemate::app
