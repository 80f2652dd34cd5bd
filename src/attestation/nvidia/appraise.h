#pragma once

#include <string>
#include <vector>

#include "attestation/appraisal.h"
#include "attestation/context.h"
#include "json/reader.h"

namespace casemate::attestation::nvidia {

// `raw` is a report of a GPU or NVSwitch. Its chain comes from `own` (certificates that stand with
// it, all of which must be used) or from the context; reference manifests from the context's
// collateral.
Appraisal Appraise(const std::string& source, ByteView raw,
                   const std::vector<crypto::X509Certificate>& own, const Context& context);

// nvtrust's collection: an array of {"evidence", "certificate", "nonce", ...}, both in base64. One
// appraisal for each entry; at most 64.
bool IsCollection(const json::Value& root);
std::vector<Appraisal> AppraiseCollection(const std::string& source, const json::Value& root,
                                          const Context& context);

// The claims of NVIDIA's verifier service (NRAS) as decoded JSON: nobody's signature stands beside
// them.
bool IsClaims(const json::Value& root);
Appraisal AppraiseClaims(const std::string& source, const json::Value& root,
                         const Context& context);

}  // namespace casemate::attestation::nvidia
