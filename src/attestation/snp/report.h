#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

// The ATTESTATION_REPORT of SEV-SNP firmware: AMD publication 56860, "SEV Secure Nested Paging
// Firmware ABI", table of the same name. 1184 bytes, little-endian. Versions 2, 3, 4 (as 3) and 5.
namespace casemate::attestation::snp {

inline constexpr std::size_t kReportBytes = 1184;
inline constexpr std::size_t kSignedBytes = 0x2A0;

// Security versions of the parts below the guest. `fmc` on Turin and later only.
struct TcbVersion {
  unsigned fmc = 0;
  unsigned bootloader = 0;
  unsigned tee = 0;
  unsigned snp = 0;
  unsigned microcode = 0;
  bool operator==(const TcbVersion&) const = default;
};
std::string TcbText(const TcbVersion& tcb, bool with_fmc);  // "4/0/24/217"

struct FirmwareVersion {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned build = 0;
  std::int64_t Number() const;  // orders; as attacks.h VersionNumber
};

enum class SigningKey : unsigned char { kVcek = 0, kVlek = 1 };

struct Report {
  unsigned version = 0;
  unsigned guest_svn = 0;
  std::uint64_t policy = 0;
  unsigned vmpl = 0;
  std::uint64_t platform_info = 0;
  SigningKey signing_key = SigningKey::kVcek;
  bool author_key = false;
  bool chip_key_masked = false;
  Bytes family_id, image_id, report_data, measurement, host_data, id_key_digest, author_key_digest,
      report_id, report_id_ma, chip_id;
  bool has_cpuid = false;  // version 3 and later
  unsigned cpu_family = 0, cpu_model = 0, cpu_stepping = 0;
  TcbVersion current_tcb, reported_tcb, committed_tcb, launch_tcb;
  FirmwareVersion current, committed;
  std::uint64_t launch_mit_vector = 0, current_mit_vector = 0;  // version 5
  Bytes signed_part;                                            // the first kSignedBytes
  Bytes signature;                                              // r || s, big-endian, 48 bytes each
  bool fmc_layout() const { return has_cpuid && cpu_family >= 0x1A; }
};

// Errors: kInvalidArgument: names the field: another size, an unknown version or algorithm, a field
// that must be zero and is not, a report that the host asked for (VMPL 0xFFFFFFFF), no signature.
[[nodiscard]] Result<Report> ParseReport(ByteView raw);

// The product ("Milan", "Genoa", "Turin") and the lines it may be; "unknown" when the CPUID is new.
struct Product {
  std::string family;              // as certificates have it, or empty
  std::string text;                // "Milan (19/01/1)"
  std::vector<std::string> lines;  // for the table of attacks: "milan", "milan-x", ...
};
// `certificate_product`: what the VCEK says ("Milan-B0"), used where the report has no CPUID.
Product ProductOf(const Report& report, const std::string& certificate_product);

}  // namespace casemate::attestation::snp
