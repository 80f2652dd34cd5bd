#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

// What Azure's paravisor (HCL, OpenHCL) writes into the vTPM of a confidential VM, index
// 0x01400001: a header, the hardware's report, and runtime data whose digest stands in that report.
namespace casemate::attestation::azure {

enum class ReportType : std::uint32_t { kSnp = 2, kTdx = 4 };

struct Envelope {
  ReportType type = ReportType::kSnp;
  Bytes report;              // SEV-SNP: 1184 bytes; TDX: a TDREPORT of 1024
  std::string runtime_data;  // JSON, as it was hashed
  Bytes digest;              // SHA-256 of it
};

bool LooksLikeEnvelope(ByteView raw);
// Errors: kInvalidArgument: sizes, an unknown type or hash.
[[nodiscard]] Result<Envelope> ParseEnvelope(ByteView raw);

}  // namespace casemate::attestation::azure
