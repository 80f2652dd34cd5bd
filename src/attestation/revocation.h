#pragma once

#include <span>
#include <string>

#include "attestation/appraisal.h"
#include "attestation/context.h"

namespace casemate::attestation {

// Whether a certificate of the chain (leaf first) was revoked, by the lists (CRL) and stored
// answers (OCSP) of the context that its issuer stands behind. `step` passes when each has one that
// holds at the context's time; without them it says that revocation was not checked, and for how
// many.
void CheckRevocation(std::span<const crypto::X509Certificate> chain, const Context& context,
                     const std::string& step, Appraisal& appraisal);

}  // namespace casemate::attestation
