#include "audit/verify/note.h"

#include <algorithm>
#include <array>
#include <optional>

#include "crypto/hash.h"

namespace casemate::audit {
namespace {

constexpr std::string_view kDash = "\u2014 ";  // em dash, space
constexpr std::size_t kMaxNameBytes = 255;     // a cosigned message holds its length in one byte

std::unexpected<Error> NotANote(const std::string& why) {
  return Fail(ErrorCode::kInvalidArgument, "expected a signed note: " + why);
}

// Reads one character of UTF-8 (RFC 3629) off the front; nothing for malformed bytes.
std::optional<char32_t> TakeCharacter(std::string_view& text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xc2 ? 0
                           : first < 0xe0 ? 2
                           : first < 0xf0 ? 3
                           : first < 0xf5 ? 4
                                          : 0;
  if (size == 0 || size > text.size()) {
    return std::nullopt;
  }
  char32_t value = size == 1 ? first : first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return std::nullopt;
    }
    value = (value << 6) | (byte(i) & 0x3fU);
  }
  static constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[size] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
    return std::nullopt;
  }
  text.remove_prefix(size);
  return value;
}

bool IsSpace(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

bool IsNoteText(std::string_view text) {
  while (!text.empty()) {
    const std::optional<char32_t> c = TakeCharacter(text);
    if (!c || (*c < 0x20 && *c != '\n')) {
      return false;
    }
  }
  return true;
}

bool IsKeyName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) {
    return false;
  }
  while (!name.empty()) {
    const std::optional<char32_t> c = TakeCharacter(name);
    if (!c || IsSpace(*c) || *c == '+' || *c < 0x20 || *c == 0x7f) {
      return false;
    }
  }
  return true;
}

Result<NoteSignature> ParseSignatureLine(std::string_view line) {
  if (!line.starts_with(kDash)) {
    return NotANote("a signature line that does not begin with an em dash and a space");
  }
  line.remove_prefix(kDash.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !IsKeyName(line.substr(0, space))) {
    return NotANote("a signature line without a key name");
  }
  const Result<Bytes> blob = FromBase64(line.substr(space + 1));
  if (!blob || blob->size() < 5) {
    return NotANote("a signature that is not base64 of a key id and more");
  }
  return NoteSignature{.name = std::string(line.substr(0, space)),
                       .key_id = GetU32(*blob),
                       .signature = Bytes(blob->begin() + 4, blob->end())};
}

}  // namespace

std::uint32_t VerifierKey::id() const {
  Bytes input;
  Put(input, AsBytes(name));
  input.push_back(std::byte{'\n'});
  input.push_back(std::byte{type});
  Put(input, public_key);
  return GetU32(crypto::Sha256(input));
}

std::string VerifierKey::ToString() const {
  Bytes id_bytes;
  PutU32(id_bytes, id());
  Bytes material = {std::byte{type}};
  Put(material, public_key);
  return name + "+" + ToHex(id_bytes) + "+" + ToBase64(material);
}

Result<VerifierKey> VerifierKey::Parse(std::string_view text) {
  const auto refuse = [](const std::string& why) {
    return Fail(ErrorCode::kInvalidArgument, "verifier key: expected NAME+ID+KEY: " + why);
  };
  if (text.size() > 4096) {
    return refuse("longer than 4096 bytes");
  }
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos || !IsKeyName(text.substr(0, first))) {
    return refuse("no name, or fewer than two '+'");
  }
  const Result<Bytes> material = FromBase64(text.substr(second + 1));
  if (!material || material->empty()) {
    return refuse("the key is not base64");
  }
  VerifierKey key{.name = std::string(text.substr(0, first)),
                  .type = std::to_integer<std::uint8_t>((*material)[0]),
                  .public_key = Bytes(material->begin() + 1, material->end())};
  const std::size_t expected = key.type == kEd25519Note          ? 32
                               : key.type == kMlDsa44Cosignature ? 1312
                                                                 : 0;
  if (expected == 0) {
    return refuse("type " + std::to_string(key.type) + " is neither 1 (Ed25519) nor 6 (ML-DSA-44)");
  }
  if (key.public_key.size() != expected) {
    return refuse("a public key of " + std::to_string(key.public_key.size()) + " bytes, not " +
                  std::to_string(expected));
  }
  // One spelling for each key; also finds an id that is another key's.
  if (key.ToString() != text) {
    return refuse("the id is not this key's");
  }
  return key;
}

Result<VerifierKey> VerifierKey::Of(std::string_view name, const crypto::SigningKey& key) {
  if (!IsKeyName(name)) {
    return Fail(ErrorCode::kInvalidArgument,
                "key name: expected 1 to 255 bytes without spaces and '+'");
  }
  const bool ed25519 = key.algorithm() == crypto::SignatureAlgorithm::kEd25519;
  return VerifierKey{.name = std::string(name),
                     .type = ed25519 ? kEd25519Note : kMlDsa44Cosignature,
                     .public_key = key.public_key()};
}

Result<std::vector<VerifierKey>> ParseVerifierKeys(std::string_view text) {
  std::vector<VerifierKey> keys;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.empty() || one.starts_with('#')) {
      continue;
    }
    Result<VerifierKey> key = VerifierKey::Parse(one);
    if (!key) {
      return Wrap(key.error(), "line " + std::to_string(line));
    }
    keys.push_back(std::move(*key));
  }
  if (keys.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "expected verifier keys, one a line, found none");
  }
  return keys;
}

Result<Note> ParseNote(std::string_view text) {
  if (text.size() > kMaxNoteBytes) {
    return NotANote("over " + std::to_string(kMaxNoteBytes) + " bytes");
  }
  if (!IsNoteText(text)) {
    return NotANote("bytes that are not UTF-8, or control characters");
  }
  const std::size_t split = text.rfind("\n\n");
  if (split == std::string_view::npos || split == 0) {
    return NotANote("no empty line between text and signatures");
  }
  Note note{.text = std::string(text.substr(0, split + 1)), .signatures = {}};
  std::string_view rest = text.substr(split + 2);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      return NotANote("the last line has no newline");
    }
    if (note.signatures.size() == kMaxNoteSignatures) {
      return NotANote("over " + std::to_string(kMaxNoteSignatures) + " signatures");
    }
    Result<NoteSignature> signature = ParseSignatureLine(rest.substr(0, end));
    if (!signature) {
      return std::unexpected(signature.error());
    }
    note.signatures.push_back(std::move(*signature));
    rest.remove_prefix(end + 1);
  }
  if (note.signatures.empty()) {
    return NotANote("no signature");
  }
  return note;
}

std::string FormatNoteSignature(const NoteSignature& signature) {
  Bytes blob;
  PutU32(blob, signature.key_id);
  Put(blob, signature.signature);
  return std::string(kDash) + signature.name + " " + ToBase64(blob) + "\n";
}

std::string FormatNote(const Note& note) {
  std::string out = note.text + "\n";
  for (const NoteSignature& signature : note.signatures) {
    out += FormatNoteSignature(signature);
  }
  return out;
}

}  // namespace casemate::audit
