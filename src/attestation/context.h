#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attestation/attacks.h"
#include "base/bytes.h"
#include "crypto/ocsp.h"
#include "crypto/x509_chain.h"

namespace casemate::attestation {

class ChainMemo;

// A file beside the evidence, as it was read.
struct Companion {
  std::string name;
  Bytes content;
};

// What evidence is judged against. Owned by the caller; appraisers only read it.
struct Context {
  std::int64_t time = 0;                              // UNIX seconds: dates are judged at this time
  std::vector<crypto::X509Certificate> certificates;  // in any order
  std::vector<crypto::X509Certificate> roots;         // trusted beside the pinned ones
  std::vector<crypto::RevocationList> revocation_lists;
  std::vector<crypto::OcspResponse> ocsp_responses;
  std::vector<Companion> collateral;  // Intel's JSON, NVIDIA's reference manifests
  std::vector<Companion> keys;        // public keys that are no certificates (JWK)
  std::optional<Bytes> nonce;         // what the evidence must carry
  std::optional<Bytes> report_data;
  const AttackTable* attacks = nullptr;  // null: the one compiled in
  ChainMemo* chains = nullptr;           // null: every chain is verified anew
};

inline const AttackTable& AttacksOf(const Context& context) {
  return context.attacks == nullptr ? AttackTable::Shipped() : *context.attacks;
}

// How every appraisal begins and ends: of what it is and as of when; what it cannot show, and where
// the known attacks stand by `facts`.
Appraisal Begin(std::string source, Kind kind, std::string format, const Context& context);
void Close(const Context& context, const AttackFacts& facts, std::vector<std::string> cannot_show,
           Appraisal& appraisal);

// The step "report-data": `expected` shorter than the field must be its beginning, with zeroes
// behind.
void CompareReportData(const Context& context, ByteView found, Appraisal& appraisal);

}  // namespace casemate::attestation
