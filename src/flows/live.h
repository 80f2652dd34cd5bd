#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "secmem/plaintext.h"

// The hop table of a running server, as its operator's socket tells it (docs/flows.md, "Your own
// hops"), for people.
namespace casemate::flows {

struct LiveHop {
  std::string hop;
  std::string peer;
  std::string direction;  // "accepted", "made"
  std::string transport;  // "tls", ...
  std::string verdict;    // "hybrid", "pure", "classical", "local"
  std::string group;      // these three: TLS only
  std::string version;
  std::string minimum;
  std::string certificate;  // one line; empty: none
  std::int64_t connections = 0;
  std::int64_t open = 0;
  std::int64_t bytes_in = 0;
  std::int64_t bytes_out = 0;
  std::int64_t first_seen = 0;
  std::int64_t last_seen = 0;
};

struct LiveRefusal {
  std::string hop;
  std::string peer;
  std::string reason;
  std::string detail;
  std::string offered;  // groups, by ':'
  std::int64_t count = 0;
  std::int64_t first_seen = 0;
  std::int64_t last_seen = 0;
};

struct LiveHops {
  std::int64_t since = 0;
  std::int64_t time = 0;
  std::string minimum;
  std::vector<std::string> classical_from;
  std::vector<LiveHop> hops;  // last seen first
  std::vector<LiveRefusal> refused;
  std::int64_t forgotten_hops = 0;
  std::int64_t forgotten_refusals = 0;
  std::vector<std::pair<std::string, std::string>> channels;
};

// Errors: kInvalidArgument: not such a page. At most 4 MiB.
[[nodiscard]] Result<LiveHops> ReadLiveHops(PlaintextView json);

// What came since `before`, a line each: new hops, further connections, refusals.
std::vector<std::string> Changes(const LiveHops& before, const LiveHops& now);

// One page with the hops drawn around the front.
std::string RenderLiveHtml(const LiveHops& hops);

}  // namespace casemate::flows
