#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace casemate {

// What the caller can do about a failure. `api/` maps each value to one HTTP status; `ipc/` carries
// the value as one byte, so the numbers are part of the wire format: append only.
enum class ErrorCode : unsigned char {
  kInvalidArgument = 1,    // the same call will fail again
  kUnauthenticated = 2,    // no or bad credentials
  kPermissionDenied = 3,   // known, but grants, policy or ticket say no
  kNotFound = 4,           // no such object or model, or erased
  kConflict = 5,           // already there, or changed meanwhile
  kTooLarge = 6,           // over a stated limit
  kRateLimited = 7,        // ask again later; the message says when
  kIntegrityFailure = 8,   // a tag, hash or signature did not verify; never retry
  kResourceExhausted = 9,  // locked memory, token sessions or disk ran out
  kUnavailable = 10,       // token, disk or model not reachable now; retry may help
  kCancelled = 11,
  kDeadlineExceeded = 12,
};

// The name used in logs and in `--json` output: "invalid_argument", "not_found", ...
std::string_view ErrorCodeName(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message;  // for the client: what was expected, what was found, what to do; no content
  std::string param;    // the field of the request that it is about, or empty
  std::string detail;   // for the operator's log: names and sizes, never secret bytes
};

template <typename T>
using Result = std::expected<T, Error>;

// Builds the error of a `Result`. FailErrno appends the text of errno and picks the code from it
// (ENOSPC, ENOMEM, EMFILE, EDQUOT: kResourceExhausted; ENOENT: kNotFound; EACCES, EPERM:
// kPermissionDenied; EEXIST: kConflict; else kUnavailable).
[[nodiscard]] std::unexpected<Error> Fail(ErrorCode code, std::string message,
                                          std::string detail = {});
[[nodiscard]] std::unexpected<Error> FailErrno(std::string_view what);
// The same error one level up, with `context: ` before its message.
[[nodiscard]] std::unexpected<Error> Wrap(Error error, std::string_view context);

}  // namespace casemate
