#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/certificate.h"
#include "crypto/certificate_facts.h"
#include "custody/server/custodian_state.h"

// The server's certificate anew, under the authority that clients have pinned.
namespace casemate::custody {
namespace {

// What every server certificate is for, as at `casemate init`.
crypto::LeafRequest RequestFor(const ipc::Settings& wanted) {
  crypto::LeafRequest request;
  request.dns_names = wanted.dns_names;
  request.ip_addresses = wanted.ip_addresses;
  request.dns_names.emplace_back("localhost");
  request.ip_addresses.insert(request.ip_addresses.end(), {"127.0.0.1", "::1"});
  return request;
}

bool SameNames(std::vector<std::string> a, std::vector<std::string> b) {
  std::ranges::sort(a);
  std::ranges::sort(b);
  return a == b;
}

Result<SecretBuffer> Take(Result<Plaintext> text) {
  return text ? SecretBuffer::TakeFrom(text->mutable_bytes()) : std::unexpected(text.error());
}

}  // namespace

bool Custodian::RenewCertificate(const ipc::Settings* wanted) {
  State& s = *state_;
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  Result<crypto::CertificateFacts> facts = crypto::ReadCertificate(next.certificate_der);
  if (!facts) {
    LogError("server certificate not readable", facts.error());
    return false;
  }
  crypto::LeafRequest request;
  request.dns_names = facts->dns_names;
  request.ip_addresses = facts->ip_addresses;
  if (wanted != nullptr) {
    request = RequestFor(*wanted);
  }
  const bool ends_soon =
      facts->not_after - UnixSeconds() < std::chrono::seconds(kRenewBefore).count();
  if (!ends_soon && SameNames(request.dns_names, facts->dns_names) &&
      SameNames(request.ip_addresses, facts->ip_addresses)) {
    return false;
  }
  // The key stays: certificate and state change in one transaction, a second document would not.
  Result<SecretBuffer> own = Take(s.OpenDocument(SystemObject::kTlsKey, kTlsKeyName));
  Result<SecretBuffer> authority_key =
      Take(s.OpenDocument(SystemObject::kAuthorityKey, kAuthorityKeyName));
  if (!own || !authority_key) {
    LogError("server certificate not renewed", own ? authority_key.error() : own.error());
    return false;
  }
  request.private_key_der = &*own;
  const crypto::CertifiedKey authority{.private_key_der = std::move(*authority_key),
                                       .certificate_der = next.authority_der};
  Result<crypto::CertifiedKey> issued = crypto::IssueServerCertificate(authority, request);
  if (!issued) {
    LogError("server certificate not renewed", issued.error());
    return false;
  }
  next.certificate_der = std::move(issued->certificate_der);
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    LogError("server certificate not renewed", saved.error());
    return false;
  }
  Log(LogLevel::kInfo, "server certificate renewed");
  return true;
}

}  // namespace casemate::custody
