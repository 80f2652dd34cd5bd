#include "flows/quic_hello.h"

#include <algorithm>

#include "crypto/quic_initial.h"
#include "flows/reader.h"

namespace casemate::flows {
namespace {

constexpr std::uint32_t kVersion1 = 0x00000001;
constexpr std::uint32_t kVersion2 = 0x6B3343CF;
constexpr std::size_t kMaxHandshake = std::size_t{64} * 1024;
constexpr std::size_t kPieceCost = 96;  // of a node and its buffer, however short
constexpr std::size_t kMaxConnectionId = 20;

// RFC 9000 section 16.
std::uint64_t VariableInteger(Reader& reader) {
  const std::uint8_t first = reader.U8();
  std::uint64_t value = first & 0x3FU;
  for (int more = (1 << (first >> 6)) - 1; more > 0; --more) {
    value = value << 8 | reader.U8();
  }
  return value;
}

// A long header as far as it is not protected.
struct LongHeader {
  crypto::QuicVersion version = crypto::QuicVersion::k1;
  bool initial = false;
  bool retry = false;
  ByteView destination;
  std::size_t packet_number_at = 0;  // from the packet's first byte
  std::size_t length = 0;            // of packet number and payload
};

// Nothing: no long header of a version that is known.
std::optional<LongHeader> ReadHeader(Reader& reader) {
  const std::uint8_t first = reader.U8();
  const std::uint32_t version = reader.U32();
  if ((first & 0xC0U) != 0xC0U || (version != kVersion1 && version != kVersion2)) {
    return std::nullopt;
  }
  LongHeader header;
  header.version = version == kVersion1 ? crypto::QuicVersion::k1 : crypto::QuicVersion::k2;
  const unsigned type = (first >> 4) & 3U;
  header.initial = type == (version == kVersion1 ? 0U : 1U);
  header.retry = type == (version == kVersion1 ? 3U : 0U);
  header.destination = reader.Block(1).rest();
  reader.Block(1);
  if (header.retry || reader.failed()) {
    return header;
  }
  if (header.initial) {
    reader.Take(VariableInteger(reader));  // token
  }
  header.length = VariableInteger(reader);
  header.packet_number_at = reader.at();
  if (header.length > reader.left()) {
    reader.Reject("a packet that is longer than its datagram");
  }
  return header;
}

Result<Bytes> Unprotect(ByteView packet, const LongHeader& header, ByteView destination,
                        bool server) {
  const crypto::QuicInitialKeys keys =
      crypto::DeriveQuicInitialKeys(header.version, destination, server);
  if (header.length < 4 + 16) {
    return Fail(ErrorCode::kInvalidArgument, "an Initial packet without room for a sample");
  }
  const auto mask = crypto::QuicHeaderMask(keys, packet.subspan(header.packet_number_at + 4, 16));
  Bytes clear(packet.begin(),
              packet.begin() + static_cast<std::ptrdiff_t>(header.packet_number_at));
  clear[0] ^= mask[0] & std::byte{0x0F};
  const auto number_bytes = (std::to_integer<std::size_t>(clear[0]) & 3U) + 1;
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < number_bytes; ++i) {
    const std::byte byte = packet[header.packet_number_at + i] ^ mask[1 + i];
    clear.push_back(byte);
    number = number << 8 | std::to_integer<std::uint64_t>(byte);
  }
  return crypto::OpenQuicInitial(
      keys, number, clear,
      packet.subspan(header.packet_number_at + number_bytes, header.length - number_bytes));
}

}  // namespace

bool QuicHandshake::LooksLikeInitial(ByteView datagram) {
  // RFC 9000 section 14.1: a client pads its first datagrams to 1200 bytes.
  if (datagram.size() < 1200) {
    return false;
  }
  Reader reader(datagram);
  const std::optional<LongHeader> header = ReadHeader(reader);
  return header && header->initial && !reader.failed();
}

Result<void> QuicHandshake::Client(ByteView datagram) { return Read(datagram, false); }
Result<void> QuicHandshake::Server(ByteView datagram) { return Read(datagram, true); }

