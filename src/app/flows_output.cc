#include "app/flows_output.h"

#include <array>

#include "app/command_output.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/hash.h"

namespace casemate::app {
namespace {

constexpr std::size_t kMaxBaselineBytes = std::size_t{64} * 1024 * 1024;

}  // namespace

std::string RandomUuid() {
  std::array<std::byte, 16> bytes{};
  crypto::FillRandom(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0F}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3F}) | std::byte{0x80};
  std::string text = ToHex(bytes);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) {
    text.insert(at, "-");
  }
  return text;
}

flows::ReportContext ReportNow(const std::string& subject) {
  return {
      .version = CASEMATE_VERSION, .time = UnixSeconds(), .uuid = RandomUuid(), .subject = subject};
}

Result<flows::ReportFormat> FormatOf(const std::string& format, bool json,
                                     const std::string& cbom) {
  if (cbom.empty()) {
    return flows::ParseReportFormat(json ? "json" : format);
  }
  if (cbom != "1.6" && cbom != "1.7") {
    return Fail(ErrorCode::kInvalidArgument, "--cbom: expected 1.6 or 1.7");
  }
  return cbom == "1.7" ? flows::ReportFormat::kCbom17 : flows::ReportFormat::kCbom16;
}

ExitStatus UsageError(const Error& error) {
  PrintError(error);
  return ExitStatus::kUsage;
}

Result<std::map<std::string, flows::BaselineEntry>> ReadBaselineFile(const std::string& path,
                                                                     std::string_view list) {
  Result<Bytes> text = ReadFile(path, kMaxBaselineBytes);
  if (!text) {
    return Wrap(text.error(), path);
  }
  Result<std::map<std::string, flows::BaselineEntry>> baseline =
      flows::ReadBaseline(PlaintextView::Of(AsText(*text)), list);
  return baseline ? std::move(baseline) : Wrap(baseline.error(), path);
}

}  // namespace casemate::app
