#include "custody/server/pin_file.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "crypto/hash.h"
#include "crypto/seal.h"
#include "secmem/key.h"

namespace casemate::custody {
namespace {

constexpr std::string_view kMagic = "casemate/pin@v1\n";
constexpr std::size_t kSaltSize = 16;
constexpr std::size_t kPinHeaderSize = 16 + 3 * 4 + kSaltSize;
constexpr std::size_t kMaxSecretLine = 1024;

}  // namespace

Result<SecretBuffer> MakePin() {
  Result<SecretBuffer> pin = SecretBuffer::Allocate(kPinSize);
  Result<Key> random = Key::Random();
  if (!pin || !random) {
    return std::unexpected(pin ? random.error() : pin.error());
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto digits = pin->mutable_bytes();
  std::size_t at = 0;
  for (const std::byte byte : random->view().RevealKey()) {
    digits[at++] = static_cast<std::byte>(kDigits[std::to_integer<std::size_t>(byte >> 4)]);
    digits[at++] = static_cast<std::byte>(kDigits[std::to_integer<std::size_t>(byte) & 15]);
  }
  return pin;
}

Result<Bytes> SealPin(const SecretBuffer& pin, ByteView passphrase,
                      const crypto::Argon2Parameters& parameters) {
  Bytes out;
  Put(out, AsBytes(kMagic));
  PutU32(out, parameters.memory_kib);
  PutU32(out, parameters.passes);
  PutU32(out, parameters.lanes);
  std::array<std::byte, kSaltSize> salt{};
  crypto::FillRandom(salt);
  Put(out, salt);
  Result<Key> key = crypto::Argon2id(passphrase, salt, parameters);
  if (!key) {
    return std::unexpected(key.error());
  }
  Result<Bytes> sealed = crypto::SealRaw(*key, out, PlaintextView::Of(pin.RevealBytes()));
  if (!sealed) {
    return sealed;
  }
  Put(out, *sealed);
  return out;
}

Result<SecretBuffer> OpenPin(ByteView sealed, ByteView passphrase) {
  if (sealed.size() != kPinHeaderSize + crypto::SealedSize(kPinSize) ||
      AsText(sealed.first(kMagic.size())) != kMagic) {
    return Fail(ErrorCode::kIntegrityFailure,
                "custodian/pin.sealed is damaged, or not a file of this format");
  }
  crypto::Argon2Parameters parameters;
  parameters.memory_kib = GetU32(sealed, kMagic.size());
  parameters.passes = GetU32(sealed, kMagic.size() + 4);
  parameters.lanes = GetU32(sealed, kMagic.size() + 8);
  Result<Key> key =
      crypto::Argon2id(passphrase, sealed.subspan(kMagic.size() + 12, kSaltSize), parameters);
  if (!key) {
    return std::unexpected(key.error());
  }
  Result<Plaintext> pin =
      crypto::OpenRaw(*key, sealed.first(kPinHeaderSize), sealed.subspan(kPinHeaderSize));
  if (!pin) {
    return Fail(ErrorCode::kUnauthenticated,
                "the passphrase does not open custodian/pin.sealed: it is wrong, or the file was "
                "changed",
                pin.error().detail);
  }
  return SecretBuffer::TakeFrom(pin->mutable_bytes());
}

Result<SecretBuffer> ReadSecretLine(int fd) {
  Result<SecretBuffer> room = SecretBuffer::Allocate(kMaxSecretLine + 1);
  if (!room) {
    return room;
  }
  const auto bytes = room->mutable_bytes();
  std::size_t size = 0;
  const void* newline = nullptr;
  while (size < bytes.size() && newline == nullptr) {
    const ssize_t got = ::read(fd, bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return FailErrno("read the passphrase or PIN");
    }
    if (got == 0) {
      break;
    }
    newline = std::memchr(bytes.data() + size, '\n', static_cast<std::size_t>(got));
    size += static_cast<std::size_t>(got);
  }
  if (newline != nullptr) {
    size = static_cast<std::size_t>(static_cast<const std::byte*>(newline) - bytes.data());
  }
  if (size == 0 || size > kMaxSecretLine) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected a passphrase or PIN of 1 to 1024 bytes on one line");
  }
  return SecretBuffer::TakeFrom(bytes.first(size));
}

}  // namespace casemate::custody
