#pragma once

#include <string>
#include <string_view>

#include "attestation/appraisal.h"
#include "attestation/context.h"
#include "json/reader.h"

// What NVIDIA's verifier service (NRAS) signs: a detached EAT bundle (RFC 9711), one token over all
// and one for each device. NVIDIA's service then vouches for what it compared; the chip's own
// report is not in it. Keys (JWKS) come from the context, from files that the caller chose to
// trust.
namespace casemate::attestation::nvidia {

// [["JWT", overall], {"GPU-0": token, ...}], or the form in which nvtrust's SDK hands it on: a
// token of the SDK's own, and {"REMOTE_GPU_CLAIMS": that form}.
bool IsServiceAnswer(const json::Value& root);
Appraisal AppraiseServiceAnswer(const std::string& source, const json::Value& root,
                                const Context& context);

// The overall token alone, as compact text: incomplete, since the devices' tokens are missing.
bool LooksLikeToken(std::string_view text);
Appraisal AppraiseOverallToken(const std::string& source, std::string_view compact,
                               const Context& context);

}  // namespace casemate::attestation::nvidia
