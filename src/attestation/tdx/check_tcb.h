#pragma once

#include "attestation/appraisal.h"
#include "attestation/context.h"
#include "attestation/tdx/pck.h"
#include "attestation/tdx/quote.h"

namespace casemate::attestation::tdx {

// The steps "collateral" (signature, signer's chain, dates), "qe-identity", "tcb-level", "module"
// and "tcb-status", and the appraisal's TCB. What is missing is a step that was not checked, and
// says what to give.
void CheckTcb(const Quote& quote, const Pck& pck, const Context& context, Appraisal& appraisal);

}  // namespace casemate::attestation::tdx
