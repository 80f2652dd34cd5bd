#include "flows/server_answer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "flows/reader.h"
#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

using Kind = ServerAnswer::Kind;

constexpr std::uint8_t kChangeCipherRecord = 20;
constexpr std::uint8_t kAlertRecord = 21;
constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::size_t kMaxRecord = 16384 + 256;  // RFC 8446 section 5.1 and 5.2
constexpr std::size_t kRecordHead = 5;
constexpr std::size_t kMessageHead = 4;

constexpr std::uint8_t kServerHelloType = 2;
constexpr std::uint8_t kNewSessionTicketType = 4;
constexpr std::uint8_t kCertificateType = 11;
constexpr std::uint8_t kServerKeyExchangeType = 12;
constexpr std::uint8_t kCertificateStatusType = 22;
constexpr std::uint8_t kServerHelloDoneType = 14;

constexpr std::uint16_t kPreSharedKeyExtension = 41;
constexpr std::uint16_t kSupportedVersionsExtension = 43;
constexpr std::uint16_t kKeyShareExtension = 51;

// RFC 8446 section 4.1.3: SHA-256 of "HelloRetryRequest", in the place of the server's random.
constexpr std::array<std::uint8_t, 32> kRetryRandom = {
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};

ServerAnswer Broken(std::string reason) {
  return ServerAnswer{.kind = Kind::kBroken, .certificates = {}, .reason = std::move(reason)};
}

bool LooksLikeText(ByteView bytes, std::string_view start) {
  return AsText(bytes).starts_with(start);
}

// As far as it came; not empty.
bool LooksLikeTls(ByteView record) {
  const auto type = std::to_integer<std::uint8_t>(record[0]);
  return type >= 20 && type <= 24 && (record.size() < 2 || record[1] == std::byte{3});
}

ServerAnswer NotTls(ByteView bytes) {
  ServerAnswer answer{.kind = Kind::kNotTls, .certificates = {}};
  if (LooksLikeText(bytes, "HTTP/") || LooksLikeText(bytes, "<htm") ||
      LooksLikeText(bytes, "<!DO")) {
    answer.reason = "plain HTTP";
  } else if (LooksLikeText(bytes, "SSH-")) {
    answer.reason = "SSH: probe it as ssh://HOST";
  } else if (LooksLikeText(bytes, "220") || LooksLikeText(bytes, "* OK") ||
             LooksLikeText(bytes, "+OK")) {
    answer.reason = "a mail server in plain text: probe it with --starttls";
  } else {
    answer.reason = "no TLS record";
  }
  return answer;
}

void ReadExtensions(Reader extensions, bool retry, Reader& whole, ServerAnswer& answer) {
  while (!extensions.empty() && !extensions.failed()) {
    const std::uint16_t type = extensions.U16();
    Reader body = extensions.Block(2);
    if (type == kSupportedVersionsExtension) {
      answer.version = body.U16();
    } else if (type == kKeyShareExtension) {
      answer.group = body.U16();
      if (!retry) {
        body.Block(2);
      }
    } else if (type == kPreSharedKeyExtension) {
      answer.resumed = true;
      body.U16();
    } else {
      body.Take(body.left());
    }
    if (!body.failed() && !body.empty()) {
      body.Reject("bytes after the end of extension " + std::to_string(type));
    }
    whole.Adopt(body);
  }
  whole.Adopt(extensions);
}

// RFC 5246 section 7.4.2.
void ReadCertificates(ByteView message, ServerAnswer& answer) {
  constexpr std::size_t kMostCertificates = 32;
  Reader body(message);
  Reader list = body.Block(3);
  while (!list.empty() && answer.certificates.size() < kMostCertificates) {
    const ByteView der = list.Block(3).rest();
    if (der.empty()) {
      return;
    }
    answer.certificates.emplace_back(der.begin(), der.end());
  }
}

// RFC 8422 section 5.4: a named curve, the point, and the signature's algorithm.
void ReadKeyExchange(ByteView message, ServerAnswer& answer) {
  constexpr std::uint8_t kNamedCurve = 3;
  Reader body(message);
  if (body.U8() != kNamedCurve) {
    return;  // finite field: its parameters are sent in full and have no name
  }
  answer.group = body.U16();
  body.Block(1);
  answer.signature = body.U16();
}

}  // namespace

std::string Describe(const ServerAnswer& answer) {
  switch (answer.kind) {
    case Kind::kServerHello:
      return std::string(VersionName(answer.version)) +
             (answer.group != 0 ? " with " + GroupName(answer.group) : "");
    case Kind::kRetry:
      return "HelloRetryRequest for " + GroupName(answer.group);
    case Kind::kAlert:
      return "refused: " + AlertName(answer.alert);
    case Kind::kClosed:
      return "closed the connection";
    case Kind::kReset:
      return "reset the connection";
    case Kind::kSilent:
      return "no answer in time";
    case Kind::kNotTls:
      return "not TLS: " + answer.reason;
    case Kind::kBroken:
      return "malformed TLS: " + answer.reason;
  }
  return "unknown";
}

