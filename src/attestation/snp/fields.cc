#include <algorithm>
#include <array>

#include "attestation/little_endian.h"
#include "attestation/snp/appraise.h"
#include "attestation/snp/report.h"

namespace casemate::attestation::snp {
namespace {

constexpr std::size_t kMaxCertificates = 8;

// Puts JSON fields at the places of the report; the first thing that does not fit stops it.
class FieldWriter {
 public:
  explicit FieldWriter(const json::Value& object) : object_(object), raw_(kReportBytes) {}

  void Integer(const char* name, std::size_t at, std::size_t size, bool required = true) {
    IntegerOf(object_, name, at, size, required);
  }

  void IntegerOf(const json::Value& object, const char* name, std::size_t at, std::size_t size,
                 bool required = true) {
    const std::optional<json::Value> value = object.GetSet(name);
    if (!value) {
      Require(!required, name, "is missing");
      return;
    }
    Result<std::int64_t> number = value->AsInteger();
    const bool fits =
        number && *number >= 0 && (size >= 8 || *number < std::int64_t{1} << (8 * size));
    Require(fits, name, "expected an integer of " + std::to_string(size) + " bytes");
    if (!fits) {
      return;
    }
    for (std::size_t i = 0; i < size; ++i) {
      raw_[at + i] = static_cast<std::byte>(*number >> (8 * i) & 0xFF);
    }
  }

  void BytesOf(const json::Value& object, const char* name, std::size_t at, std::size_t size) {
    const std::optional<json::Value> value = object.GetSet(name);
    Require(value && value->kind() == json::Value::Kind::kArray && value->size() == size, name,
            "expected an array of " + std::to_string(size) + " bytes");
    if (!failure_.empty()) {
      return;
    }
    for (const json::Value& element : value->Elements()) {
      Result<std::int64_t> number = element.AsInteger();
      Require(number && *number >= 0 && *number <= 255, name, "expected bytes");
      raw_[at++] = static_cast<std::byte>(number.value_or(0));
    }
  }
  void Array(const char* name, std::size_t at, std::size_t size) {
    BytesOf(object_, name, at, size);
  }

  void Tcb(const char* name, std::size_t at, bool fmc_layout) {
    const std::optional<json::Value> tcb = object_.GetSet(name);
    Require(tcb.has_value(), name, "is missing");
    if (!tcb) {
      return;
    }
    const std::size_t shift = fmc_layout ? 1 : 0;
    if (fmc_layout) {
      IntegerOf(*tcb, "fmc", at, 1);
    }
    IntegerOf(*tcb, "bootloader", at + shift, 1);
    IntegerOf(*tcb, "tee", at + shift + 1, 1);
    IntegerOf(*tcb, "snp", at + (fmc_layout ? 3 : 6), 1);
    IntegerOf(*tcb, "microcode", at + 7, 1);
  }

  void Version(const char* name, std::size_t at) {
    const std::optional<json::Value> version = object_.GetSet(name);
    Require(version.has_value(), name, "is missing");
    if (version) {
      IntegerOf(*version, "build", at, 1);
      IntegerOf(*version, "minor", at + 1, 1);
      IntegerOf(*version, "major", at + 2, 1);
    }
  }

  void Require(bool holds, const char* name, const std::string& what) {
    if (!holds && failure_.empty()) {
      failure_ = std::string(name) + ": " + what;
    }
  }

  Result<Bytes> Take() {
    return failure_.empty() ? Result<Bytes>(std::move(raw_))
                            : Fail(ErrorCode::kInvalidArgument, "attestation_report." + failure_);
  }

