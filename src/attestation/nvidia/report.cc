#include "attestation/nvidia/report.h"

#include "attestation/little_endian.h"

namespace casemate::attestation::nvidia {
namespace {

constexpr std::byte kSpdm11{0x11};
constexpr std::byte kGetMeasurements{0xE0};
constexpr std::byte kMeasurements{0x60};
constexpr std::size_t kAnswerHead = 8;
constexpr std::size_t kBlockHead = 7;  // index, specification, size, DMTF type, value size
constexpr std::size_t kMaxFields = 256;

std::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

std::string TextOf(const Report& report, unsigned field) {
  const auto found = report.opaque.find(field);
  std::string text;
  for (const char c : found == report.opaque.end() ? std::string_view() : AsText(found->second)) {
    if (c == '\0') {
      break;
    }
    text += c >= ' ' && c <= '~' ? c : '?';
  }
  return text;
}

Result<void> ReadBlocks(ByteView record, unsigned count, Report& report) {
  for (unsigned i = 0; i < count; ++i) {
    if (record.size() < kBlockHead + kMeasurementBytes) {
      return Bad("the measurement record ends inside block " + std::to_string(i + 1));
    }
    const auto index = std::to_integer<unsigned>(record[0]);
    const bool fits = index != 0 && record[1] == std::byte{1} &&
                      GetLittle16(record, 2) == kMeasurementBytes + 3 &&
                      GetLittle16(record, 5) == kMeasurementBytes;
    if (!fits) {
      return Bad("measurement block " + std::to_string(i + 1) + " is not a DMTF block of 48 bytes");
    }
    if (!report.blocks.emplace(index, Copy(record.subspan(kBlockHead, kMeasurementBytes))).second) {
      return Bad("measurement " + std::to_string(index) + " stands twice");
    }
    record = record.subspan(kBlockHead + kMeasurementBytes);
  }
  return record.empty() ? Result<void>()
                        : Bad(std::to_string(record.size()) + " bytes behind the last measurement");
}

Result<void> ReadOpaque(ByteView opaque, Report& report) {
  while (!opaque.empty()) {
    if (opaque.size() < 4 || GetLittle16(opaque, 2) > opaque.size() - 4) {
      return Bad("the opaque data ends inside a field");
    }
    const unsigned type = GetLittle16(opaque, 0);
    const std::size_t size = GetLittle16(opaque, 2);
    if (report.opaque.size() == kMaxFields ||
        !report.opaque.emplace(type, Copy(opaque.subspan(4, size))).second) {
      return Bad("opaque field " + std::to_string(type) + " stands twice, or there are too many");
    }
    opaque = opaque.subspan(4 + size);
  }
  return {};
}

}  // namespace

bool Report::is_switch() const {
  return opaque.contains(kSwitchPdi) && !opaque.contains(kGpuInfo) && !opaque.contains(kFwid);
}

std::string Report::driver_version() const { return TextOf(*this, kDriverVersion); }

std::string Report::vbios_version() const {
  const auto found = opaque.find(kVbiosVersion);
  if (found == opaque.end()) {
    return {};
  }
  const Bytes& raw = found->second;
  if (raw.size() != 8) {
    return TextOf(*this, kVbiosVersion);  // a switch has text
  }
  std::string text;
  for (const std::size_t i : {3U, 2U, 1U, 0U, 4U}) {
    text += (text.empty() ? "" : ".") + ToHex(ByteView(raw).subspan(i, 1));
  }
  return text;
}

Result<Report> ParseReport(ByteView raw) {
  if (raw.size() < kRequestBytes + kAnswerHead) {
    return Bad("the report ends inside the request or the answer's head");
  }
  if (raw[0] != kSpdm11 || raw[1] != kGetMeasurements) {
    return Bad("expected the request GET_MEASUREMENTS of SPDM 1.1");
  }
  const ByteView answer = raw.subspan(kRequestBytes);
  if (answer[0] != kSpdm11 || answer[1] != kMeasurements) {
    return Bad("expected the answer MEASUREMENTS of SPDM 1.1");
  }
  Report report;
  report.nonce = Copy(raw.subspan(4, 32));
  const unsigned count = std::to_integer<unsigned>(answer[4]);
  const std::size_t record_size = GetLittle(answer, 5, 3);
  ByteView rest = answer.subspan(kAnswerHead);
  if (record_size > rest.size()) {
    return Bad("a measurement record of " + std::to_string(record_size) + " bytes, and " +
               std::to_string(rest.size()) + " are left");
  }
  if (Result<void> read = ReadBlocks(rest.first(record_size), count, report); !read) {
    return std::unexpected(read.error());
  }
  rest = rest.subspan(record_size);
  if (rest.size() < 34) {
    return Bad("the report ends before its opaque data");
  }
  report.responder_nonce = Copy(rest.first(32));
  const std::size_t opaque_size = GetLittle16(rest, 32);
  rest = rest.subspan(34);
  if (opaque_size > rest.size() || rest.size() - opaque_size < kSignatureBytes) {
    return Bad("opaque data of " + std::to_string(opaque_size) +
               " bytes leaves no room for the signature");
  }
  if (Result<void> read = ReadOpaque(rest.first(opaque_size), report); !read) {
    return std::unexpected(read.error());
  }
  rest = rest.subspan(opaque_size);
  report.signature = Copy(rest.first(kSignatureBytes));
  report.trailing = rest.size() - kSignatureBytes;
  report.signed_part = Copy(raw.first(raw.size() - rest.size()));
  return report;
}

}  // namespace casemate::attestation::nvidia
