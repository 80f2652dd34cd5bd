#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/messages.h"

namespace casemate::net {

struct RequestTarget {
  std::string path;   // percent-decoded, begins with '/'
  std::string query;  // as sent, without '?'
};

// Splits and decodes a request target (RFC 9112, section 3.2): origin form, absolute form (its
// authority is ignored) or "*". Errors: kInvalidArgument: another form, a bad or encoded-slash
// escape, a control character, a "." or ".." segment.
[[nodiscard]] Result<RequestTarget> ParseTarget(std::string_view target);

// What of a request's fields goes on to the keeper: content-type, accept, user-agent, openai-*,
// x-casemate-* (but not x-casemate-tenant, which is the front's).
std::vector<Header> FilterHeaders(const std::vector<Header>& headers);

}  // namespace casemate::net
