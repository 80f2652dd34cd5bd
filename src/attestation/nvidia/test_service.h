#pragma once

#include <algorithm>
#include <string>

#include "attestation/evidence.h"
#include "attestation/sample_test.h"
#include "crypto/sha2.h"
#include "crypto/test_authority.h"

// For tests: a verifier service with a key of its own, in the form of NVIDIA's. No signed answer of
// the real service may be kept here (the public ones stand in repositories of other licences); the
// claims are those of nvtrust's samples.
namespace casemate::attestation::nvidia {

inline std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

struct TestService {
  crypto::TestKey key = crypto::TestKey::Ec(crypto::EcCurve::kP384);
  std::string header = R"({"kid":"nv-eat-kid-test-1","alg":"ES384"})";
  std::string nonce = std::string(64, 'a');
  std::string overall =
      R"({"sub":"NVIDIA-PLATFORM-ATTESTATION","x-nvidia-ver":"2.0","nbf":1789565719,)"
      R"("iss":"https://nras.attestation.nvidia.com","x-nvidia-overall-att-result":true,)"
      R"("submods":{"GPU-0":["DIGEST",["SHA-256","@DIGEST@"]]},"eat_nonce":"@NONCE@",)"
      R"("exp":1789569319,"iat":1789565719,"jti":"a"})";
  std::string device =
      R"({"iss":"https://nras.attestation.nvidia.com","eat_nonce":"@NONCE@","exp":1789569319,)"
      R"("iat":1789565719,"nbf":1789565719,"ueid":"670","secboot":true,"hwmodel":"GH100",)"
      R"("dbgstat":"disabled","measres":"success","x-nvidia-attestation-warning":null,)"
      R"("x-nvidia-gpu-driver-version":"595.71.05","x-nvidia-gpu-arch-check":true})";

  std::string Sign(const std::string& claims) const {
    const std::string body = ToBase64Url(AsBytes(header)) + "." + ToBase64Url(AsBytes(claims));
    return body + "." +
           ToBase64Url(
               key.Sign(crypto::EcCurve::kP384, crypto::HashAlgorithm::kSha384, AsBytes(body)));
  }
  std::string DeviceToken() const { return Sign(Replaced(device, "@NONCE@", nonce)); }
  std::string OverallToken(const std::string& named) const {
    std::string claims = overall;
    if (claims.contains("@DIGEST@")) {
      claims = Replaced(claims, "@DIGEST@",
                        ToHex(crypto::Hash(crypto::HashAlgorithm::kSha256, AsBytes(named))));
    }
    return Sign(Replaced(claims, "@NONCE@", nonce));
  }
  std::string Answer() const {
    const std::string token = DeviceToken();
    return R"([["JWT",")" + OverallToken(token) + R"("],{"GPU-0":")" + token + R"("}])";
  }
  std::string KeySet(const std::string& kid = "nv-eat-kid-test-1") const {
    const Bytes point = key.point();
    return R"({"keys":[{"kty":"EC","crv":"P-384","use":"sig","kid":")" + kid + R"(","x":")" +
           ToBase64Url(ByteView(point).subspan(1, 48)) + R"(","y":")" +
           ToBase64Url(ByteView(point).subspan(49)) + R"("}]})";
  }
  Context Trusting() const {
    Context context;
    context.time = 1789566000;
    const std::string set = KeySet();
    EXPECT_TRUE(AddFile(Role::kRoot, "jwks.json", Bytes(AsBytes(set).begin(), AsBytes(set).end()),
                        context));
    return context;
  }
};

}  // namespace casemate::attestation::nvidia
