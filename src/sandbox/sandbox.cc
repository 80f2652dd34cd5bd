#include "sandbox/sandbox.h"

#include <sys/resource.h>

#include "sandbox/filter.h"
#include "sandbox/landlock.h"

namespace casemate::sandbox {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

bool entered_sanitized = false;  // set with one thread

Result<void> Limit(__rlimit_resource what, std::uint64_t value, const char* name) {
  rlimit limit{};
  if (::getrlimit(what, &limit) != 0) {
    return FailErrno(name);
  }
  if (limit.rlim_max == RLIM_INFINITY || value < limit.rlim_max) {
    limit.rlim_max = value;
  }
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(what, &limit) == 0 ? Result<void>() : FailErrno(name);
}

Result<void> LimitResources(const Rules& rules, std::vector<std::string>& degraded) {
  if (Result<void> done = Limit(RLIMIT_NOFILE, rules.max_files, "RLIMIT_NOFILE"); !done) {
    return done;
  }
  if (rules.max_cpu_seconds > 0) {
    if (Result<void> done = Limit(RLIMIT_CPU, rules.max_cpu_seconds, "RLIMIT_CPU"); !done) {
      return done;
    }
  }
  if (rules.max_memory_bytes > 0 && kSanitized) {
    degraded.emplace_back("memory is not limited: sanitizer build");
  } else if (rules.max_memory_bytes > 0) {
    return Limit(RLIMIT_AS, rules.max_memory_bytes, "RLIMIT_AS");
  }
  return {};
}

}  // namespace

Result<Applied> Enter(const Rules& rules) {
  Applied applied;
  if (Result<void> done = LimitResources(rules, applied.degraded); !done) {
    return std::unexpected(done.error());
  }
  applied.landlock_abi = LandlockAbi();
  Result<std::vector<std::string>> missing = EnterLandlock(rules, applied.landlock_abi);
  if (!missing) {
    return std::unexpected(missing.error());
  }
  applied.degraded.insert(applied.degraded.end(), missing->begin(), missing->end());
  if (kSanitized) {
    applied.degraded.emplace_back("seccomp off: sanitizer build");
    entered_sanitized = true;
  } else if (Result<void> done = EnterFilter(rules); !done) {
    return std::unexpected(done.error());
  }
  return applied;
}

}  // namespace casemate::sandbox

#if defined(__SANITIZE_ADDRESS__)
// The leak check at exit stops the process with ptrace(2), which no hardened process allows, and
// would turn every orderly end into a failure.
extern "C" int __lsan_is_turned_off() { return casemate::sandbox::entered_sanitized ? 1 : 0; }
#endif
