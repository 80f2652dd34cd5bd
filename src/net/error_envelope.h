#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "secmem/plaintext.h"

// How a failure looks to an OpenAI client: the status, and
//   {"error": {"message": "...", "type": "...", "param": null, "code": "..."}}
namespace casemate::net {

// The status of an error code. kTooLarge is 400 (a prompt over the context); a body over the limit
// is 413, which its own code path answers with. kResourceExhausted is 503: the client may try
// again, the operator has to act.
std::uint16_t HttpStatus(ErrorCode code);
// "invalid_request_error", "authentication_error", ... as OpenAI names it.
std::string_view ErrorType(ErrorCode code);
// "Not Found"; "Unknown" for a status that we do not answer with.
std::string_view StatusText(std::uint16_t status);

// The body, from the error's message and param (null when empty); never its detail.
Plaintext ErrorEnvelope(const Error& error);
// With a `code` of its own ("invalid_api_key", "model_not_found").
Plaintext ErrorEnvelope(const Error& error, std::string_view code);

}  // namespace casemate::net
