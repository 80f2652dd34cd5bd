#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

// What an HTTP server counts. Inside this folder only. Threads: at any time.
namespace casemate::net {

using Elapsed = std::chrono::steady_clock::duration;

void CountHandshake(std::string_view group);
// `reason`: RefusalReason's.
void CountRefusedHandshake(std::string_view reason);
// `route` is a RouteTemplate; the status is counted by its class.
void CountRequest(std::string_view route, std::uint16_t status, Elapsed elapsed);
void CountFirstByte(std::string_view route, Elapsed elapsed);
void CountInFlight(int change);
// A request that the front itself refused; `code` is what the client reads, or empty.
void CountRefusal(std::uint16_t status, std::string_view code);

}  // namespace casemate::net
