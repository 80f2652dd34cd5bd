#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace casemate::custody {

// The part of a PKCS#11 URI (RFC 7512) that names one token. Empty fields match anything.
struct TokenUri {
  std::string token;
  std::string serial;
  std::string manufacturer;
  std::string model;
  std::string module_path;  // of the query; empty: given elsewhere
};

// Errors: kInvalidArgument: no such URI, longer than 4096 bytes, an attribute that does not name a
// token (an object's, a PIN: those are never taken from a URI), one twice.
[[nodiscard]] Result<TokenUri> ParseTokenUri(std::string_view text);

}  // namespace casemate::custody
