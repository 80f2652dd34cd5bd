#include "flows/ssh_kexinit.h"

#include <algorithm>

#include "flows/reader.h"

namespace casemate::flows {
namespace {

constexpr std::uint8_t kKexInit = 20;
constexpr std::size_t kMaxPacket = 35'000;
constexpr std::size_t kMaxLine = 255;
constexpr int kMaxLines = 64;
constexpr std::size_t kMaxNames = 512;

bool Printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

// RFC 4251 section 5: names separated by commas.
std::vector<std::string> NameList(Reader& reader) {
  const Reader block = reader.Block(4);
  reader.Adopt(block);
  std::string_view text = AsText(block.rest());
  std::vector<std::string> names;
  if (!Printable(text)) {
    reader.Reject("a name list with characters that are not printable");
    return names;
  }
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    names.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (names.size() > kMaxNames) {
      reader.Reject("a list of more than 512 names");
      return {};
    }
  }
  return names;
}

}  // namespace

KeyExchange SshKeyExchangeKind(std::string_view name) {
  if (name.starts_with("mlkem768x25519-") || name.starts_with("sntrup761x25519-") ||
      name.starts_with("mlkem768nistp256-") || name.starts_with("mlkem1024nistp384-")) {
    return KeyExchange::kHybrid;
  }
  if (name.starts_with("sntrup4591761x25519-")) {
    return KeyExchange::kLegacy;
  }
  if (name.starts_with("ext-info-") || name.starts_with("kex-strict-")) {
    return KeyExchange::kUnknown;
  }
  if (name.starts_with("curve25519-") || name.starts_with("curve448-") ||
      name.starts_with("ecdh-") || name.starts_with("diffie-hellman-") || name.starts_with("rsa") ||
      name.starts_with("gss-")) {
    return KeyExchange::kClassical;
  }
  return KeyExchange::kUnknown;
}

Result<SshOffer> ParseKexInit(ByteView payload) {
  Reader reader(payload);
  if (reader.U8() != kKexInit && !reader.failed()) {
    reader.Reject("a message that is not KEXINIT");
  }
  reader.Take(16);  // cookie
  SshOffer offer;
  offer.key_exchange = NameList(reader);
  offer.host_keys = NameList(reader);
  NameList(reader);  // ciphers from client to server
  offer.ciphers = NameList(reader);
  for (int list = 0; list < 6; ++list) {  // MACs, compression, languages: two each
    NameList(reader);
  }
  reader.U8();   // first_kex_packet_follows
  reader.U32();  // reserved
  if (reader.failed()) {
    return std::unexpected(Wrap(reader.error(), "KEXINIT").error());
  }
  return offer;
}

std::optional<Result<SshOffer>> SshReader::Feed(ByteView bytes) {
  Put(pending_, bytes);
  if (!packets_) {
    if (std::optional<Result<SshOffer>> broken = ReadLines()) {
      return broken;
    }
  }
  if (!packets_ || pending_.size() < 5) {
    return std::nullopt;
  }
  const std::size_t length = GetU32(pending_);
  const auto padding = std::to_integer<std::size_t>(pending_[4]);
  if (length > kMaxPacket || length < padding + 2) {
    return Fail(ErrorCode::kInvalidArgument,
                "an SSH packet of " + std::to_string(length) + " bytes");
  }
  if (pending_.size() < 4 + length) {
    return std::nullopt;
  }
  Result<SshOffer> offer = ParseKexInit(ByteView(pending_).subspan(5, length - padding - 1));
  if (offer) {
    offer->software = software_;
  }
  return offer;
}

std::optional<Result<SshOffer>> SshReader::ReadLines() {
  while (!packets_) {
    const auto end = std::ranges::find(pending_, std::byte{'\n'});
    if (end == pending_.end()) {
      if (pending_.size() > kMaxLine) {
        return Fail(ErrorCode::kInvalidArgument, "not SSH: a first line of more than 255 bytes");
      }
      return std::nullopt;
    }
    std::string line(AsText(ByteView(pending_.begin(), end)));
    pending_.erase(pending_.begin(), end + 1);
    if (line.ends_with('\r')) {
      line.pop_back();
    }
    if (line.starts_with("SSH-2.0-") || line.starts_with("SSH-1.99-")) {
      software_ = line.substr(line.find('-', 4) + 1);
      if (line.size() > kMaxLine || !Printable(software_)) {
        return Fail(ErrorCode::kInvalidArgument, "an SSH version line that is not printable text");
      }
      packets_ = true;
    } else if (line.starts_with("SSH-")) {
      return Fail(ErrorCode::kInvalidArgument, "an SSH version other than 2.0");
    } else if (++lines_ > kMaxLines || line.size() > kMaxLine) {
      return Fail(ErrorCode::kInvalidArgument, "not SSH: no version line");
    }
  }
  return std::nullopt;
}

}  // namespace casemate::flows
