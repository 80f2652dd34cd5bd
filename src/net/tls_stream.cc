#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "net/socket_stream_internal.h"
#include "net/tls_context.h"

namespace casemate::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class TlsStream final : public SocketStream<asio::ssl::stream<asio::ip::tcp::socket>> {
 public:
  TlsStream(asio::ip::tcp::socket socket, std::shared_ptr<const TlsContext> context,
            std::unique_ptr<ClientHello> hello, SSL* ssl, std::string peer)
      : SocketStream(std::move(socket), ssl),  // takes over `ssl`
        context_(std::move(context)),
        hello_(std::move(hello)) {
    facts_.peer = std::move(peer);
    facts_.minimum = TlsMinimumName(context_->minimum());
    facts_.certificate = context_->certificate();
  }

  asio::awaitable<Result<void>> Handshake() override {
    error_code ec;
    co_await stream_.async_handshake(asio::ssl::stream_base::server, Await(ec));
    if (ec) {
      co_return Fail(ErrorCode::kUnavailable, ec.message());
    }
    Result<TlsAgreement> agreement = ReadAgreement(stream_.native_handle(), context_->minimum());
    if (!agreement) {
      co_return std::unexpected(agreement.error());
    }
    facts_.version = std::move(agreement->version);
    facts_.group = std::move(agreement->group);
    facts_.cipher = std::move(agreement->cipher);
    co_return Result<void>{};
  }
  asio::awaitable<void> Shutdown() override {
    error_code ignored;
    co_await stream_.async_shutdown(Await(ignored));
  }
  const ClientHello& hello() const override { return *hello_; }
  HopFacts facts() const override { return facts_; }

 private:
  bool IsEnd(const error_code& ec) const override {
    return ec == asio::error::eof || ec == asio::ssl::error::stream_truncated;
  }
  std::shared_ptr<const TlsContext> context_;
  std::unique_ptr<ClientHello> hello_;
  HopFacts facts_;
};

}  // namespace

std::unique_ptr<Stream> MakeTlsStream(asio::io_context& io, UniqueFd socket,
                                      std::shared_ptr<const TlsContext> context) {
  auto hello = std::make_unique<ClientHello>();
  std::string peer = PeerOf(socket.get());
  SSL* ssl = context->NewConnection(hello.get());
  if (ssl == nullptr) {
    return nullptr;
  }
  error_code ec;
  asio::ip::tcp::socket connection(io);
  connection.assign(asio::ip::tcp::v6(), socket.Release(), ec);
  connection.set_option(asio::ip::tcp::no_delay(true), ec);
  return std::make_unique<TlsStream>(std::move(connection), std::move(context), std::move(hello),
                                     ssl, std::move(peer));
}

}  // namespace casemate::net
