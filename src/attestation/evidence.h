#pragma once

#include <string>
#include <vector>

#include "attestation/appraisal.h"
#include "attestation/context.h"

// The door of this folder: bytes of unknown kind in, appraisals out.
namespace casemate::attestation {

inline constexpr std::size_t kMaxFileBytes = std::size_t{4} * 1024 * 1024;

enum class Role : unsigned char { kChain, kCollateral, kRoot };

// Sorts a file that stands beside the evidence into `context`, by its content: certificates (PEM,
// DER, or a host's certificate table), revocation lists, OCSP responses, Intel's JSON, NVIDIA's
// reference manifests; as kRoot also a public key (JWK). Errors: kInvalidArgument: none of these.
[[nodiscard]] Result<void> AddFile(Role role, const std::string& name, Bytes content,
                                   Context& context);

// Recognises evidence by its content: raw, hexadecimal text, or JSON. At least one appraisal; what
// is not evidence gives one of kind unknown that is refused. `context` is not changed.
std::vector<Appraisal> AppraiseFile(const std::string& name, ByteView content,
                                    const Context& context);

// Adds a failed step to each appraisal that has an attack not covered, or covered in vain (void).
void RequireCovered(std::vector<Appraisal>& appraisals);

}  // namespace casemate::attestation
