#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace casemate::audit {

// What one entry of the log tells. Numbers are part of the format: append only.
enum class LeafType : std::uint8_t {
  kTicket = 1,        // written before anything is released under it
  kRefusal = 2,       // a ticket or release that was refused; `rule` says why
  kRelease = 3,       // purpose keys handed out: how many, of what, root of their ids
  kTicketClosed = 4,  // all that was released under a ticket
  kCreated = 5,       // objects made
  kErasure = 6,       // an epoch: how many objects died, root of their ids, new epoch
  kKeyCreated = 7,
  kKeyRevoked = 8,
  kTenantCreated = 9,
  kModelRegistered = 10,
  kStart = 11,
  kStop = 12,
  kRestored = 13,  // this log goes on from a backup
  // Version 2 of the leaf:
  kTenantSuspended = 14,
  kTenantResumed = 15,
  kTenantRemoved = 16,  // its epoch keys are destroyed next
  kPrincipalCreated = 17,
  kPrincipalSuspended = 18,
  kPrincipalResumed = 19,
  kPrincipalRemoved = 20,  // its salt is erased: nobody can say whose the entries are
  kGrantAdded = 21,
  kGrantRemoved = 22,
};
inline constexpr std::uint8_t kLastLeafType = 22;
std::string_view LeafTypeName(LeafType type);  // "ticket", "release", ...

using Commitment = std::array<std::byte, 32>;  // all zero: absent

// One leaf: docs/formats/audit_leaf.md. No content, no name, no plain id. Commitments are
// HMAC-SHA-256(salt key of the principal or tenant, field number || value): erasing the salt's
// object erases what they say and every proof still holds.
struct Leaf {
  LeafType type = LeafType::kStart;
  std::int64_t unix_ms = 0;
  Commitment tenant{};
  Commitment principal{};
  Commitment ticket{};
  std::uint8_t justification = 0;
  std::uint8_t level = 0;
  std::uint16_t actions = 0;
  std::uint8_t label = 0;
  std::uint8_t purpose = 0;
  std::uint8_t rule = 0;  // refusals: the rule's number, docs/formats/audit_leaf.md
  std::uint32_t count = 0;
  std::uint32_t max_objects = 0;
  std::uint32_t max_partitions = 0;
  std::uint32_t duration_ms = 0;
  std::uint64_t epoch = 0;
  Commitment objects{};  // salted Merkle root (RFC 6962 hashing) over the object ids
  Commitment request{};  // salted digest of the request
};

inline constexpr std::size_t kLeafSize = 201;  // bytes

// Fixed size, big-endian, version byte first: 1 where all numbers are in version 1's ranges, else
// 2, so that each leaf has one encoding. Decode refuses another size or version, a type that has no
// name here, a negative time and numbers out of the ranges of docs/formats/audit_leaf.md; Encode
// writes what it is given, and the log refuses to append what Decode would refuse.
Bytes EncodeLeaf(const Leaf& leaf);
[[nodiscard]] Result<Leaf> DecodeLeaf(ByteView bytes);

}  // namespace casemate::audit