 private:
  const json::Value& object_;
  Bytes raw_;
  std::string failure_;
};

Result<Bytes> ReportBytes(const json::Value& object) {
  FieldWriter writer(object);
  writer.Integer("version", 0x000, 4);
  writer.Integer("guest_svn", 0x004, 4);
  writer.Integer("policy", 0x008, 8);
  writer.Array("family_id", 0x010, 16);
  writer.Array("image_id", 0x020, 16);
  writer.Integer("vmpl", 0x030, 4);
  writer.Integer("sig_algo", 0x034, 4);
  writer.Integer("plat_info", 0x040, 8);
  writer.Integer("key_info", 0x048, 4);
  writer.Array("report_data", 0x050, 64);
  writer.Array("measurement", 0x090, 48);
  writer.Array("host_data", 0x0C0, 32);
  writer.Array("id_key_digest", 0x0E0, 48);
  writer.Array("author_key_digest", 0x110, 48);
  writer.Array("report_id", 0x140, 32);
  writer.Array("report_id_ma", 0x160, 32);
  writer.Integer("cpuid_fam_id", 0x188, 1, false);
  writer.Integer("cpuid_mod_id", 0x189, 1, false);
  writer.Integer("cpuid_step", 0x18A, 1, false);
  writer.Array("chip_id", 0x1A0, 64);
  const std::optional<json::Value> family = object.GetSet("cpuid_fam_id");
  const bool fmc = family && family->AsInteger().value_or(0) >= 0x1A;
  writer.Tcb("current_tcb", 0x038, fmc);
  writer.Tcb("reported_tcb", 0x180, fmc);
  writer.Tcb("committed_tcb", 0x1E0, fmc);
  writer.Tcb("launch_tcb", 0x1F0, fmc);
  writer.Version("current", 0x1E8);
  writer.Version("committed", 0x1EC);
  writer.Integer("launch_mit_vector", 0x1F8, 8, false);
  writer.Integer("current_mit_vector", 0x200, 8, false);
  if (const std::optional<json::Value> signature = object.GetSet("signature")) {
    writer.BytesOf(*signature, "r", 0x2A0, 72);
    writer.BytesOf(*signature, "s", 0x2E8, 72);
  } else {
    writer.Require(false, "signature", "is missing");
  }
  return writer.Take();
}

Result<crypto::X509Certificate> CertificateOf(const json::Value& entry) {
  Bytes der;
  const std::optional<json::Value> data = entry.GetSet("data");
  if (!data || data->size() > crypto::X509Certificate::kMaxBytes) {
    return Fail(ErrorCode::kInvalidArgument, "cert_chain: expected \"data\", an array of bytes");
  }
  for (const json::Value& element : data->Elements()) {
    Result<std::int64_t> number = element.AsInteger();
    if (!number || *number < 0 || *number > 255) {
      return Fail(ErrorCode::kInvalidArgument, "cert_chain: expected bytes");
    }
    der.push_back(static_cast<std::byte>(*number));
  }
  return crypto::X509Certificate::FromDer(der);
}

}  // namespace

Result<FieldsForm> FromFields(const json::Value& root) {
  const std::optional<json::Value> object = root.GetSet("attestation_report");
  if (!object) {
    return Fail(ErrorCode::kInvalidArgument, "expected \"attestation_report\"");
  }
  Result<Bytes> report = ReportBytes(*object);
  if (!report) {
    return std::unexpected(report.error());
  }
  FieldsForm form{.report = *std::move(report), .certificates = {}};
  const std::optional<json::Value> chain = root.GetSet("cert_chain");
  if (chain && chain->size() > kMaxCertificates) {
    return Fail(ErrorCode::kTooLarge, "cert_chain: more than 8 certificates");
  }
  for (const json::Value& entry : chain ? chain->Elements() : std::vector<json::Value>()) {
    Result<crypto::X509Certificate> certificate = CertificateOf(entry);
    if (!certificate) {
      return std::unexpected(certificate.error());
    }
    form.certificates.push_back(*std::move(certificate));
  }
  return form;
}

Result<std::vector<crypto::X509Certificate>> ReadCertificateTable(ByteView table) {
  constexpr std::size_t kEntry = 24;  // GUID, offset, length
  constexpr std::size_t kMostEntries = 16;
  std::vector<crypto::X509Certificate> certificates;
  for (std::size_t i = 0; i < kMostEntries; ++i) {
    if (table.size() < (i + 1) * kEntry) {
      return Fail(ErrorCode::kInvalidArgument, "certificate table without an end");
    }
    const ByteView entry = table.subspan(i * kEntry, kEntry);
    if (AllZero(entry.first(16))) {
      return certificates;
    }
    const std::size_t offset = GetLittle32(entry, 16);
    const std::size_t length = GetLittle32(entry, 20);
    if (offset > table.size() || length > table.size() - offset) {
      return Fail(ErrorCode::kInvalidArgument,
                  "certificate table: entry " + std::to_string(i + 1) + " lies outside the file");
    }
    Result<crypto::X509Certificate> certificate =
        crypto::X509Certificate::FromDer(table.subspan(offset, length));
    if (certificate) {  // other entries are the provider's own affair
      certificates.push_back(*std::move(certificate));
    }
  }
  return Fail(ErrorCode::kTooLarge, "certificate table: more than 16 entries");
}

}  // namespace casemate::attestation::snp
