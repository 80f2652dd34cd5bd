#include "base/error.h"

#include <cerrno>
#include <system_error>
#include <utility>

namespace casemate {
namespace {

ErrorCode CodeOfErrno(int value) {
  switch (value) {
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return ErrorCode::kResourceExhausted;
    case ENOENT:
      return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
      return ErrorCode::kPermissionDenied;
    case EEXIST:
      return ErrorCode::kConflict;
    default:
      return ErrorCode::kUnavailable;
  }
}

}  // namespace

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kUnauthenticated:
      return "unauthenticated";
    case ErrorCode::kPermissionDenied:
      return "permission_denied";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kTooLarge:
      return "too_large";
    case ErrorCode::kRateLimited:
      return "rate_limited";
    case ErrorCode::kIntegrityFailure:
      return "integrity_failure";
    case ErrorCode::kResourceExhausted:
      return "resource_exhausted";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kDeadlineExceeded:
      return "deadline_exceeded";
  }
  return "unknown";
}

std::unexpected<Error> Fail(ErrorCode code, std::string message, std::string detail) {
  return std::unexpected(
      Error{.code = code, .message = std::move(message), .param = {}, .detail = std::move(detail)});
}

std::unexpected<Error> FailErrno(std::string_view what) {
  const int value = errno;
  return Fail(CodeOfErrno(value),
              std::string(what) + ": " + std::generic_category().message(value));
}

std::unexpected<Error> Wrap(Error error, std::string_view context) {
  error.message = std::string(context) + ": " + error.message;
  return std::unexpected(std::move(error));
}

}  // namespace casemate
