#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

// X.509 (RFC 5280) as attestation needs it: extensions by OID, chains to a pinned root with dates
// judged apart, and revocation lists.
namespace casemate::crypto {

// A parsed certificate. Cheap to copy. Threads: const members may run at the same time.
class X509Certificate {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{64} * 1024;  // DER

  // Errors: kInvalidArgument: not one certificate in DER, or bytes behind it.
  [[nodiscard]] static Result<X509Certificate> FromDer(ByteView der);

  const Bytes& der() const;
  const std::string& sha256() const;       // of the DER, hexadecimal
  const std::string& subject() const;      // RFC 2253
  const std::string& issuer() const;       // RFC 2253
  const std::string& common_name() const;  // of the subject; empty when there is none
  std::int64_t not_before() const;         // UNIX seconds
  std::int64_t not_after() const;
  // The point 0x04 || x || y of a key on P-256, P-384 or P-521; else empty.
  const Bytes& ec_point() const;
  // Signed with RSASSA-PSS, SHA-384, MGF1 with SHA-384, salt 48 (RFC 4055), whatever the key.
  bool signed_with_pss_sha384() const;
  // The content of the extension's OCTET STRING. `oid` in dotted form.
  std::optional<Bytes> Extension(const std::string& oid) const;
  // By key and by name. Says nothing about dates, or about being allowed to issue.
  bool IssuedBy(const X509Certificate& issuer) const;

 private:
  struct State;
  explicit X509Certificate(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  friend Result<std::vector<X509Certificate>> VerifyChain(const X509Certificate&,
                                                          std::span<const X509Certificate>,
                                                          const X509Certificate&,
                                                          std::span<const std::string>);
  friend class RevocationList;
  std::shared_ptr<const State> state_;
};

// Every certificate of a PEM text; what stands between them is ignored. Errors: kInvalidArgument:
// none, or one that cannot be read (the message counts from 1). kTooLarge: more than `most`.
[[nodiscard]] Result<std::vector<X509Certificate>> ReadPemCertificates(std::string_view text,
                                                                       std::size_t most = 32);

// From `leaf` over some of `others` (in any order) to `root`, both included. Signatures, names, CA
// flags, path lengths and key usages are checked; dates are not (CheckValidity). `known_critical`:
// OIDs of critical extensions that the caller reads itself.
// Errors: kIntegrityFailure: no such chain; the message says where it ends.
[[nodiscard]] Result<std::vector<X509Certificate>> VerifyChain(
    const X509Certificate& leaf, std::span<const X509Certificate> others,
    const X509Certificate& root, std::span<const std::string> known_critical = {});

// Whether each is valid at `time` (UNIX seconds). Errors: kIntegrityFailure: names the first that
// is not, and its dates.
[[nodiscard]] Result<void> CheckValidity(std::span<const X509Certificate> chain, std::int64_t time);

// A certificate revocation list (RFC 5280, section 5).
class RevocationList {
 public:
  // DER or PEM. Errors: kInvalidArgument.
  [[nodiscard]] static Result<RevocationList> Read(ByteView content);

  const std::string& issuer() const;
  std::int64_t this_update() const;
  std::int64_t next_update() const;  // 0: says none
  bool SignedBy(const X509Certificate& issuer) const;
  bool Revokes(const X509Certificate& certificate) const;  // by serial number

 private:
  struct State;
  explicit RevocationList(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace casemate::crypto
