#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace casemate {

// CLOCK_BOOTTIME: goes on during suspend, never jumps; leases and deadlines are counted on it.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  // The name is [time.clock.req]'s.
  static constexpr bool is_steady = true;  // NOLINT(readability-identifier-naming)
  static time_point now() noexcept;
};

// Wall-clock time for records. Seconds, or milliseconds, since 1970-01-01 UTC.
std::int64_t UnixSeconds();
std::int64_t UnixMillis();
// "2026-11-22T17:40:41Z"
std::string FormatUtc(std::int64_t unix_seconds);

}  // namespace casemate
