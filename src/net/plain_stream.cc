#include <sys/socket.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include "net/socket_stream_internal.h"

namespace casemate::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

class PlainStream final : public SocketStream<Socket> {
 public:
  PlainStream(Socket socket, HopFacts facts)
      : SocketStream(std::move(socket)), facts_(std::move(facts)) {}
  asio::awaitable<Result<void>> Handshake() override { co_return Result<void>{}; }
  asio::awaitable<void> Shutdown() override {
    EndOutput();
    co_return;
  }
  const ClientHello& hello() const override { return hello_; }
  HopFacts facts() const override { return facts_; }

 private:
  ClientHello hello_;  // empty
  HopFacts facts_;
};

}  // namespace

std::unique_ptr<Stream> MakePlainStream(asio::io_context& io, UniqueFd socket) {
  sockaddr_storage name{};
  socklen_t size = sizeof(name);
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    return nullptr;
  }
  HopFacts facts;
  facts.peer = PeerOf(socket.get());
  facts.transport = name.ss_family == AF_UNIX ? HopTransport::kUnixSocket : HopTransport::kLoopback;
  error_code ec;
  Socket connection(io);
  connection.assign(asio::generic::stream_protocol(name.ss_family, 0), socket.Release(), ec);
  return ec ? nullptr : std::make_unique<PlainStream>(std::move(connection), std::move(facts));
}

}  // namespace casemate::net
