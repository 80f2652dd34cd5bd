#include "flows/report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "base/table_text.h"
#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

struct FormatName {
  std::string_view name;
  ReportFormat format;
};
constexpr std::array<FormatName, 8> kFormats = {{{"table", ReportFormat::kTable},
                                                 {"json", ReportFormat::kJson},
                                                 {"csv", ReportFormat::kCsv},
                                                 {"markdown", ReportFormat::kMarkdown},
                                                 {"html", ReportFormat::kHtml},
                                                 {"sarif", ReportFormat::kSarif},
                                                 {"cbom", ReportFormat::kCbom16},
                                                 {"cbom17", ReportFormat::kCbom17}}};

std::string Joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) {
    out += (out.empty() ? "" : std::string(between)) + part;
  }
  return out;
}

std::string Groups(const ProbeResult& result) {
  std::vector<std::string> names;
  if (result.ssh) {
    names = result.ssh->key_exchange;
  }
  for (const std::uint16_t group : result.tls.groups) {
    names.push_back(GroupName(group));
  }
  return Joined(names, ":");
}

}  // namespace

Result<ReportFormat> ParseReportFormat(std::string_view name) {
  const auto* found = std::ranges::find(kFormats, name, &FormatName::name);
  if (found == kFormats.end()) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected table, json, csv, markdown, html, sarif, cbom or cbom17");
  }
  return found->format;
}

std::string Render(ReportFormat format, const std::vector<ProbeResult>& results,
                   const ReportContext& context) {
  switch (format) {
    case ReportFormat::kJson:
      return RenderJson(results, context);
    case ReportFormat::kCsv:
      return RenderCsv(results);
    case ReportFormat::kMarkdown:
      return RenderMarkdown(results, context);
    case ReportFormat::kHtml:
      return RenderHtml(results, context);
    case ReportFormat::kSarif:
      return RenderSarif(results, context);
    case ReportFormat::kCbom16:
      return RenderCbom(results, context, false);
    case ReportFormat::kCbom17:
      return RenderCbom(results, context, true);
    case ReportFormat::kTable:
      break;
  }
  return {};
}

std::string RenderCsv(const std::vector<ProbeResult>& results) {
  std::string out =
      "endpoint,verdict,group,reason,groups,cve_2026_2673,findings,certificate_not_after\r\n";
  for (const ProbeResult& result : results) {
    const bool certified = result.full && !result.full->chain.empty();
    out += CsvField(result.endpoint.Text()) + "," +
           CsvField(VerdictName(result.judgement.verdict)) + "," + CsvField(BestGroup(result)) +
           "," + CsvField(result.judgement.reason) + "," + CsvField(Groups(result)) + "," +
           (result.judgement.cve_2026_2673 ? "yes" : "no") + "," +
           CsvField(Joined(result.judgement.findings, "; ")) + "," +
           CsvField(certified ? TimeText(result.full->chain.front().not_after) : "") + "\r\n";
  }
  return out;
}

std::string RenderMarkdown(const std::vector<ProbeResult>& results, const ReportContext& context) {
  std::string out = "# Key exchange of " + std::to_string(results.size()) +
                    " endpoints\n\nProbed " + TimeText(context.time) + " by casemate " +
                    context.version +
                    ".\n\n| endpoint | verdict | group | why |\n|---|---|---|---|\n";
  for (const ProbeResult& result : results) {
    out += "| " + MarkdownCell(result.endpoint.Text()) + " | " +
           std::string(VerdictName(result.judgement.verdict)) + " | " +
           MarkdownCell(BestGroup(result)) + " | " + MarkdownCell(result.judgement.reason) + " |\n";
  }
  for (const ProbeResult& result : results) {
    for (const std::string& finding : result.judgement.findings) {
      out += "\n- " + MarkdownCell(result.endpoint.Text()) + ": " + MarkdownCell(finding);
    }
  }
  return out + "\n";
}

std::string SizeText(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  constexpr double kStep = 1000;
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= kStep && unit + 1 < kUnits.size()) {
    size /= kStep;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", size, kUnits[unit]);
  return text.data();
}

std::string TimeText(std::int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm parts{};
  std::array<char, 32> text{};
  if (::gmtime_r(&time, &parts) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
    return "unknown";
  }
  return text.data();
}

std::string BestGroup(const ProbeResult& result) {
  if (result.ssh) {
    const auto hybrid = std::ranges::find_if(result.ssh->key_exchange, [](const std::string& name) {
      return IsPostQuantum(SshKeyExchangeKind(name));
    });
    if (hybrid != result.ssh->key_exchange.end()) {
      return *hybrid;
    }
    return result.ssh->key_exchange.empty() ? "" : result.ssh->key_exchange.front();
  }
  for (const ServerAnswer* answer : {&result.tls.pq_only, &result.tls.classical_only}) {
    if (answer->Accepted() && answer->group != 0) {
      return GroupName(answer->group);
    }
  }
  return result.tls.tls12 && result.tls.tls12->Accepted() && result.tls.tls12->group != 0
             ? GroupName(result.tls.tls12->group)
             : "";
}

std::string ChangeSince(const BaselineEntry* before, const BaselineEntry& now) {
  if (before == nullptr) {
    return "since the baseline: new";
  }
  std::vector<std::string> changes;
  const auto note = [&](std::string_view what, const std::string& was, const std::string& is) {
    if (was != is) {
      changes.push_back(std::string(what) + " " + (was.empty() ? "none" : was) + " is now " +
                        (is.empty() ? "none" : is));
    }
  };
  note("verdict", before->verdict, now.verdict);
  note("groups", before->groups, now.groups);
  if (before->certificate != now.certificate) {
    changes.emplace_back("another certificate");
  }
  return changes.empty() ? "" : "since the baseline: " + Joined(changes, "; ");
}

BaselineEntry EntryOf(const ProbeResult& result) {
  return {.verdict = std::string(VerdictName(result.judgement.verdict)),
          .groups = Groups(result),
          .certificate =
              result.full && !result.full->chain.empty() ? result.full->chain.front().sha256 : ""};
}

}  // namespace casemate::flows
