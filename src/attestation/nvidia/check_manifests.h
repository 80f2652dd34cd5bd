#pragma once

#include <string>

#include "attestation/appraisal.h"
#include "attestation/context.h"
#include "attestation/nvidia/report.h"

namespace casemate::attestation::nvidia {

// The steps "rim-signature", "rim-driver" and "rim-vbios", with the reference manifests among the
// collateral.
void CheckManifests(const Report& report, const Context& context, Appraisal& appraisal);

// ASCII; versions are written in either case.
std::string Lower(std::string text);

}  // namespace casemate::attestation::nvidia
