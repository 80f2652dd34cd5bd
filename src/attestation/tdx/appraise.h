#pragma once

#include <string>

#include "attestation/appraisal.h"
#include "attestation/context.h"

namespace casemate::attestation::tdx {

// `raw` is a quote of TDX or SGX. Its certificates are inside it; TCB info, QE identity, their
// signer's chain and revocation lists come from the context. What does not hold is a failed step.
Appraisal Appraise(const std::string& source, ByteView raw, const Context& context);

}  // namespace casemate::attestation::tdx
