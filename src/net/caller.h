#pragma once

#include "base/id.h"
#include "policy/label.h"

namespace casemate::net {

// For whom a request is done.
struct Caller {
  TenantId tenant;
  PrincipalId principal;
  KeyId key;  // none on the operator's socket
  policy::Label ceiling = policy::kLowestLabel;
  bool from_operator = false;
  bool operator==(const Caller&) const = default;
};

}  // namespace casemate::net
