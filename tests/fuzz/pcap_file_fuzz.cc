// A whole capture file through libpcap and all that comes behind it, reports included.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "flows/capture_report.h"
#include "flows/pcap_source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const UniqueFd file(::memfd_create("capture", MFD_CLOEXEC));
  if (!file.valid() || ::write(file.get(), data, size) != static_cast<ssize_t>(size)) {
    return 0;
  }
  Result<flows::PcapSource> source =
      flows::PcapSource::OpenFile("/proc/self/fd/" + std::to_string(file.get()));
  if (!source) {
    return 0;
  }
  flows::CaptureReport report;
  std::optional<flows::Capture> capture;
  (void)source
      ->Read({.begin =
                  [&](flows::LinkType link) {
                    capture.emplace(link, [&](flows::CapturedSession session) {
                      report.summary.Add(session);
                      report.sessions.push_back(std::move(session));
                    });
                  },
              .frame =
                  [&](const flows::CapturedFrame& frame) {
                    capture->Frame(frame.bytes, frame.wire_length, frame.time_ms);
                    return true;
                  }})
      .has_value();
  if (capture) {
    capture->End();
  }
  for (const flows::ReportFormat format :
       {flows::ReportFormat::kJson, flows::ReportFormat::kHtml, flows::ReportFormat::kCbom17}) {
    (void)Render(format, report, {});
  }
  return 0;
}
