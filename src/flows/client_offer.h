#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace casemate::flows {

// What a client offered in its ClientHello (RFC 8446 section 4.1.2). Metadata only: no random, no
// session id, no key share is kept.
struct ClientOffer {
  std::string server_name;              // printable ASCII, at most 255 bytes; else empty
  std::vector<std::uint16_t> versions;  // without GREASE; of supported_versions, or the old field
  std::vector<std::uint16_t> groups;    // without GREASE
  std::vector<std::uint16_t> shares;    // groups that a key share came for
  bool resumes = false;                 // it offers a pre-shared key or a session ticket
  bool early_data = false;
};

// The body of a ClientHello message. kInvalidArgument with the place.
[[nodiscard]] Result<ClientOffer> ParseClientHello(ByteView body);

// A client's side of a TLS stream up to its ClientHello. Nothing: more bytes are needed. Errors:
// kInvalidArgument: it is something else, or malformed; a hello of over 64 KiB.
[[nodiscard]] std::optional<Result<ClientOffer>> ReadClientHello(ByteView stream);

}  // namespace casemate::flows
