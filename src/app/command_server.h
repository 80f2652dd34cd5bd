#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/deployment_folder.h"
#include "base/error.h"
#include "ipc/peer.h"
#include "json/reader.h"
#include "json/writer.h"
#include "net/unix_client.h"

// How the command speaks to a running server: the operator's HTTP socket and the custodian's
// control socket, both in D/run. Errors of everything here: kUnavailable when no server runs, with
// the command that starts one.
namespace casemate::app {

// The API over D/run/admin.sock. Threads: one at a time.
class ApiClient {
 public:
  // `tenant` empty: the default one. Errors: also kNotFound: D is no deployment.
  [[nodiscard]] static Result<ApiClient> Connect(const std::filesystem::path& deployment,
                                                 const std::string& tenant);

  struct Answer {
    json::Document body;
    std::vector<net::Header> headers;
  };
  // Sends and reads a JSON answer. Errors: those of the envelope, with its message.
  [[nodiscard]] Result<Answer> Call(const std::string& method, const std::string& target,
                                    PlaintextView body = {},
                                    const std::string& content_type = "application/json",
                                    std::vector<net::Header> headers = {});
  // As Call, for an answer of server-sent events: `on_data` gets the data of each.
  [[nodiscard]] Result<void> Stream(const std::string& target, PlaintextView body,
                                    const std::function<Result<void>(PlaintextView)>& on_data);

 private:
  ApiClient(net::HttpClient client, std::string tenant, std::filesystem::path deployment)
      : client_(std::move(client)),
        tenant_(std::move(tenant)),
        deployment_(std::move(deployment)) {}
  net::ClientRequest Request(const std::string& method, const std::string& target,
                             PlaintextView body, const std::string& content_type,
                             std::vector<net::Header> headers) const;

  net::HttpClient client_;
  std::string tenant_;
  std::filesystem::path deployment_;
};

// Percent-encodes everything but RFC 3986's unreserved characters.
Plaintext EncodeQuery(PlaintextView text);

// The process that listens for the custodian: the supervisor. Errors: as ConnectCustodian.
[[nodiscard]] Result<int> ServerProcess(const std::filesystem::path& deployment);

// The custodian over D/run/custodian.sock.
[[nodiscard]] Result<std::unique_ptr<ipc::Peer>> ConnectCustodian(
    const std::filesystem::path& deployment);

template <typename Reply, typename Message>
[[nodiscard]] Result<Reply> AskCustodian(const std::filesystem::path& deployment,
                                         const Message& message) {
  Result<std::unique_ptr<ipc::Peer>> peer = ConnectCustodian(deployment);
  if (!peer) {
    return std::unexpected(peer.error());
  }
  return (*peer)->template Call<Reply>(message);
}

}  // namespace casemate::app
