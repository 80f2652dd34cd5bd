#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "custody/server/token.h"
#include "custody/server/token_uri.h"
#include "secmem/secret_buffer.h"

namespace casemate::custody {

// A token behind a PKCS#11 library (OASIS PKCS #11 v2.40), which is loaded into this process. One
// session, one call at a time. Wraps with CKM_AES_GCM where the token has it, else with
// CKM_AES_KEY_WRAP_PAD or CKM_AES_KEY_WRAP: found by asking it.
class Pkcs11Token : public Token {
 public:
  enum class Wrapping : unsigned char { kBest, kGcm, kKeyWrapPad, kKeyWrap };
  struct Options {
    std::filesystem::path module_path;
    TokenUri uri;                         // which token; for Initialize, `token` is its new label
    Wrapping wrapping = Wrapping::kBest;  // for new wraps; unwrapping goes by the wrapped bytes
  };

  // Makes a token in the library's first free slot, with `pin` for the user and a random security
  // officer's PIN that nobody keeps, and opens it. Errors: kConflict: there is a token of that
  // label. kUnavailable: the library cannot be loaded, or has no free slot.
  [[nodiscard]] static Result<std::unique_ptr<Pkcs11Token>> Initialize(const Options& options,
                                                                       const SecretBuffer& pin);
  // Logs in. Errors: kNotFound: no such token. kUnauthenticated: the PIN is wrong or locked.
  [[nodiscard]] static Result<std::unique_ptr<Pkcs11Token>> Open(const Options& options,
                                                                 const SecretBuffer& pin);
  ~Pkcs11Token() override;

  std::string Describe() const override;
  [[nodiscard]] Result<void> CreateKey(const std::string& label) override;
  [[nodiscard]] Result<Bytes> Wrap(const std::string& label, KeyView key,
                                   ByteView context) override;
  [[nodiscard]] Result<Key> Unwrap(const std::string& label, ByteView wrapped,
                                   ByteView context) override;
  [[nodiscard]] Result<void> DestroyKey(const std::string& label) override;
  [[nodiscard]] Result<bool> HasKey(const std::string& label) override;
  [[nodiscard]] Result<std::vector<std::string>> ListKeys(std::string_view prefix) override;
  [[nodiscard]] Result<void> PutAnchor(const std::string& label, ByteView value) override;
  [[nodiscard]] Result<std::optional<Bytes>> GetAnchor(const std::string& label) override;

 private:
  struct State;
  explicit Pkcs11Token(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Where Debian puts SoftHSM2; used when no module is configured.
inline constexpr const char* kSoftHsmModule = "/usr/lib/softhsm/libsofthsm2.so";

// Makes `folder`/softhsm2.conf and `folder`/tokens and points this process's SoftHSM2 there
// (SOFTHSM2_CONF). Call before the library is loaded, with one thread.
[[nodiscard]] Result<void> UseSoftHsmFolder(const std::filesystem::path& folder);

}  // namespace casemate::custody
