#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "secmem/secret_buffer.h"

// Secrets of the operator: from a file, a descriptor or the terminal, never from arguments or the
// environment.
namespace casemate::app {

struct SecretSource {
  std::string file = {};                // --passphrase-file
  std::uint64_t descriptor = 0;         // --passphrase-fd; 0: not given
  std::string option = "--passphrase";  // as messages name the two
  std::string noun = "passphrase";
};

// Reads the secret: the first line of the source, 1 to 4096 bytes; asks on the terminal,
// without echo, when there is no source, and twice when `confirm`. Errors: kInvalidArgument: empty,
// too long, or the two differ; kNotFound, kUnavailable: the source; also when there is neither a
// source nor a terminal.
[[nodiscard]] Result<SecretBuffer> ReadPassphrase(const SecretSource& source, bool confirm);

// A memfd that holds the secret, for the custodian to read: again after each time that the
// supervisor had to start it anew, which a pipe would not allow.
[[nodiscard]] Result<UniqueFd> SecretMemfd(const SecretBuffer& secret);

// A pipe with the secret in it, which can be read once and then is nowhere.
[[nodiscard]] Result<UniqueFd> SecretPipe(const SecretBuffer& secret);

}  // namespace casemate::app
