#include "audit/verify/checkpoint.h"

#include <array>
#include <charconv>

namespace casemate::audit {
namespace {

constexpr std::size_t kMlDsa44SignatureSize = 2420;

// cosigned_message of tlog-cosignature for a whole tree: start is 0, end the size.
Bytes CosignedMessage(const std::string& name, std::uint64_t timestamp,
                      const Checkpoint& checkpoint) {
  static constexpr std::array<char, 12> kLabel = {'s', 'u', 'b', 't', 'r',  'e',
                                                  'e', '/', 'v', '1', '\n', '\0'};
  Bytes message;
  Put(message, std::as_bytes(std::span(kLabel)));
  message.push_back(static_cast<std::byte>(name.size()));
  Put(message, AsBytes(name));
  PutU64(message, timestamp);
  message.push_back(static_cast<std::byte>(checkpoint.origin.size()));
  Put(message, AsBytes(checkpoint.origin));
  PutU64(message, 0);
  PutU64(message, checkpoint.size);
  Put(message, checkpoint.root);
  return message;
}

std::unexpected<Error> NotACheckpoint(const std::string& why) {
  return Fail(ErrorCode::kInvalidArgument, "expected a checkpoint: " + why);
}

Result<void> VerifyOne(const Checkpoint& checkpoint, const Note& note, const VerifierKey& key,
                       ByteView signature) {
  if (key.type == kEd25519Note) {
    return crypto::Verify(crypto::SignatureAlgorithm::kEd25519, key.public_key, AsBytes(note.text),
                          signature);
  }
  if (signature.size() != 8 + kMlDsa44SignatureSize) {
    return Fail(ErrorCode::kIntegrityFailure,
                "signature of " + std::to_string(signature.size()) + " bytes");
  }
  const std::uint64_t timestamp = GetU64(signature);
  if (timestamp >> 63 != 0) {
    return Fail(ErrorCode::kIntegrityFailure, "time out of range");
  }
  return crypto::Verify(crypto::SignatureAlgorithm::kMlDsa44, key.public_key,
                        CosignedMessage(key.name, timestamp, checkpoint), signature.subspan(8));
}

}  // namespace

std::string FormatCheckpoint(const Checkpoint& checkpoint) {
  return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" +
         ToBase64(checkpoint.root) + "\n";
}

Result<Checkpoint> ParseCheckpoint(std::string_view text) {
  Checkpoint checkpoint;
  std::array<std::string_view, 3> lines;
  for (std::string_view& line : lines) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || end == 0) {
      return NotACheckpoint("fewer than three lines, or an empty one");
    }
    line = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  if (!text.empty()) {
    return NotACheckpoint("more than three lines (no extension lines here)");
  }
  if (lines[0].size() > 255) {
    return NotACheckpoint("an origin over 255 bytes");
  }
  checkpoint.origin = std::string(lines[0]);
  const char* end = lines[1].data() + lines[1].size();
  const auto [stop, error] = std::from_chars(lines[1].data(), end, checkpoint.size);
  if (error != std::errc() || stop != end || (lines[1].size() > 1 && lines[1][0] == '0') ||
      checkpoint.size >> 63 != 0) {
    return NotACheckpoint("the second line is no size");
  }
  const Result<Bytes> root = FromBase64(lines[2]);
  if (!root || root->size() != checkpoint.root.size()) {
    return NotACheckpoint("the third line is no root hash");
  }
  std::ranges::copy(*root, checkpoint.root.begin());
  return checkpoint;
}

Result<std::string> SignCheckpoint(const Checkpoint& checkpoint,
                                   std::span<const crypto::SigningKey> keys,
                                   std::int64_t unix_seconds) {
  Note note{.text = FormatCheckpoint(checkpoint), .signatures = {}};
  for (const crypto::SigningKey& key : keys) {
    const Result<VerifierKey> verifier = VerifierKey::Of(checkpoint.origin, key);
    if (!verifier) {
      return std::unexpected(verifier.error());
    }
    Bytes blob;
    Result<Bytes> signature = Bytes();
    if (verifier->type == kEd25519Note) {
      signature = key.Sign(AsBytes(note.text));
    } else {
      const auto timestamp = static_cast<std::uint64_t>(unix_seconds);
      PutU64(blob, timestamp);
      signature = key.Sign(CosignedMessage(verifier->name, timestamp, checkpoint));
    }
    if (!signature) {
      return std::unexpected(signature.error());
    }
    Put(blob, *signature);
    note.signatures.push_back(
        {.name = verifier->name, .key_id = verifier->id(), .signature = std::move(blob)});
  }
  return FormatNote(note);
}

Result<Checkpoint> OpenCheckpoint(std::string_view text, std::span<const VerifierKey> keys) {
  if (keys.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "no verifier key to check the checkpoint with");
  }
  const Result<Note> note = ParseNote(text);
  if (!note) {
    return Fail(ErrorCode::kIntegrityFailure, note.error().message);
  }
  Result<Checkpoint> checkpoint = ParseCheckpoint(note->text);
  if (!checkpoint) {
    return Fail(ErrorCode::kIntegrityFailure, checkpoint.error().message);
  }
  for (const VerifierKey& key : keys) {
    const std::string called =
        key.name + (key.type == kEd25519Note ? " (Ed25519)" : " (ML-DSA-44)");
    if (key.name != checkpoint->origin) {
      return Fail(ErrorCode::kIntegrityFailure, "the origin is not the name of the key " + called);
    }
    bool found = false;
    for (const NoteSignature& signature : note->signatures) {
      if (signature.name != key.name || signature.key_id != key.id()) {
        continue;
      }
      if (Result<void> good = VerifyOne(*checkpoint, *note, key, signature.signature); !good) {
        return Fail(ErrorCode::kIntegrityFailure,
                    "the signature of " + called + " does not verify: " + good.error().message);
      }
      found = true;
    }
    if (!found) {
      return Fail(ErrorCode::kIntegrityFailure, "no signature of " + called);
    }
  }
  return checkpoint;
}

}  // namespace casemate::audit
