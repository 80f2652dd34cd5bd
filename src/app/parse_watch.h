#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>

#include "base/error.h"

namespace casemate::app {

// Watches what this process uses of processor and memory, and for abort(3), with which libraries
// answer a lack of memory; tells once, so that a document gets a reason where the kernel's limits
// alone would only end the process. Those stay behind it. Threads: one of its own.
class ParseWatch {
 public:
  struct Limits {
    std::chrono::seconds cpu;
    std::uint64_t memory_bytes;  // resident
  };
  // `over` gets kTooLarge with the limit, or kInvalidArgument after an abort; on the watch's
  // thread.
  ParseWatch(Limits limits, std::function<void(const Error&)> over);

  static Error TooMuchMemory(std::uint64_t bytes);

 private:
  void Run(const std::stop_token& stop) const;

  const Limits limits_;
  const Error over_cpu_;  // made before memory is short
  const Error over_memory_;
  const Error aborted_;
  const std::function<void(const Error&)> over_;
  std::jthread thread_;
};

}  // namespace casemate::app
