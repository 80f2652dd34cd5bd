#include <filesystem>
#include <iostream>
#include <memory>

#include "app/command_line.h"
#include "app/command_output.h"
#include "app/flows_output.h"
#include "base/file.h"
#include "crypto/certificate_facts.h"
#include "crypto/hash.h"
#include "flows/probe.h"
#include "flows/report.h"
#include "flows/tls_registry.h"
#include "net/handshake.h"

// Probing endpoints. Needs no deployment and no server.
namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxListBytes = std::size_t{4} * 1024 * 1024;
constexpr std::size_t kMaxEndpoints = 100'000;

struct ProbeCommand {
  std::vector<std::string> targets;
  std::string file;
  std::string starttls;
  std::string format = "table";
  std::string cbom;
  std::string out;
  std::string require;
  std::string baseline;
  std::uint64_t parallel = 32;
  std::uint64_t timeout_ms = 5000;
  bool quick = false;
  bool json = false;
};

// One target a line; what follows '#' is a remark.
Result<void> AddFromFile(const std::string& path, std::vector<std::string>& targets) {
  Result<Bytes> text = ReadFile(path, kMaxListBytes);
  if (!text) {
    return Wrap(text.error(), path);
  }
  std::string_view rest = AsText(*text);
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    line = line.substr(0, line.find('#'));
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first != std::string_view::npos) {
      targets.emplace_back(line.substr(first, line.find_last_not_of(" \t\r") - first + 1));
    }
  }
  return {};
}

Result<std::vector<flows::Endpoint>> Endpoints(const ProbeCommand& command) {
  std::vector<std::string> targets = command.targets;
  if (!command.file.empty()) {
    if (Result<void> added = AddFromFile(command.file, targets); !added) {
      return std::unexpected(added.error());
    }
  }
  if (targets.empty() || targets.size() > kMaxEndpoints) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected 1 to 100000 endpoints: HOST[:PORT] or --file LIST");
  }
  std::vector<flows::Endpoint> endpoints;
  for (const std::string& target : targets) {
    Result<flows::Endpoint> endpoint = flows::ParseEndpoint(target, command.starttls);
    if (!endpoint) {
      return Wrap(endpoint.error(), target);
    }
    endpoints.push_back(*std::move(endpoint));
  }
  return endpoints;
}

flows::CertificateFacts FactsOf(const Bytes& der) {
  flows::CertificateFacts facts;
  facts.der_bytes = der.size();
  facts.sha256 = ToHex(crypto::Sha256(der));
  if (Result<crypto::CertificateFacts> said = crypto::ReadCertificate(der)) {
    facts.subject = said->subject;
    facts.issuer = said->issuer;
    facts.public_key = said->public_key;
    facts.signature = said->signature;
    facts.not_before = said->not_before;
    facts.not_after = said->not_after;
    facts.post_quantum = said->post_quantum;
  }
  return facts;
}

Result<flows::FullHandshake> ByOpenssl(UniqueFd socket, const std::string& name,
                                       std::chrono::milliseconds timeout) {
  Result<net::HandshakeReport> report = net::Handshake(std::move(socket), name, timeout);
  if (!report) {
    return std::unexpected(report.error());
  }
  flows::FullHandshake full{.version = report->version,
                            .group = report->group,
                            .cipher = report->cipher,
                            .peer_signature = report->peer_signature,
                            .chain = {}};
  for (const Bytes& der : report->chain) {
    full.chain.push_back(FactsOf(der));
  }
  return full;
}

void PrintTableOf(const std::vector<flows::ProbeResult>& results) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(results.size());
  for (const flows::ProbeResult& result : results) {
    rows.push_back({result.endpoint.Text(), std::string(VerdictName(result.judgement.verdict)),
                    BestGroup(result), result.judgement.reason});
  }
  PrintTable({"ENDPOINT", "VERDICT", "GROUP", "WHY"}, rows);
  for (const flows::ProbeResult& result : results) {
    for (const std::string& finding : result.judgement.findings) {
      PrintLine("  " + result.endpoint.Text() + ": " + finding);
    }
  }
}

// One block for all: the servers that there are do not depend on the endpoint.
void PrintRemedies(const std::vector<flows::ProbeResult>& results) {
  for (const bool ssh : {false, true}) {
    for (const flows::ProbeResult& result : results) {
      const flows::Verdict verdict = result.judgement.verdict;
      if ((result.endpoint.scheme == flows::Endpoint::Scheme::kSsh) == ssh &&
          verdict != flows::Verdict::kHybridEnforced && verdict != flows::Verdict::kUnreachable) {
        PrintLine(ssh ? "\nTo change it (SSH):"
                      : "\nTo change it (TLS; LIST is one of the first two):");
        PrintLine(flows::Remedy(verdict, ssh));
        break;
      }
    }
  }
}

