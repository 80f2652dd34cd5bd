#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/x509_chain.h"

namespace casemate::crypto {

// A stored answer of an OCSP responder (RFC 6960). Cheap to copy. Threads: const members may run at
// the same time.
class OcspResponse {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{256} * 1024;

  enum class Status : unsigned char { kGood, kRevoked, kUnknown };
  struct Answer {
    Status status = Status::kUnknown;
    std::int64_t this_update = 0;  // UNIX seconds
    std::int64_t next_update = 0;  // 0: says none
  };

  // DER of a response that is "successful" and basic. Errors: kInvalidArgument.
  [[nodiscard]] static Result<OcspResponse> Read(ByteView der);

  // What it says of `certificate`, and only when its signature holds at `time`: by `issuer`, or by
  // a responder that `issuer` certified for signing OCSP and whose certificate stands in the
  // response. Whether the answer is fresh is the caller's affair.
  std::optional<Answer> About(const X509Certificate& certificate, const X509Certificate& issuer,
                              std::int64_t time) const;

 private:
  struct State;
  explicit OcspResponse(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace casemate::crypto
