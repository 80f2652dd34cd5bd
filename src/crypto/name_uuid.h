#pragma once

#include <string>
#include <string_view>

namespace casemate::crypto {

// The version 5 UUID of a name in a namespace (RFC 9562, section 5.5), in lower case. The same name
// gives the same UUID for ever; it is no secret and proves nothing: SHA-1, because the format says
// so. Precondition: `name_space` is a UUID in its text form.
std::string NameUuid(std::string_view name_space, std::string_view name);

}  // namespace casemate::crypto