Result<std::vector<flows::ProbeResult>> OnlyChanged(const ProbeCommand& command,
                                                    std::vector<flows::ProbeResult> results) {
  Result<std::map<std::string, flows::BaselineEntry>> baseline =
      ReadBaselineFile(command.baseline, "endpoints");
  if (!baseline) {
    return std::unexpected(baseline.error());
  }
  std::vector<flows::ProbeResult> changed;
  for (flows::ProbeResult& result : results) {
    const auto before = baseline->find(result.endpoint.Text());
    const std::string change =
        ChangeSince(before == baseline->end() ? nullptr : &before->second, EntryOf(result));
    if (!change.empty()) {
      result.judgement.findings.insert(result.judgement.findings.begin(), change);
      changed.push_back(std::move(result));
    }
  }
  return changed;
}

Result<void> Write(const ProbeCommand& command, const std::string& text) {
  if (command.out.empty() || command.out == "-") {
    std::cout << text << std::flush;
    return {};
  }
  Result<void> written = WriteFileAtomically(command.out, AsBytes(text), 0644);
  return written ? Result<void>{} : Wrap(written.error(), command.out);
}

Result<ExitStatus> RunProbe(const ProbeCommand& command) {
  Result<flows::ReportFormat> format = FormatOf(command.format, command.json, command.cbom);
  if (!format) {
    return UsageError(format.error());
  }
  std::optional<flows::Verdict> required = flows::ParseVerdict(command.require);
  if (!command.require.empty() && !required) {
    return UsageError(Error{.code = ErrorCode::kInvalidArgument,
                            .message = "--require: expected hybrid-enforced, hybrid-preferred, "
                                       "hybrid-supported or classical",
                            .param = {},
                            .detail = {}});
  }
  Result<std::vector<flows::Endpoint>> endpoints = Endpoints(command);
  if (!endpoints) {
    return endpoints.error().code == ErrorCode::kInvalidArgument
               ? Result<ExitStatus>(UsageError(endpoints.error()))
               : std::unexpected(endpoints.error());
  }
  const flows::ProbeOptions options{.timeout = std::chrono::milliseconds(command.timeout_ms),
                                    .quick = command.quick,
                                    .full_handshake = command.quick ? nullptr : ByOpenssl};
  std::vector<flows::ProbeResult> results;
  {
    Progress progress("probing", endpoints->size());
    results = flows::ProbeAll(*endpoints, options, static_cast<unsigned>(command.parallel),
                              [&](const flows::ProbeResult&) { progress.Advance(); });
  }
  bool met = true;
  for (const flows::ProbeResult& result : results) {
    met = met && (!required || flows::AtLeast(result.judgement.verdict, *required));
  }
  if (!command.baseline.empty()) {
    Result<std::vector<flows::ProbeResult>> changed = OnlyChanged(command, std::move(results));
    if (!changed) {
      return std::unexpected(changed.error());
    }
    results = *std::move(changed);
  }
  if (*format == flows::ReportFormat::kTable) {
    if (results.empty()) {
      PrintLine("nothing has changed since the baseline");
    } else {
      PrintTableOf(results);
      PrintRemedies(results);
    }
  } else {
    const flows::ReportContext context = ReportNow("probed-endpoints");
    if (Result<void> written = Write(command, Render(*format, results, context)); !written) {
      return std::unexpected(written.error());
    }
  }
  if (!met) {
    PrintNote("not every endpoint is " + command.require + " or better");
  }
  return met ? ExitStatus::kOk : ExitStatus::kFailed;
}

}  // namespace

void AddFlows(CommandLine& line) {
  auto command = std::make_shared<ProbeCommand>();
  line.Add("flows probe",
           "Ask endpoints for their key exchange: is what passes there closed to a quantum "
           "computer?",
           "casemate flows probe llm.example:443 ssh://git.example --require hybrid-preferred",
           [command] { return RunProbe(*command); })
      .Many("target", command->targets, "HOST, HOST:PORT, [V6]:PORT or ssh://HOST")
      .Text("--file", command->file, "A file with one endpoint a line")
      .Text("--starttls", command->starttls,
            "smtp, imap, pop3, ldap, postgres, mysql or xmpp first")
      .Text("--format", command->format, "table, json, csv, markdown, html, sarif or cbom")
      .Text("--cbom", command->cbom, "A CycloneDX bill of materials of this version: 1.6 or 1.7")
      .Text("--out", command->out, "Write to this file instead of standard output")
      .Text("--require", command->require,
            "End with 1 unless every endpoint is this or better: hybrid-enforced, "
            "hybrid-preferred, hybrid-supported")
      .Text("--baseline", command->baseline, "A JSON report: show only what changed since")
      .Number("--parallel", command->parallel, "Endpoints at the same time", 1, 256)
      .Number("--timeout", command->timeout_ms, "Milliseconds of each wait", 50, 60000)
      .Flag("--quick", command->quick, "The verdict only: no list of groups, no certificates")
      .Flag("--json", command->json, "The same as --format json");
}

}  // namespace casemate::app
