#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "net/stream_internal.h"

namespace casemate::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

auto Await(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

class UnixStream : public Stream {
 public:
  explicit UnixStream(asio::local::stream_protocol::socket socket) : socket_(std::move(socket)) {}

  asio::awaitable<Result<void>> Handshake() override { co_return Result<void>{}; }
  asio::awaitable<Result<std::size_t>> Read(std::span<std::byte> into) override {
    error_code ec;
    const std::size_t count =
        co_await socket_.async_read_some(asio::mutable_buffer(into.data(), into.size()), Await(ec));
    if (ec == asio::error::eof) {
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
      const std::size_t count = co_await socket_.async_write_some(
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
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    co_return;
  }
  void EndOutput() override {
    error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  }
  void Close() override {
    error_code ignored;
    socket_.close(ignored);
  }
  const ClientHello& hello() const override { return hello_; }
  std::string tls_group() const override { return {}; }

 private:
  ClientHello hello_;  // empty
  asio::local::stream_protocol::socket socket_;
};

}  // namespace

std::unique_ptr<Stream> MakeUnixStream(asio::io_context& io, UniqueFd socket) {
  error_code ec;
  asio::local::stream_protocol::socket connection(io);
  connection.assign(asio::local::stream_protocol(), socket.Release(), ec);
  return std::make_unique<UnixStream>(std::move(connection));
}

}  // namespace casemate::net
