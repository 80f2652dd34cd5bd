#pragma once

#include <string>

#include "attestation/appraisal.h"
#include "attestation/context.h"

namespace casemate::attestation::cca {

// The platform's key (CPAK) comes from the context's keys: a JWK, or a list of {"pkey",
// "implementation-id", "instance-id"} as Veraison's stores have it. There is no common root.
Appraisal Appraise(const std::string& source, ByteView raw, const Context& context);

}  // namespace casemate::attestation::cca
