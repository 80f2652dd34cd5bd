#include "app/command_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "base/fd.h"
#include "ipc/channel.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

ErrorCode CodeOf(std::uint16_t status, std::string_view name) {
  for (int value = 1; value <= static_cast<int>(ErrorCode::kDeadlineExceeded); ++value) {
    if (ErrorCodeName(static_cast<ErrorCode>(value)) == name) {
      return static_cast<ErrorCode>(value);
    }
  }
  return status == 404 ? ErrorCode::kNotFound
                       : (status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument);
}

std::string NameOf(const json::Value& holder, std::string_view key) {
  const std::optional<json::Value> value = holder.GetSet(key);
  if (!value) {
    return {};
  }
  // Messages of the server: about the request, never content.
  Result<PlaintextView> text = value->AsString();
  return text ? std::string(text->Reveal()) : std::string();
}

Error EnvelopeError(const net::ClientResponse& response) {
  Error error{.code = CodeOf(response.status, {}),
              .message = "the server answered " + std::to_string(response.status),
              .param = {},
              .detail = {}};
  Result<json::Document> document = json::Document::Parse(response.body);
  if (!document) {
    return error;
  }
  const std::optional<json::Value> envelope = document->root().Get("error");
  if (!envelope) {
    return error;
  }
  if (std::string message = NameOf(*envelope, "message"); !message.empty()) {
    error.message = std::move(message);
  }
  error.param = NameOf(*envelope, "param");
  error.code = CodeOf(response.status, NameOf(*envelope, "code"));
  return error;
}

// Addresses hold 107 bytes; through the folder's descriptor every path fits.
Result<UniqueFd> ConnectSocket(const fs::path& path) {
  UniqueFd folder(::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!folder.valid() || !socket.valid()) {
    return FailErrno("opening " + path.string());
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name =
      "/proc/self/fd/" + std::to_string(folder.get()) + "/" + path.filename().string();
  if (name.size() >= sizeof(address.sun_path)) {
    return Fail(ErrorCode::kInvalidArgument, "the name of " + path.string() + " is too long");
  }
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return FailErrno("connecting to " + path.string());
  }
  return socket;
}

}  // namespace

Result<ApiClient> ApiClient::Connect(const fs::path& deployment, const std::string& tenant) {
  Result<net::HttpClient> client = net::HttpClient::Connect(deployment / "run" / "admin.sock");
  if (!client) {
    const ErrorCode code = client.error().code;
    return std::unexpected(code == ErrorCode::kNotFound || code == ErrorCode::kUnavailable
                               ? NoServer(deployment)
                               : client.error());
  }
  return ApiClient(std::move(*client), tenant, deployment);
}

net::ClientRequest ApiClient::Request(const std::string& method, const std::string& target,
                                      PlaintextView body, const std::string& content_type,
                                      std::vector<net::Header> headers) const {
  net::ClientRequest request{
      .method = method, .target = target, .headers = std::move(headers), .body = body};
  if (!body.empty()) {
    request.headers.push_back({"content-type", content_type});
  }
  if (!tenant_.empty()) {
    request.headers.push_back({"x-casemate-tenant", tenant_});
  }
  return request;
}

Result<ApiClient::Answer> ApiClient::Call(const std::string& method, const std::string& target,
                                          PlaintextView body, const std::string& content_type,
                                          std::vector<net::Header> headers) {
  Result<net::ClientResponse> response =
      client_.Send(Request(method, target, body, content_type, std::move(headers)));
  if (!response) {
    return std::unexpected(response.error());
  }
  if (!response->ok()) {
    return std::unexpected(EnvelopeError(*response));
  }
  Result<json::Document> document =
      json::Document::Parse(response->body, {.max_bytes = std::size_t{256} << 20});
  if (!document) {
    return Wrap(document.error(), "the server's answer");
  }
  return Answer{.body = std::move(*document), .headers = std::move(response->headers)};
}

Result<void> ApiClient::Stream(const std::string& target, PlaintextView body,
                               const std::function<Result<void>(PlaintextView)>& on_data) {
  constexpr std::string_view kData = "data: ";
  Plaintext pending;  // an event that has not ended
  const auto on_piece = [&](PlaintextView piece) -> Result<void> {
    pending.Append(piece);
    std::size_t begin = 0;
    const std::string_view text = pending.view().Reveal();
    for (std::size_t end = text.find("\n\n"); end != std::string_view::npos;
         end = text.find("\n\n", begin)) {
      const std::string_view event = text.substr(begin, end - begin);
      begin = end + 2;
      const std::size_t data =
          event.starts_with(kData) ? 0 : std::min(event.find("\ndata: "), event.size() - 1) + 1;
      if (data < event.size()) {
        if (Result<void> done = on_data(PlaintextView::Of(event.substr(data + kData.size())));
            !done) {
          return done;
        }
      }
    }
    pending = Plaintext::Copy(pending.view().Part(begin));
    return {};
  };
  Result<net::ClientResponse> response =
      client_.SendStreaming(Request("POST", target, body, "application/json", {}), on_piece);
  if (!response) {
    return std::unexpected(response.error());
  }
  return response->ok() ? Result<void>() : std::unexpected(EnvelopeError(*response));
}

Plaintext EncodeQuery(PlaintextView text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  Plaintext out;
  out.Reserve(text.size() * 3);
  for (char c : text.Reveal()) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out.Append(PlaintextView::Of(std::string_view(&c, 1)));
    } else {
      const char coded[] = {'%', kHex[byte >> 4], kHex[byte & 15]};
      out.Append(PlaintextView::Of(std::string_view(coded, sizeof(coded))));
    }
  }
  return out;
}

Result<int> ServerProcess(const fs::path& deployment) {
  Result<UniqueFd> socket = ConnectSocket(deployment / "run" / "custodian.sock");
  if (!socket) {
    return std::unexpected(socket.error().code == ErrorCode::kPermissionDenied
                               ? socket.error()
                               : NoServer(deployment));
  }
  ucred listener{};
  socklen_t size = sizeof(listener);
  if (::getsockopt(socket->get(), SOL_SOCKET, SO_PEERCRED, &listener, &size) != 0) {
    return FailErrno("SO_PEERCRED");
  }
  return listener.pid;
}

Result<std::unique_ptr<ipc::Peer>> ConnectCustodian(const fs::path& deployment) {
  Result<UniqueFd> socket = ConnectSocket(deployment / "run" / "custodian.sock");
  if (!socket) {
    return std::unexpected(socket.error().code == ErrorCode::kPermissionDenied
                               ? socket.error()
                               : NoServer(deployment));
  }
  ipc::Peer::Handlers handlers;
  handlers.request = [](ipc::Incoming) {};  // the custodian asks nothing; dropping it refuses it
  handlers.notice = [](ipc::Frame) {};
  handlers.closed = [](const Error&) {};
  return ipc::Peer::Start(
      ipc::Channel(std::move(*socket), ipc::ProcessKind::kOperator, ipc::ProcessKind::kCustodian),
      std::move(handlers));
}

}  // namespace casemate::app
