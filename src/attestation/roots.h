#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attestation/appraisal.h"
#include "attestation/context.h"
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
// Results of VerifyToRoot by all that they depend on, so that judging many pieces of evidence below
// the same certificates verifies each chain once. Holds the last 1024. Threads: one at a time.
class ChainMemo {
 public:
  using Key = std::vector<std::string>;
  const Result<AnchoredChain>* Find(const Key& key) const;
  void Add(Key key, const Result<AnchoredChain>& chain);

 private:
  std::map<Key, Result<AnchoredChain>> known_;
};

// Over `others` and the compiled-in intermediates to a root of `family`, or to one that the context
// gives. Errors: kIntegrityFailure: the message of the attempt that came furthest.
[[nodiscard]] Result<AnchoredChain> VerifyToRoot(std::string_view family,
                                                 const crypto::X509Certificate& leaf,
                                                 std::span<const crypto::X509Certificate> others,
                                                 const Context& context,
                                                 std::span<const std::string> known_critical = {});

// The step "chain" of evidence whose chain holds, and with it AppraiseChain without prefix.
void PassChain(const AnchoredChain& chain, const Context& context, Appraisal& appraisal);

// The steps "validity" and "revocation" of a chain (`prefix` before each id), and the voucher.
// Revocation is judged by those lists of the context that an issuer of the chain has signed.
void AppraiseChain(const AnchoredChain& chain, const Context& context, const std::string& prefix,
                   Appraisal& appraisal);

}  // namespace casemate::attestation
