#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "flows/capture.h"
#include "flows/report.h"
#include "flows/seen_server.h"

// What was captured, for people and for other tools. docs/flows.md has the fields.
namespace casemate::flows {

struct CaptureReport {
  std::vector<std::string> sources;  // files, or the interface
  std::vector<CapturedSession> sessions;
  TrafficSummary summary;
  CaptureCounts counts;                        // of all sources together
  std::uint64_t not_listed = 0;                // sessions that are counted and not in `sessions`
  std::uint64_t dropped = 0;                   // frames that the kernel dropped, live
  double seconds = 0;                          // that the reading took
  std::string cut_short;                       // why a source was not read to its end, or empty
  std::set<std::string> unchanged;             // servers that are as in the baseline: not listed
  std::map<std::string, std::string> changes;  // of the others, when there is a baseline
  double MegabytesPerSecond() const;
};

// Any but kTable. SARIF and the bills of materials are about the servers whose verdict is known.
std::string Render(ReportFormat format, const CaptureReport& report, const ReportContext& context);

std::string RenderJson(const CaptureReport& report, const ReportContext& context);
// RFC 4180, a row a session.
std::string RenderCsv(const CaptureReport& report);
std::string RenderMarkdown(const CaptureReport& report, const ReportContext& context);
// One page: the hops drawn, servers, sessions. At most kMaxHtmlHops arrows and kMaxHtmlSessions
// rows; the page says so.
std::string RenderHtml(const CaptureReport& report, const ReportContext& context);
inline constexpr std::size_t kMaxHtmlHops = 60;
inline constexpr std::size_t kMaxHtmlSessions = 2000;

// "3 hybrid, 1 classical".
std::string CountsText(const std::map<SessionVerdict, std::uint64_t>& sessions);
// "tls, llm.example"; what the third column of a table says of a session.
std::string ServiceOf(const CapturedSession& session);
// What was not seen of the traffic, one sentence each: cut frames, malformed frames, sessions given
// up, frames dropped. Empty: nothing is missing.
std::vector<std::string> WhatIsMissing(const CaptureReport& report);

// Leaves out servers that `baseline` has with the same verdict and groups, their hops and sessions;
// the totals stay.
void KeepOnlyChanged(CaptureReport& report, const std::map<std::string, BaselineEntry>& baseline);
// Why a server has its verdict, and what changed since the baseline.
std::string ReasonOf(const CaptureReport& report, const SeenServer& server);
// What is to be shown of the summary, in its order.
std::vector<const SeenServer*> ListedServers(const CaptureReport& report);
std::vector<const SeenHop*> ListedHops(const CaptureReport& report);

}  // namespace casemate::flows
