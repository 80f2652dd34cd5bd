#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <new>
#include <optional>

#include "app/capture_output.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/flows_output.h"
#include "base/file.h"
#include "flows/capture.h"
#include "flows/capture_report.h"
#include "flows/pcap_source.h"
#include "sandbox/privileges.h"
#include "sandbox/sandbox.h"
#include "secmem/harden.h"

// Reading traffic that passes, for the links that nobody can probe. What a capture holds is chosen
// by strangers: everything is opened first, then the process gives up files, network and rights,
// and only then looks at the first byte.
namespace casemate::app {
namespace {

constexpr std::size_t kMaxFiles = 256;
constexpr std::uint64_t kMemoryBytes = std::uint64_t{3}
                                       << 30;  // of addresses; 1 GB is used at most
constexpr std::string_view kRequirements =
    "--require: expected hybrid (every session), or hybrid-enforced, hybrid-preferred, "
    "hybrid-supported or classical (every server)";

struct CaptureCommand {
  std::vector<std::string> files;
  std::string live;
  std::string filter;
  std::string format = "table";
  std::string cbom;
  std::string out;
  std::string require;
  std::string baseline;
  std::uint64_t seconds = 0;
  std::uint64_t list = 100'000;
  bool only_openable = false;
  bool json = false;
};

struct Opened {
  std::vector<flows::PcapSource> sources;
  std::optional<std::map<std::string, flows::BaselineEntry>> baseline;
  UniqueFd out;  // invalid: standard output
  flows::ReportContext context;
};

void StopCapture(int) { flows::PcapSource::Interrupt(); }

Error Misuse(std::string_view message) {
  return {.code = ErrorCode::kInvalidArgument,
          .message = std::string(message),
          .param = {},
          .detail = {}};
}

// Sessions as they end, of one source after the other.
class Collector {
 public:
  explicit Collector(const CaptureCommand& command) : command_(command) {}

  flows::FrameSink Sink() {
    return {.begin =
                [this](flows::LinkType link) {
                  capture_.emplace(
                      link, [this](flows::CapturedSession session) { Keep(std::move(session)); });
                },
            .frame =
                [this](const flows::CapturedFrame& frame) {
                  capture_->Frame(frame.bytes, frame.wire_length, frame.time_ms);
                  return true;
                }};
  }

  // Also after an error: what came before it stands.
  void EndSource(const flows::PcapSource& source) {
    report_.sources.push_back(source.name());
    report_.dropped += source.dropped();
    if (!capture_) {
      return;
    }
    capture_->End();
    flows::CaptureCounts& total = report_.counts;
    const flows::CaptureCounts& counts = capture_->counts();
    total.frames += counts.frames;
    total.bytes += counts.bytes;
    total.malformed += counts.malformed;
    total.sessions += counts.sessions;
    total.given_up += counts.given_up;
    total.cut += counts.cut;
    total.first_reason = total.first_reason.empty() ? counts.first_reason : total.first_reason;
    capture_.reset();
  }
  flows::CaptureReport& report() { return report_; }

 private:
  void Keep(flows::CapturedSession session) {
    report_.summary.Add(session);
    if (command_.only_openable && session.OpenableBytes() == 0) {
      return;
    }
    if (report_.sessions.size() < command_.list) {
      report_.sessions.push_back(std::move(session));
    } else {
      ++report_.not_listed;
    }
  }

