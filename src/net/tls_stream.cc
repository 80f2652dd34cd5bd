#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "net/stream_internal.h"

namespace casemate::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

auto Await(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

class TlsStream : public Stream {
 public:
  TlsStream(asio::ip::tcp::socket socket, std::shared_ptr<const TlsContext> context,
            std::unique_ptr<ClientHello> hello, SSL* ssl)
      : context_(std::move(context)),
        hello_(std::move(hello)),
        stream_(std::move(socket), ssl) {}  // takes over `ssl`

  asio::awaitable<Result<void>> Handshake() override {
    error_code ec;
    co_await stream_.async_handshake(asio::ssl::stream_base::server, Await(ec));
    if (ec) {
      co_return Fail(ErrorCode::kUnavailable, ec.message());
    }
    co_return Result<void>{};
  }
  asio::awaitable<Result<std::size_t>> Read(std::span<std::byte> into) override {
    error_code ec;
    const std::size_t count =
        co_await stream_.async_read_some(asio::mutable_buffer(into.data(), into.size()), Await(ec));
    if (ec == asio::error::eof || ec == asio::ssl::error::stream_truncated) {
      co_return std::size_t{0};
    }
    if (ec) {
      co_return Fail(ErrorCode::kUnavailable, ec.message());
    }
    co_return count;
  }
  asio::awaitable<Result<void>> Write(PlaintextView bytes) override {
    while (!bytes.empty()) {
      error_code ec;
      const std::size_t count = co_await stream_.async_write_some(
          asio::const_buffer(bytes.Reveal().data(), bytes.size()), Await(ec));
      if (ec) {
        co_return Fail(ErrorCode::kUnavailable, ec.message());
      }
      bytes = bytes.Part(count);
    }
    co_return Result<void>{};
  }
  asio::awaitable<void> Shutdown() override {
    error_code ignored;
    co_await stream_.async_shutdown(Await(ignored));
  }
  void EndOutput() override {
    error_code ignored;
    stream_.next_layer().shutdown(asio::socket_base::shutdown_send, ignored);
  }
  void Close() override {
    error_code ignored;
    stream_.next_layer().close(ignored);
  }
  const ClientHello& hello() const override { return *hello_; }
  std::string tls_group() const override {
    return TlsContext::GroupOf(const_cast<TlsStream*>(this)->stream_.native_handle());
  }

 private:
  std::shared_ptr<const TlsContext> context_;
  std::unique_ptr<ClientHello> hello_;
  asio::ssl::stream<asio::ip::tcp::socket> stream_;
};

}  // namespace

std::unique_ptr<Stream> MakeTlsStream(asio::io_context& io, UniqueFd socket,
                                      std::shared_ptr<const TlsContext> context) {
  auto hello = std::make_unique<ClientHello>();
  SSL* ssl = context->NewConnection(hello.get());
  if (ssl == nullptr) {
    return nullptr;
  }
  error_code ec;
  asio::ip::tcp::socket connection(io);
  connection.assign(asio::ip::tcp::v6(), socket.Release(), ec);
  connection.set_option(asio::ip::tcp::no_delay(true), ec);
  return std::make_unique<TlsStream>(std::move(connection), std::move(context), std::move(hello),
                                     ssl);
}

}  // namespace casemate::net
