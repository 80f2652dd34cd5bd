#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/signature.h"

// C2SP signed notes (https://c2sp.org/signed-note): text, an empty line, and signature lines.
namespace casemate::audit {

// Signature types that we make and verify.
inline constexpr std::uint8_t kEd25519Note = 0x01;         // over the note's text
inline constexpr std::uint8_t kMlDsa44Cosignature = 0x06;  // https://c2sp.org/tlog-cosignature

inline constexpr std::size_t kMaxNoteBytes = std::size_t{128} * 1024;
inline constexpr std::size_t kMaxNoteSignatures = 32;  // the format asks for 16 at least

// Who may sign: what a verifier is given beforehand. Text form (vkey):
// name+hex(key id)+base64(type || public key).
struct VerifierKey {
  std::string name;
  std::uint8_t type = kEd25519Note;
  Bytes public_key;

  std::uint32_t id() const;  // SHA-256(name || 0x0A || type || public key)[:4], big-endian
  std::string ToString() const;
  // Errors: kInvalidArgument: another form or type, or a key id that is not this key's.
  [[nodiscard]] static Result<VerifierKey> Parse(std::string_view text);
  // Errors: kInvalidArgument: a name that is empty, has a space, '+' or a control character, or is
  // over 255 bytes.
  [[nodiscard]] static Result<VerifierKey> Of(std::string_view name, const crypto::SigningKey& key);
};
// One key a line, as in D/audit/log.vkey; empty lines and lines that begin with '#' are left out.
// Errors: kInvalidArgument, with the line; also when there is no key at all.
[[nodiscard]] Result<std::vector<VerifierKey>> ParseVerifierKeys(std::string_view text);

struct NoteSignature {
  std::string name;
  std::uint32_t key_id = 0;
  Bytes signature;  // without the key id
};

struct Note {
  std::string text;  // with its last newline
  std::vector<NoteSignature> signatures;
};

// Reads the form only; nothing is verified. Errors: kInvalidArgument: not a note, or over the
// limits above.
[[nodiscard]] Result<Note> ParseNote(std::string_view text);
std::string FormatNote(const Note& note);
std::string FormatNoteSignature(const NoteSignature& signature);  // one line with its newline

}  // namespace casemate::audit
