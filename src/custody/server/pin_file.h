#pragma once

#include <filesystem>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/kdf.h"
#include "secmem/secret_buffer.h"

// The token's PIN: 256 random bits in hexadecimal, at rest only under a passphrase, or with whoever
// passes it in. docs/formats/key_tree.md, "pin.sealed".
namespace casemate::custody {

inline constexpr std::size_t kPinSize = 64;  // hexadecimal digits

[[nodiscard]] Result<SecretBuffer> MakePin();

// "casemate/pin@v1\n" || memory_kib u32 || passes u32 || lanes u32 || salt 16 || Cobblestone-256
// seal of the PIN under Argon2id(passphrase, salt), its context being all bytes before it.
[[nodiscard]] Result<Bytes> SealPin(const SecretBuffer& pin, ByteView passphrase,
                                    const crypto::Argon2Parameters& parameters);
// Errors: kUnauthenticated: the passphrase is wrong, or the file was changed. kIntegrityFailure:
// not this format. kInvalidArgument: parameters out of range.
[[nodiscard]] Result<SecretBuffer> OpenPin(ByteView sealed, ByteView passphrase);

// A passphrase or PIN from a descriptor: up to the first newline or the end, 1 to 1024 bytes.
// Errors: kInvalidArgument.
[[nodiscard]] Result<SecretBuffer> ReadSecretLine(int fd);

}  // namespace casemate::custody
