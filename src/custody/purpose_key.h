#pragma once

#include <cstdint>

#include "base/error.h"
#include "base/id.h"
#include "policy/release.h"
#include "secmem/key.h"

namespace casemate::custody {

// The key of one purpose of one object: HKDF-Expand-SHA512(object secret, "casemate/purpose@v1" ||
// u8 length and bytes of each of: purpose u8, tenant id 16, object id 16, version u32), 32 bytes.
// Vectors: docs/formats/key_tree.md. Errors: kResourceExhausted: no locked memory.
[[nodiscard]] Result<Key> DerivePurposeKey(KeyView object_secret, policy::Purpose purpose,
                                           const TenantId& tenant, const ObjectId& object,
                                           std::uint32_t version);

}  // namespace casemate::custody
