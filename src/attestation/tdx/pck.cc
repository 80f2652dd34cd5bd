#include "attestation/tdx/pck.h"

#include <map>

#include "attestation/der.h"

namespace casemate::attestation::tdx {
namespace {

// An OID below Intel's extension.
std::string Oid(const std::string& suffix) { return "1.2.840.113741.1.13.1" + suffix; }

// SEQUENCE OF SEQUENCE { OID, value }, by OID.
std::optional<std::map<std::string, DerValue>> ReadFields(ByteView content) {
  const auto entries = ReadDer(content);
  if (!entries) {
    return std::nullopt;
  }
  std::map<std::string, DerValue> fields;
  for (const DerValue& entry : *entries) {
    const auto pair = entry.tag == 0x30 ? ReadDer(entry.content) : std::nullopt;
    if (!pair || pair->size() != 2 || (*pair)[0].tag != 6 ||
        !fields.emplace(OidText((*pair)[0].content), (*pair)[1]).second) {
      return std::nullopt;
    }
  }
  return fields;
}

std::unexpected<Error> Bad(const std::string& what) {
  return Fail(ErrorCode::kInvalidArgument, "the PCK certificate's extension: " + what);
}

Result<Bytes> Octets(const std::map<std::string, DerValue>& fields, const std::string& suffix,
                     std::size_t size) {
  const auto field = fields.find(Oid(suffix));
  if (field == fields.end() || field->second.tag != 4 || field->second.content.size() != size) {
    return Bad(suffix + " is missing or not " + std::to_string(size) + " bytes");
  }
  return field->second.content;
}

Result<void> ReadTcb(ByteView content, Pck& pck) {
  const auto fields = ReadFields(content);
  if (!fields) {
    return Bad(".2 is malformed");
  }
  for (unsigned i = 1; i <= 17; ++i) {
    const auto field = fields->find(Oid(".2." + std::to_string(i)));
    const auto value = field == fields->end() ? std::nullopt : DerUnsigned(field->second);
    if (!value || *value > (i == 17 ? 0xFFFFU : 0xFFU)) {
      return Bad(".2." + std::to_string(i) + " is missing or out of range");
    }
    (i == 17 ? pck.pce_svn : pck.component_svn[i - 1]) = *value;
  }
  Result<Bytes> cpu_svn = Octets(*fields, ".2.18", 16);
  if (!cpu_svn) {
    return std::unexpected(cpu_svn.error());
  }
  pck.cpu_svn = *std::move(cpu_svn);
  return {};
}

}  // namespace

Result<Pck> ReadPck(const crypto::X509Certificate& certificate) {
  const std::optional<Bytes> extension = certificate.Extension(Oid(""));
  const auto outer = extension ? ReadDer(*extension) : std::nullopt;
  if (!outer || outer->size() != 1 || outer->front().tag != 0x30) {
    return Bad("missing or malformed: not a PCK certificate");
  }
  const auto fields = ReadFields(outer->front().content);
  if (!fields) {
    return Bad("malformed");
  }
  Pck pck;
  const std::tuple<const char*, std::size_t, Bytes*> octets[] = {
      {".1", 16, &pck.ppid}, {".3", 2, &pck.pce_id}, {".4", 6, &pck.fmspc}};
  for (const auto& [suffix, size, target] : octets) {
    Result<Bytes> bytes = Octets(*fields, suffix, size);
    if (!bytes) {
      return std::unexpected(bytes.error());
    }
    *target = *std::move(bytes);
  }
  const auto tcb = fields->find(Oid(".2"));
  if (tcb == fields->end() || tcb->second.tag != 0x30) {
    return Bad(".2 is missing");
  }
  if (Result<void> read = ReadTcb(tcb->second.content, pck); !read) {
    return std::unexpected(read.error());
  }
  const auto configuration = fields->find(Oid(".7"));
  if (configuration != fields->end()) {
    const auto flags = ReadFields(configuration->second.content);
    const auto smt =
        flags ? flags->find(Oid(".7.3")) : std::map<std::string, DerValue>::const_iterator();
    if (flags && smt != flags->end() && smt->second.tag == 1 && smt->second.content.size() == 1) {
      pck.smt_known = true;
      pck.smt = smt->second.content[0] != std::byte{0};
    }
  }
  return pck;
}

}  // namespace casemate::attestation::tdx
