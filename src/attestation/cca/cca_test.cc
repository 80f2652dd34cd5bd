#include <gtest/gtest.h>

#include "attestation/cca/appraise.h"
#include "attestation/cca/diagnostic_test.h"
#include "attestation/cca/token.h"
#include "attestation/evidence.h"
#include "attestation/sample_test.h"
#include "crypto/test_authority.h"

namespace casemate::attestation::cca {
namespace {

constexpr const char* kToken = "trustee/cca/cca-example-token.cbor";

Context With(const std::string& key) {
  Context context;
  context.time = Day(2026, 11, 22);
  if (!key.empty()) {
    EXPECT_TRUE(AddFile(Role::kRoot, key, Sample(key), context));
  }
  return context;
}

TEST(CcaTest, TheExampleTokenIsVerifiedAndSaidToBeNoHardware) {
  // README: both signatures and the binding hold; lifecycle 0x3003 secured; demo keys.
  for (const char* key : {"trustee/cca/cpak-pub.json", "trustee/cca/tastore.json"}) {
    const Appraisal appraisal = AppraiseFile("t", Sample(kToken), With(key)).at(0);
    EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
    EXPECT_EQ(appraisal.kind, Kind::kArmCca);
    for (const char* step :
         {"platform-signature", "realm-signature", "realm-binding", "lifecycle"}) {
      EXPECT_EQ(OutcomeOf(appraisal, step), Outcome::kPassed) << step;
    }
    EXPECT_TRUE(appraisal.warnings.at(0).starts_with("not hardware evidence"));
    EXPECT_EQ(appraisal.vouchers.at(0).jurisdiction, "none");
  }
}

TEST(CcaTest, MeasurementsAreThoseOfVeraisonsStore) {
  const Appraisal appraisal = AppraiseFile("t", Sample(kToken), With("")).at(0);
  const std::string store = SampleText("trustee/cca/rvstore.json");
  ASSERT_EQ(appraisal.tcb.components.size(), 13U);
  for (const NamedValue& component : appraisal.tcb.components) {
    EXPECT_NE(store.find(component.value), std::string::npos) << component.name;
  }
}

TEST(CcaTest, WithoutThePlatformsKeyItIsIncomplete) {
  const Appraisal appraisal = AppraiseFile("t", Sample(kToken), With("")).at(0);
  EXPECT_EQ(appraisal.verdict(), Verdict::kIncomplete);
  EXPECT_NE(appraisal.VerdictReason().find("--root"), std::string::npos);
}

TEST(CcaTest, EveryTruncationIsRefused) {
  const Bytes good = Sample(kToken);
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_FALSE(ParseToken(ByteView(good).first(size)).has_value()) << size;
  }
  Bytes other = good;
  other[2] = std::byte{0x8E};  // tag 398
  EXPECT_FALSE(ParseToken(other).has_value());
}

Bytes Sign1(const Bytes& payload, const crypto::TestKey& key) {
  const Bytes header = FromHex("a1013822").value();  // {1: -35}
  Bytes message = FromHex("846a5369676e617475726531").value();
  cbor::PutBytes(message, header);
  cbor::PutBytes(message, {});
  cbor::PutBytes(message, payload);
  Bytes out = FromHex("d284").value();
  cbor::PutBytes(out, header);
  cbor::PutHead(out, 5, 0);
  cbor::PutBytes(out, payload);
  cbor::PutBytes(out, key.Sign(crypto::EcCurve::kP384, crypto::HashAlgorithm::kSha384, message));
  return out;
}

Bytes MakeToken(const Bytes& platform, const Bytes& realm, bool wrapped) {
  Bytes out = FromHex("d9018fa2").value();
  for (const auto& [key, part] : {std::pair{44234U, &platform}, {44241U, &realm}}) {
    cbor::PutHead(out, 0, key);
    if (wrapped) {
      cbor::PutHead(out, 4, 2);
      cbor::PutHead(out, 0, 263);
    }
    cbor::PutBytes(out, *part);
  }
  return out;
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// A platform and a realm of the test; the realm's key in the older form (a point).
struct TestToken {
  crypto::TestKey cpak = crypto::TestKey::Ec(crypto::EcCurve::kP384);
  crypto::TestKey rak = crypto::TestKey::Ec(crypto::EcCurve::kP384);
  crypto::TestKey bound = rak;  // whose digest the platform names
  std::string lifecycle = "12288";

  Bytes Make(bool wrapped = false) const {
    std::string realm = SampleText("ccatoken/CcaRealmLegacyClaimsAll.diag");
    const std::size_t at = realm.find("44237: h'") + 9;
    realm.replace(at, realm.find('\'', at) - at, ToHex(rak.point()));
    std::string platform = SampleText("ccatoken/CcaPlatformClaimsAll.diag");
    platform = Replaced(platform, std::string(64, '0') + "'", std::string(64, '0') + "'");
    const std::size_t challenge = platform.find("10: h'") + 6;
    platform.replace(challenge, 64,
                     ToHex(crypto::Hash(crypto::HashAlgorithm::kSha512, bound.point())));
    platform = Replaced(platform, "12288", lifecycle);
    return MakeToken(Sign1(Diagnostic(platform).Encode(), cpak),
                     Sign1(Diagnostic(realm).Encode(), rak), wrapped);
  }
  Context Trusting() const {
    const auto url = [](ByteView bytes) { return ToBase64Url(bytes); };
    const Bytes point = cpak.point();
    const std::string jwk = R"({"kty":"EC","crv":"P-384","x":")" +
                            url(ByteView(point).subspan(1, 48)) + R"(","y":")" +
                            url(ByteView(point).subspan(49)) + "\"}";
    Context context;
    EXPECT_TRUE(
        AddFile(Role::kRoot, "cpak", Bytes(AsBytes(jwk).begin(), AsBytes(jwk).end()), context));
    return context;
  }
};

TEST(CcaTest, BothFormsOfTheEnvelopeAreRead) {
  const TestToken test;
  for (const bool wrapped : {false, true}) {
    const Appraisal appraisal = Appraise("t", test.Make(wrapped), test.Trusting());
    EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
    EXPECT_TRUE(appraisal.warnings.at(0).starts_with("there is no common root"));
  }
}

TEST(CcaTest, ARealmKeyThatThePlatformDoesNotNameIsRefused) {
  TestToken test;
  test.bound = crypto::TestKey::Ec(crypto::EcCurve::kP384);
  const Appraisal appraisal = Appraise("t", test.Make(), test.Trusting());
  EXPECT_EQ(OutcomeOf(appraisal, "realm-signature"), Outcome::kPassed);
  EXPECT_EQ(OutcomeOf(appraisal, "realm-binding"), Outcome::kFailed);
}

TEST(CcaTest, APlatformThatIsNotSecuredIsRefused) {
  for (const char* lifecycle : {"8192", "16384", "20480", "24576", "0", "12544"}) {
    TestToken test;
    test.lifecycle = lifecycle;
    EXPECT_EQ(OutcomeOf(Appraise("t", test.Make(), test.Trusting()), "lifecycle"), Outcome::kFailed)
        << lifecycle;
  }
}

TEST(CcaTest, AnotherPlatformsKeyAndAnotherNonceAreRefused) {
  const TestToken test;
  EXPECT_EQ(OutcomeOf(Appraise("t", test.Make(), TestToken().Trusting()), "platform-signature"),
            Outcome::kFailed);
  Context context = test.Trusting();
  context.nonce = Bytes(64);
  EXPECT_EQ(OutcomeOf(Appraise("t", test.Make(), context), "nonce"), Outcome::kFailed);
  context.nonce = FromHex("41424142").value();
  EXPECT_EQ(OutcomeOf(Appraise("t", test.Make(), context), "nonce"), Outcome::kFailed)
      << "only zeroes may stand behind a shorter nonce";
}

TEST(CcaClaimsTest, VeraisonsVectorsGetTheirVerdicts) {
  // README: Missing* and Invalid* must be refused, the others accepted.
  const std::pair<const char*, bool> cases[] = {{"CcaPlatformClaimsAll", true},
                                                {"CcaPlatformExample", true},
                                                {"CcaPlatformClaimsInvalidMultiNonce", false},
                                                {"CcaPlatformClaimsMissingMandatoryNonce", false},
                                                {"CcaRealmClaimsAll", true},
                                                {"CcaRealmExample", true},
                                                {"CcaRealmLegacyClaimsAll", true},
                                                {"CcaClaimsMissingMandPubKey", false}};
  for (const auto& [name, accepted] : cases) {
    const std::string text = SampleText("ccatoken/" + std::string(name) + ".diag");
    const cbor::Value claims = cbor::Read(Diagnostic(text).Encode()).value();
    const bool platform = std::string_view(name).contains("Platform");
    const bool read =
        platform ? ReadPlatformClaims(claims).has_value() : ReadRealmClaims(claims).has_value();
    EXPECT_EQ(read, accepted) << name;
    if (!platform && accepted) {
      EXPECT_TRUE(ReadRealmKey(ReadRealmClaims(claims).value()).has_value()) << name;
    }
  }
}

}  // namespace
}  // namespace casemate::attestation::cca
