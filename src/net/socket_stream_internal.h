#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "net/stream_internal.h"

namespace casemate::net {

inline auto Await(boost::system::error_code& ec) {
  return boost::asio::redirect_error(boost::asio::use_awaitable, ec);
}

// What every Stream does alike. `AsyncStream` is an Asio socket, or a layer over one; `lowest` of a
// derived class is the socket itself.
template <typename AsyncStream>
class SocketStream : public Stream {
 public:
  template <typename... Arguments>
  explicit SocketStream(Arguments&&... arguments)
      : stream_(std::forward<Arguments>(arguments)...) {}

  boost::asio::awaitable<Result<std::size_t>> Read(std::span<std::byte> into) override {
    boost::system::error_code ec;
    const std::size_t count = co_await stream_.async_read_some(
        boost::asio::mutable_buffer(into.data(), into.size()), Await(ec));
    if (IsEnd(ec)) {
      co_return std::size_t{0};
    }
    if (ec) {
      co_return Fail(ErrorCode::kUnavailable, ec.message());
    }
    Count(count, 0);
    co_return count;
  }
  boost::asio::awaitable<Result<void>> Write(PlaintextView bytes) override {
    while (!bytes.empty()) {
      boost::system::error_code ec;
      const std::size_t count = co_await stream_.async_write_some(
          boost::asio::const_buffer(bytes.Reveal().data(), bytes.size()), Await(ec));
      if (ec) {
        co_return Fail(ErrorCode::kUnavailable, ec.message());
      }
      Count(0, count);
      bytes = bytes.Part(count);
    }
    co_return Result<void>{};
  }
  void CountBy(HopUse use) override { use_ = std::move(use); }
  void EndOutput() override {
    boost::system::error_code ignored;
    stream_.lowest_layer().shutdown(boost::asio::socket_base::shutdown_send, ignored);
  }
  void Close() override {
    boost::system::error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

 protected:
  virtual bool IsEnd(const boost::system::error_code& ec) const {
    return ec == boost::asio::error::eof;
  }
  AsyncStream stream_;

 private:
  void Count(std::size_t bytes_in, std::size_t bytes_out) {
    if (use_ != nullptr) {
      use_->Add(bytes_in, bytes_out);
    }
  }
  HopUse use_;
};

}  // namespace casemate::net
