#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attestation/appraisal.h"
#include "base/error.h"
#include "crypto/x509_chain.h"

namespace casemate::attestation {

// A key that evidence may end at.
struct Root {
  std::string family;  // "amd", "intel", "nvidia-device", "nvidia-rim"
  std::string company;
  std::string jurisdiction;
  crypto::X509Certificate certificate;
  bool given = false;  // by the caller (--root), no vendor's that is known here
};

// The roots that are compiled in, and the vendors' intermediates beside them. Each root's SHA-256
// is pinned in the source; one whose file differs is left out, so that nothing verifies against it.
const std::vector<Root>& PinnedRoots();
const std::vector<crypto::X509Certificate>& PinnedIntermediates();

struct AnchoredChain {
  std::vector<crypto::X509Certificate> path;  // leaf first, root last
  Root root;
};
// Over `others` and the compiled-in intermediates to a root of `family`, or to one of `given`.
// Errors: kIntegrityFailure: the message of the attempt that came furthest.
[[nodiscard]] Result<AnchoredChain> VerifyToRoot(std::string_view family,
                                                 const crypto::X509Certificate& leaf,
                                                 std::span<const crypto::X509Certificate> others,
                                                 std::span<const crypto::X509Certificate> given,
                                                 std::span<const std::string> known_critical = {});

// The steps "validity" and "revocation" of a chain (`prefix` before each id), and the voucher.
// Revocation is judged by those of `lists` that an issuer of the chain has signed.
void AppraiseChain(const AnchoredChain& chain, std::span<const crypto::RevocationList> lists,
                   std::int64_t time, const std::string& prefix, Appraisal& appraisal);

}  // namespace casemate::attestation
