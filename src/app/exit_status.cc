#include "app/exit_status.h"

namespace casemate::app {

ExitStatus StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermissionDenied:
      return ExitStatus::kRefused;
    case ErrorCode::kNotFound:
      return ExitStatus::kNotFound;
    case ErrorCode::kIntegrityFailure:
      return ExitStatus::kIntegrity;
    case ErrorCode::kUnavailable:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kRateLimited:
      return ExitStatus::kUnavailable;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kConflict:
    case ErrorCode::kTooLarge:
    case ErrorCode::kCancelled:
      return ExitStatus::kFailed;
  }
  return ExitStatus::kFailed;
}

}  // namespace casemate::app
