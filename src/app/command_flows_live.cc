#include <chrono>
#include <iostream>
#include <memory>
#include <thread>

#include "app/command_line.h"
#include "app/command_output.h"
#include "app/deployment_folder.h"
#include "app/flows_output.h"
#include "app/hop_page.h"
#include "base/file.h"
#include "flows/live.h"
#include "flows/report.h"

// The hop table of a running server, over its operator's socket.
namespace casemate::app {
namespace {

namespace fs = std::filesystem;

struct LiveOptions {
  std::string dir;
  std::string format = "table";
  std::string out;
  std::uint64_t every_s = 2;
  bool follow = false;
  bool json = false;
};

void PrintHops(const flows::LiveHops& live) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(live.hops.size());
  for (const flows::LiveHop& hop : live.hops) {
    rows.push_back({hop.hop, hop.peer, hop.direction, hop.verdict,
                    hop.group.empty() ? hop.transport : hop.group, std::to_string(hop.connections),
                    std::to_string(hop.open), flows::SizeText(hop.bytes_in),
                    flows::SizeText(hop.bytes_out), flows::TimeText(hop.first_seen),
                    flows::TimeText(hop.last_seen)});
  }
  PrintTable({"HOP", "PEER", "DIRECTION", "VERDICT", "GROUP", "CONNECTIONS", "OPEN", "IN", "OUT",
              "FIRST SEEN", "LAST SEEN"},
             rows);
  std::vector<std::string> shown;
  for (const flows::LiveHop& hop : live.hops) {
    if (!hop.certificate.empty() && std::ranges::find(shown, hop.certificate) == shown.end()) {
      shown.push_back(hop.certificate);
      PrintLine("certificate, " + hop.certificate);
    }
  }
}

void PrintRefused(const flows::LiveHops& live) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(live.refused.size());
  for (const flows::LiveRefusal& refusal : live.refused) {
    rows.push_back({refusal.hop, refusal.peer, refusal.reason, std::to_string(refusal.count),
                    refusal.offered.empty() ? "-" : refusal.offered,
                    flows::TimeText(refusal.first_seen), flows::TimeText(refusal.last_seen)});
  }
  if (!rows.empty()) {
    PrintLine("");
    PrintTable({"REFUSED", "PEER", "REASON", "TIMES", "OFFERED", "FIRST SEEN", "LAST SEEN"}, rows);
  }
  if (live.forgotten_hops > 0 || live.forgotten_refusals > 0) {
    PrintLine("from before, not shown: " + std::to_string(live.forgotten_hops) + " hops, " +
              std::to_string(live.forgotten_refusals) + " refusals");
  }
}

void PrintLive(const flows::LiveHops& live) {
  PrintLine("since " + flows::TimeText(live.since) + "; least key exchange: " + live.minimum);
  for (const std::string& peer : live.classical_from) {
    PrintLine("WARNING: classical key exchange is let in from " + peer);
  }
  if (live.minimum != "hybrid") {
    PrintLine("WARNING: classical key exchange is let in from everybody");
  }
  PrintHops(live);
  PrintRefused(live);
}

Result<void> Show(const LiveOptions& options, const Plaintext& page, const flows::LiveHops& live) {
  if (options.format == "html") {
    const std::string text = flows::RenderLiveHtml(live);
    if (options.out.empty() || options.out == "-") {
      std::cout << text << std::flush;
      return {};
    }
    return WriteFileAtomically(options.out, AsBytes(text), 0644);
  }
  if (options.format == "json") {
    PrintJson(page);
  } else {
    PrintLive(live);
  }
  return {};
}

// A line a change, or the whole page as a line of JSON, until the server or the user ends it.
Result<ExitStatus> Follow(const LiveOptions& options, const fs::path& deployment,
                          flows::LiveHops before) {
  while (true) {
    std::this_thread::sleep_for(std::chrono::seconds(options.every_s));
    Result<Plaintext> page = FetchHops(deployment);
    if (!page) {
      return std::unexpected(page.error());
    }
    Result<flows::LiveHops> now = flows::ReadLiveHops(*page);
    if (!now) {
      return std::unexpected(now.error());
    }
    const std::vector<std::string> changes = flows::Changes(
        now->since == before.since ? before : flows::LiveHops{}, *now);  // else a new front
    if (options.format == "json" && !changes.empty()) {
      PrintJson(*page);
    } else {
      for (const std::string& line : changes) {
        PrintLine(line);
      }
    }
    std::cout << std::flush;
    before = std::move(*now);
  }
}

Result<ExitStatus> RunLive(LiveOptions options) {
  if (options.json) {
    options.format = "json";
  }
  if ((options.format != "table" && options.format != "json" && options.format != "html") ||
      (options.follow && options.format == "html")) {
    return UsageError({ErrorCode::kInvalidArgument,
                       "--format: expected table, json or html (html not with --follow)",
                       {},
                       {}});
  }
  Result<fs::path> deployment = FindDeployment(options.dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  Result<Plaintext> page = FetchHops(*deployment);
  if (!page) {
    return std::unexpected(page.error());
  }
  Result<flows::LiveHops> live = flows::ReadLiveHops(*page);
  if (!live) {
    return Wrap(live.error(), "the server's hop table");
  }
  if (Result<void> shown = Show(options, *page, *live); !shown) {
    return std::unexpected(shown.error());
  }
  std::cout << std::flush;
  return options.follow ? Follow(options, *deployment, std::move(*live))
                        : Result<ExitStatus>(ExitStatus::kOk);
}

}  // namespace

void AddFlowsLive(CommandLine& line) {
  auto options = std::make_shared<LiveOptions>();
  line.Add("flows live",
           "Show a running server's hops: peers, groups, certificates, bytes, refused attempts",
           "casemate flows live --dir D --format html --out hops.html",
           [options] { return RunLive(*options); })
      .Required("--dir", options->dir, "The deployment's folder")
      .Text("--format", options->format, "table, json or html (with the hops drawn)")
      .Text("--out", options->out, "Write the page to this file instead of standard output")
      .Flag("--follow", options->follow, "Go on, with a line for each change")
      .Number("--every", options->every_s, "Seconds between two looks", 1, 3600)
      .Flag("--json", options->json, "The same as --format json");
}

}  // namespace casemate::app
