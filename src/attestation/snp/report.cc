#include "attestation/snp/report.h"

#include <algorithm>

#include "attestation/little_endian.h"

namespace casemate::attestation::snp {
namespace {

constexpr std::size_t kCoordinate = 48;       // P-384
constexpr std::size_t kCoordinateField = 72;  // as the report stores it, little-endian
constexpr unsigned kEcdsaP384Sha384 = 1;
constexpr unsigned kUnsigned = 7;
constexpr unsigned kHostRequest = 0xFFFFFFFF;

std::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

TcbVersion ReadTcb(ByteView raw, std::size_t at, bool fmc_layout) {
  const auto byte = [&](std::size_t i) { return std::to_integer<unsigned>(raw[at + i]); };
  return fmc_layout ? TcbVersion{.fmc = byte(0),
                                 .bootloader = byte(1),
                                 .tee = byte(2),
                                 .snp = byte(3),
                                 .microcode = byte(7)}
                    : TcbVersion{.fmc = 0,
                                 .bootloader = byte(0),
                                 .tee = byte(1),
                                 .snp = byte(6),
                                 .microcode = byte(7)};
}

// Build, minor, major in memory order, and a byte that is zero.
FirmwareVersion ReadFirmware(ByteView raw, std::size_t at) {
  return {.major = std::to_integer<unsigned>(raw[at + 2]),
          .minor = std::to_integer<unsigned>(raw[at + 1]),
          .build = std::to_integer<unsigned>(raw[at])};
}

struct ZeroField {
  std::size_t at;
  std::size_t size;
};

Result<void> CheckZeroes(ByteView raw, unsigned version) {
  const std::size_t after_cpuid = version >= 3 ? 0x18B : 0x188;
  const std::size_t after_launch = version >= 5 ? 0x208 : 0x1F8;
  const ZeroField fields[] = {{.at = 0x04C, .size = 4},
                              {.at = after_cpuid, .size = 0x1A0 - after_cpuid},
                              {.at = 0x1EB, .size = 1},
                              {.at = 0x1EF, .size = 1},
                              {.at = after_launch, .size = kSignedBytes - after_launch},
                              {.at = 0x330, .size = kReportBytes - 0x330}};
  for (const ZeroField& field : fields) {
    if (!AllZero(raw.subspan(field.at, field.size))) {
      return Bad("bytes " + std::to_string(field.at) + " to " +
                 std::to_string(field.at + field.size - 1) +
                 " must be zero in a report of version " + std::to_string(version));
    }
  }
  return {};
}

// Little-endian on the wire, big-endian for ECDSA. Errors: wider than the curve.
Result<Bytes> ReadSignature(ByteView raw) {
  Bytes signature;
  for (const std::size_t at : {kSignedBytes, kSignedBytes + kCoordinateField}) {
    const ByteView field = raw.subspan(at, kCoordinateField);
    if (!AllZero(field.subspan(kCoordinate))) {
      return Bad("the signature's numbers are wider than P-384");
    }
    const Bytes number(field.begin(), field.begin() + kCoordinate);
    signature.insert(signature.end(), number.rbegin(), number.rend());
  }
  return signature;
}

std::string Hex2(unsigned value) { return ToHex(Bytes{static_cast<std::byte>(value)}); }

}  // namespace

std::string TcbText(const TcbVersion& tcb, bool with_fmc) {
  return (with_fmc ? std::to_string(tcb.fmc) + "/" : "") + std::to_string(tcb.bootloader) + "/" +
         std::to_string(tcb.tee) + "/" + std::to_string(tcb.snp) + "/" +
         std::to_string(tcb.microcode);
}

std::int64_t FirmwareVersion::Number() const {
  return static_cast<std::int64_t>(major) << 16 | minor << 8 | build;
}

Result<Report> ParseReport(ByteView raw) {
  if (raw.size() != kReportBytes) {
    return Bad("expected 1184 bytes, found " + std::to_string(raw.size()));
  }
  Report report;
  report.version = GetLittle32(raw, 0);
  if (report.version < 2 || report.version > 5) {
    return Bad("version " + std::to_string(report.version) +
               " is not known here (2 to 5): a newer Casemate may know it");
  }
  report.guest_svn = GetLittle32(raw, 0x004);
  report.policy = GetLittle64(raw, 0x008);
  if ((report.policy >> 17 & 1) == 0) {
    return Bad("bit 17 of the policy must be one");
  }
  report.vmpl = GetLittle32(raw, 0x030);
  if (report.vmpl == kHostRequest) {
    return Bad("the host asked for this report, not the guest (VMPL 0xFFFFFFFF)");
  }
  if (report.vmpl > 3) {
    return Bad("VMPL " + std::to_string(report.vmpl) + ", expected 0 to 3");
  }
  if (const unsigned algorithm = GetLittle32(raw, 0x034); algorithm != kEcdsaP384Sha384) {
    return Bad("signature algorithm " + std::to_string(algorithm) +
               ", expected 1 (ECDSA P-384, SHA-384)");
  }
  report.platform_info = GetLittle64(raw, 0x040);
  const unsigned key_info = GetLittle32(raw, 0x048);
  const unsigned signing_key = key_info >> 2 & 7;
  if (signing_key == kUnsigned) {
    return Bad("the report says that no key signed it");
  }
  if (signing_key > 1 || key_info >> 5 != 0) {
    return Bad("key info " + std::to_string(key_info) + ": expected VCEK or VLEK");
  }
  report.signing_key = signing_key == 1 ? SigningKey::kVlek : SigningKey::kVcek;
  report.author_key = (key_info & 1) != 0;
  report.chip_key_masked = (key_info & 2) != 0;
  if (Result<void> zero = CheckZeroes(raw, report.version); !zero) {
    return std::unexpected(zero.error());
  }
  const auto part = [&](std::size_t at, std::size_t size) { return Copy(raw.subspan(at, size)); };
  report.family_id = part(0x010, 16);
  report.image_id = part(0x020, 16);
  report.report_data = part(0x050, 64);
  report.measurement = part(0x090, 48);
  report.host_data = part(0x0C0, 32);
  report.id_key_digest = part(0x0E0, 48);
  report.author_key_digest = part(0x110, 48);
  report.report_id = part(0x140, 32);
  report.report_id_ma = part(0x160, 32);
  report.chip_id = part(0x1A0, 64);
  report.has_cpuid = report.version >= 3;
  if (report.has_cpuid) {
    report.cpu_family = std::to_integer<unsigned>(raw[0x188]);
    report.cpu_model = std::to_integer<unsigned>(raw[0x189]);
    report.cpu_stepping = std::to_integer<unsigned>(raw[0x18A]);
  }
  const bool fmc = report.fmc_layout();
  report.current_tcb = ReadTcb(raw, 0x038, fmc);
  report.reported_tcb = ReadTcb(raw, 0x180, fmc);
  report.committed_tcb = ReadTcb(raw, 0x1E0, fmc);
  report.launch_tcb = ReadTcb(raw, 0x1F0, fmc);
  report.current = ReadFirmware(raw, 0x1E8);
  report.committed = ReadFirmware(raw, 0x1EC);
  if (report.version >= 5) {
    report.launch_mit_vector = GetLittle64(raw, 0x1F8);
    report.current_mit_vector = GetLittle64(raw, 0x200);
  }
  report.signed_part = part(0, kSignedBytes);
  Result<Bytes> signature = ReadSignature(raw);
  if (!signature) {
    return std::unexpected(signature.error());
  }
  report.signature = *std::move(signature);
  return report;
}

Product ProductOf(const Report& report, const std::string& certificate_product) {
  if (!report.has_cpuid) {
    const std::string family = certificate_product.substr(0, certificate_product.find('-'));
    Product product{.family = family, .text = certificate_product, .lines = {}};
    if (family == "Milan") {
      product.lines = {"milan", "milan-x"};
    } else if (family == "Genoa") {
      product.lines = {"genoa", "genoa-x", "zen4c"};
    } else {
      product.lines = {"milan", "milan-x", "genoa", "genoa-x", "zen4c"};
    }
    return product;
  }
  const unsigned model = report.cpu_model;
  Product product;
  if (report.cpu_family == 0x19 && model <= 0x0F) {
    product.family = "Milan";
    product.lines = {report.cpu_stepping == 2 ? "milan-x" : "milan"};
  } else if (report.cpu_family == 0x19 && model >= 0x10 && model <= 0x1F) {
    product.family = "Genoa";
    product.lines = {report.cpu_stepping == 2 ? "genoa-x" : "genoa"};
  } else if (report.cpu_family == 0x19 && model >= 0xA0 && model <= 0xAF) {
    product.family = "Genoa";
    product.lines = {"zen4c"};
  } else if (report.cpu_family == 0x1A && model <= 0x11) {
    product.family = "Turin";
    product.lines = {"turin"};
  } else {
    product.lines = {"unknown"};
  }
  const std::string line = product.lines.front();
  const std::string name = line == "milan-x"        ? "Milan-X"
                           : line == "genoa-x"      ? "Genoa-X"
                           : line == "zen4c"        ? "Genoa family, Zen 4c (Bergamo, Siena)"
                           : product.family.empty() ? "unknown product"
                                                    : product.family;
  product.text = name + " (" + Hex2(report.cpu_family) + "/" + Hex2(model) + "/" +
                 std::to_string(report.cpu_stepping) + ")";
  return product;
}

}  // namespace casemate::attestation::snp
