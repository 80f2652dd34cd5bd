#pragma once

#include <memory>
#include <variant>

#include "base/error.h"
#include "base/id.h"
#include "net/messages.h"

namespace casemate::net {

using AnswerPart = std::variant<HttpHead, HttpBody, HttpEnd>;

// The answer to one request as it is made. Threads: Next by one at a time; Cancel at any time.
class Answer {
 public:
  virtual ~Answer() = default;
  // Waits for the next part: one HttpHead, any number of HttpBody, HttpEnd, and then no more.
  // Errors: what the answering side failed with.
  [[nodiscard]] virtual Result<AnswerPart> Next() = 0;
  // Nobody reads it any more: Next returns kCancelled soon. Does not block.
  virtual void Cancel() = 0;
};

// Who answers requests: the tenants' keepers. Threads: all members may run at the same time.
class Backend {
 public:
  virtual ~Backend() = default;
  // May block until the tenant's keeper has started. Errors: kUnavailable: it could not be reached
  // now; what the supervisor refused with.
  [[nodiscard]] virtual Result<std::unique_ptr<Answer>> Open(const TenantId& tenant,
                                                             const HttpRequest& request) = 0;
};

}  // namespace casemate::net
