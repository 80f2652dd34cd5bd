#pragma once

#include <cstddef>

#include "base/error.h"
#include "base/fd.h"
#include "secmem/plaintext.h"

// Payloads too large for one packet, in a memfd of their own.
namespace casemate::ipc {

// A memfd that holds `payload` and can be neither shrunk nor grown. Errors: kResourceExhausted.
[[nodiscard]] Result<UniqueFd> MakeBulk(PlaintextView payload);

// Copies exactly `size` bytes out of a descriptor that a hostile peer may have made, then
// overwrites them with zeros. Read once and by pread(2): the peer may still write to it, and a
// mapping that it could shrink would be a SIGBUS. Errors: kIntegrityFailure: not a memfd, not
// sealed against resizing, or of another size.
[[nodiscard]] Result<Plaintext> TakeBulk(const UniqueFd& memfd, std::size_t size);

}  // namespace casemate::ipc
