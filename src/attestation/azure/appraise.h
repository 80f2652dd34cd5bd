#pragma once

#include <string>

#include "attestation/appraisal.h"
#include "attestation/context.h"

namespace casemate::attestation::azure {

// The envelope's binding, and the appraisal of the report inside.
Appraisal Appraise(const std::string& source, ByteView raw, const Context& context);

}  // namespace casemate::attestation::azure