Result<void> QuicHandshake::Read(ByteView datagram, bool server) {
  while (!datagram.empty()) {
    Reader reader(datagram);
    const std::optional<LongHeader> header = ReadHeader(reader);
    if (!header) {
      return {};
    }
    if (!reader.failed() && header->destination.size() > kMaxConnectionId) {
      reader.Reject("a connection id of more than 20 bytes");
    }
    if (reader.failed()) {
      return Wrap(reader.error(), "QUIC");
    }
    if (header->retry) {
      retried_ = true;
      destination_.clear();  // the client goes on with the id that the server chose
      return {};
    }
    if (!header->initial) {
      return {};
    }
    if (destination_.empty() && !server) {
      destination_.assign(header->destination.begin(), header->destination.end());
    }
    Result<Bytes> plain = Unprotect(datagram, *header, destination_, server);
    if (!plain) {
      return std::unexpected(plain.error());
    }
    if (Result<void> framed = Frames(*plain, server ? server_ : client_); !framed) {
      return framed;
    }
    datagram = datagram.subspan(header->packet_number_at + header->length);
  }
  Look();
  return {};
}

Result<void> QuicHandshake::Frames(ByteView plain, Side& side) {
  constexpr std::uint64_t kPadding = 0;
  constexpr std::uint64_t kPing = 1;
  constexpr std::uint64_t kAck = 2;
  constexpr std::uint64_t kAckEcn = 3;
  constexpr std::uint64_t kCrypto = 6;
  Reader reader(plain);
  while (!reader.empty() && !reader.failed()) {
    const std::uint64_t type = VariableInteger(reader);
    if (type == kPadding || type == kPing) {
      continue;
    }
    if (type == kAck || type == kAckEcn) {
      VariableInteger(reader);
      VariableInteger(reader);
      const std::uint64_t ranges = VariableInteger(reader);
      for (std::uint64_t i = 0; i < 1 + 2 * ranges + (type == kAckEcn ? 3 : 0); ++i) {
        VariableInteger(reader);
        if (reader.failed()) {
          break;
        }
      }
      continue;
    }
    if (type != kCrypto) {
      break;  // CONNECTION_CLOSE: nothing more is agreed on
    }
    const std::uint64_t offset = VariableInteger(reader);
    const ByteView piece = reader.Take(VariableInteger(reader));
    if (offset + piece.size() > kMaxHandshake) {
      reader.Reject("a handshake of more than 64 KiB");
    } else if (side.held + piece.size() + kPieceCost > 2 * kMaxHandshake) {
      reader.Reject("a handshake in pieces of more than 128 KiB");
    } else if (!piece.empty()) {
      const bool added = side.pieces.try_emplace(offset, piece.begin(), piece.end()).second;
      side.held += added ? piece.size() + kPieceCost : 0;
    }
  }
  if (reader.failed()) {
    return Wrap(reader.error(), "QUIC frames");
  }
  while (!side.pieces.empty() && side.pieces.begin()->first <= side.bytes.size()) {
    const auto next = side.pieces.extract(side.pieces.begin());
    const std::size_t known = side.bytes.size() - next.key();
    side.held -= next.mapped().size() + kPieceCost;
    if (known < next.mapped().size()) {
      const ByteView fresh = ByteView(next.mapped()).subspan(known);
      Put(side.bytes, fresh);
      side.held += fresh.size();
    }
  }
  return {};
}

// QUIC has no records: messages stand in the stream themselves.
void QuicHandshake::Look() {
  constexpr std::uint8_t kClientHelloType = 1;
  constexpr std::uint8_t kServerHelloType = 2;
  if (!offer_ && client_.bytes.size() >= 4) {
    Reader head(client_.bytes);
    const std::uint8_t type = head.U8();
    const std::size_t length = head.U24();
    if (type == kClientHelloType && head.left() >= length) {
      if (Result<ClientOffer> offer = ParseClientHello(head.Take(length))) {
        offer_ = *std::move(offer);
      }
    }
  }
  while (server_.bytes.size() >= answered_ + 4) {
    Reader head(ByteView(server_.bytes).subspan(answered_));
    const std::uint8_t type = head.U8();
    const std::size_t length = head.U24();
    if (head.left() < length) {
      return;
    }
    if (type == kServerHelloType) {
      if (Result<ServerAnswer> answer = ParseServerHello(head.Take(length))) {
        retried_ = retried_ || answer->kind == ServerAnswer::Kind::kRetry;
        answer_ = *std::move(answer);
      }
    }
    answered_ += 4 + length;
  }
}

}  // namespace casemate::flows
