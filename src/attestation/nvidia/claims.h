#pragma once

#include <string>
#include <vector>

#include "attestation/appraisal.h"
#include "json/reader.h"

// What NVIDIA's verifier says of a device, claim by claim (NVIDIA's claims guide, versions 2.0 and
// 3.0).
namespace casemate::attestation::nvidia {

struct ClaimsReading {
  std::vector<std::string> refusals;  // claims that say no
  std::size_t read = 0;
};

// Adds each claim as a fact with `prefix` before its name. A boolean that is false, and a word that
// is not the good one, is a refusal. At most 512 claims, four levels deep.
void ReadClaims(const json::Value& claims, const std::string& prefix, ClaimsReading& reading,
                Appraisal& appraisal);

}  // namespace casemate::attestation::nvidia
