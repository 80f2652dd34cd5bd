#include "crypto/ocsp.h"

#include <openssl/ocsp.h>
#include <openssl/x509_vfy.h>

#include "crypto/openssl_internal.h"

namespace casemate::crypto {
namespace {

using internal::FailOpenssl;
using internal::In;

using Response = internal::Owned<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using Basic = internal::Owned<OCSP_BASICRESP, OCSP_BASICRESP_free>;
using Certificate = internal::Owned<X509, X509_free>;
using CertificateId = internal::Owned<OCSP_CERTID, OCSP_CERTID_free>;
using Store = internal::Owned<X509_STORE, X509_STORE_free>;
struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }  // borrowed members
};
using Stack = std::unique_ptr<STACK_OF(X509), FreeStack>;

Certificate Parsed(const X509Certificate& certificate) {
  const unsigned char* at = In(certificate.der());
  Certificate x509(d2i_X509(nullptr, &at, static_cast<long>(certificate.der().size())));
  internal::Require(x509 != nullptr, "d2i_X509");  // it was parsed before
  return x509;
}

// The issuer alone is trusted, whether or not it signed itself.
bool SignatureHolds(OCSP_BASICRESP* basic, X509* issuer, std::int64_t time) {
  const Store store(X509_STORE_new());
  const Stack signers(sk_X509_new_null());
  internal::Require(store != nullptr && signers != nullptr &&
                        X509_STORE_add_cert(store.get(), issuer) == 1 &&
                        sk_X509_push(signers.get(), issuer) > 0,
                    "X509_STORE");
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store.get()), time);
  return OCSP_basic_verify(basic, signers.get(), store.get(), 0) == 1;
}

bool IsAbout(OCSP_SINGLERESP* single, X509* certificate, X509* issuer) {
  // OpenSSL's reader takes no const, and changes nothing.
  auto* id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single));  // NOLINT
  ASN1_OBJECT* algorithm = nullptr;
  if (OCSP_id_get0_info(nullptr, &algorithm, nullptr, nullptr, id) != 1) {
    return false;
  }
  const EVP_MD* digest = EVP_get_digestbyobj(algorithm);
  const CertificateId expected(digest == nullptr ? nullptr
                                                 : OCSP_cert_to_id(digest, certificate, issuer));
  return expected != nullptr && OCSP_id_cmp(expected.get(), id) == 0;
}

}  // namespace

struct OcspResponse::State {
  Basic basic;
};

Result<OcspResponse> OcspResponse::Read(ByteView der) {
  if (der.size() > kMaxBytes) {
    return Fail(ErrorCode::kInvalidArgument, "an OCSP response of more than 256 KiB");
  }
  const unsigned char* at = In(der);
  const unsigned char* end = at + der.size();
  const Response response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
  if (response == nullptr || at != end ||
      OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return FailOpenssl(ErrorCode::kInvalidArgument, "not a successful OCSP response");
  }
  auto state = std::make_shared<State>();
  state->basic.reset(OCSP_response_get1_basic(response.get()));
  if (state->basic == nullptr) {
    return FailOpenssl(ErrorCode::kInvalidArgument, "not a basic OCSP response");
  }
  return OcspResponse(std::move(state));
}

std::optional<OcspResponse::Answer> OcspResponse::About(const X509Certificate& certificate,
                                                        const X509Certificate& issuer,
                                                        std::int64_t time) const {
  const Certificate subject = Parsed(certificate);
  const Certificate authority = Parsed(issuer);
  std::optional<Answer> answer;
  for (int i = 0; i < OCSP_resp_count(state_->basic.get()); ++i) {
    OCSP_SINGLERESP* single = OCSP_resp_get0(state_->basic.get(), i);
    if (!IsAbout(single, subject.get(), authority.get())) {
      continue;
    }
    ASN1_GENERALIZEDTIME* from = nullptr;
    ASN1_GENERALIZEDTIME* until = nullptr;
    const int status = OCSP_single_get0_status(single, nullptr, nullptr, &from, &until);
    answer = Answer{.status = status == V_OCSP_CERTSTATUS_GOOD      ? Status::kGood
                              : status == V_OCSP_CERTSTATUS_REVOKED ? Status::kRevoked
                                                                    : Status::kUnknown,
                    .this_update = internal::UnixTime(from),
                    .next_update = until == nullptr ? 0 : internal::UnixTime(until)};
    break;
  }
  if (answer && !SignatureHolds(state_->basic.get(), authority.get(), time)) {
    answer = std::nullopt;
  }
  (void)FailOpenssl(ErrorCode::kInvalidArgument, "");  // empties the queue
  return answer;
}

}  // namespace casemate::crypto
