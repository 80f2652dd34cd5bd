#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

// From a captured frame to the TCP segment or UDP datagram in it.
namespace casemate::flows {

struct Address {
  std::array<std::byte, 16> ip{};  // IPv4 as ::ffff:a.b.c.d
  std::uint16_t port = 0;
  auto operator<=>(const Address&) const = default;
  std::string Text() const;  // "10.0.0.1:443", "[2001:db8::1]:443"
};

struct Packet {
  enum class Protocol : std::uint8_t { kTcp, kUdp };
  Protocol protocol = Protocol::kTcp;
  Address source;
  Address destination;
  std::uint32_t sequence = 0;  // TCP
  bool syn = false;
  bool ack = false;
  bool fin = false;
  bool rst = false;
  ByteView payload;                // as far as it was captured
  std::uint32_t wire_payload = 0;  // as long as it was on the wire
};

// What libpcap calls the frames (LINKTYPE_ numbers of tcpdump.org/linktypes.html).
enum class LinkType : std::uint16_t {
  kNull = 0,
  kEthernet = 1,
  kRaw = 101,
  kLoop = 108,
  kLinuxCooked = 113,
  kIpv4 = 228,
  kIpv6 = 229,
  kLinuxCooked2 = 276,
};
bool IsKnownLinkType(int number);

// Takes frames apart and puts IP fragments together (RFC 791, RFC 8200 section 4.5): at most 64
// datagrams in pieces, 64 KiB each, the oldest given up. Overlapping fragments drop their datagram
// (RFC 5722). Threads: one at a time.
class PacketReader {
 public:
  explicit PacketReader(LinkType link) : link_(link) {}

  // The packet, or nothing: another protocol, or a fragment whose rest is not there yet. Views are
  // valid until the next call, and as long as `frame`. Errors: kInvalidArgument: malformed.
  [[nodiscard]] Result<std::optional<Packet>> Read(ByteView frame, std::uint32_t wire_length);

 private:
  struct FragmentKey {
    std::array<std::byte, 16> source{};
    std::array<std::byte, 16> destination{};
    std::uint32_t id = 0;
    std::uint8_t protocol = 0;
    auto operator<=>(const FragmentKey&) const = default;
  };
  struct Fragments {
    std::map<std::uint32_t, Bytes> pieces;  // by offset
    std::optional<std::uint32_t> total;
    std::uint32_t held = 0;
  };
  struct Datagram {
    Address source;
    Address destination;
    std::uint8_t protocol = 0;
    ByteView body;
    std::uint32_t wire_body = 0;
  };

  [[nodiscard]] Result<std::optional<Packet>> Ipv4(ByteView frame, std::uint32_t wire);
  [[nodiscard]] Result<std::optional<Packet>> Ipv6(ByteView frame, std::uint32_t wire);
  [[nodiscard]] Result<std::optional<Packet>> Transport(const Datagram& datagram);
  // The whole body once its last piece is there.
  std::optional<ByteView> Join(const FragmentKey& key, std::uint32_t offset, bool more,
                               ByteView piece);

  LinkType link_;
  std::map<FragmentKey, Fragments> fragments_;
  std::list<FragmentKey> oldest_;
  Bytes joined_;
};

}  // namespace casemate::flows
