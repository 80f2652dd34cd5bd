#include "app/capture_output.h"

#include <optional>

#include "app/command_output.h"

namespace casemate::app {

void PrintReport(const flows::CaptureReport& report) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(report.sessions.size());
  for (const flows::CapturedSession& session : report.sessions) {
    rows.push_back({session.client.Text(), session.server.Text(), ServiceOf(session),
                    std::string(SessionVerdictName(session.verdict)),
                    flows::SizeText(session.OpenableBytes()), session.why});
  }
  if (!rows.empty()) {
    PrintTable({"CLIENT", "SERVER", "SERVICE", "VERDICT", "OPENABLE", "WHY"}, rows);
    PrintLine("");
  }
  rows.clear();
  for (const flows::SeenServer* server : ListedServers(report)) {
    rows.push_back({server->endpoint().Text(), std::string(VerdictText(*server)),
                    flows::CountsText(server->sessions()), ReasonOf(report, *server)});
  }
  if (!rows.empty()) {
    PrintTable({"SERVER", "VERDICT", "SESSIONS", "WHY"}, rows);
    PrintLine("");
  }
  PrintLine(std::to_string(report.counts.sessions) + " sessions" +
            (report.counts.sessions == 0 ? "" : ": " + CountsText(report.summary.sessions)) + "; " +
            flows::SizeText(report.summary.openable_bytes) +
            " that a recorder could read, now or later");
}

void PrintReading(const flows::CaptureReport& report, bool live) {
  std::string line =
      std::to_string(report.counts.frames) + " frames, " + flows::SizeText(report.counts.bytes);
  if (!live) {
    line += ", read at " + std::to_string(static_cast<long>(report.MegabytesPerSecond())) + " MB/s";
  }
  PrintNote(line);
  for (const std::string& missing : WhatIsMissing(report)) {
    PrintNote(missing);
  }
}

bool Meets(const std::string& require, const flows::CaptureReport& report) {
  if (require == "hybrid") {
    for (const auto& [verdict, count] : report.summary.sessions) {
      if (verdict != flows::SessionVerdict::kHybrid && verdict != flows::SessionVerdict::kRefused) {
        return false;
      }
    }
    return report.cut_short.empty();
  }
  const std::optional<flows::Verdict> least = flows::ParseVerdict(require);
  for (const flows::SeenServer* server : report.summary.Servers()) {
    const std::optional<flows::Judgement> judged = server->judgement();
    if (least && (!judged || !flows::AtLeast(judged->verdict, *least))) {
      return false;
    }
  }
  return !least || (report.summary.left_out == 0 && report.cut_short.empty());
}

}  // namespace casemate::app
