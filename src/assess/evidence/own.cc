#include <algorithm>
#include <array>
#include <map>

#include "assess/evidence/export_kinds.h"
#include "base/clock.h"

// What Casemate's other commands write: appraisals of attestation evidence, probes and captures of
// flows.
namespace casemate::assess {
namespace {

constexpr At kTee = {.kind = Kind::kTee, .element = ""};
// The best first.
constexpr std::array<std::string_view, 4> kCoverage = {"not-affected", "covered", "cannot-tell",
                                                       "not-covered"};
// What the server calls the group of a hop, the best first, and the pipeline's word for it.
using HopVerdict = std::pair<std::string_view, std::string_view>;
constexpr std::array<HopVerdict, 3> kHopVerdicts = {
    {{"hybrid", "hybrid"}, {"pure", "post-quantum"}, {"classical", "classical"}}};
struct HopSeen {
  std::ptrdiff_t rank = -1;
  std::string path;
  std::string why;
};
constexpr At kHop = {.kind = Kind::kHop, .element = ""};

// The day of an RFC 3339 time.
void TakeDay(const std::string& time, Export& out) {
  if (IsDate(time.substr(0, 10))) {
    out.date = time.substr(0, 10);
  }
}

std::string TeeTypeOf(const std::string& kind) {
  return kind == "sev-snp" || kind == "tdx" || kind == "sgx" || kind == "arm-cca" ? kind
                                                                                  : std::string();
}

Result<void> ReadPolicy(const json::Value& appraisal, Export& out) {
  Result<std::vector<json::Value>> policy = ListAt(appraisal, "policy");
  if (!policy) {
    return std::unexpected(policy.error());
  }
  for (const json::Value& bit : *policy) {
    Result<std::string> name = TextAt(bit, "name");
    Result<std::optional<bool>> set = FlagAt(bit, "set");
    if (!name || !set) {
      return std::unexpected(name ? set.error() : name.error());
    }
    if ((*name == "debug" || *name == "policy.debug") && set->has_value()) {
      Say(out, kTee, "debug", {**set ? "on" : "off"}, bit.path(), "the report's policy says so");
    }
  }
  return {};
}

// Machine and accelerator are appraised each; the worst answer of a file counts.
void SayAttack(Export& out, const std::string& id, std::string_view coverage, std::string path,
               std::string why) {
  const auto badness = [](std::string_view word) {
    return std::ranges::find(kCoverage, word) - kCoverage.begin();
  };
  const auto same = std::ranges::find_if(out.facts, [&](const ExportFact& fact) {
    return fact.kind == Kind::kAttack && fact.element == id;
  });
  if (same == out.facts.end()) {
    Say(out, {.kind = Kind::kAttack, .element = id}, "coverage", {std::string(coverage)},
        std::move(path), std::move(why));
  } else if (badness(coverage) > badness(same->values[0])) {
    same->values = {std::string(coverage)};
    same->path = std::move(path);
    same->why = std::move(why);
  }
}

Result<void> ReadOutlook(const json::Value& appraisal, Export& out) {
  Result<std::vector<json::Value>> vouchers = ListAt(appraisal, "vouchers");
  Result<std::vector<json::Value>> attacks = ListAt(appraisal, "attacks");
  if (!vouchers || !attacks) {
    return std::unexpected(vouchers ? attacks.error() : vouchers.error());
  }
  for (const json::Value& voucher : *vouchers) {
    if (PeekText(voucher, "role") == "root") {
      Note(out, voucher.path(),
           "the root is held by " + PeekText(voucher, "company") + ", " +
               PeekText(voucher, "jurisdiction"));
    }
  }
  for (const json::Value& attack : *attacks) {
    Result<std::string> id = TextAt(attack, "id");
    Result<std::string> coverage = TextAt(attack, "coverage");
    Result<std::string> lost = TextAt(attack, "void_because");
    Result<std::string> reason = TextAt(attack, "reason");
    if (!id || !coverage || !lost || !reason) {
      return std::unexpected(!id         ? id.error()
                             : !coverage ? coverage.error()
                             : !lost     ? lost.error()
                                         : reason.error());
    }
    if (std::ranges::find(kCoverage, *coverage) == kCoverage.end()) {
      return Fail(ErrorCode::kInvalidArgument,
                  attack.path() +
                      ".coverage: expected covered, not-covered, cannot-tell or "
                      "not-affected, found \"" +
                      *coverage + "\"");
    }
    if (id->empty()) {
      Note(out, attack.path(), PeekText(attack, "name") + ": " + *coverage);
      continue;
    }
    // What a report says of a machine that can make up its reports is worth nothing.
    const bool is_void = !lost->empty() && *coverage == "covered";
    SayAttack(out, *id, is_void ? "cannot-tell" : *coverage, attack.path() + ".coverage",
              is_void ? *lost : *reason);
  }
  return {};
}

Result<void> ReadAppraisal(const json::Value& appraisal, Export& out) {
  Result<std::string> kind = TextAt(appraisal, "kind");
  Result<std::string> verdict = TextAt(appraisal, "verdict");
  Result<std::string> time = TextAt(appraisal, "time");
  if (!kind || !verdict || !time) {
    return std::unexpected(!kind ? kind.error() : !verdict ? verdict.error() : time.error());
  }
  if (*verdict != "verified" && *verdict != "incomplete" && *verdict != "refused") {
    return Fail(ErrorCode::kInvalidArgument,
                appraisal.path() + ".verdict: expected verified, incomplete or refused, found \"" +
                    *verdict + "\"");
  }
  TakeDay(*time, out);
  out.subject += (out.subject.empty() ? "" : ", ") + *kind;
  // What did not verify says nothing.
  if (*verdict != "verified") {
    Note(out, appraisal.path() + ".verdict",
         *kind + " is " + *verdict + ": nothing is taken from it");
    return {};
  }
  const std::string path = appraisal.path() + ".kind";
  if (const std::string type = TeeTypeOf(*kind); !type.empty()) {
    Say(out, kTee, "type", {type}, path, "verified to its root");
  } else if (*kind == "nvidia-gpu") {
    Say(out, kTee, "accelerator", {"inside"}, path, "the accelerator's report is verified");
  }
  if (Result<void> policy = ReadPolicy(appraisal, out); !policy) {
    return policy;
  }
  return ReadOutlook(appraisal, out);
}

Result<void> ReadAppraisals(const json::Value& root, Export& out) {
  out.confidence = Confidence::kAttested;
  Result<std::vector<json::Value>> appraisals = ListAt(root, "appraisals");
  if (!appraisals) {
    return std::unexpected(appraisals.error());
  }
  if (appraisals->empty()) {
    return Fail(ErrorCode::kInvalidArgument, "appraisals: expected one at least");
  }
  for (const json::Value& appraisal : *appraisals) {
    if (Result<void> read = ReadAppraisal(appraisal, out); !read) {
      return read;
    }
  }
  Note(out, "appraisals",
       "that it verifies once does not say that somebody verifies before each use");
  return {};
}

// A probe's verdict: what a connection gets depends on the client as well, unless it is enforced.
std::vector<std::string> ExchangesOf(const std::string& verdict) {
  if (verdict == "hybrid-enforced" || verdict == "hybrid") {
    return {"hybrid"};
  }
  if (verdict == "hybrid-preferred" || verdict == "hybrid-supported") {
    return {"hybrid", "classical"};
  }
  return verdict == "classical" ? std::vector<std::string>{"classical"}
                                : std::vector<std::string>();
}

Result<void> ReadFlows(const json::Value& root, std::string_view list, std::string_view word,
                       std::string_view name, Export& out) {
  Result<std::vector<json::Value>> hops = ListAt(root, list);
  Result<std::string> time = TextAt(root, "time");
  if (!hops || !time) {
    return std::unexpected(hops ? time.error() : hops.error());
  }
  TakeDay(*time, out);
  for (const json::Value& hop : *hops) {
    Result<std::string> verdict = TextAt(hop, word);
    Result<std::string> server = TextAt(hop, name);
    Result<std::string> protocol = TextAt(hop, "protocol");
    if (!verdict || !server || !protocol) {
      return std::unexpected(!verdict  ? verdict.error()
                             : !server ? server.error()
                                       : protocol.error());
    }
    out.subject += (out.subject.empty() ? "" : ", ") + *server;
    const std::string path = hop.path() + "." + std::string(word);
    if (std::vector<std::string> values = ExchangesOf(*verdict); !values.empty()) {
      Say(out, kHop, "key_exchange", std::move(values), path, *server + " is " + *verdict);
      if (!protocol->empty()) {
        Say(out, kHop, "transport", {*protocol == "ssh" ? "ssh" : "tls"}, hop.path() + ".protocol",
            *server + " speaks " + *protocol);
      }
    } else if (*verdict == "plain") {
      Say(out, kHop, "transport", {"none"}, path, *server + ": in the clear");
    } else {
      Note(out, path, *server + " is " + *verdict + ": says nothing of the key exchange");
    }
  }
  return {};
}

Result<void> ReadProbe(const json::Value& root, Export& out) {
  return ReadFlows(root, "endpoints", "verdict", "endpoint", out);
}
Result<void> ReadCapture(const json::Value& root, Export& out) {
  return ReadFlows(root, "hops", "worst", "server", out);
}

// The running server's table of hops. Each row is what was negotiated; local ones leave no machine.
Result<void> ReadHops(const json::Value& root, Export& out) {
  Result<json::Value> time = root.Require("time");
  Result<std::int64_t> seconds = time ? time->AsInteger() : std::unexpected(time.error());
  Result<std::vector<json::Value>> hops = ListAt(root, "hops");
  Result<std::vector<json::Value>> exempt = ListAt(root, "classical_from");
  Result<std::string> minimum = TextAt(root, "minimum");
  for (const Error* error :
       {seconds ? nullptr : &seconds.error(), hops ? nullptr : &hops.error(),
        exempt ? nullptr : &exempt.error(), minimum ? nullptr : &minimum.error()}) {
    if (error != nullptr) {
      return std::unexpected(*error);
    }
  }
  TakeDay(FormatUtc(*seconds), out);
  std::size_t local = 0;
  std::map<std::string, HopSeen> seen;  // by the end of ours that it is at
  for (const json::Value& hop : *hops) {
    Result<std::string> end = TextAt(hop, "hop");
    Result<std::string> peer = TextAt(hop, "peer");
    Result<std::string> verdict = TextAt(hop, "verdict");
    if (!end || !peer || !verdict) {
      return std::unexpected(!end ? end.error() : !peer ? peer.error() : verdict.error());
    }
    const auto exchange = std::ranges::find(kHopVerdicts, *verdict, &HopVerdict::first);
    if (*verdict == "local") {
      ++local;
    } else if (exchange == kHopVerdicts.end()) {
      return Fail(ErrorCode::kInvalidArgument,
                  hop.path() + ".verdict: expected hybrid, pure, classical or local, found \"" +
                      *verdict + "\"");
    } else {
      HopSeen& worst = seen[*end];
      if (const auto rank = exchange - kHopVerdicts.begin(); rank >= worst.rank) {
        worst = {.rank = rank,
                 .path = hop.path() + ".verdict",
                 .why = *peer + " negotiated " + PeekText(hop, "group")};
      }
    }
  }
  for (const auto& [end, worst] : seen) {
    out.subject += (out.subject.empty() ? "" : ", ") + end;
    const At at = {.kind = Kind::kHop, .element = end == "clients" ? "casemate-request" : ""};
    std::vector<std::string> values = {std::string(kHopVerdicts[worst.rank].second)};
    // What has come so far was better than what would be let in.
    if (values[0] != "classical" && (*minimum == "classical" || !exempt->empty())) {
      values.emplace_back("classical");
    }
    Say(out, at, "key_exchange", std::move(values), worst.path,
        worst.why + ", the least at " + end);
    Say(out, at, "transport", {"tls"}, worst.path, worst.why);
  }
  Note(out, "hops", std::to_string(local) + " hops do not leave the machine");
  return {};
}

constexpr std::array<ExportKind, 4> kReaders = {{
    {{"appraisal", "casemate attest --json"},
     [](const json::Value& root) { return PeekText(root, "format") == "casemate-appraisal/1"; },
     ReadAppraisals},
    {{"flows-probe", "casemate flows probe --json"},
     [](const json::Value& root) { return PeekText(root, "report") == "casemate-flows"; },
     ReadProbe},
    {{"flows-capture", "casemate flows capture --json"},
     [](const json::Value& root) { return PeekText(root, "report") == "casemate-capture"; },
     ReadCapture},
    {{"flows-live", "casemate flows live --json"},
     [](const json::Value& root) { return PeekText(root, "report") == "casemate-hops"; },
     ReadHops},
}};

}  // namespace

std::span<const ExportKind> OwnExports() { return kReaders; }

}  // namespace casemate::assess
