#include "custody/server/token_setup.h"

#include <filesystem>

#include "base/file.h"
#include "base/log.h"
#include "custody/server/pin_file.h"
#include "custody/server/pkcs11_token.h"

namespace casemate::custody {
namespace {

constexpr std::size_t kMaxPinFile = 4096;
constexpr const char* kOwnToken = "casemate";  // label of the deployment's own SoftHSM2 token

Result<SecretBuffer> PinUnderPassphrase(const ipc::SetupCustodian& setup,
                                        const std::filesystem::path& folder,
                                        const SecretBuffer& passphrase) {
  const std::filesystem::path path = folder / "pin.sealed";
  if (!setup.init) {
    Result<Bytes> sealed = ReadFile(path, kMaxPinFile);
    if (!sealed) {
      return Wrap(sealed.error(), "custodian/pin.sealed");
    }
    return OpenPin(*sealed, passphrase.RevealBytes());
  }
  crypto::Argon2Parameters parameters;
  if (setup.argon2_memory_kib != 0) {
    parameters.memory_kib = setup.argon2_memory_kib;
  }
  Result<SecretBuffer> pin = MakePin();
  Result<Bytes> sealed = pin ? SealPin(*pin, passphrase.RevealBytes(), parameters)
                             : Result<Bytes>(std::unexpected(pin.error()));
  if (!sealed) {
    return std::unexpected(sealed.error());
  }
  if (Result<void> written = WriteFileAtomically(path, *sealed); !written) {
    return std::unexpected(written.error());
  }
  return pin;
}

Result<SecretBuffer> PinBesideTheToken(const ipc::SetupCustodian& setup,
                                       const std::filesystem::path& folder) {
  Log(LogLevel::kWarning, "the token's PIN lies beside the token: a stolen disk opens everything");
  const std::filesystem::path path = folder / "pin.insecure";
  if (!setup.init) {
    Result<Bytes> pin = ReadFile(path, kMaxPinFile);
    if (!pin) {
      return Wrap(pin.error(), "custodian/pin.insecure");
    }
    return SecretBuffer::TakeFrom(*pin);
  }
  Result<SecretBuffer> pin = MakePin();
  if (pin) {
    if (Result<void> written = WriteFileAtomically(path, pin->RevealBytes(), 0600); !written) {
      return std::unexpected(written.error());
    }
  }
  return pin;
}

std::filesystem::path FolderOf(const ipc::SetupCustodian& setup) {
  return std::filesystem::path(setup.deployment) / "custodian";
}

Result<ReadyToken> OpenToken(const ipc::SetupCustodian& setup, Result<SecretBuffer> pin,
                             std::string pin_protection) {
  if (!pin) {
    return std::unexpected(pin.error());
  }
  ReadyToken ready;
  ready.pin_protection = std::move(pin_protection);
  Pkcs11Token::Options options;
  options.module_path = setup.module_path;
  const bool own = setup.token_uri.empty();
  if (own) {
    options.uri.token = kOwnToken;
    if (Result<void> pointed = UseSoftHsmFolder(FolderOf(setup) / "token"); !pointed) {
      return std::unexpected(pointed.error());
    }
  } else {
    Result<TokenUri> uri = ParseTokenUri(setup.token_uri);
    if (!uri) {
      return std::unexpected(uri.error());
    }
    options.uri = std::move(*uri);
    if (!options.uri.module_path.empty()) {
      options.module_path = options.uri.module_path;
    }
  }
  if (options.module_path.empty()) {
    options.module_path = kSoftHsmModule;
  }
  // A customer's token was made by the customer; only the deployment's own is made here.
  Result<std::unique_ptr<Pkcs11Token>> token =
      own && setup.init ? Pkcs11Token::Initialize(options, *pin) : Pkcs11Token::Open(options, *pin);
  if (!token) {
    return std::unexpected(token.error());
  }
  ready.token = std::move(*token);
  return ready;
}

}  // namespace

Result<ReadyToken> PrepareToken(const ipc::SetupCustodian& setup, UniqueFd secret) {
  if (setup.pin_source == "insecure-file") {
    return OpenToken(setup, PinBesideTheToken(setup, FolderOf(setup)), "insecure-file");
  }
  if (!secret.valid()) {
    return Fail(ErrorCode::kInvalidArgument, "no descriptor to read the passphrase or PIN from");
  }
  Result<SecretBuffer> line = ReadSecretLine(secret.get());
  return line ? PrepareToken(setup, std::move(*line)) : std::unexpected(line.error());
}

Result<ReadyToken> PrepareToken(const ipc::SetupCustodian& setup, SecretBuffer secret) {
  if (setup.pin_source == "passphrase") {
    return OpenToken(setup, PinUnderPassphrase(setup, FolderOf(setup), secret), "argon2id");
  }
  if (setup.pin_source == "pin" || setup.pin_source == "credential") {
    return OpenToken(setup, std::move(secret),
                     setup.pin_source == "pin" ? "descriptor" : "credential");
  }
  return Fail(ErrorCode::kInvalidArgument,
              "an unknown source of the token's PIN: " + setup.pin_source);
}

}  // namespace casemate::custody
