#pragma once

#include "base/error.h"

namespace casemate::app {

// What `casemate` ends with; docs/cli.md.
enum class ExitStatus : int {
  kOk = 0,
  kFailed = 1,  // of several things some failed, or a failure of another kind
  kUsage = 2,
  kRefused = 3,  // permission, grants, policy, a wrong passphrase
  kNotFound = 4,
  kIntegrity = 5,
  kUnavailable = 6,  // no server, no token, no disk
};
ExitStatus StatusOf(ErrorCode code);

}  // namespace casemate::app
