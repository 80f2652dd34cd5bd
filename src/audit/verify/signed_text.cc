#include "audit/verify/signed_text.h"

#include "crypto/hash.h"

namespace casemate::audit {
namespace {

constexpr std::string_view kMlDsa44Type = "casemate.local/ML-DSA-44";

std::string Called(const VerifierKey& key) {
  return key.name + (key.type == kEd25519Note ? " (Ed25519)" : " (ML-DSA-44)");
}

crypto::SignatureAlgorithm AlgorithmOf(const VerifierKey& key) {
  return key.type == kEd25519Note ? crypto::SignatureAlgorithm::kEd25519
                                  : crypto::SignatureAlgorithm::kMlDsa44;
}

}  // namespace

std::uint32_t TextKeyId(const VerifierKey& key) {
  if (key.type == kEd25519Note) {
    return key.id();
  }
  Bytes input;
  Put(input, AsBytes(key.name));
  input.push_back(std::byte{'\n'});
  input.push_back(std::byte{0xff});
  Put(input, AsBytes(kMlDsa44Type));
  Put(input, key.public_key);
  return GetU32(crypto::Sha256(input));
}

Result<std::string> SignText(std::string text, std::string_view name,
                             std::span<const crypto::SigningKey> keys) {
  Note note{.text = std::move(text), .signatures = {}};
  for (const crypto::SigningKey& key : keys) {
    Result<VerifierKey> verifier = VerifierKey::Of(name, key);
    if (!verifier) {
      return std::unexpected(verifier.error());
    }
    Result<Bytes> signature = key.Sign(AsBytes(note.text));
    if (!signature) {
      return std::unexpected(signature.error());
    }
    note.signatures.push_back({.name = verifier->name,
                               .key_id = TextKeyId(*verifier),
                               .signature = std::move(*signature)});
  }
  return FormatNote(note);
}

Result<void> VerifyText(const Note& note, std::span<const VerifierKey> keys) {
  if (keys.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "no verifier key to check the signatures with");
  }
  if (note.signatures.size() != keys.size()) {
    return Fail(ErrorCode::kIntegrityFailure, "expected " + std::to_string(keys.size()) +
                                                  " signatures, found " +
                                                  std::to_string(note.signatures.size()));
  }
  for (const VerifierKey& key : keys) {
    bool found = false;
    for (const NoteSignature& signature : note.signatures) {
      if (signature.name != key.name || signature.key_id != TextKeyId(key)) {
        continue;
      }
      if (Result<void> good = crypto::Verify(AlgorithmOf(key), key.public_key, AsBytes(note.text),
                                             signature.signature);
          !good) {
        return Fail(ErrorCode::kIntegrityFailure,
                    "the signature of " + Called(key) + " does not verify");
      }
      found = true;
    }
    if (!found) {
      return Fail(ErrorCode::kIntegrityFailure, "no signature of " + Called(key));
    }
  }
  return {};
}

}  // namespace casemate::audit
