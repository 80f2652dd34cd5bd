#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace casemate::net {

// Wakes one coroutine of the same io_context. The waiter looks at its condition before it waits and
// again after; everything runs on one thread, so nothing happens between look and wait.
class Signal {
 public:
  explicit Signal(const boost::asio::any_io_executor& executor) : timer_(executor) {}

  void Notify() { timer_.cancel(); }
  boost::asio::awaitable<void> Wait(std::chrono::steady_clock::time_point until) {
    timer_.expires_at(until);
    boost::system::error_code ignored;  // cancelled: notified; else the time has come
    co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  }
  boost::asio::awaitable<void> Wait() { return Wait(std::chrono::steady_clock::time_point::max()); }

 private:
  boost::asio::steady_timer timer_;
};

}  // namespace casemate::net
