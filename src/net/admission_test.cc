#include "net/admission.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "net/server_test_support.h"

namespace casemate::net {
namespace {

PlaintextView View(const std::string& text) { return PlaintextView::Of(std::string_view(text)); }

class AdmissionTest : public ::testing::Test {
 protected:
  TenantId tenant_ = crypto::RandomId<TenantId>();
  testing::TestKey key_ = testing::MakeKey(tenant_);
  custody::Admission admission_{
      .keys = {key_.admitted},
      .tenants = {{.id = tenant_,
                   .name = "default",
                   .operator_principal = crypto::RandomId<PrincipalId>()}}};
};

TEST_F(AdmissionTest, ReadsABearerInAnyCaseOfTheScheme) {
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER   "}) {
    Result<Credential> credential = ParseBearer(View(scheme + key_.bearer.substr(7)));
    ASSERT_TRUE(credential.has_value()) << scheme;
    EXPECT_EQ(credential->key, key_.id);
    EXPECT_EQ(credential->verifier, key_.admitted.verifier);
  }
}

TEST_F(AdmissionTest, RefusesWhatIsNoKeyInOneAndTheSameWay) {
  std::string upper = key_.bearer;
  upper[12] = '!';
  for (const std::string& text :
       {std::string(), std::string("Bearer"), std::string("Bearer "), std::string("Bearer cm-"),
        "Basic " + key_.bearer.substr(7), key_.bearer.substr(7), key_.bearer + " ",
        key_.bearer + "a", key_.bearer.substr(0, key_.bearer.size() - 1), upper,
        "Bearer sk-" + key_.bearer.substr(10), std::string(100'000, 'a')}) {
    Result<Credential> credential = ParseBearer(View(text));
    ASSERT_FALSE(credential.has_value()) << text.substr(0, 100);
    EXPECT_EQ(credential.error().code, ErrorCode::kUnauthenticated);
  }
}

TEST_F(AdmissionTest, LetsInTheRightSecretOnly) {
  const AdmissionTable table(admission_);
  Result<Credential> credential = ParseBearer(View(key_.bearer));
  ASSERT_TRUE(credential.has_value());
  Result<Caller> caller = table.Authenticate(*credential);
  ASSERT_TRUE(caller.has_value());
  EXPECT_EQ(caller->tenant, tenant_);
  EXPECT_EQ(caller->principal, key_.admitted.principal);
  EXPECT_TRUE(table.Admits(*caller));

  credential->verifier[31] ^= std::byte{1};
  EXPECT_FALSE(table.Authenticate(*credential).has_value());
}

TEST_F(AdmissionTest, AnUnknownKeyWithTheEmptyVerifierIsRefused) {
  const AdmissionTable table(admission_);
  EXPECT_FALSE(table.Authenticate({.key = crypto::RandomId<KeyId>(), .verifier = {}}).has_value());
}

TEST_F(AdmissionTest, ACallerWhoseRightsChangedIsNotAdmittedAnyMore) {
  const AdmissionTable table(admission_);
  const Caller caller = *table.Authenticate(*ParseBearer(View(key_.bearer)));
  admission_.keys[0].ceiling = policy::Label::kPublic;
  EXPECT_FALSE(AdmissionTable(admission_).Admits(caller));
  admission_.keys.clear();
  EXPECT_FALSE(AdmissionTable(admission_).Admits(caller));
}

TEST_F(AdmissionTest, TheOperatorPicksATenantByNameAndTheFirstByDefault) {
  const AdmissionTable table(admission_);
  ASSERT_TRUE(table.Operator("").has_value());
  EXPECT_EQ(table.Operator("")->tenant, tenant_);
  EXPECT_TRUE(table.Operator("default")->from_operator);
  EXPECT_TRUE(table.Admits(*table.Operator("default")));
  EXPECT_EQ(table.Operator("other").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(AdmissionTable().Operator("").error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace casemate::net
