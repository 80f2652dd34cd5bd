#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "secmem/key.h"

namespace casemate::custody {

// What holds the epoch keys: keys are made inside, never leave, and can be destroyed. Keys and
// anchors are named by labels; a label names at most one key and one anchor.
//
// Implementations: Pkcs11Token. Threads: all members may run at the same time; they wait for the
// token. Errors of every call: kUnavailable: the token does not answer, or is gone.
class Token {
 public:
  virtual ~Token() = default;

  // For the operator: the token's label, the library, the mechanism that wraps.
  virtual std::string Describe() const = 0;

  // An AES-256 key, kept across restarts, sensitive, not extractable. Errors: kConflict: the label
  // is taken.
  [[nodiscard]] virtual Result<void> CreateKey(const std::string& label) = 0;
  // Wraps 32 bytes under that key. `context` is bound where the token can (AES-GCM); where it
  // cannot (AES key wrap), what is sealed under the wrapped key binds it. Errors: kNotFound.
  [[nodiscard]] virtual Result<Bytes> Wrap(const std::string& label, KeyView key,
                                           ByteView context) = 0;
  // Errors: kNotFound: no such key. kIntegrityFailure: another key, context, or changed bytes.
  [[nodiscard]] virtual Result<Key> Unwrap(const std::string& label, ByteView wrapped,
                                           ByteView context) = 0;
  // Destroys the key and then looks for it in vain. Errors: kNotFound; kIntegrityFailure: the token
  // says that it destroyed the key and still has it.
  [[nodiscard]] virtual Result<void> DestroyKey(const std::string& label) = 0;
  [[nodiscard]] virtual Result<bool> HasKey(const std::string& label) = 0;
  // Labels of all keys that begin with `prefix`.
  [[nodiscard]] virtual Result<std::vector<std::string>> ListKeys(std::string_view prefix) = 0;

  // A small public value that stays in the token, at most 1024 bytes.
  [[nodiscard]] virtual Result<void> PutAnchor(const std::string& label, ByteView value) = 0;
  [[nodiscard]] virtual Result<std::optional<Bytes>> GetAnchor(const std::string& label) = 0;
};

}  // namespace casemate::custody
