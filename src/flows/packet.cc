#include "flows/packet.h"

#include <arpa/inet.h>

#include <algorithm>

#include "flows/reader.h"

namespace casemate::flows {
namespace {

constexpr std::uint16_t kEtherIpv4 = 0x0800;
constexpr std::uint16_t kEtherIpv6 = 0x86DD;
constexpr std::uint16_t kEtherVlan = 0x8100;
constexpr std::uint16_t kEtherProviderVlan = 0x88A8;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::size_t kMaxFragmented = 64;
constexpr std::uint32_t kMaxDatagram = 65535;

using Nothing = std::optional<Packet>;

// RFC 4291 section 2.5.5.2.
constexpr std::array<std::byte, 12> kMappedPrefix = {
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},    std::byte{0},
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0xFF}, std::byte{0xFF}};

std::array<std::byte, 16> MappedIpv4(ByteView four) {
  std::array<std::byte, 16> ip{};
  std::ranges::copy(kMappedPrefix, ip.begin());
  std::copy_n(four.begin(), std::min<std::size_t>(four.size(), 4), ip.begin() + 12);
  return ip;
}

std::array<std::byte, 16> Ipv6Bytes(ByteView sixteen) {
  std::array<std::byte, 16> ip{};
  std::copy_n(sixteen.begin(), std::min<std::size_t>(sixteen.size(), 16), ip.begin());
  return ip;
}

// The EtherType behind the link's own header, which is taken off `reader`.
std::uint16_t LinkHeader(LinkType link, Reader& reader) {
  switch (link) {
    case LinkType::kEthernet: {
      reader.Take(12);
      std::uint16_t type = reader.U16();
      for (int tags = 0; (type == kEtherVlan || type == kEtherProviderVlan) && tags < 4; ++tags) {
        reader.U16();
        type = reader.U16();
      }
      return type;
    }
    case LinkType::kLinuxCooked:
      reader.Take(14);
      return reader.U16();
    case LinkType::kLinuxCooked2: {
      const std::uint16_t type = reader.U16();
      reader.Take(18);
      return type;
    }
    case LinkType::kNull:
    case LinkType::kLoop:
      reader.Take(4);  // an address family, in the order of the capturing host
      break;
    case LinkType::kRaw:
    case LinkType::kIpv4:
    case LinkType::kIpv6:
      break;
  }
  if (reader.empty()) {
    return 0;
  }
  const auto version = std::to_integer<unsigned>(reader.rest()[0]) >> 4;
  return version == 4 ? kEtherIpv4 : version == 6 ? kEtherIpv6 : 0;
}

std::uint32_t Behind(std::uint32_t wire, std::size_t header) {
  return wire > header ? wire - static_cast<std::uint32_t>(header) : 0;
}

}  // namespace

std::string Address::Text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool four = std::ranges::equal(std::span(ip).first(12), std::span(kMappedPrefix));
  if (four) {
    ::inet_ntop(AF_INET, ip.data() + 12, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(port);
  }
  ::inet_ntop(AF_INET6, ip.data(), text.data(), text.size());
  return "[" + std::string(text.data()) + "]:" + std::to_string(port);
}

bool IsKnownLinkType(int number) {
  switch (static_cast<LinkType>(number)) {
    case LinkType::kNull:
    case LinkType::kEthernet:
    case LinkType::kRaw:
    case LinkType::kLoop:
    case LinkType::kLinuxCooked:
    case LinkType::kIpv4:
    case LinkType::kIpv6:
    case LinkType::kLinuxCooked2:
      return true;
  }
  return false;
}

Result<std::optional<Packet>> PacketReader::Read(ByteView frame, std::uint32_t wire_length) {
  Reader reader(frame);
  const std::uint16_t type = LinkHeader(link_, reader);
  if (reader.failed()) {
    return std::unexpected(reader.error());
  }
  const std::uint32_t wire = Behind(wire_length, reader.at());
  switch (type) {
    case kEtherIpv4:
      return Ipv4(reader.rest(), wire);
    case kEtherIpv6:
      return Ipv6(reader.rest(), wire);
    default:
      return Nothing();
  }
}

Result<std::optional<Packet>> PacketReader::Ipv4(ByteView frame, std::uint32_t wire) {
  Reader reader(frame);
  const unsigned first = reader.U8();
  reader.U8();
  const std::uint32_t total = reader.U16();
  const std::uint16_t id = reader.U16();
  const std::uint16_t flags = reader.U16();
  reader.U8();
  Datagram datagram;
  datagram.protocol = reader.U8();
  reader.U16();
  datagram.source.ip = MappedIpv4(reader.Take(4));
  datagram.destination.ip = MappedIpv4(reader.Take(4));
  const std::size_t header = std::size_t{first & 0x0FU} * 4;
  if (!reader.failed() && header < 20) {
    reader.Reject("an IPv4 header of " + std::to_string(header) + " bytes");
  }
  reader.Take(header - std::min<std::size_t>(header, 20));
  // Zero: segmentation was left to the network card.
  const std::uint32_t length = total == 0 ? wire : total;
  if (!reader.failed() && length < header) {
    reader.Reject("an IPv4 packet shorter than its header");
  }
  if (reader.failed()) {
    return std::unexpected(reader.error());
  }
  datagram.wire_body = length - static_cast<std::uint32_t>(header);
  datagram.body = reader.rest().first(std::min<std::size_t>(reader.left(), datagram.wire_body));
  const std::uint32_t offset = (flags & 0x1FFFU) * 8;
  const bool more = (flags & 0x2000U) != 0;
  if (offset != 0 || more) {
    const std::optional<ByteView> whole =
        Join({datagram.source.ip, datagram.destination.ip, id, datagram.protocol}, offset, more,
             datagram.body);
    if (!whole) {
      return Nothing();
    }
    datagram.body = *whole;
    datagram.wire_body = static_cast<std::uint32_t>(whole->size());
  }
  return Transport(datagram);
}

