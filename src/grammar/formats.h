#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace casemate::grammar {

// The pattern for a `format` of JSON Schema, as docs/formats/json_schema.md lists them: what it
// matches is always of the format; rare spellings (a year 0000, an e-mail address in quotation
// marks, an abbreviated IPv6 address) are never written. Nothing for a format that is not served.
std::optional<std::string_view> PatternOfFormat(std::string_view format);
// "'date', 'time', ...", for messages.
std::string ServedFormats();

}  // namespace casemate::grammar
