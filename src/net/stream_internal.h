#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "net/hop_table.h"
#include "net/tls_group.h"
#include "secmem/plaintext.h"

namespace boost::asio {
class io_context;
}

namespace casemate::net {

class TlsContext;

// Bytes to and from one client, whatever carries them. One Read and one Write may be under way
// together. Threads: the io_context's.
class Stream {
 public:
  virtual ~Stream() = default;
  // Errors: the handshake was refused; `message` has OpenSSL's reason.
  virtual boost::asio::awaitable<Result<void>> Handshake() = 0;
  // 0 at the end.
  virtual boost::asio::awaitable<Result<std::size_t>> Read(std::span<std::byte> into) = 0;
  // All of it, from one flat buffer.
  virtual boost::asio::awaitable<Result<void>> Write(PlaintextView bytes) = 0;
  // Says goodbye (close_notify).
  virtual boost::asio::awaitable<void> Shutdown() = 0;
  // Sends nothing more, without a goodbye; what comes can still be read.
  virtual void EndOutput() = 0;
  // Ends every call under way.
  virtual void Close() = 0;
  virtual const ClientHello& hello() const = 0;
  // Who is there, and after the handshake what was agreed on; `hop` is for the caller to set.
  virtual HopFacts facts() const = 0;
  // From now on bytes are counted there.
  virtual void CountBy(HopUse use) = 0;
};

// Take the descriptor of an accepted connection.
std::unique_ptr<Stream> MakeTlsStream(boost::asio::io_context& io, UniqueFd socket,
                                      std::shared_ptr<const TlsContext> context);
// Without TLS: a UNIX or a loopback socket. nullptr: the descriptor is no stream socket.
std::unique_ptr<Stream> MakePlainStream(boost::asio::io_context& io, UniqueFd socket);

}  // namespace casemate::net
