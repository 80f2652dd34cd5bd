#include "app/hop_page.h"

#include "app/deployment_folder.h"
#include "net/hop_json.h"
#include "net/unix_client.h"

namespace casemate::app {

Result<Plaintext> FetchHops(const std::filesystem::path& deployment) {
  Result<net::HttpClient> client = net::HttpClient::Connect(deployment / "run" / "admin.sock");
  if (!client) {
    return std::unexpected(client.error().code == ErrorCode::kPermissionDenied
                               ? client.error()
                               : NoServer(deployment));
  }
  Result<net::ClientResponse> response = client->Send(
      {.method = "GET", .target = std::string(net::kHopsPath), .headers = {}, .body = {}});
  if (!response) {
    return std::unexpected(response.error());
  }
  if (!response->ok()) {
    return Fail(ErrorCode::kUnavailable, "the server answered with status " +
                                             std::to_string(response->status) +
                                             " (is it older than this command?)");
  }
  return std::move(response->body);
}

}  // namespace casemate::app
