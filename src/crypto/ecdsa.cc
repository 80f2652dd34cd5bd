#include "crypto/ecdsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/params.h>

#include <string>

#include "crypto/openssl_internal.h"

namespace casemate::crypto {
namespace {

using internal::FailOpenssl;
using internal::In;
using internal::Out;

using Number = internal::Owned<BIGNUM, BN_free>;
using Signature = internal::Owned<ECDSA_SIG, ECDSA_SIG_free>;

internal::PrivateKey KeyOf(EcCurve curve, ByteView point) {
  Bytes encoded;
  if (point.size() == 2 * CoordinateSize(curve)) {
    encoded.push_back(std::byte{4});
  }
  Put(encoded, point);
  std::string group(CurveName(curve));
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()),
      OSSL_PARAM_construct_end()};
  const internal::PrivateKeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
    return nullptr;
  }
  internal::PrivateKey owned(key);
  const internal::PrivateKeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return check != nullptr && EVP_PKEY_public_check(check.get()) == 1 ? std::move(owned) : nullptr;
}

// The DER form that OpenSSL wants. Zero is refused here; OpenSSL refuses what is n or more.
Bytes ToDer(ByteView r, ByteView s) {
  Number r_number(BN_bin2bn(In(r), static_cast<int>(r.size()), nullptr));
  Number s_number(BN_bin2bn(In(s), static_cast<int>(s.size()), nullptr));
  const Signature signature(ECDSA_SIG_new());
  if (r_number == nullptr || s_number == nullptr || signature == nullptr ||
      BN_is_zero(r_number.get()) == 1 || BN_is_zero(s_number.get()) == 1 ||
      ECDSA_SIG_set0(signature.get(), r_number.get(), s_number.get()) != 1) {
    return {};
  }
  (void)r_number.release();  // the signature's now
  (void)s_number.release();
  const int size = i2d_ECDSA_SIG(signature.get(), nullptr);
  if (size <= 0) {
    return {};
  }
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* at = Out(der);
  return i2d_ECDSA_SIG(signature.get(), &at) == size ? der : Bytes();
}

}  // namespace

std::size_t CoordinateSize(EcCurve curve) {
  switch (curve) {
    case EcCurve::kP256:
      return 32;
    case EcCurve::kP384:
      return 48;
    case EcCurve::kP521:
      return 66;
  }
  return 0;
}

std::string_view CurveName(EcCurve curve) {
  switch (curve) {
    case EcCurve::kP256:
      return "P-256";
    case EcCurve::kP384:
      return "P-384";
    case EcCurve::kP521:
      return "P-521";
  }
  return "";
}

Result<void> VerifyEcdsa(EcCurve curve, HashAlgorithm hash, ByteView public_point, ByteView message,
                         ByteView signature) {
  const std::size_t size = CoordinateSize(curve);
  const bool bare = public_point.size() == 2 * size;
  const bool marked = public_point.size() == 2 * size + 1 && public_point[0] == std::byte{4};
  if (!bare && !marked) {
    return Fail(ErrorCode::kInvalidArgument, "not a point of " + std::string(CurveName(curve)) +
                                                 ": " + std::to_string(public_point.size()) +
                                                 " bytes");
  }
  const internal::PrivateKey key = KeyOf(curve, public_point);
  if (key == nullptr) {
    return FailOpenssl(ErrorCode::kInvalidArgument,
                       "not a point on the curve " + std::string(CurveName(curve)));
  }
  if (signature.size() != 2 * size) {
    return Fail(ErrorCode::kIntegrityFailure, "signature of " + std::to_string(signature.size()) +
                                                  " bytes, expected " + std::to_string(2 * size));
  }
  const Bytes der = ToDer(signature.first(size), signature.subspan(size));
  const internal::DigestContext context(EVP_MD_CTX_new());
  if (der.empty() || context == nullptr ||
      EVP_DigestVerifyInit(context.get(), nullptr, internal::DigestOf(hash), nullptr, key.get()) !=
          1 ||
      EVP_DigestVerify(context.get(), In(der), der.size(), In(message), message.size()) != 1) {
    return FailOpenssl(ErrorCode::kIntegrityFailure, "signature does not verify");
  }
  return {};
}

}  // namespace casemate::crypto
