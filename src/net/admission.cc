#include "net/admission.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/hash.h"

namespace casemate::net {
namespace {

constexpr std::size_t kIdDigits = 26;      // base32 of 16 bytes
constexpr std::size_t kSecretDigits = 52;  // base32 of 32 bytes

std::unexpected<Error> Refused() {
  return Fail(
      ErrorCode::kUnauthenticated,
      "no valid API key was given; expected the header 'Authorization: Bearer cm-...' with a "
      "key from 'casemate key create'");
}

bool StartsWithBearer(std::string_view text) {
  constexpr std::string_view kScheme = "bearer ";
  return text.size() > kScheme.size() &&
         std::ranges::equal(text.substr(0, kScheme.size()), kScheme, [](char have, char want) {
           return have == want || (have >= 'A' && have <= 'Z' && have - 'A' + 'a' == want);
         });
}

}  // namespace

Result<Credential> ParseBearer(PlaintextView authorization) {
  std::string_view rest = authorization.Reveal();
  if (!StartsWithBearer(rest)) {
    return Refused();
  }
  rest.remove_prefix(std::string_view("bearer ").size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  constexpr std::string_view kPrefix = "cm-";
  if (!rest.starts_with(kPrefix) || rest.size() != kPrefix.size() + kIdDigits + 1 + kSecretDigits ||
      rest[kPrefix.size() + kIdDigits] != '-') {
    return Refused();
  }
  const Result<Bytes> id = FromBase32(rest.substr(kPrefix.size(), kIdDigits));
  Result<Bytes> secret = FromBase32(rest.substr(kPrefix.size() + kIdDigits + 1));
  if (!id || !secret) {
    return Refused();
  }
  const Result<KeyId> key = KeyId::FromBytes(*id);
  if (!key || secret->size() != 32) {
    return Refused();
  }
  const Credential credential{.key = *key, .verifier = crypto::Sha256(*secret)};
  Wipe(*secret);
  return credential;
}

AdmissionTable::AdmissionTable(const custody::Admission& admission) : tenants_(admission.tenants) {
  for (const custody::AdmittedKey& key : admission.keys) {
    keys_.emplace(key.id, Entry{.caller = {.tenant = key.tenant,
                                           .principal = key.principal,
                                           .key = key.id,
                                           .ceiling = key.ceiling,
                                           .from_operator = false},
                                .verifier = key.verifier,
                                .expires = key.expires});
  }
}

bool AdmissionTable::Entry::Expired() const { return expires != 0 && UnixSeconds() >= expires; }

Result<Caller> AdmissionTable::Authenticate(const Credential& credential) const {
  static const Entry nobody;
  const auto found = keys_.find(credential.key);
  const Entry& entry = found == keys_.end() ? nobody : found->second;
  const bool same = crypto::EqualConstantTime(entry.verifier, credential.verifier);
  if (!same || found == keys_.end() || entry.Expired()) {
    return Refused();
  }
  return entry.caller;
}

Result<Caller> AdmissionTable::Operator(std::string_view tenant_name) const {
  if (tenants_.empty()) {
    return Fail(ErrorCode::kUnavailable, "the custodian has named no tenant yet");
  }
  const auto found = tenant_name.empty()
                         ? tenants_.begin()
                         : std::ranges::find(tenants_, tenant_name, &custody::AdmittedTenant::name);
  if (found == tenants_.end()) {
    return Fail(ErrorCode::kNotFound,
                "there is no tenant of that name; 'casemate tenant list' shows them");
  }
  return Caller{.tenant = found->id,
                .principal = found->operator_principal,
                .key = {},
                .ceiling = policy::kHighestLabel,
                .from_operator = true};
}

bool AdmissionTable::Admits(const Caller& caller) const {
  if (caller.from_operator) {
    return std::ranges::any_of(tenants_, [&](const custody::AdmittedTenant& tenant) {
      return tenant.id == caller.tenant && tenant.operator_principal == caller.principal;
    });
  }
  const auto found = keys_.find(caller.key);
  return found != keys_.end() && found->second.caller == caller && !found->second.Expired();
}

}  // namespace casemate::net
