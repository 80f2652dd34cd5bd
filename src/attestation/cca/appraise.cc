#include "attestation/cca/appraise.h"

#include <algorithm>

#include "attestation/cca/token.h"
#include "attestation/jwk.h"

namespace casemate::attestation::cca {
namespace {

// SHA-256 of x || y of the key that TF-RMM's simulator signs with: everyone has its private half.
constexpr std::string_view kDemoKey =
    "73ebaf2fcd0e50d8b088ed8b1add51d88afa0c67aaec2aff2f82dc7fbc644d0a";

void AddVoucher(const JsonWebKey& key, Appraisal& appraisal) {
  const std::string print = ToHex(crypto::Hash(crypto::HashAlgorithm::kSha256, key.key.point));
  const bool demo = print == kDemoKey;
  appraisal.vouchers.push_back(
      {.role = "root",
       .holder = "platform key (CPAK) given with --root, " + key.file,
       .company =
           demo
               ? "nobody: the demonstration key of TF-RMM's simulator, whose private half is public"
               : "the maker of the chip or platform; Arm Ltd only defines the format",
       .jurisdiction = demo ? "none" : "that maker's",
       .sha256 = print});
  appraisal.warnings.push_back(
      demo ? "not hardware evidence: anyone can sign with this demonstration key"
           : "there is no common root of Arm CCA: the token proves what the key given with --root "
             "does");
}

void CheckPlatform(const Token& token, const PlatformClaims& claims, const Context& context,
                   Appraisal& appraisal) {
  std::vector<JsonWebKey> keys;
  for (const Companion& file : context.keys) {
    std::ranges::move(ReadKeys(file, appraisal.warnings), std::back_inserter(keys));
  }
  std::erase_if(keys, [&](const JsonWebKey& key) {
    return (!key.implementation_id.empty() && key.implementation_id != claims.implementation_id) ||
           (!key.instance_id.empty() && key.instance_id != claims.instance_id);
  });
  if (keys.empty()) {
    appraisal.Skip("platform-signature",
                   "give the public key (CPAK) that the platform's maker endorses for instance " +
                       ToHex(claims.instance_id) + " with --root",
                   true);
    return;
  }
  std::string failure;
  for (const JsonWebKey& key : keys) {
    Result<void> verified = VerifyClaims(token.platform, key.key);
    if (verified) {
      appraisal.Pass("platform-signature", "COSE_Sign1 of the platform, by the key of " + key.file);
      AddVoucher(key, appraisal);
      return;
    }
    failure = verified.error().message;
  }
  appraisal.Refuse("platform-signature",
                   "the platform's token was changed, or another key signed it: " + failure);
}

void CheckRealm(const Token& token, const PlatformClaims& platform, const RealmClaims& realm,
                Appraisal& appraisal) {
  Result<PublicKey> key = ReadRealmKey(realm);
  Result<void> verified = key ? VerifyClaims(token.realm, *key) : std::unexpected(key.error());
  if (verified) {
    appraisal.Pass("realm-signature", "COSE_Sign1 of the realm, by the key inside it");
  } else {
    appraisal.Refuse("realm-signature", "the realm's token: " + verified.error().message);
  }
  const std::optional<crypto::HashAlgorithm> hash = HashByName(realm.public_key_hash);
  if (hash && crypto::Hash(*hash, realm.public_key) == platform.challenge) {
    appraisal.Pass("realm-binding", "the platform's challenge is the digest of the realm's key");
  } else {
    appraisal.Refuse("realm-binding",
                     "the realm's key is not the one that the platform vouches for");
  }
}

void CheckLifecycle(const PlatformClaims& claims, Appraisal& appraisal) {
  const unsigned state = claims.lifecycle;
  const char* name = state <= 0x00FF                      ? "unknown"
                     : state >= 0x1000 && state <= 0x10FF ? "assembly and test"
                     : state >= 0x2000 && state <= 0x20FF ? "provisioning"
                     : state >= 0x3000 && state <= 0x30FF ? "secured"
                     : state >= 0x4000 && state <= 0x40FF ? "debugging of non-CCA parts"
                     : state >= 0x5000 && state <= 0x50FF ? "recoverable debugging"
                     : state >= 0x6000 && state <= 0x60FF ? "decommissioned"
                                                          : "not defined";
  const bool secured = state >= 0x3000 && state <= 0x30FF;
  appraisal.policy.push_back({.name = "platform.secured",
                              .set = secured,
                              .meaning = std::string("the platform's lifecycle is: ") + name,
                              .warning = !secured});
  if (secured) {
    appraisal.Pass("lifecycle", "the platform is secured");
  } else {
    appraisal.Refuse("lifecycle", "the platform's lifecycle is \"" + std::string(name) + "\" (" +
                                      std::to_string(state) + "), not secured");
  }
}

void AddFacts(const PlatformClaims& platform, const RealmClaims& realm, Appraisal& appraisal) {
  appraisal.AddFact("realm-initial-measurement", ToHex(realm.initial_measurement));
  for (std::size_t i = 0; i < realm.extensible_measurements.size(); ++i) {
    appraisal.AddFact("realm-extensible-" + std::to_string(i),
                      ToHex(realm.extensible_measurements[i]));
  }
  appraisal.AddFact("challenge", ToHex(realm.challenge));
  appraisal.AddFact("personalization-value", ToHex(realm.personalization_value));
  appraisal.AddFact("implementation-id", ToHex(platform.implementation_id));
  appraisal.AddFact("instance-id", ToHex(platform.instance_id));
  appraisal.AddFact("platform-config", ToHex(platform.config));
  appraisal.AddFact("verification-service", platform.verification_service);
  for (const SwComponent& component : platform.components) {
    appraisal.tcb.components.push_back(
        {.name = component.type.empty() ? "component" : component.type,
         .value = ToHex(component.measurement)});
  }
}

}  // namespace

Appraisal Appraise(const std::string& source, ByteView raw, const Context& context) {
  Appraisal appraisal = Begin(source, Kind::kArmCca, "Arm CCA token", context);
  Result<Token> token = ParseToken(raw);
  if (!token) {
    appraisal.Refuse("format", token.error().message);
    return appraisal;
  }
  appraisal.Pass("format", "two COSE_Sign1");
  Result<PlatformClaims> platform = ReadPlatformClaims(token->platform.claims);
  Result<RealmClaims> realm = ReadRealmClaims(token->realm.claims);
  if (!platform || !realm) {
    appraisal.Refuse("claims", !platform ? platform.error().message : realm.error().message);
    return appraisal;
  }
  appraisal.Pass("claims", "every mandatory claim is there");
  appraisal.format += realm->profile.empty() ? " (profile before 2023)" : " (profile of 2023)";
  CheckPlatform(*token, *platform, context, appraisal);
  CheckRealm(*token, *platform, *realm, appraisal);
  CheckLifecycle(*platform, appraisal);
  CompareReportData(context, realm->challenge, appraisal);
  AddFacts(*platform, *realm, appraisal);
  Close(context, {.lines = {"arm-cca"}, .values = {}},
        {"what the measurements mean: compare the realm's with a build of your own, the platform's "
         "with its maker's reference values",
         "whether the platform is hardware at all: a simulator with an endorsed key gives the same "
         "token",
         "where the machine stands, and that nobody touches its memory bus",
         "that the key's holder (or whoever can compel it) signed for no platform that does not "
         "exist"},
        appraisal);
  return appraisal;
}

}  // namespace casemate::attestation::cca
