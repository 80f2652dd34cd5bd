#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "net/messages.h"
#include "secmem/plaintext.h"

namespace casemate::net {

struct ClientRequest {
  std::string method = "GET";
  std::string target = {};           // "/v1/files?limit=10", already percent-encoded
  std::vector<Header> headers = {};  // Host, Content-Length and Connection are added
  PlaintextView body = {};           // valid until the answer is there
};

struct ClientResponse {
  std::uint16_t status = 0;
  std::vector<Header> headers;  // names in lower case
  Plaintext body;

  bool ok() const { return status >= 200 && status < 300; }
  // The value of the first field of that (lower-case) name, or nullptr.
  const std::string* Find(std::string_view name) const;
};

struct ClientOptions {
  // How long the server may stay silent, or not take what is sent; a long answer may take longer.
  std::chrono::milliseconds stall_timeout = std::chrono::minutes(10);
  std::uint64_t max_body_bytes = std::size_t{512} * 1024 * 1024;
};

// A blocking HTTP/1.1 client over the operator's socket, for the `casemate` command. One request at
// a time; the connection is kept and made anew when the server has closed it meanwhile. Threads:
// one at a time.
class HttpClient {
 public:
  // `path` may be longer than a socket address holds. Errors: kNotFound: no such socket;
  // kPermissionDenied; kUnavailable: nobody listens (the server is not running).
  [[nodiscard]] static Result<HttpClient> Connect(const std::filesystem::path& path,
                                                  const ClientOptions& options = {});

  // Sends and waits for the whole answer, whatever its status. Errors: kUnavailable: the server
  // went away; kDeadlineExceeded; kInvalidArgument: the answer is not HTTP; kTooLarge.
  [[nodiscard]] Result<ClientResponse> Send(const ClientRequest& request);

  // As Send, but hands each piece of a successful answer to `on_piece` as it comes, in order, at
  // borders that mean nothing; the returned body is then empty. An answer that is no success comes
  // back whole, as from Send. An error of `on_piece` ends the request, the connection, and is
  // returned.
  using PieceHandler = std::function<Result<void>(PlaintextView)>;
  [[nodiscard]] Result<ClientResponse> SendStreaming(const ClientRequest& request,
                                                     const PieceHandler& on_piece);

 private:
  HttpClient(std::filesystem::path path, const ClientOptions& options, UniqueFd socket);
  [[nodiscard]] Result<void> WriteRequest(const ClientRequest& request);
  [[nodiscard]] Result<ClientResponse> ReadResponse(bool head_only, const PieceHandler& on_piece);
  [[nodiscard]] Result<ClientResponse> Exchange(const ClientRequest& request,
                                                const PieceHandler& on_piece);

  std::filesystem::path path_;
  ClientOptions options_;
  UniqueFd socket_;  // invalid after an error and when the server closes
  Plaintext buffer_;
};

}  // namespace casemate::net
