#pragma once

#include <array>
#include <cstddef>

#include "base/bytes.h"
#include "base/error.h"

// The protection of QUIC's Initial packets (RFC 9001 section 5.2, RFC 9369 section 3.3 for version
// 2). It keeps nobody out: the keys follow from the connection id in the packet itself.
namespace casemate::crypto {

enum class QuicVersion : unsigned char { k1, k2 };

struct QuicInitialKeys {
  std::array<std::byte, 16> key{};
  std::array<std::byte, 12> iv{};
  std::array<std::byte, 16> header{};
};
// `destination`: the id that the client's first Initial packet went to, 0 to 20 bytes.
QuicInitialKeys DeriveQuicInitialKeys(QuicVersion version, ByteView destination, bool server);

// Five bytes of mask for the header, from a sample of 16 (section 5.4.3).
std::array<std::byte, 5> QuicHeaderMask(const QuicInitialKeys& keys, ByteView sample);

// AES-128-GCM with the tag at the end. Errors: kIntegrityFailure.
[[nodiscard]] Result<Bytes> OpenQuicInitial(const QuicInitialKeys& keys,
                                            std::uint64_t packet_number, ByteView header,
                                            ByteView sealed);

}  // namespace casemate::crypto