Result<std::optional<Packet>> PacketReader::Ipv6(ByteView frame, std::uint32_t wire) {
  constexpr std::uint8_t kHopByHop = 0;
  constexpr std::uint8_t kRouting = 43;
  constexpr std::uint8_t kFragment = 44;
  constexpr std::uint8_t kDestination = 60;
  constexpr int kMaxExtensions = 8;
  Reader reader(frame);
  reader.U32();
  const std::uint32_t payload = reader.U16();
  Datagram datagram;
  datagram.protocol = reader.U8();
  reader.U8();
  datagram.source.ip = Ipv6Bytes(reader.Take(16));
  datagram.destination.ip = Ipv6Bytes(reader.Take(16));
  const std::uint32_t length = payload == 0 ? Behind(wire, 40) : payload;
  bool fragment = false;
  std::uint32_t offset = 0;
  bool more = false;
  std::uint32_t id = 0;
  for (int extensions = 0; extensions < kMaxExtensions && !reader.failed(); ++extensions) {
    if (datagram.protocol == kFragment) {
      datagram.protocol = reader.U8();
      reader.U8();
      const std::uint16_t field = reader.U16();
      offset = field & 0xFFF8U;
      more = (field & 1U) != 0;
      id = reader.U32();
      fragment = true;
    } else if (datagram.protocol == kHopByHop || datagram.protocol == kRouting ||
               datagram.protocol == kDestination) {
      datagram.protocol = reader.U8();
      reader.Take(8 * (reader.U8() + std::size_t{1}) - 2);
    } else {
      break;
    }
  }
  if (reader.failed()) {
    return std::unexpected(reader.error());
  }
  datagram.wire_body = Behind(length, reader.at() - 40);
  datagram.body = reader.rest().first(std::min<std::size_t>(reader.left(), datagram.wire_body));
  if (fragment && (offset != 0 || more)) {
    const std::optional<ByteView> whole =
        Join({datagram.source.ip, datagram.destination.ip, id, datagram.protocol}, offset, more,
             datagram.body);
    if (!whole) {
      return Nothing();
    }
    datagram.body = *whole;
    datagram.wire_body = static_cast<std::uint32_t>(whole->size());
  }
  return Transport(datagram);
}

std::optional<ByteView> PacketReader::Join(const FragmentKey& key, std::uint32_t offset, bool more,
                                           ByteView piece) {
  const auto forget = [&] {
    fragments_.erase(key);
    oldest_.remove(key);
  };
  const std::uint32_t end = offset + static_cast<std::uint32_t>(piece.size());
  if (end > kMaxDatagram || piece.empty()) {
    forget();
    return std::nullopt;
  }
  const auto [entry, added] = fragments_.try_emplace(key);
  if (added) {
    oldest_.push_back(key);
    if (oldest_.size() > kMaxFragmented) {
      fragments_.erase(oldest_.front());
      oldest_.pop_front();
    }
  }
  Fragments& fragments = entry->second;
  const auto after = fragments.pieces.lower_bound(offset);
  const bool overlaps = (after != fragments.pieces.end() && after->first < end) ||
                        (after != fragments.pieces.begin() &&
                         std::prev(after)->first + std::prev(after)->second.size() > offset) ||
                        (!more && fragments.total);
  if (overlaps) {
    forget();  // a duplicate is given up with it: nobody needs fragments to agree on keys
    return std::nullopt;
  }
  fragments.pieces.emplace(offset, Bytes(piece.begin(), piece.end()));
  fragments.held += static_cast<std::uint32_t>(piece.size());
  if (!more) {
    fragments.total = end;
  }
  if (!fragments.total || fragments.held != *fragments.total) {
    return std::nullopt;
  }
  joined_.clear();
  for (const auto& [at, bytes] : fragments.pieces) {
    Put(joined_, bytes);
  }
  forget();
  return ByteView(joined_);
}

Result<std::optional<Packet>> PacketReader::Transport(const Datagram& datagram) {
  if (datagram.protocol != kTcp && datagram.protocol != kUdp) {
    return Nothing();
  }
  Packet packet{.source = datagram.source, .destination = datagram.destination, .payload = {}};
  Reader reader(datagram.body);
  packet.source.port = reader.U16();
  packet.destination.port = reader.U16();
  if (datagram.protocol == kUdp) {
    packet.protocol = Packet::Protocol::kUdp;
    reader.U32();  // length and checksum
  } else {
    packet.sequence = reader.U32();
    reader.U32();
    const unsigned header = (reader.U8() >> 4) * 4U;
    const unsigned flags = reader.U8();
    reader.Take(6);
    packet.fin = (flags & 0x01U) != 0;
    packet.syn = (flags & 0x02U) != 0;
    packet.rst = (flags & 0x04U) != 0;
    packet.ack = (flags & 0x10U) != 0;
    if (!reader.failed() && header < 20) {
      reader.Reject("a TCP header of " + std::to_string(header) + " bytes");
    }
    reader.Take(header - std::min(header, 20U));
  }
  if (reader.failed()) {
    return std::unexpected(reader.error());
  }
  packet.payload = reader.rest();
  packet.wire_payload = Behind(datagram.wire_body, reader.at());
  return packet;
}

}  // namespace casemate::flows