Result<ServerAnswer> ParseServerHello(ByteView body) {
  Reader reader(body);
  ServerAnswer answer{.kind = Kind::kServerHello, .certificates = {}};
  answer.version = reader.U16();
  const ByteView random = reader.Take(32);
  const bool retry = std::ranges::equal(random, std::as_bytes(std::span(kRetryRandom)));
  reader.Block(1);  // session id
  answer.cipher = reader.U16();
  reader.U8();  // compression
  if (!reader.empty()) {
    ReadExtensions(reader.Block(2), retry, reader, answer);
  }
  if (!reader.failed() && !reader.empty()) {
    reader.Reject("bytes after the extensions");
  }
  if (reader.failed()) {
    return std::unexpected(reader.error());
  }
  if (retry) {
    answer.kind = Kind::kRetry;
  }
  return answer;
}

std::optional<ServerAnswer> AnswerReader::Feed(ByteView bytes) {
  seen_ += bytes.size();
  if (seen_ > kMaxFlight) {
    return Broken("a first flight of more than 1 MiB");
  }
  Put(records_, bytes);
  while (true) {
    const std::size_t before = records_.size();
    if (std::optional<ServerAnswer> answer = NextRecord()) {
      return answer;
    }
    if (records_.size() == before) {
      return std::nullopt;  // no whole record yet
    }
  }
}

std::optional<ServerAnswer> AnswerReader::NextRecord() {
  if (std::optional<ServerAnswer> waiting = NextMessage()) {
    return waiting;  // more than one in a record
  }
  if (records_.empty()) {
    return std::nullopt;
  }
  if (records_.size() < kRecordHead) {
    return std::nullopt;
  }
  // Decided on the first bytes: a server that speaks text would else look silent.
  if (!LooksLikeTls(records_)) {
    return NotTls(records_);
  }
  const auto type = std::to_integer<std::uint8_t>(records_[0]);
  const std::size_t length = GetU16(records_, 3);
  if (length > kMaxRecord) {
    return Broken("a record of " + std::to_string(length) + " bytes");
  }
  if (records_.size() < kRecordHead + length) {
    return std::nullopt;
  }
  const Bytes body(records_.begin() + kRecordHead,
                   records_.begin() + static_cast<std::ptrdiff_t>(kRecordHead + length));
  records_.erase(records_.begin(),
                 records_.begin() + static_cast<std::ptrdiff_t>(kRecordHead + length));
  if (type == kAlertRecord) {
    if (body.size() != 2) {
      return Broken("an alert of " + std::to_string(body.size()) + " bytes");
    }
    return ServerAnswer{
        .kind = Kind::kAlert, .alert = std::to_integer<std::uint8_t>(body[1]), .certificates = {}};
  }
  if (type == kChangeCipherRecord) {
    // RFC 8446 appendix D.4: means nothing there. In TLS 1.2, before a certificate: a session goes
    // on.
    if (hello_) {
      hello_->resumed = true;
      return hello_;
    }
    return std::nullopt;
  }
  if (type != kHandshakeRecord) {
    return Broken("a record of type " + std::to_string(type) + " before the handshake");
  }
  Put(handshake_, body);
  return NextMessage();
}

std::optional<ServerAnswer> AnswerReader::NextMessage() {
  std::size_t used = 0;
  std::optional<ServerAnswer> answer;
  while (!answer && handshake_.size() - used >= kMessageHead) {
    Reader head(ByteView(handshake_).subspan(used), used);
    const std::uint8_t type = head.U8();
    const std::size_t length = head.U24();
    if (length > kMaxFlight) {
      return Broken("a handshake message of " + std::to_string(length) + " bytes");
    }
    if (head.left() < length) {
      break;
    }
    answer = Message(type, head.Take(length));
    used += kMessageHead + length;
  }
  handshake_.erase(handshake_.begin(), handshake_.begin() + static_cast<std::ptrdiff_t>(used));
  return answer;
}

std::optional<ServerAnswer> AnswerReader::Message(std::uint8_t type, ByteView body) {
  if (!hello_) {
    if (type != kServerHelloType) {
      return Broken("handshake message " + std::to_string(type) + " where ServerHello belongs");
    }
    Result<ServerAnswer> hello = ParseServerHello(body);
    if (!hello) {
      return Broken("ServerHello " + hello.error().message);
    }
    if (hello->version >= kTls13 || hello->kind == Kind::kRetry) {
      return *std::move(hello);
    }
    hello_ = *std::move(hello);
    return std::nullopt;
  }
  switch (type) {
    case kCertificateType:
      ReadCertificates(body, *hello_);
      return std::nullopt;
    case kCertificateStatusType:
    case kNewSessionTicketType:
      return std::nullopt;
    case kServerKeyExchangeType:
      ReadKeyExchange(body, *hello_);
      return hello_;
    case kServerHelloDoneType:  // static RSA: no key exchange message
      return hello_;
    default:
      return Broken("handshake message " + std::to_string(type) + " after ServerHello");
  }
}

ServerAnswer AnswerReader::End(ServerAnswer::Kind why) {
  if (hello_) {
    return *hello_;  // resumed TLS 1.2 sessions and short flights: what is known stands
  }
  if (!records_.empty() && !LooksLikeTls(records_)) {
    return NotTls(records_);
  }
  if (!records_.empty() || !handshake_.empty()) {
    return Broken(why == Kind::kSilent ? "a flight that stops in the middle"
                                       : "a flight that was cut off");
  }
  return ServerAnswer{.kind = why, .certificates = {}};
}

}  // namespace casemate::flows
