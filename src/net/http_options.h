#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "net/hop_table.h"
#include "net/http_parser.h"

namespace casemate::net {

// The bounds of an HTTP server.
struct HttpServerOptions {
  HttpLimits limits;
  std::uint32_t max_connections = 512;  // more get 503; many more are closed
  std::uint32_t max_requests = 256;     // let in at the same time; more get 503
  std::uint32_t workers = 64;           // threads that wait for the backend
  std::chrono::milliseconds handshake_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds header_timeout = std::chrono::seconds(30);  // first byte to blank line
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(120);   // between requests
  std::chrono::milliseconds stall_timeout = std::chrono::seconds(60);   // no byte in, or out
  // A body has this long, and a second more for each min_body_rate bytes of it: a client that sends
  // a byte now and then does not hold its place for ever.
  std::chrono::milliseconds body_timeout = std::chrono::seconds(60);
  std::uint64_t min_body_rate = std::uint64_t{16} * 1024;  // bytes a second
  std::shared_ptr<HopTable> hops{};  // where connections are written down; nullptr: nowhere
};

// Since the start.
struct ServerCounters {
  std::uint64_t connections = 0;
  std::uint64_t refused_handshakes = 0;
  std::uint64_t classical_connections = 0;  // let in without a hybrid group
  std::uint64_t requests = 0;
  std::uint64_t unauthenticated = 0;
};

}  // namespace casemate::net
