#include "attestation/azure/envelope.h"

#include "attestation/little_endian.h"
#include "crypto/sha2.h"

namespace casemate::attestation::azure {
namespace {

constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kReportBytes = 1184;
constexpr std::size_t kTdReportBytes = 1024;
constexpr std::size_t kRuntimeAt = kHeaderBytes + kReportBytes;  // 1216
constexpr std::size_t kRuntimeHead = 20;
constexpr std::uint32_t kSha256 = 1;
constexpr std::size_t kMaxRuntime = std::size_t{64} * 1024;

std::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

}  // namespace

bool LooksLikeEnvelope(ByteView raw) { return raw.size() >= 4 && AsText(raw.first(4)) == "HCLA"; }

Result<Envelope> ParseEnvelope(ByteView raw) {
  if (!LooksLikeEnvelope(raw) || raw.size() < kRuntimeAt + kRuntimeHead) {
    return Bad("the envelope ends inside its header or report");
  }
  const std::uint32_t type = GetLittle32(raw, kRuntimeAt + 8);
  if (type != static_cast<std::uint32_t>(ReportType::kSnp) &&
      type != static_cast<std::uint32_t>(ReportType::kTdx)) {
    return Bad("a report of type " + std::to_string(type) + ", expected 2 (SEV-SNP) or 4 (TDX)");
  }
  if (GetLittle32(raw, kRuntimeAt + 12) != kSha256) {
    return Bad("the runtime data is not hashed with SHA-256");
  }
  const std::size_t size = GetLittle32(raw, kRuntimeAt + 16);
  const ByteView rest = raw.subspan(kRuntimeAt + kRuntimeHead);
  if (size > rest.size() || size > kMaxRuntime) {
    return Bad("runtime data of " + std::to_string(size) + " bytes, and " +
               std::to_string(rest.size()) + " are left");
  }
  const ByteView runtime = rest.first(size);
  const bool snp = type == static_cast<std::uint32_t>(ReportType::kSnp);
  return Envelope{.type = snp ? ReportType::kSnp : ReportType::kTdx,
                  .report = Copy(raw.subspan(kHeaderBytes, snp ? kReportBytes : kTdReportBytes)),
                  .runtime_data = std::string(AsText(runtime)),
                  .digest = crypto::Hash(crypto::HashAlgorithm::kSha256, runtime)};
}

}  // namespace casemate::attestation::azure
