#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "flows/probe.h"
#include "secmem/plaintext.h"

// What was probed, in the forms that other tools read. Nothing of it is secret; text that a peer
// chose (certificate names, SSH software) is escaped for each form.
namespace casemate::flows {

struct ReportContext {
  std::string version;                       // of casemate
  std::int64_t time = 0;                     // unix seconds
  std::string uuid;                          // of this report, RFC 9562; in the bills of materials
  std::string subject = "probed-endpoints";  // what the bills of materials are of
};

enum class ReportFormat : std::uint8_t {
  kTable,
  kJson,
  kCsv,
  kMarkdown,
  kHtml,
  kSarif,
  kCbom16,
  kCbom17
};
// "table", "json", "csv", "markdown", "html", "sarif", "cbom", "cbom17". kInvalidArgument, naming
// them.
[[nodiscard]] Result<ReportFormat> ParseReportFormat(std::string_view name);

// Any but kTable, which is the terminal's business.
std::string Render(ReportFormat format, const std::vector<ProbeResult>& results,
                   const ReportContext& context);

// docs/flows.md has the fields; numbers and names there are stable.
std::string RenderJson(const std::vector<ProbeResult>& results, const ReportContext& context);
// RFC 4180, a row an endpoint.
std::string RenderCsv(const std::vector<ProbeResult>& results);
std::string RenderMarkdown(const std::vector<ProbeResult>& results, const ReportContext& context);
// One page without a script, a font or a picture from elsewhere: the hops drawn, coloured by
// verdict.
std::string RenderHtml(const std::vector<ProbeResult>& results, const ReportContext& context);
// SARIF 2.1.0: a rule per verdict, a result per endpoint that is not hybrid-enforced.
std::string RenderSarif(const std::vector<ProbeResult>& results, const ReportContext& context);
// CycloneDX 1.6 or 1.7 (`seven`): protocols, algorithms and certificates that were seen.
std::string RenderCbom(const std::vector<ProbeResult>& results, const ReportContext& context,
                       bool seven);

// "12.3 MB": powers of 1000.
std::string SizeText(std::uint64_t bytes);
// 2026-11-22T20:44:46Z
std::string TimeText(std::int64_t unix_seconds);
// The group that matters most of a result: what a hybrid client gets; or empty.
std::string BestGroup(const ProbeResult& result);

// What an earlier JSON report said of an endpoint, for --baseline.
struct BaselineEntry {
  std::string verdict;
  std::string groups;       // names, joined by ':'
  std::string certificate;  // SHA-256 of the leaf, hex, or empty
  bool operator==(const BaselineEntry&) const = default;
};
BaselineEntry EntryOf(const ProbeResult& result);
// "since the baseline: verdict classical is now hybrid-preferred"; empty: nothing changed. `before`
// nullptr: it was not there.
std::string ChangeSince(const BaselineEntry* before, const BaselineEntry& now);
// By endpoint text, of the array `list`: "endpoints" of a probe, "servers" of a capture.
// kInvalidArgument: not such a report of ours.
[[nodiscard]] Result<std::map<std::string, BaselineEntry>> ReadBaseline(PlaintextView json,
                                                                        std::string_view list);

}  // namespace casemate::flows
