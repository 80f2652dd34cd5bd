#include "flows/client_offer.h"

#include <algorithm>

#include "flows/reader.h"
#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kClientHelloType = 1;
constexpr std::size_t kMaxHello = std::size_t{64} * 1024;
constexpr std::size_t kMaxListed = 64;

constexpr std::uint16_t kServerNameExtension = 0;
constexpr std::uint16_t kSupportedGroupsExtension = 10;
constexpr std::uint16_t kSessionTicketExtension = 35;
constexpr std::uint16_t kPreSharedKeyExtension = 41;
constexpr std::uint16_t kEarlyDataExtension = 42;
constexpr std::uint16_t kSupportedVersionsExtension = 43;
constexpr std::uint16_t kKeyShareExtension = 51;

std::vector<std::uint16_t> Numbers(Reader& list) {
  std::vector<std::uint16_t> numbers;
  while (!list.empty() && !list.failed()) {
    const std::uint16_t number = list.U16();
    if (!IsGrease(number) && numbers.size() < kMaxListed) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

std::string ServerName(Reader& body) {
  Reader list = body.Block(2);
  body.Adopt(list);
  constexpr std::uint8_t kHostName = 0;
  while (!list.empty() && !list.failed()) {
    const std::uint8_t type = list.U8();
    const std::string_view name = AsText(list.Block(2).rest());
    if (type == kHostName && name.size() <= 255 &&
        std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; })) {
      return std::string(name);
    }
  }
  return {};
}

void ReadExtension(std::uint16_t type, Reader& body, ClientOffer& offer) {
  switch (type) {
    case kServerNameExtension:
      offer.server_name = ServerName(body);
      break;
    case kSupportedGroupsExtension: {
      Reader list = body.Block(2);
      offer.groups = Numbers(list);
      body.Adopt(list);
      break;
    }
    case kSupportedVersionsExtension: {
      Reader list = body.Block(1);
      offer.versions = Numbers(list);
      body.Adopt(list);
      break;
    }
    case kKeyShareExtension: {
      Reader list = body.Block(2);
      while (!list.empty() && !list.failed()) {
        const std::uint16_t group = list.U16();
        list.Block(2);
        if (!IsGrease(group) && offer.shares.size() < kMaxListed) {
          offer.shares.push_back(group);
        }
      }
      body.Adopt(list);
      break;
    }
    case kSessionTicketExtension:  // empty: only asks for one
      offer.resumes = offer.resumes || !body.empty();
      break;
    case kPreSharedKeyExtension:
      offer.resumes = true;
      break;
    case kEarlyDataExtension:
      offer.early_data = true;
      break;
    default:
      break;
  }
}

}  // namespace

Result<ClientOffer> ParseClientHello(ByteView message) {
  Reader reader(message);
  ClientOffer offer;
  const std::uint16_t legacy_version = reader.U16();
  reader.Take(32);
  reader.Block(1);  // session id
  reader.Block(2);  // ciphers
  reader.Block(1);  // compression
  if (!reader.empty()) {
    Reader extensions = reader.Block(2);
    while (!extensions.empty() && !extensions.failed()) {
      const std::uint16_t type = extensions.U16();
      Reader body = extensions.Block(2);
      ReadExtension(type, body, offer);
      extensions.Adopt(body);
    }
    reader.Adopt(extensions);
  }
  if (!reader.failed() && !reader.empty()) {
    reader.Reject("bytes after the extensions");
  }
  if (reader.failed()) {
    return std::unexpected(reader.error());
  }
  if (offer.versions.empty()) {
    offer.versions.push_back(legacy_version);
  }
  return offer;
}

std::optional<Result<ClientOffer>> ReadClientHello(ByteView stream) {
  Bytes handshake;
  while (true) {
    if (handshake.size() >= 4) {
      Reader head(handshake);
      if (head.U8() != kClientHelloType) {
        return Fail(ErrorCode::kInvalidArgument, "a handshake message that is not ClientHello");
      }
      const std::size_t length = head.U24();
      if (length > kMaxHello) {
        return Fail(ErrorCode::kInvalidArgument,
                    "a ClientHello of " + std::to_string(length) + " bytes");
      }
      if (head.left() >= length) {
        Result<ClientOffer> offer = ParseClientHello(head.Take(length));
        return offer ? offer : Result<ClientOffer>(Wrap(offer.error(), "ClientHello"));
      }
    }
    if (stream.size() < 5) {
      return std::nullopt;
    }
    const std::size_t length = GetU16(stream, 3);
    if (stream[0] != std::byte{kHandshakeRecord} || stream[1] != std::byte{3}) {
      return Fail(ErrorCode::kInvalidArgument, "no handshake record where ClientHello belongs");
    }
    if (stream.size() < 5 + length) {
      return std::nullopt;
    }
    Put(handshake, stream.subspan(5, length));
    stream = stream.subspan(5 + length);
  }
}

}  // namespace casemate::flows
