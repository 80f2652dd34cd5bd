#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::api {

// `code` of OpenAI's envelope (net/error_envelope.h has the rest): model_not_found;
// context_length_exceeded for kTooLarge about a field of the request; else the error's own name.
std::string_view OpenAiCode(const Error& error);

// The same error, about `param` unless it already names a field.
[[nodiscard]] std::unexpected<Error> About(Error error, std::string_view param);

// The path with ids replaced by "{id}", for the log.
std::string RouteName(std::string_view path);

}  // namespace casemate::api
