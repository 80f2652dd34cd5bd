#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

// Reports of NVIDIA GPUs and NVSwitches: the request GET_MEASUREMENTS of SPDM 1.1 (DMTF DSP0274)
// and behind it the answer MEASUREMENTS, whose opaque part is NVIDIA's list of fields. Integers
// little-endian, the signature big-endian.
namespace casemate::attestation::nvidia {

inline constexpr std::size_t kRequestBytes = 37;
inline constexpr std::size_t kSignatureBytes = 96;  // P-384
inline constexpr std::size_t kMeasurementBytes = 48;

// Types of opaque fields that are read here; others are kept as bytes.
enum Field : unsigned {
  kDriverVersion = 3,
  kGpuInfo = 4,
  kVbiosVersion = 6,
  kNvdec0 = 11,
  kBoardId = 14,
  kChipSku = 15,
  kProject = 17,
  kProjectSku = 18,
  kFwid = 20,
  kProtectedPcie = 21,
  kSwitchPdi = 22,
  kChip = 35,
  kFeature = 36,
};

struct Report {
  Bytes nonce;                       // the verifier's, 32
  std::map<unsigned, Bytes> blocks;  // measurements by index, counted from 1
  Bytes responder_nonce;             // 32
  std::map<unsigned, Bytes> opaque;  // by type
  Bytes signed_part;
  Bytes signature;           // r || s
  std::size_t trailing = 0;  // bytes behind, which nothing signs

  bool is_switch() const;  // no GPU says so of itself
  std::string driver_version() const;
  std::string vbios_version() const;  // "96.00.9f.00.01"
};

// Errors: kInvalidArgument: names the structure that does not fit.
[[nodiscard]] Result<Report> ParseReport(ByteView raw);

}  // namespace casemate::attestation::nvidia
