#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "custody/server/custodian.h"
#include "custody/server/pin_file.h"
#include "custody/server/pkcs11_token.h"

// A deployment in a folder of its own, over SoftHSM2. One SoftHSM2 folder per test program (the
// library reads its configuration once), one token label per deployment.
namespace casemate::custody {

inline std::filesystem::path TestTokenFolder() {
  // Removed when the program ends.
  struct Folder {
    Folder() {
      std::string pattern = (std::filesystem::temp_directory_path() / "casemate-token-XXXXXX");
      path = ::mkdtemp(pattern.data());
      EXPECT_TRUE(UseSoftHsmFolder(path).has_value());
    }
    ~Folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
    std::filesystem::path path;
  };
  static const Folder folder;
  return folder.path;
}

class Deployment {
 public:
  explicit Deployment(std::string mirror = {}) : mirror_(std::move(mirror)) {
    (void)TestTokenFolder();
    std::string pattern = (std::filesystem::temp_directory_path() / "casemate-test-XXXXXX");
    folder_ = ::mkdtemp(pattern.data());
    label_ = folder_.filename().string();
  }
  ~Deployment() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Deployment(const Deployment&) = delete;
  Deployment& operator=(const Deployment&) = delete;

  std::unique_ptr<Token> OpenToken(bool make) {
    Pkcs11Token::Options options;
    options.module_path = kSoftHsmModule;
    options.uri.token = label_;
    std::string digits = "0123456789abcdef";
    Result<SecretBuffer> pin = SecretBuffer::TakeFrom(std::as_writable_bytes(std::span(digits)));
    Result<std::unique_ptr<Pkcs11Token>> token =
        make ? Pkcs11Token::Initialize(options, *pin) : Pkcs11Token::Open(options, *pin);
    EXPECT_TRUE(token.has_value()) << token.error().message << " " << token.error().detail;
    return token ? std::move(*token) : nullptr;
  }
  Custodian::Options Options(std::unique_ptr<Token> token) {
    Custodian::Options options;
    options.deployment = folder_;
    options.mirror = mirror_;
    options.token = std::move(token);
    options.epoch_interval = std::chrono::milliseconds(0);
    return options;
  }
  std::unique_ptr<Custodian> Make() {
    Init init;
    init.dns_names = {"localhost"};
    Result<Custodian::Made> made = Custodian::Make(Options(OpenToken(true)), init);
    EXPECT_TRUE(made.has_value()) << made.error().message << " " << made.error().detail;
    return made ? std::move(made->custodian) : nullptr;
  }
  Result<std::unique_ptr<Custodian>> TryOpen() {
    return Custodian::Open(Options(OpenToken(false)));
  }
  std::unique_ptr<Custodian> Open() {
    Result<std::unique_ptr<Custodian>> opened = TryOpen();
    EXPECT_TRUE(opened.has_value()) << opened.error().message << " " << opened.error().detail;
    return opened ? std::move(*opened) : nullptr;
  }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
  std::string label_;
  std::string mirror_;
};

}  // namespace casemate::custody
