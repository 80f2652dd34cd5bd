#pragma once

#include "json/reader.h"
#include "json/writer.h"

namespace casemate::json {

// Writes what was read, compact, members in their order; names over 256 bytes stay cut.
void Copy(Writer& writer, const Value& value);
Plaintext Text(const Value& value);

}  // namespace casemate::json
