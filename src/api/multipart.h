#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::api {

// One part of a multipart/form-data body (RFC 7578, RFC 2046 section 5.1).
struct FormPart {
  std::string name;                   // of the field; printable ASCII
  std::optional<Plaintext> filename;  // as sent, unescaped; a file when present
  PlaintextView content;              // in the body it was parsed from
};

// Limits: form fields are short, one part is large.
inline constexpr std::size_t kMaxFormParts = 16;
inline constexpr std::size_t kMaxPartHeaderBytes = 8192;
inline constexpr std::size_t kMaxFieldNameBytes = 64;
inline constexpr std::size_t kMaxFilenameBytes = 1024;
inline constexpr std::size_t kMaxBoundaryBytes = 70;  // RFC 2046, section 5.1.1

// Splits `body` by the boundary of `content_type`. Nothing is copied but the headers; the views
// live as long as `body`. Errors: kInvalidArgument: not multipart/form-data, no or a bad boundary,
// a part without a name, an unfinished body; kTooLarge: over a limit above.
[[nodiscard]] Result<std::vector<FormPart>> ParseMultipart(std::string_view content_type,
                                                           PlaintextView body);

}  // namespace casemate::api
