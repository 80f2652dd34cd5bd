#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "custody/server/token.h"
#include "ipc/supervision.h"
#include "secmem/secret_buffer.h"

namespace casemate::custody {

struct ReadyToken {
  std::unique_ptr<Token> token;
  std::string pin_protection;  // "argon2id", "credential", "descriptor", "insecure-file"
};

// Finds the PIN as the setup says and opens the token; with `init` makes both. `secret` is read
// where `pin_source` names a descriptor. D/custodian must be there. Errors: kUnauthenticated: wrong
// passphrase or PIN; kNotFound: no sealed PIN, no token; kInvalidArgument: an unknown source.
[[nodiscard]] Result<ReadyToken> PrepareToken(const ipc::SetupCustodian& setup, UniqueFd secret);
// The same with the passphrase or PIN at hand.
[[nodiscard]] Result<ReadyToken> PrepareToken(const ipc::SetupCustodian& setup,
                                              SecretBuffer secret);

}  // namespace casemate::custody
