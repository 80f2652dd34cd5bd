// A tlog-proof is refused or written back byte for byte; verifying it never accepts without a key.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "audit/verify/proof.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const Result<audit::Proof> proof = audit::ParseProof(text); proof) {
    if (audit::FormatProof(*proof) != text) {
      std::abort();
    }
    // Any sizes and any path: the walk is bounded and does not verify by chance.
    if (audit::VerifyInclusion(audit::LeafHash(proof->extra), proof->index, proof->index + 1,
                               proof->path, audit::EmptyRoot())) {
      std::abort();
    }
    (void)audit::VerifyConsistency(proof->index, audit::EmptyRoot(), proof->index + size,
                                   audit::EmptyRoot(), proof->path);
  }
  if (audit::VerifyProof(text, {})) {
    std::abort();
  }
  return 0;
}
