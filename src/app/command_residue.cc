#include <charconv>
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "app/command_api.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "base/file.h"
#include "json/writer.h"
#include "secmem/residue.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

struct ResidueOptions {
  std::string dir;
  std::vector<std::string> pids;
  std::string canary_file;
  std::uint64_t canary_fd = 0;
  std::string tokens;
  bool json = false;
};

Result<Plaintext> ReadCanary(const ResidueOptions& options) {
  if (options.canary_file.empty() == (options.canary_fd == 0)) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected one of --canary-file F and --canary-fd N: the text to look for");
  }
  const fs::path path = options.canary_file.empty()
                            ? fs::path("/proc/self/fd") / std::to_string(options.canary_fd)
                            : fs::path(options.canary_file);
  Result<Bytes> bytes = ReadFile(path, 4096);
  if (!bytes) {
    return Wrap(bytes.error(), "the canary");
  }
  while (!bytes->empty() && bytes->back() == std::byte{'\n'}) {
    bytes->pop_back();
  }
  return Plaintext::Copy(*bytes);
}

// "17,4,250"
Result<std::vector<std::int32_t>> ReadTokens(std::string_view text) {
  std::vector<std::int32_t> tokens;
  while (!text.empty()) {
    std::int32_t id = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
    const auto used = static_cast<std::size_t>(end - text.data());
    if (failed != std::errc() || (used < text.size() && text[used] != ',')) {
      return Fail(ErrorCode::kInvalidArgument, "--tokens: expected ids as in 17,4,250");
    }
    tokens.push_back(id);
    text.remove_prefix(std::min(used + 1, text.size()));
  }
  return tokens;
}

Result<pid_t> ReadPid(std::string_view text) {
  pid_t pid = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (failed != std::errc() || pid <= 0) {
    return Fail(ErrorCode::kInvalidArgument, "expected the id of a process");
  }
  return pid;
}

// The processes that were named, or those of the deployment: its lock holds the supervisor's id.
Result<std::vector<pid_t>> FindProcesses(const ResidueOptions& options) {
  std::vector<pid_t> found;
  for (const std::string& text : options.pids) {
    Result<pid_t> pid = ReadPid(text);
    if (!pid) {
      return std::unexpected(pid.error());
    }
    found.push_back(*pid);
  }
  if (!options.dir.empty()) {
    Result<fs::path> deployment = FindDeployment(options.dir);
    if (!deployment) {
      return std::unexpected(deployment.error());
    }
    Result<Bytes> lock = ReadFile(*deployment / "run" / "lock", 64);
    Result<pid_t> pid = lock ? ReadPid(AsText(*lock)) : std::unexpected(lock.error());
    if (!pid || !fs::exists("/proc/" + std::to_string(*pid))) {
      return std::unexpected(NoServer(*deployment));
    }
    std::vector<pid_t> tree = residue::ProcessTree(*pid);
    found.insert(found.end(), tree.begin(), tree.end());
  }
  if (found.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "expected --dir D or --pid N");
  }
  return found;
}

void PrintReportJson(const std::vector<residue::ProcessResidue>& reports) {
  json::Writer writer;
  writer.BeginObject().Key("processes").BeginArray();
  std::uint64_t sum = 0;
  for (const residue::ProcessResidue& report : reports) {
    writer.BeginObject().Key("pid").Integer(report.pid).Key("name").String(report.name);
    writer.Key("copies").Integer(static_cast<std::int64_t>(report.copies()));
    writer.Key("scanned_bytes").Integer(static_cast<std::int64_t>(report.scanned_bytes));
    writer.Key("secret_bytes").Integer(static_cast<std::int64_t>(report.secret_bytes));
    writer.Key("unread_bytes").Integer(static_cast<std::int64_t>(report.unread_bytes));
    writer.Key("findings").BeginArray();
    for (const residue::Finding& finding : report.findings) {
      writer.BeginObject().Key("encoding").String(finding.encoding);
      writer.Key("place").String(residue::PlaceName(finding.place));
      writer.Key("copies").Integer(static_cast<std::int64_t>(finding.copies));
      writer.Key("addresses").BeginArray();
      for (const std::uint64_t address : finding.addresses) {
        writer.Integer(static_cast<std::int64_t>(address));
      }
      writer.EndArray().EndObject();
    }
    writer.EndArray().EndObject();
    sum += report.pid == reports.front().pid ? 0 : report.copies();
  }
  writer.EndArray().Key("copies").Integer(static_cast<std::int64_t>(sum)).EndObject();
  PrintJson(writer.Take());
}

