#pragma once

#include <string>

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::retrieval {

// What a document is, by the end of its name and its first bytes: "text", "markdown" or "html".
// Content beats the name where it is clear. Errors: kInvalidArgument: empty, or binary (the message
// says what it seems to be).
[[nodiscard]] Result<std::string> DetectFormat(PlaintextView name, PlaintextView content);

}  // namespace casemate::retrieval
