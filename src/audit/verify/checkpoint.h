#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "audit/verify/merkle.h"
#include "audit/verify/note.h"

// C2SP checkpoints (https://c2sp.org/tlog-checkpoint): a signed note of origin, size and root.
namespace casemate::audit {

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Digest root{};
  bool operator==(const Checkpoint&) const = default;
};

// The three lines. Parse refuses extension lines: ML-DSA-44 cosignatures do not cover them.
// Errors: kInvalidArgument.
std::string FormatCheckpoint(const Checkpoint& checkpoint);
[[nodiscard]] Result<Checkpoint> ParseCheckpoint(std::string_view text);

// The note with one signature per key, under the origin as key name: Ed25519 over the text,
// ML-DSA-44 as a cosignature of the whole tree at `unix_seconds`. Errors: kInvalidArgument: an
// origin that is no key name; the key's.
[[nodiscard]] Result<std::string> SignCheckpoint(const Checkpoint& checkpoint,
                                                 std::span<const crypto::SigningKey> keys,
                                                 std::int64_t unix_seconds);

// Reads a checkpoint note and asks a signature of every one of `keys` (stricter than signed-note,
// where one is enough: a log of two signatures stays tamper-evident when one algorithm falls).
// Signatures by others, as witnesses, are left out of account. Errors: kInvalidArgument: no keys.
// kIntegrityFailure: not a checkpoint; an origin that is not the keys' name; a signature is missing
// or does not verify; the message names the key.
[[nodiscard]] Result<Checkpoint> OpenCheckpoint(std::string_view note,
                                                std::span<const VerifierKey> keys);

}  // namespace casemate::audit
