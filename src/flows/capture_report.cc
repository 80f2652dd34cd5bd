#include "flows/capture_report.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/table_text.h"
#include "flows/tls_registry.h"
#include "json/writer.h"

namespace casemate::flows {
namespace {

// The servers in the form of a probe; those without a verdict are left out.
std::vector<ProbeResult> AsProbes(const CaptureReport& report) {
  std::vector<ProbeResult> out;
  for (const SeenServer* server : ListedServers(report)) {
    if (std::optional<ProbeResult> result = server->AsProbe()) {
      out.push_back(*std::move(result));
    }
  }
  return out;
}

BaselineEntry EntryOf(const SeenServer& server) {
  const std::optional<ProbeResult> result = server.AsProbe();
  return result ? flows::EntryOf(*result)
                : BaselineEntry{.verdict = "unknown", .groups = {}, .certificate = {}};
}

void WriteNames(json::Writer& writer, std::string_view key,
                const std::vector<std::uint16_t>& groups) {
  writer.Key(key).BeginArray();
  for (const std::uint16_t group : groups) {
    writer.String(GroupName(group));
  }
  writer.EndArray();
}

void WriteCount(json::Writer& writer, std::string_view key, std::uint64_t count) {
  writer.Key(key).Integer(static_cast<std::int64_t>(count));
}

void WriteVerdicts(json::Writer& writer, const std::map<SessionVerdict, std::uint64_t>& sessions) {
  writer.Key("sessions").BeginObject();
  for (const auto& [verdict, count] : sessions) {
    WriteCount(writer, SessionVerdictName(verdict), count);
  }
  writer.EndObject();
}

void WriteOffer(json::Writer& writer, const ClientOffer& offer) {
  writer.Key("offer").BeginObject().Key("server_name").String(offer.server_name);
  writer.Key("versions").BeginArray();
  for (const std::uint16_t version : offer.versions) {
    writer.String(VersionName(version));
  }
  writer.EndArray();
  WriteNames(writer, "groups", offer.groups);
  WriteNames(writer, "shares", offer.shares);
  writer.Key("resumes").Bool(offer.resumes).Key("early_data").Bool(offer.early_data).EndObject();
}

void WriteSession(json::Writer& writer, const CapturedSession& session) {
  writer.BeginObject().Key("client").String(session.client.Text());
  writer.Key("server").String(session.server.Text()).Key("protocol").String(session.protocol);
  writer.Key("verdict").String(SessionVerdictName(session.verdict));
  writer.Key("why").String(session.why).Key("key_exchange").String(session.key_exchange);
  if (session.answer && session.answer->Accepted()) {
    writer.Key("version").String(VersionName(session.answer->version));
    writer.Key("cipher").String(CipherName(session.answer->cipher));
  }
  writer.Key("resumed").Bool(session.resumed()).Key("retried").Bool(session.retried);
  if (session.retry_group != 0) {
    writer.Key("retry_group").String(GroupName(session.retry_group));
  }
  if (session.offer) {
    WriteOffer(writer, *session.offer);
  }
  WriteCount(writer, "client_bytes", session.client_bytes);
  WriteCount(writer, "server_bytes", session.server_bytes);
  WriteCount(writer, "openable_bytes", session.OpenableBytes());
  writer.Key("first").String(TimeText(session.first_ms / 1000));
  writer.Key("last").String(TimeText(session.last_ms / 1000)).EndObject();
}

void WriteServer(json::Writer& writer, const CaptureReport& report, const SeenServer& server) {
  const std::optional<Judgement> judged = server.judgement();
  const BaselineEntry entry = EntryOf(server);
  writer.BeginObject().Key("endpoint").String(server.endpoint().Text());
  writer.Key("protocol").String(server.protocol());
  writer.Key("server_name").String(server.server_name());
  writer.Key("verdict").String(entry.verdict);
  writer.Key("reason").String(ReasonOf(report, server));
  writer.Key("cve_2026_2673").Bool(judged && judged->cve_2026_2673);
  writer.Key("groups_text").String(entry.groups).Key("certificate").String(entry.certificate);
  WriteVerdicts(writer, server.sessions());
  WriteCount(writer, "bytes", server.bytes());
  WriteCount(writer, "openable_bytes", server.openable_bytes());
  writer.EndObject();
}

void WriteHop(json::Writer& writer, const SeenHop& hop) {
  writer.BeginObject().Key("client").String(hop.client);
  writer.Key("server").String(hop.endpoint().Text());
  writer.Key("worst").String(SessionVerdictName(hop.Worst()));
  WriteVerdicts(writer, hop.sessions);
  writer.Key("key_exchanges").BeginArray();
  for (const std::string& name : hop.key_exchanges) {
    writer.String(name);
  }
  writer.EndArray();
  WriteCount(writer, "bytes", hop.bytes);
  WriteCount(writer, "openable_bytes", hop.openable_bytes);
  writer.EndObject();
}

void WriteReading(json::Writer& writer, const CaptureReport& report) {
  writer.Key("sources").BeginArray();
  for (const std::string& source : report.sources) {
    writer.String(source);
  }
  writer.EndArray().Key("reading").BeginObject();
  WriteCount(writer, "frames", report.counts.frames);
  WriteCount(writer, "bytes", report.counts.bytes);
  writer.Key("seconds").Number(report.seconds);
  writer.Key("mb_per_s").Number(report.MegabytesPerSecond());
  WriteCount(writer, "frames_cut", report.counts.cut);
  WriteCount(writer, "frames_malformed", report.counts.malformed);
  writer.Key("first_malformed").String(report.counts.first_reason);
  WriteCount(writer, "frames_dropped", report.dropped);
  WriteCount(writer, "sessions_given_up", report.counts.given_up);
  WriteCount(writer, "sessions_not_listed", report.not_listed);
  writer.Key("cut_short").String(report.cut_short).EndObject();
}

}  // namespace

double CaptureReport::MegabytesPerSecond() const {
  constexpr double kMegabyte = 1e6;
  return seconds > 0 ? static_cast<double>(counts.bytes) / kMegabyte / seconds : 0;
}

std::string Render(ReportFormat format, const CaptureReport& report, const ReportContext& context) {
  switch (format) {
    case ReportFormat::kJson:
      return RenderJson(report, context);
    case ReportFormat::kCsv:
      return RenderCsv(report);
    case ReportFormat::kMarkdown:
      return RenderMarkdown(report, context);
    case ReportFormat::kHtml:
      return RenderHtml(report, context);
    case ReportFormat::kSarif:
    case ReportFormat::kCbom16:
    case ReportFormat::kCbom17:
      return Render(format, AsProbes(report), context);
    case ReportFormat::kTable:
      break;
  }
  return {};
}

std::string RenderJson(const CaptureReport& report, const ReportContext& context) {
  json::Writer writer;
  writer.BeginObject().Key("report").String("casemate-capture").Key("format").Integer(1);
  writer.Key("version").String(context.version).Key("time").String(TimeText(context.time));
  WriteReading(writer, report);
  writer.Key("totals").BeginObject();
  WriteVerdicts(writer, report.summary.sessions);
  WriteCount(writer, "openable_bytes", report.summary.openable_bytes);
  WriteCount(writer, "sessions_without_server", report.summary.left_out);
  writer.EndObject().Key("servers").BeginArray();
  for (const SeenServer* server : ListedServers(report)) {
    WriteServer(writer, report, *server);
  }
  writer.EndArray().Key("hops").BeginArray();
  for (const SeenHop* hop : ListedHops(report)) {
    WriteHop(writer, *hop);
  }
  writer.EndArray().Key("sessions").BeginArray();
  for (const CapturedSession& session : report.sessions) {
    WriteSession(writer, session);
  }
  writer.EndArray().EndObject();
  return std::string(writer.Take().view().Reveal()) + "\n";
}

std::string RenderCsv(const CaptureReport& report) {
  std::string out =
      "first,client,server,protocol,server_name,version,verdict,key_exchange,resumed,client_bytes,"
      "server_bytes,openable_bytes,offered_groups,why\r\n";
  for (const CapturedSession& session : report.sessions) {
    std::string offered;
    if (session.offer) {
      for (const std::uint16_t group : session.offer->groups) {
        offered += (offered.empty() ? "" : ":") + GroupName(group);
      }
    }
    const bool agreed = session.answer && session.answer->Accepted();
    out += TimeText(session.first_ms / 1000) + "," + CsvField(session.client.Text()) + "," +
           CsvField(session.server.Text()) + "," + session.protocol + "," +
           CsvField(session.offer ? session.offer->server_name : "") + "," +
           CsvField(agreed ? VersionName(session.answer->version) : "") + "," +
           std::string(SessionVerdictName(session.verdict)) + "," + CsvField(session.key_exchange) +
           "," + (session.resumed() ? "yes" : "no") + "," + std::to_string(session.client_bytes) +
           "," + std::to_string(session.server_bytes) + "," +
           std::to_string(session.OpenableBytes()) + "," + CsvField(offered) + "," +
           CsvField(session.why) + "\r\n";
  }
  return out;
}

std::string RenderMarkdown(const CaptureReport& report, const ReportContext& context) {
  std::string out =
      "# Key exchange of captured sessions\n\n" + std::to_string(report.counts.sessions) +
      " sessions (" + CountsText(report.summary.sessions) + "); a recorder could open " +
      SizeText(report.summary.openable_bytes) + ", now or later. Read " + TimeText(context.time) +
      " by casemate " + context.version +
      ".\n\n| server | verdict | sessions | openable | why |\n|---|---|---|---|---|\n";
  for (const SeenServer* server : ListedServers(report)) {
    out += "| " + MarkdownCell(server->endpoint().Text()) + " | " +
           std::string(VerdictText(*server)) + " | " + CountsText(server->sessions()) + " | " +
           SizeText(server->openable_bytes()) + " | " + MarkdownCell(ReasonOf(report, *server)) +
           " |\n";
  }
  out += "\n| client | server | verdict | key exchange | openable |\n|---|---|---|---|---|\n";
  for (const CapturedSession& session : report.sessions) {
    out += "| " + session.client.Text() + " | " + session.server.Text() + " " +
           MarkdownCell(ServiceOf(session)) + " | " +
           std::string(SessionVerdictName(session.verdict)) + " | " +
           MarkdownCell(session.key_exchange) + " | " + SizeText(session.OpenableBytes()) + " |\n";
  }
  for (const std::string& missing : WhatIsMissing(report)) {
    out += "\n- " + MarkdownCell(missing);
  }
  return out + "\n";
}

std::string CountsText(const std::map<SessionVerdict, std::uint64_t>& sessions) {
  std::string out;
  for (const auto& [verdict, count] : sessions) {
    out += (out.empty() ? "" : ", ") + std::to_string(count) + " " +
           std::string(SessionVerdictName(verdict));
  }
  return out;
}

std::string ServiceOf(const CapturedSession& session) {
  return session.offer && !session.offer->server_name.empty()
             ? session.protocol + ", " + session.offer->server_name
             : session.protocol;
}

std::vector<std::string> WhatIsMissing(const CaptureReport& report) {
  std::vector<std::string> out;
  const auto note = [&](std::uint64_t count, std::string_view what) {
    if (count > 0) {
      out.push_back(std::to_string(count) + " " + std::string(what));
    }
  };
  note(report.counts.cut,
       "frames were captured only in part (raise the snap length: tcpdump -s 0)");
  if (report.counts.malformed > 0) {
    out.push_back(std::to_string(report.counts.malformed) +
                  " frames could not be read; the first: " + report.counts.first_reason);
  }
  note(report.dropped, "frames were dropped by the kernel while this was busy");
  note(report.counts.given_up, "sessions were handed out before their end, to bound the memory");
  note(report.not_listed, "sessions are counted but not listed");
  note(report.summary.left_out, "sessions are of servers or clients beyond those told apart");
  if (!report.cut_short.empty()) {
    out.push_back("not read to the end: " + report.cut_short);
  }
  return out;
}

void KeepOnlyChanged(CaptureReport& report, const std::map<std::string, BaselineEntry>& baseline) {
  for (const SeenServer* server : report.summary.Servers()) {
    const std::string text = server->endpoint().Text();
    const auto before = baseline.find(text);
    const std::string change =
        ChangeSince(before == baseline.end() ? nullptr : &before->second, EntryOf(*server));
    if (change.empty()) {
      report.unchanged.insert(text);
    } else {
      report.changes[text] = change;
    }
  }
  std::erase_if(report.sessions, [&](const CapturedSession& session) {
    return report.unchanged.contains(EndpointOf(session.server, session.protocol).Text());
  });
}

std::string ReasonOf(const CaptureReport& report, const SeenServer& server) {
  const std::optional<Judgement> judged = server.judgement();
  const auto change = report.changes.find(server.endpoint().Text());
  return (judged ? judged->reason : "no session of it tells") +
         (change == report.changes.end() ? "" : "; " + change->second);
}

std::vector<const SeenServer*> ListedServers(const CaptureReport& report) {
  std::vector<const SeenServer*> out = report.summary.Servers();
  std::erase_if(out, [&](const SeenServer* server) {
    return report.unchanged.contains(server->endpoint().Text());
  });
  return out;
}

std::vector<const SeenHop*> ListedHops(const CaptureReport& report) {
  std::vector<const SeenHop*> out = report.summary.Hops();
  std::erase_if(
      out, [&](const SeenHop* hop) { return report.unchanged.contains(hop->endpoint().Text()); });
  return out;
}

}  // namespace casemate::flows
