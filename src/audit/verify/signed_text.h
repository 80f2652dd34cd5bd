#pragma once

#include <span>
#include <string>
#include <string_view>

#include "audit/verify/note.h"

// Signed notes whose text is no checkpoint: Ed25519 (note type 0x01) and ML-DSA-44, both over the
// text itself. C2SP gives ML-DSA-44 a meaning for checkpoints only, so its key id here is that of a
// type of our own, as in tree heads (docs/formats/key_tree.md, "Head").
namespace casemate::audit {

// SHA-256(name || 0x0a || 0x01 || key)[:4] or SHA-256(name || 0x0a || 0xff ||
// "casemate.local/ML-DSA-44" || key)[:4], big-endian.
std::uint32_t TextKeyId(const VerifierKey& key);

// `text` ends in a newline. One signature line per key, under `name`, in the order of `keys`.
// Errors: kInvalidArgument: a name that is no key name.
[[nodiscard]] Result<std::string> SignText(std::string text, std::string_view name,
                                           std::span<const crypto::SigningKey> keys);

// That every one of `keys` has signed, and nobody else: a line that no key can be held to is
// refused. Errors: kInvalidArgument: no keys. kIntegrityFailure: a signature is missing, too many
// or does not verify; the message names the key.
[[nodiscard]] Result<void> VerifyText(const Note& note, std::span<const VerifierKey> keys);

}  // namespace casemate::audit
