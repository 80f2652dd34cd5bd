// A client's first bytes: TLS records, and QUIC's first datagram.
#include <cstddef>
#include <cstdint>

#include "flows/client_offer.h"
#include "flows/quic_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const ByteView all(reinterpret_cast<const std::byte*>(data), size);
  (void)flows::ReadClientHello(all);
  (void)flows::ParseClientHello(all);
  flows::QuicHandshake quic;
  (void)quic.Client(all);
  (void)quic.Server(all);
  return 0;
}
