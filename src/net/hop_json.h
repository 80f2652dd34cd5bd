#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/hop_table.h"
#include "secmem/plaintext.h"

namespace casemate::net {

// Where a server or connect has its table.
inline constexpr std::string_view kHopsPath = "/casemate/v1/hops";

struct HopsContext {
  std::int64_t time = 0;                      // UNIX seconds
  std::string minimum;                        // of the TLS port: "hybrid" or "classical"
  std::vector<std::string> classical_from{};  // peers that are held to less
  std::vector<std::pair<std::string, std::string>> channels{};  // kinds of process with a channel
};

// A table as docs/flows.md describes it ("Your own hops"): fields may be added, these stay.
Plaintext HopsJson(const HopSnapshot& snapshot, const HopsContext& context);

// "hybrid", "pure" (ML-KEM without a curve), "classical", or "local" without TLS.
std::string_view HopVerdict(const HopFacts& facts);

}  // namespace casemate::net
