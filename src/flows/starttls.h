#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "flows/stream.h"

// The plain-text words before TLS: smtp (RFC 3207), imap (RFC 9051), pop3 (RFC 2595), ldap
// (RFC 4511), postgres and mysql (their protocols' SSLRequest), xmpp (RFC 6120).
namespace casemate::flows {

// The usual port. kInvalidArgument, naming the protocols there are.
[[nodiscard]] Result<std::uint16_t> StartTlsPort(std::string_view protocol);

// Brings the stream to where the ClientHello goes. Errors: kPermissionDenied: the server does not
// offer TLS here; kInvalidArgument: it speaks something else, or more than 64 KiB; those of Stream.
[[nodiscard]] Result<void> StartTls(Stream& stream, std::string_view protocol,
                                    std::string_view host);

}  // namespace casemate::flows
