#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

// As much DER (X.690) as extensions of attestation certificates need.
namespace casemate::attestation {

struct DerValue {
  unsigned tag = 0;  // one byte: 0x30 SEQUENCE, 0x02 INTEGER, ...
  Bytes content;
};

// The values of a content, one after the other; nothing when it is not whole. At most 256.
std::optional<std::vector<DerValue>> ReadDer(ByteView content);
// "1.2.840.113741" of an OBJECT IDENTIFIER's content; empty when it is none.
std::string OidText(ByteView content);
// A non-negative INTEGER of at most 32 bits.
std::optional<std::uint32_t> DerUnsigned(const DerValue& value);

}  // namespace casemate::attestation
