#include "attestation/snp/vcek.h"

namespace casemate::attestation::snp {
namespace {

// What stands before every extension of AMD.
std::string Oid(const std::string& suffix) { return "1.3.6.1.4.1.3704.1" + suffix; }

// A DER INTEGER of 0 to 255: `02 01 xx`, or `02 02 00 xx` from 128.
Result<unsigned> SmallInteger(const Bytes& der, const std::string& oid) {
  const auto byte = [&](std::size_t i) { return std::to_integer<unsigned>(der[i]); };
  if (der.size() == 3 && byte(0) == 2 && byte(1) == 1 && byte(2) < 0x80) {
    return byte(2);
  }
  if (der.size() == 4 && byte(0) == 2 && byte(1) == 2 && byte(2) == 0 && byte(3) >= 0x80) {
    return byte(3);
  }
  return Fail(ErrorCode::kInvalidArgument,
              "extension " + oid + ": expected an INTEGER of 0 to 255, found " + ToHex(der));
}

// An IA5String of less than 128 bytes.
Result<std::string> Ia5Text(const Bytes& der, const std::string& oid) {
  if (der.size() < 2 || der[0] != std::byte{0x16} ||
      std::to_integer<std::size_t>(der[1]) != der.size() - 2 || der.size() > 129) {
    return Fail(ErrorCode::kInvalidArgument, "extension " + oid + ": expected an IA5String");
  }
  std::string text;
  for (const char c : AsText(der).substr(2)) {
    text += c >= ' ' && c <= '~' ? c : '?';
  }
  return text;
}

// 64 or 8 raw bytes, or the same inside an OCTET STRING.
Result<Bytes> HardwareId(Bytes content) {
  const bool wrapped = content.size() > 2 && content[0] == std::byte{4} &&
                       std::to_integer<std::size_t>(content[1]) == content.size() - 2 &&
                       (content.size() == 66 || content.size() == 10);
  if (wrapped) {
    content.erase(content.begin(), content.begin() + 2);
  }
  if (content.size() != 64 && content.size() != 8) {
    return Fail(ErrorCode::kInvalidArgument,
                "hardware id of " + std::to_string(content.size()) + " bytes, expected 64 or 8");
  }
  return content;
}

}  // namespace

Result<std::optional<Vcek>> ReadVcek(const crypto::X509Certificate& certificate) {
  const std::optional<Bytes> product = certificate.Extension(Oid(".2"));
  if (!product) {
    return std::optional<Vcek>();
  }
  Vcek vcek;
  Result<std::string> name = Ia5Text(*product, Oid(".2"));
  if (!name) {
    return std::unexpected(name.error());
  }
  vcek.product = *std::move(name);
  const std::pair<std::string, unsigned*> versions[] = {{".3.1", &vcek.tcb.bootloader},
                                                        {".3.2", &vcek.tcb.tee},
                                                        {".3.3", &vcek.tcb.snp},
                                                        {".3.8", &vcek.tcb.microcode},
                                                        {".3.9", &vcek.tcb.fmc}};
  for (const auto& [suffix, target] : versions) {
    const std::string oid = Oid(suffix);
    const std::optional<Bytes> content = certificate.Extension(oid);
    if (!content && suffix == ".3.9") {
      continue;
    }
    Result<unsigned> value =
        content ? SmallInteger(*content, oid)
                : Fail(ErrorCode::kInvalidArgument, "the certificate lacks extension " + oid);
    if (!value) {
      return std::unexpected(value.error());
    }
    *target = *value;
    vcek.has_fmc = vcek.has_fmc || suffix == ".3.9";
  }
  if (std::optional<Bytes> id = certificate.Extension(Oid(".4"))) {
    Result<Bytes> hardware_id = HardwareId(*std::move(id));
    if (!hardware_id) {
      return std::unexpected(hardware_id.error());
    }
    vcek.hardware_id = *std::move(hardware_id);
  }
  if (const std::optional<Bytes> id = certificate.Extension(Oid(".5"))) {
    Result<std::string> text = Ia5Text(*id, Oid(".5"));
    if (!text) {
      return std::unexpected(text.error());
    }
    vcek.csp_id = *std::move(text);
  }
  return std::optional<Vcek>(std::move(vcek));
}

}  // namespace casemate::attestation::snp
