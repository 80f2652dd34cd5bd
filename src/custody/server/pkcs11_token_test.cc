#include "custody/server/pkcs11_token.h"

#include "custody/server/deployment_fixture_test.h"
#include "custody/server/token_contract_test.h"

namespace casemate::custody {
namespace {

SecretBuffer Pin(std::string text) {
  return std::move(*SecretBuffer::TakeFrom(std::as_writable_bytes(std::span(text))));
}

Pkcs11Token::Options NewToken(Pkcs11Token::Wrapping wrapping = Pkcs11Token::Wrapping::kBest) {
  static int count = 0;
  (void)TestTokenFolder();
  Pkcs11Token::Options options;
  options.module_path = kSoftHsmModule;
  options.uri.token = "test " + std::to_string(++count);
  options.wrapping = wrapping;
  return options;
}

TokenFactory Factory(Pkcs11Token::Wrapping wrapping) {
  return [wrapping]() -> std::unique_ptr<Token> {
    auto token = Pkcs11Token::Initialize(NewToken(wrapping), Pin("0123456789abcdef"));
    EXPECT_TRUE(token.has_value()) << token.error().message << token.error().detail;
    return token ? std::move(*token) : nullptr;
  };
}

INSTANTIATE_TEST_SUITE_P(SoftHsmGcm, TokenContractTest,
                         testing::Values(Factory(Pkcs11Token::Wrapping::kGcm)));
INSTANTIATE_TEST_SUITE_P(SoftHsmKeyWrapPad, TokenContractTest,
                         testing::Values(Factory(Pkcs11Token::Wrapping::kKeyWrapPad)));
INSTANTIATE_TEST_SUITE_P(SoftHsmKeyWrap, TokenContractTest,
                         testing::Values(Factory(Pkcs11Token::Wrapping::kKeyWrap)));

TEST(Pkcs11TokenTest, GcmBindsTheContext) {
  const auto token = Factory(Pkcs11Token::Wrapping::kGcm)();
  ASSERT_TRUE(token->CreateKey("k").has_value());
  const Result<Bytes> wrapped = token->Wrap("k", *Key::Random(), AsBytes("tenant a"));
  ASSERT_TRUE(wrapped.has_value());
  const Result<Key> back = token->Unwrap("k", *wrapped, AsBytes("tenant b"));
  ASSERT_FALSE(back.has_value());
  EXPECT_EQ(back.error().code, ErrorCode::kIntegrityFailure);
}

TEST(Pkcs11TokenTest, BestIsGcmWhereTheTokenHasIt) {
  const auto token = Factory(Pkcs11Token::Wrapping::kBest)();
  EXPECT_NE(token->Describe().find("AES-GCM"), std::string::npos) << token->Describe();
}

TEST(Pkcs11TokenTest, OpenRefusesAWrongPin) {
  const Pkcs11Token::Options options = NewToken();
  // The first must be gone: SoftHSM2 keeps a login for the whole process.
  ASSERT_TRUE(Pkcs11Token::Initialize(options, Pin("0123456789abcdef")).has_value());
  const auto token = Pkcs11Token::Open(options, Pin("0123456789abcdeX"));
  ASSERT_FALSE(token.has_value());
  EXPECT_EQ(token.error().code, ErrorCode::kUnauthenticated);
}

TEST(Pkcs11TokenTest, OpenRefusesATokenThatIsNotThere) {
  const auto token = Pkcs11Token::Open(NewToken(), Pin("0123456789abcdef"));
  ASSERT_FALSE(token.has_value());
  EXPECT_EQ(token.error().code, ErrorCode::kNotFound);
}

TEST(Pkcs11TokenTest, InitializeRefusesALabelThatIsTaken) {
  const Pkcs11Token::Options options = NewToken();
  ASSERT_TRUE(Pkcs11Token::Initialize(options, Pin("0123456789abcdef")).has_value());
  const auto again = Pkcs11Token::Initialize(options, Pin("0123456789abcdef"));
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
}

TEST(Pkcs11TokenTest, ALibraryThatIsNoneIsRefused) {
  Pkcs11Token::Options options = NewToken();
  options.module_path = "/usr/lib/no-such-module.so";
  const auto token = Pkcs11Token::Open(options, Pin("0123456789abcdef"));
  ASSERT_FALSE(token.has_value());
  EXPECT_EQ(token.error().code, ErrorCode::kUnavailable);
}

// The forms are those of RFC 7512, section 3.
TEST(TokenUriTest, NamesOneToken) {
  const Result<TokenUri> uri = ParseTokenUri(
      "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;"
      "model=1.0;serial=?module-path=/usr/lib/some.so");
  ASSERT_TRUE(uri.has_value()) << uri.error().message;
  EXPECT_EQ(uri->token, "The Software PKCS#11 Softtoken");
  EXPECT_EQ(uri->manufacturer, "Snake Oil, Inc.");
  EXPECT_EQ(uri->module_path, "/usr/lib/some.so");
}

TEST(TokenUriTest, RefusesWhatDoesNotNameAToken) {
  for (const char* text :
       {"", "pkcs12:token=a", "pkcs11:object=key", "pkcs11:token=a;token=b", "pkcs11:token=%2",
        "pkcs11:token=%zz", "pkcs11:token=%00", "pkcs11:token=a?pin-value=1234",
        "pkcs11:token=a?pin-source=/etc/pin", "pkcs11:token"}) {
    EXPECT_FALSE(ParseTokenUri(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace casemate::custody
