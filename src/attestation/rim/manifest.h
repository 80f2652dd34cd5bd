#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

// NVIDIA's reference manifests (RIM): a SWID tag (ISO/IEC 19770-2) with the measurements that a
// driver or VBIOS should give, signed with XMLDSig (ECDSA P-384, SHA-384, Canonical XML 1.1).
// libxml2 and xmlsec stay in this folder. No entities, no DTD, no network.
namespace casemate::attestation::rim {

inline constexpr std::size_t kMaxManifestBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxMeasurements = 1024;
inline constexpr std::size_t kMaxAlternatives = 64;

struct ReferenceValue {
  unsigned index = 0;  // counts from 0: the report's block is index + 1
  bool active = false;
  std::vector<Bytes> alternatives;  // SHA-384
};

struct Manifest {
  std::string tag_id;
  std::string version;  // of what it describes: "545.00", "96.00.5E.00.01"
  std::string product;  // "GH100"
  std::vector<ReferenceValue> values;
  std::vector<Bytes>
      certificates;  // DER, as they stand in the signature; the first is the signer's
  // The signature verifies under the first certificate's key and covers the whole document but
  // itself. Whether that certificate is to be trusted is the caller's affair.
  bool signature_holds = false;
  std::string signature_failure;
};

// Errors: kInvalidArgument: not XML, not such a tag, with a DTD, or out of bounds. A signature that
// does not hold is no error: the caller reports it.
[[nodiscard]] Result<Manifest> ReadManifest(ByteView xml);

}  // namespace casemate::attestation::rim