  const CaptureCommand& command_;
  std::optional<flows::Capture> capture_;
  flows::CaptureReport report_;
};

Result<Opened> Open(const CaptureCommand& command) {
  Opened opened{.sources = {}, .baseline = {}, .out = {}, .context = ReportNow("captured-servers")};
  if (!command.baseline.empty()) {
    Result<std::map<std::string, flows::BaselineEntry>> baseline =
        ReadBaselineFile(command.baseline, "servers");
    if (!baseline) {
      return std::unexpected(baseline.error());
    }
    opened.baseline = *std::move(baseline);
  }
  if (!command.live.empty()) {
    Result<flows::PcapSource> source =
        flows::PcapSource::OpenInterface(command.live, command.filter);
    if (!source) {
      return std::unexpected(source.error());
    }
    opened.sources.push_back(*std::move(source));
  }
  for (const std::string& file : command.files) {
    Result<flows::PcapSource> source = flows::PcapSource::OpenFile(file);
    if (!source) {
      return std::unexpected(source.error());
    }
    opened.sources.push_back(*std::move(source));
  }
  if (!command.out.empty() && command.out != "-") {
    opened.out = UniqueFd(::open(command.out.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!opened.out.valid()) {
      return FailErrno(command.out);
    }
  }
  return opened;
}

Result<void> Confine() {
  if (Result<void> hardened = HardenProcess(false); !hardened) {
    return hardened;
  }
  if (Result<void> dropped = sandbox::DropPrivileges(); !dropped) {
    return dropped;
  }
  Result<sandbox::Applied> applied = sandbox::Enter(
      {.may_make_threads = false, .max_memory_bytes = kMemoryBytes, .max_files = kMaxFiles + 64});
  return applied ? Result<void>{} : std::unexpected(applied.error());
}

Result<void> ReadAll(const CaptureCommand& command, Opened& opened, Collector& collector) {
  const auto begun = std::chrono::steady_clock::now();
  Result<void> read = {};
  for (flows::PcapSource& source : opened.sources) {
    try {
      read = source.Read(collector.Sink(), command.filter);
    } catch (const std::bad_alloc&) {
      read = Fail(ErrorCode::kResourceExhausted,
                  source.name() + ": more memory is needed than this command takes; lower --list");
    }
    collector.EndSource(source);
    if (!read) {
      collector.report().cut_short = read.error().message;
      break;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  collector.report().seconds = took.count();
  return read;
}

Result<void> Write(const UniqueFd& out, const std::string& text) {
  if (!out.valid()) {
    std::cout << text << std::flush;
    return {};
  }
  if (::ftruncate(out.get(), 0) != 0 && errno != EINVAL) {  // EINVAL: a pipe
    return FailErrno("--out");
  }
  return WriteAll(out.get(), AsBytes(text));
}

// Everything that was typed fits together, or why it does not.
Result<flows::ReportFormat> Check(const CaptureCommand& command) {
  if (command.files.empty() == command.live.empty() || command.files.size() > kMaxFiles) {
    return std::unexpected(
        Misuse("expected capture files (at most 256; - for standard input), or "
               "--live INTERFACE"));
  }
  if (command.seconds != 0 && command.live.empty()) {
    return std::unexpected(Misuse("--seconds goes with --live"));
  }
  if (!command.require.empty() && command.require != "hybrid" &&
      !flows::ParseVerdict(command.require)) {
    return std::unexpected(Misuse(kRequirements));
  }
  return FormatOf(command.format, command.json, command.cbom);
}

Result<ExitStatus> RunCapture(const CaptureCommand& command) {
  Result<flows::ReportFormat> format = Check(command);
  if (!format) {
    return UsageError(format.error());
  }
  Result<Opened> opened = Open(command);
  if (!opened) {
    return std::unexpected(opened.error());
  }
  if (Result<void> confined = Confine(); !confined) {
    return Wrap(confined.error(), "the sandbox cannot be entered");
  }
  if (!command.live.empty()) {
    std::signal(SIGINT, StopCapture);
    std::signal(SIGTERM, StopCapture);
    std::signal(SIGALRM, StopCapture);
    ::alarm(static_cast<unsigned>(command.seconds));  // 0: none
    PrintNote("capturing on " + command.live + "; Ctrl-C ends it and prints what was seen");
  }
  Collector collector(command);
  const Result<void> read = ReadAll(command, *opened, collector);
  flows::CaptureReport& report = collector.report();
  const bool met = command.require.empty() || Meets(command.require, report);
  if (opened->baseline) {
    KeepOnlyChanged(report, *opened->baseline);
  }
  if (*format != flows::ReportFormat::kTable) {
    if (Result<void> written = Write(opened->out, Render(*format, report, opened->context));
        !written) {
      return std::unexpected(written.error());
    }
  } else if (read || report.counts.sessions > 0) {
    PrintReport(report);
  }
  if (!read) {
    report.cut_short.clear();  // is the error that ends the command
  }
  if (read || report.counts.frames > 0) {
    PrintReading(report, !command.live.empty());
  }
  if (!read) {
    return std::unexpected(read.error());
  }
  if (!met) {
    PrintNote("not everything is " + command.require + " or better");
  }
  return met ? ExitStatus::kOk : ExitStatus::kFailed;
}

}  // namespace

void AddFlowsCapture(CommandLine& line) {
  auto command = std::make_shared<CaptureCommand>();
  line.Add("flows capture",
           "Read traffic that passes: which sessions a recorder could open later, and how much",
           "casemate flows capture link.pcapng --only-openable",
           [command] { return RunCapture(*command); })
      .Many("file", command->files, "Capture files, pcap or pcapng; - is standard input")
      .Text("--live", command->live, "Capture on this interface (root, or CAP_NET_RAW)")
      .Text("--filter", command->filter, "In libpcap's language: \"tcp port 5432\"")
      .Text("--format", command->format, "table, json, csv, markdown, html, sarif or cbom")
      .Text("--cbom", command->cbom, "A CycloneDX bill of materials of this version: 1.6 or 1.7")
      .Text("--out", command->out, "Write to this file instead of standard output")
      .Text("--require", command->require,
            "End with 1 unless every session is hybrid, or every server hybrid-enforced, "
            "hybrid-preferred, hybrid-supported")
      .Text("--baseline", command->baseline,
            "A JSON report: show only servers of which something changed since")
      .Number("--seconds", command->seconds, "End a live capture after this time", 1, 604'800)
      .Number("--list", command->list, "Sessions to list; all are counted", 0, 1'000'000)
      .Flag("--only-openable", command->only_openable, "Leave out sessions that stay closed")
      .Flag("--json", command->json, "The same as --format json");
}

}  // namespace casemate::app
