#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "custody/client/release_client.h"

namespace casemate::custody {

// An implementation of ReleaseClient, and what a test needs around it.
class ReleaseClientHarness {
 public:
  virtual ~ReleaseClientHarness() = default;
  virtual ReleaseClient& client() = 0;
  virtual PrincipalId principal() = 0;
  virtual KeyId key() { return {}; }
  virtual ObjectRef tenant_object() = 0;
  virtual void RevokePrincipal() = 0;
  // Waits until the client has heard of it and `heard` holds.
  virtual void Await(const std::function<bool()>& heard) { EXPECT_TRUE(heard()); }

  TicketRequest Everything() {
    TicketRequest request;
    request.principal = principal();
    request.key = key();
    request.justification = policy::Justification::kCustomerInitiatedAccess;
    request.actions = policy::Action::kList | policy::Action::kRead | policy::Action::kSearch;
    request.actions = request.actions | policy::Action::kSeal | policy::Action::kErase;
    request.all_collections = true;
    request.max_objects = 100;
    request.duration_ms = 60'000;
    return request;
  }
};

}  // namespace casemate::custody
