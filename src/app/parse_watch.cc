#include "app/parse_watch.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string>
#include <utility>

namespace casemate::app {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(20);
constexpr unsigned kEndAfterAbort = 3;  // seconds, should telling not work any more

std::atomic<bool> aborted = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // as a signal handler needs it

// The thread that aborts stays here; the watch tells and ends the process. SIGALRM does where the
// watch cannot (abort was called with a lock held that telling needs).
void OnAbort(int) {
  aborted.store(true);
  ::alarm(kEndAfterAbort);
  for (;;) {
    ::pause();
  }
}

std::chrono::nanoseconds UsedCpu() {
  timespec used{};
  (void)::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::uint64_t MostMemory() {
  rusage used{};
  (void)::getrusage(RUSAGE_SELF, &used);
  return static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
}

}  // namespace

Error ParseWatch::TooMuchMemory(std::uint64_t bytes) {
  return Error{ErrorCode::kTooLarge,
               "needed more than " + std::to_string(bytes >> 20U) +
                   " MiB of memory to be read: split it, or convert it to a simpler format",
               {},
               {}};
}

ParseWatch::ParseWatch(Limits limits, std::function<void(const Error&)> over)
    : limits_(limits),
      over_cpu_{ErrorCode::kTooLarge,
                "took more than " + std::to_string(limits.cpu.count()) +
                    " s of CPU to be read: split it, or convert it to a simpler format",
                {},
                {}},
      over_memory_(TooMuchMemory(limits.memory_bytes)),
      aborted_{ErrorCode::kInvalidArgument,
               "broken, or too large: its parser gave up over it; save it again or convert it",
               {},
               {}},
      over_(std::move(over)) {
  (void)std::signal(SIGABRT, OnAbort);
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void ParseWatch::Run(const std::stop_token& stop) const {
  while (!stop.stop_requested()) {
    std::this_thread::sleep_for(kLookEvery);
    if (UsedCpu() > limits_.cpu) {
      return over_(over_cpu_);
    }
    if (MostMemory() > limits_.memory_bytes) {
      return over_(over_memory_);
    }
    if (aborted.load()) {
      return over_(aborted_);
    }
  }
}

}  // namespace casemate::app
