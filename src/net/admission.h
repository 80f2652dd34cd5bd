#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "custody/messages.h"
#include "net/caller.h"
#include "secmem/plaintext.h"

// Who may ask, as the custodian says.
namespace casemate::net {

// An API key as it came: "Bearer cm-<26 base32 digits>-<52 base32 digits>" (RFC 6750, section 2.1).
struct Credential {
  KeyId key;
  std::array<std::byte, 32> verifier{};  // SHA-256 of the secret part
};
// Reads the value of an Authorization field. Errors: kUnauthenticated, in words that tell nothing
// about which part was wrong.
[[nodiscard]] Result<Credential> ParseBearer(PlaintextView authorization);

// The custodian's table, made fast to ask. Immutable.
class AdmissionTable {
 public:
  AdmissionTable() = default;
  explicit AdmissionTable(const custody::Admission& admission);

  // Takes the same path, comparison included, for a key that is unknown and for one whose secret is
  // wrong. Errors: kUnauthenticated.
  [[nodiscard]] Result<Caller> Authenticate(const Credential& credential) const;
  // Who the operator's socket acts as. An empty name is the default tenant. Errors: kNotFound;
  // kUnavailable: there is no tenant yet.
  [[nodiscard]] Result<Caller> Operator(std::string_view tenant_name) const;
  // Would still be let in, as the same caller.
  bool Admits(const Caller& caller) const;

 private:
  struct Entry {
    Caller caller;
    std::array<std::byte, 32> verifier{};
    std::int64_t expires = 0;  // unix seconds; 0: never
    bool Expired() const;
  };
  std::unordered_map<KeyId, Entry> keys_;
  std::vector<custody::AdmittedTenant> tenants_;
};

}  // namespace casemate::net
