#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace casemate::net {

// Addresses of peers: "192.0.2.7", "10.1.0.0/16", "2001:db8::/32". An IPv4 peer matches IPv4
// entries only, however it came. Threads: const members may run at the same time.
class PeerSet {
 public:
  PeerSet() = default;
  // Errors: kInvalidArgument: not an address or prefix, or one with bits behind its length.
  [[nodiscard]] static Result<PeerSet> Parse(std::span<const std::string> entries);
  // `peer` as PeerOf writes it.
  bool Has(std::string_view peer) const;
  bool empty() const { return prefixes_.empty(); }

 private:
  struct Prefix {
    int family = 0;  // AF_INET, AF_INET6
    std::array<std::uint8_t, 16> bytes{};
    unsigned bits = 0;
  };
  std::vector<Prefix> prefixes_;
};

}  // namespace casemate::net