void PrintReport(const std::vector<residue::ProcessResidue>& reports) {
  std::vector<std::vector<std::string>> rows;
  for (const residue::ProcessResidue& report : reports) {
    const std::string scanned = std::to_string(report.scanned_bytes >> 10) + " KiB";
    const std::string secret = std::to_string(report.secret_bytes >> 10) + " KiB";
    std::string where;
    for (const residue::Finding& finding : report.findings) {
      where.append(where.empty() ? "" : ", ").append(std::to_string(finding.copies)).append(" ");
      where.append(finding.encoding).append("/").append(residue::PlaceName(finding.place));
    }
    rows.push_back({report.name, std::to_string(report.pid), scanned, secret,
                    std::to_string(report.unread_bytes >> 10) + " KiB",
                    std::to_string(report.copies()), where});
  }
  PrintTable({"process", "pid", "read", "secret", "unread", "copies", "where"}, rows);
}

Result<ExitStatus> RunResidue(const ResidueOptions& options) {
  Result<Plaintext> canary = ReadCanary(options);
  if (!canary) {
    return std::unexpected(canary.error());
  }
  Result<std::vector<std::int32_t>> tokens = ReadTokens(options.tokens);
  if (!tokens) {
    return std::unexpected(tokens.error());
  }
  Result<std::vector<residue::Needle>> needles = residue::EncodeCanary(*canary, *tokens);
  if (!needles) {
    return std::unexpected(needles.error());
  }
  Result<std::vector<pid_t>> pids = FindProcesses(options);
  if (!pids) {
    return std::unexpected(pids.error());
  }
  Result<residue::ProcessResidue> control = residue::ScanControl(*needles);
  if (!control) {
    return std::unexpected(control.error());
  }
  std::vector<residue::ProcessResidue> reports = {std::move(*control)};
  bool clean = true;
  for (const pid_t pid : *pids) {
    Result<residue::ProcessResidue> report = residue::ScanProcess(pid, *needles);
    if (!report && report.error().code == ErrorCode::kNotFound && options.pids.empty()) {
      continue;  // ended meanwhile, as parsers do
    }
    if (!report) {
      return std::unexpected(report.error());
    }
    clean = clean && report->copies() == 0;
    reports.push_back(std::move(*report));
  }
  if (options.json) {
    PrintReportJson(reports);
  } else {
    PrintReport(reports);
  }
  return clean ? ExitStatus::kOk : ExitStatus::kFailed;
}

}  // namespace

void AddResidue(CommandLine& line) {
  auto options = std::make_shared<ResidueOptions>();
  line.Add("residue", "Count what a request left in the memory of processes (as root)",
           "casemate residue --dir D --canary-file F", [options] { return RunResidue(*options); })
      .Text("--dir", options->dir, "Look at every process of the server of this deployment")
      .Many("--pid", options->pids, "Look at this process, of whatever program")
      .Text("--canary-file", options->canary_file,
            "The text that was sent: 16 to 64 characters of a-z and 0-9")
      .Number("--canary-fd", options->canary_fd, "Read it from this descriptor", 3, 1 << 20)
      .Text("--tokens", options->tokens, "Its token ids too, as in 17,4,250")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
