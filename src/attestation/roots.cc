#include "attestation/roots.h"

#include <algorithm>
#include <array>

#include "attestation/pinned_roots.h"
#include "attestation/revocation.h"
#include "base/clock.h"

namespace casemate::attestation {
namespace {

struct Pin {
  std::string_view sha256;  // of the certificate in DER
  std::string_view family;
  std::string_view company;
  std::string_view jurisdiction;
};

constexpr std::string_view kAmd = "Advanced Micro Devices, Inc. (Santa Clara CA)";
constexpr std::string_view kIntel = "Intel Corporation (Santa Clara CA)";
constexpr std::string_view kNvidia = "NVIDIA Corporation (Santa Clara CA)";

constexpr std::array<Pin, 6> kPins = {{
    {.sha256 = "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd",  // ARK-Milan
     .family = "amd",
     .company = kAmd,
     .jurisdiction = "USA"},
    {.sha256 = "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1",  // ARK-Genoa
     .family = "amd",
     .company = kAmd,
     .jurisdiction = "USA"},
    {.sha256 = "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a",  // ARK-Turin
     .family = "amd",
     .company = kAmd,
     .jurisdiction = "USA"},
    {.sha256 = "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3",
     .family = "intel",
     .company = kIntel,
     .jurisdiction = "USA"},
    {.sha256 = "102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48",
     .family = "nvidia-device",
     .company = kNvidia,
     .jurisdiction = "USA"},
    {.sha256 = "12977b5115acb0381179279fffeb5a8c4d264971ebb32298023a465fa41df5d1",
     .family = "nvidia-rim",
     .company = kNvidia,
     .jurisdiction = "USA"},
}};

struct Pinned {
  std::vector<Root> roots;
  std::vector<crypto::X509Certificate> intermediates;
};

void Sort(const crypto::X509Certificate& certificate, Pinned& pinned) {
  for (const Pin& pin : kPins) {
    if (certificate.sha256() == pin.sha256) {
      for (const Root& known : pinned.roots) {
        if (known.certificate.sha256() == pin.sha256) {
          return;  // each ARK stands in two files
        }
      }
      pinned.roots.push_back({.family = std::string(pin.family),
                              .company = std::string(pin.company),
                              .jurisdiction = std::string(pin.jurisdiction),
                              .certificate = certificate});
      return;
    }
  }
  pinned.intermediates.push_back(certificate);
}

const Pinned& All() {
  static const Pinned all = [] {
    Pinned pinned;
    for (const std::string_view file : PinnedPemFiles()) {
      if (auto certificates = crypto::ReadPemCertificates(file)) {
        for (const crypto::X509Certificate& certificate : *certificates) {
          Sort(certificate, pinned);
        }
      }
    }
    return pinned;
  }();
  return all;
}

}  // namespace

const std::vector<Root>& PinnedRoots() { return All().roots; }
const std::vector<crypto::X509Certificate>& PinnedIntermediates() { return All().intermediates; }

const Result<AnchoredChain>* ChainMemo::Find(const Key& key) const {
  const auto found = known_.find(key);
  return found == known_.end() ? nullptr : &found->second;
}

void ChainMemo::Add(Key key, const Result<AnchoredChain>& chain) {
  constexpr std::size_t kMost = 1024;
  if (known_.size() >= kMost) {
    known_.clear();
  }
  known_.insert_or_assign(std::move(key), chain);
}

namespace {

Result<AnchoredChain> VerifyAnew(std::string_view family, const crypto::X509Certificate& leaf,
                                 std::span<const crypto::X509Certificate> others,
                                 std::span<const crypto::X509Certificate> given,
                                 std::span<const std::string> known_critical) {
  std::vector<crypto::X509Certificate> pool(others.begin(), others.end());
  pool.insert(pool.end(), PinnedIntermediates().begin(), PinnedIntermediates().end());
  std::vector<Root> roots;
  for (const Root& root : PinnedRoots()) {
    if (root.family == family) {
      roots.push_back(root);
    }
  }
  for (const crypto::X509Certificate& root : given) {
    roots.push_back({.family = std::string(family),
                     .company = "unknown: this root was given with --root",
                     .jurisdiction = "unknown",
                     .certificate = root,
                     .given = true});
  }
  std::string failure;
  for (const Root& root : roots) {
    auto path = crypto::VerifyChain(leaf, pool, root.certificate, known_critical);
    if (path) {
      return AnchoredChain{.path = *std::move(path), .root = root};
    }
    if (failure.empty() || path.error().message.find("signature") != std::string::npos) {
      failure = path.error().message;
    }
  }
  return Fail(ErrorCode::kIntegrityFailure, "no chain to a pinned root: " + failure);
}

}  // namespace

Result<AnchoredChain> VerifyToRoot(std::string_view family, const crypto::X509Certificate& leaf,
                                   std::span<const crypto::X509Certificate> others,
                                   const Context& context,
                                   std::span<const std::string> known_critical) {
  if (context.chains == nullptr) {
    return VerifyAnew(family, leaf, others, context.roots, known_critical);
  }
  ChainMemo::Key key = {std::string(family), leaf.sha256()};
  for (const std::span<const crypto::X509Certificate> list :
       {others, std::span<const crypto::X509Certificate>(context.roots)}) {
    for (const crypto::X509Certificate& certificate : list) {
      key.push_back(certificate.sha256());
    }
    key.emplace_back("|");
  }
  key.insert(key.end(), known_critical.begin(), known_critical.end());
  if (const Result<AnchoredChain>* known = context.chains->Find(key)) {
    return *known;
  }
  Result<AnchoredChain> chain = VerifyAnew(family, leaf, others, context.roots, known_critical);
  context.chains->Add(std::move(key), chain);
  return chain;
}

void PassChain(const AnchoredChain& chain, const Context& context, Appraisal& appraisal) {
  std::string names;
  for (const crypto::X509Certificate& certificate : chain.path) {
    names += (names.empty() ? "" : " <- ") + certificate.common_name();
  }
  appraisal.Pass("chain", names + (chain.root.given ? " (given with --root)" : " (pinned)"));
  AppraiseChain(chain, context, "", appraisal);
}

void AppraiseChain(const AnchoredChain& chain, const Context& context, const std::string& prefix,
                   Appraisal& appraisal) {
  appraisal.vouchers.push_back({.role = prefix + "root",
                                .holder = chain.root.certificate.common_name(),
                                .company = chain.root.company,
                                .jurisdiction = chain.root.jurisdiction,
                                .sha256 = chain.root.certificate.sha256()});
  if (chain.root.given) {
    appraisal.warnings.push_back("the chain ends at a root given with --root (" +
                                 chain.root.certificate.common_name() +
                                 "): it proves no more than that key's holder does");
  }
  if (Result<void> valid = crypto::CheckValidity(chain.path, context.time); !valid) {
    appraisal.Refuse(prefix + "validity", valid.error().message);
  } else {
    std::int64_t until = chain.path.front().not_after();
    for (const crypto::X509Certificate& certificate : chain.path) {
      until = std::min(until, certificate.not_after());
    }
    appraisal.Pass(prefix + "validity",
                   "every certificate of the chain is valid, the first ends " + FormatUtc(until));
  }
  CheckRevocation(chain.path, context, prefix + "revocation", appraisal);
}

}  // namespace casemate::attestation
