#include "assess/live/live.h"

#include <algorithm>

#include "assess/fact_text.h"

namespace casemate::assess {
namespace {

// What operators see of an error in the entry itself.
constexpr std::string_view kLiveFile = "the running deployment";

constexpr std::size_t kMaxNames = 8;  // of models in a title

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMaxNames); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  return text + (names.size() > kMaxNames ? ", ..." : "");
}

// Elements and facts, line by line.
class EntryText {
 public:
  explicit EntryText(const LiveFacts& facts) : date_(facts.date) {
    out_ = "casemate: catalogue\nid: " + std::string(kLiveId) +
           "\nvendor: Casemate\nservice: Server\nmodel: \"*\"\nconfiguration: " +
           YamlText("running at " + facts.deployment) + "\ndate: " + facts.date + "\n";
  }
  EntryText& Section(std::string_view name) { return Line(std::string(name) + ":"); }
  EntryText& Element(const std::string& id) { return Line("  " + id + ":"); }
  EntryText& Measured(std::string_view field, const std::string& value, const std::string& source) {
    return Add(field, {value}, false, source, Confidence::kMeasured);
  }
  EntryText& Documented(std::string_view field, const std::string& value,
                        const std::string& source) {
    return Add(field, {value}, false, source, Confidence::kDocumented);
  }
  EntryText& Claimed(std::string_view field, const std::string& value, const std::string& source) {
    return Add(field, {value}, false, source, Confidence::kClaimed);
  }
  EntryText& Unknown(std::string_view field, const std::string& why) {
    return Add(field, {"unknown"}, false, why, Confidence::kUnknown);
  }
  EntryText& List(std::string_view field, const std::vector<std::string>& values,
                  const std::string& source) {
    return Add(field, values, true, source, Confidence::kDocumented);
  }
  std::string Take() { return std::move(out_); }

 private:
  EntryText& Line(const std::string& line) {
    out_ += line + "\n";
    return *this;
  }
  EntryText& Add(std::string_view field, const std::vector<std::string>& values, bool is_list,
                 const std::string& source, Confidence confidence) {
    return Line(
        "    " + std::string(field) + ": " +
        FactText(values, is_list, {.source = source, .date = date_, .confidence = confidence}));
  }
  std::string date_;
  std::string out_;
};

void AddSpill(const LiveFacts& facts, EntryText& out) {
  const HostFacts& host = facts.host;
  switch (host.swap) {
    case Swap::kOff:
      out.Measured("swap", "off", "/proc/swaps: no swap on a disk");
      break;
    case Swap::kEncrypted:
      out.Measured("swap", "encrypted", "/proc/swaps: " + host.swap_areas + ", on dm-crypt");
      break;
    case Swap::kPlain:
      out.Measured("swap", "plain", "/proc/swaps: " + host.swap_areas);
      break;
    case Swap::kNotKnown:
      out.Unknown("swap", "/proc/swaps cannot be read");
  }
  if (host.crash_kernel) {
    out.Measured("crash_dumps", "plain",
                 "kexec_crash_loaded is 1: a crash of the kernel writes all memory down");
  } else if (host.crash_kernel_known) {
    out.Documented("crash_dumps", "off",
                   "processes are not dumpable (docs/decisions/0020); kexec_crash_loaded is 0");
  } else {
    out.Unknown("crash_dumps", "whether a crash kernel is loaded cannot be read");
  }
  if (host.is_virtual) {
    out.Unknown("snapshots", "whoever runs the hypervisor can take them; ask there");
    out.Unknown("live_migration", "whoever runs the hypervisor can move it; ask there");
  } else {
    out.Measured("snapshots", "off", "no hypervisor is seen");
    out.Measured("live_migration", "off", "no hypervisor is seen");
  }
}

void AddMemory(const LiveFacts& facts, EntryText& out) {
  const HostFacts& host = facts.host;
  if (host.is_virtual) {
    out.Unknown("ports", "those of the machine below");
    out.Unknown("memory", "a virtual machine does not see it");
    return;
  }
  const std::string groups = "/sys/kernel/iommu_groups: ";
  switch (host.ports) {
    case Ports::kClosed:
      out.Measured("ports", "closed", groups + "all of them translate");
      break;
    case Ports::kOpen:
      out.Measured("ports", "open", groups + "there are none");
      break;
    case Ports::kNotKnown:
      out.Unknown("ports", groups + "not all of them translate, or they cannot be read");
  }
  if (host.encrypts_memory) {
    out.Measured("memory", "encrypted", "/proc/cmdline: mem_encrypt=on");
  } else if (host.can_encrypt_memory) {
    out.Unknown("memory",
                "the processor can encrypt it; whether it does is the firmware's setting");
  } else {
    out.Measured("memory", "plain", "/proc/cpuinfo: no encryption of memory");
  }
}

void AddTee(const LiveFacts& facts, EntryText& out) {
  if (!facts.host.tee.empty()) {
    out.Claimed("tee", "casemate-tee", "the kernel says so: /proc/cpuinfo");
  } else {
    out.Measured("tee", "none", "/proc/cpuinfo: the kernel knows of none");
  }
}

void AddProcessors(const LiveFacts& facts, EntryText& out) {
  const HostFacts& host = facts.host;
  const std::string architecture = "docs/architecture.md of Casemate " + facts.version;
  const std::string maker = host.processor.empty() ? "not seen" : host.processor;
  out.Section("processors").Element("casemate-engine");
  out.Documented("title",
                 "Casemate " + facts.version + ": front, keepers and rooms" +
                     (facts.models.empty() ? "" : " (models: " + Listed(facts.models) + ")"),
                 architecture);
  out.Measured("operator", "you", "it answers the owner of " + facts.deployment);
  out.Documented("sees", "plaintext", "docs/window.md");
  out.Measured("tenancy", facts.tenants.size() > 1 ? "shared" : "dedicated",
               "casemate status: tenants " + std::to_string(facts.tenants.size()) +
                   (facts.tenants.size() > 1
                        ? ", apart from each other in processes of their own on one machine"
                        : ""));
  AddTee(facts, out);
  out.Documented("prefix_cache", "off", "docs/window.md: overwritten at the end of a request");
  AddMemory(facts, out);
  AddSpill(facts, out);
  out.Documented("content_logs", "off",
                 "log.level " + facts.log_level + "; types that hold content cannot be logged, " +
                     "docs/operations.md");
  out.Documented("review", "off", architecture);
  out.Documented("training", "no", architecture);
  out.Unknown("updates_by", "whoever puts new versions on this machine, its system included");
  out.Unknown("updates", "Casemate does not update itself; whether the system does is not seen");
  out.Unknown("firmware_by", "processor: " + maker + "; machine: " +
                                 (host.product.empty() ? "not seen" : host.product));
  out.Unknown("firmware", "how firmware, microcode and drivers come to this machine");
  if (!host.is_virtual) {
    return;
  }
  // Whoever runs it has the engine's memory, and is not known from inside.
  out.Element("casemate-host");
  out.Measured("title",
               "The machine below the virtual one" +
                   (host.product.empty() ? std::string() : " (" + host.product + ")"),
               "casemate doctor: virtualisation");
  out.Unknown("operator", "whoever runs the hypervisor");
  out.Measured("sees", "plaintext", "the virtual machine's memory is its memory");
  AddTee(facts, out);
  const std::string machine = "a hypervisor runs machines and no service that knows of requests";
  out.Claimed("prefix_cache", "off", machine).Claimed("content_logs", "off", machine);
  out.Claimed("review", "off", machine).Claimed("training", "no", machine);
}

void AddCustody(const LiveFacts& facts, EntryText& out) {
  const std::string status = "casemate status: " + facts.token + ", PIN " + facts.pin_protection;
  const bool software = facts.own_token || facts.module.find("softhsm") != std::string::npos;
  out.Section("keys").Element("casemate-root");
  out.Measured("holder", "you", status);
  if (software) {
    out.Measured("kept_in", "software", status);
  } else {
    out.Claimed("kept_in", "hsm", status + "; that it is hardware is its maker's word");
  }
  out.List("released_to", {"casemate-engine"}, "docs/formats/release.md");
  out.Documented("release", "ticketed", "docs/formats/release.md");
  out.Measured("cache_minutes", std::to_string((facts.lease_seconds + 59) / 60),
               "custody.lease_ms: " + std::to_string(facts.lease_seconds) + " s");
  out.Documented("revocation", "derived", "docs/window.md");
  if (!software) {
    out.Claimed("beside_data", "no", status + "; that keys do not leave it is its maker's word");
  } else if (!facts.own_token) {
    out.Unknown("beside_data", status + "; where that token's files lie is not seen");
  } else if (facts.pin_beside || facts.pin_protection == "insecure-file") {
    out.Measured("beside_data", "yes",
                 status + "; custodian/token and its PIN lie in " + facts.deployment);
  } else if (facts.pin_protection != "argon2id") {
    out.Unknown("beside_data", status + "; whether the PIN is sealed elsewhere is not seen");
  } else if (facts.passphrase == PassphraseKept::kNo) {
    out.Measured(
        "beside_data", "passphrase",
        status + "; custodian/pin.sealed is there, its passphrase was typed or handed over");
  } else {
    out.Unknown("beside_data",
                status + (facts.passphrase == PassphraseKept::kYes
                              ? "; the passphrase came from a file: whether it is on this disk is "
                                "not seen"
                              : "; whether the passphrase came from a file is seen by root alone"));
  }
}

void AddStores(const LiveFacts& facts, EntryText& out) {
  const bool software = facts.own_token || facts.module.find("softhsm") != std::string::npos;
  out.Section("stores").Element("casemate-store");
  out.Documented("title", "Sealed objects: documents, chunks, vectors, indexes", "docs/window.md");
  out.Measured("operator", "you", facts.deployment);
  out.List("holds", {"content", "embeddings"}, "docs/architecture.md");
  out.Documented("encryption", "standard", "docs/formats/seal.md");
  out.Documented("key", "casemate-root", "docs/formats/key_tree.md");
  out.Documented("decrypted_by", "service", "docs/formats/key_tree.md");
  out.Documented("isolation", "per-tenant", "docs/architecture.md");
  out.Documented("retention_days", "36500",
                 "docs/api.md: files stay until they are erased, for which a hundred years stand; "
                 "requests and answers are not stored");
  out.Unknown("backups", "copies are made by whoever runs it; casemate backup keeps no list");
  if (software) {
    out.Documented("erasure", "delete",
                   "docs/threat-model.md: an old copy of the token's files brings the key back");
  } else {
    out.Documented("erasure", "object-key", "docs/threat-model.md: the epoch's key, in the token");
  }
  out.Element("casemate-log");
  out.Measured("title",
               "Audit log: " + std::to_string(facts.log_entries) + " entries, " +
                   std::to_string(facts.log_checkpoint) +
                   " under a signed checkpoint; receipts for every answer",
               "casemate status");
  out.Measured("operator", "you", facts.deployment);
  out.List("holds", {"metadata"}, "docs/formats/audit_leaf.md");
  out.Documented("encryption", "none", "docs/formats/audit_log.md");
  if (!facts.mirror.empty() && facts.mirror != "none") {
    out.Element("casemate-mirror");
    out.Measured("title", "Second copy of the key tree: " + facts.mirror, "casemate status");
    out.Measured("operator", "you", facts.mirror);
    out.List("holds", {"metadata"}, "docs/formats/key_tree.md");
    out.Documented("encryption", "standard", "docs/formats/key_tree.md");
    out.Documented("key", "casemate-root", "docs/formats/key_tree.md");
  }
}

// Connections that differ in nothing that a rule asks for.
struct HopGroup {
  bool own = false;
  std::string exchange;
  std::int64_t connections = 0;
  std::vector<std::string> groups;
};

bool IsThisMachine(const std::string& peer) { return peer.starts_with("127.") || peer == "::1"; }

std::vector<HopGroup> GroupHops(const LiveFacts& facts) {
  std::vector<HopGroup> groups;
  for (const LiveConnection& seen : facts.connections) {
    if (seen.transport != "tls") {
      continue;
    }
    const std::string exchange = seen.verdict == "pure" ? "post-quantum" : seen.verdict;
    if (exchange != "hybrid" && exchange != "post-quantum" && exchange != "classical") {
      continue;
    }
    const bool own = IsThisMachine(seen.peer);
    auto found = std::ranges::find_if(groups, [&](const HopGroup& group) {
      return group.own == own && group.exchange == exchange;
    });
    if (found == groups.end()) {
      groups.push_back({.own = own, .exchange = exchange, .connections = 0, .groups = {}});
      found = groups.end() - 1;
    }
    found->connections += seen.connections;
    if (std::ranges::find(found->groups, seen.group) == found->groups.end()) {
      found->groups.push_back(seen.group);
    }
  }
  return groups;
}

// Nobody comes in without ML-KEM.
bool IsHybridOnly(const LiveFacts& facts) {
  return facts.tls_minimum == "hybrid" && facts.classical_from.empty();
}

bool HasRemote(const std::vector<HopGroup>& groups) {
  return std::ranges::any_of(groups, [](const HopGroup& group) { return !group.own; });
}

void AddHops(const LiveFacts& facts, const std::vector<HopGroup>& groups, EntryText& out) {
  const std::string table = "casemate flows live, since " + facts.hops_since;
  out.Section("hops");
  for (const HopGroup& group : groups) {
    out.Element(std::string("casemate-") + (group.own ? "local" : "remote") + "-" + group.exchange);
    if (group.own) {
      out.Measured("from", "you", table + ": a peer on this machine");
    } else {
      out.Claimed("from", "casemate-clients", table + ": whose machines they are is not known");
    }
    out.Documented("to", "casemate-engine", "docs/architecture.md");
    out.Measured("transport", "tls", table);
    out.Measured("key_exchange", group.exchange,
                 table + ": " + std::to_string(group.connections) + " connections with " +
                     Listed(group.groups));
    out.Documented("carries", "content", "docs/api.md");
    if (group.own) {
      out.Measured("crosses", "own-network", table);
    } else {
      out.Unknown("crosses", "what lies between the peers and this machine");
    }
  }
  const bool hybrid_only = IsHybridOnly(facts);
  if (groups.empty() || !hybrid_only) {
    // What may come: what was seen says nothing of clients that have not been here.
    out.Element("casemate-request");
    if (hybrid_only) {
      out.Claimed("from", "you", "nobody has connected: put whoever does");
    } else {
      out.Claimed("from", "casemate-clients", "whoever connects: whose machines is not known");
    }
    out.Documented("to", "casemate-engine", "docs/architecture.md");
    out.Measured("transport", "tls", "config.toml");
    if (hybrid_only) {
      out.Measured("key_exchange", "hybrid", "tls.minimum is hybrid, for everybody");
    } else {
      out.Unknown("key_exchange",
                  "tls.minimum or tls.classical_from lets clients in without ML-KEM");
    }
    out.Documented("carries", "content", "docs/api.md");
    out.Unknown("crosses", "what lies between clients and this machine");
  }
  if (facts.host.is_virtual) {
    out.Element("casemate-memory");
    out.Documented("from", "casemate-engine", "the virtual machine's memory is its host's");
    out.Documented("to", "casemate-host", "the virtual machine's memory is its host's");
    out.Documented("transport", "local", "one machine");
    out.Documented("carries", "content", "docs/window.md");
    out.Documented("crosses", "own-network", "one machine");
  }
  out.Element("casemate-operator");
  out.Measured("from", "you", facts.deployment + "/run/admin.sock");
  out.Documented("to", "casemate-engine", "docs/architecture.md");
  out.Measured("transport", "local", table + ": a socket of this machine");
  out.Documented("carries", "content", "docs/cli.md");
  out.Measured("crosses", "own-network", table);
}

std::string DefaultText(const LiveFacts& facts) {
  return "casemate: pipeline\nname: live\ntitle: " + YamlText("Casemate at " + facts.deployment) +
         "\ndate: " + facts.date + "\nyou: operator\nuse: " + std::string(kLiveId) +
         "\nparties:\n  operator:\n    name: unknown\n";
}

// Puts back what was measured where the operator's file says something else.
std::vector<Contradiction> KeepMeasured(const Pipeline& measured, Pipeline& pipeline) {
  std::vector<Contradiction> contradictions;
  for (std::size_t i = 0; i < measured.elements().size(); ++i) {
    const Element& element = measured.element(i);
    const std::optional<std::size_t> same = pipeline.Find(element.id);
    for (std::size_t field = 0; same && field < element.facts.size(); ++field) {
      const Fact& fact = element.facts[field];
      const Field& info = InfoOf(element.kind).fields[field];
      if (fact.evidence.confidence != Confidence::kMeasured || info.type == FieldType::kText ||
          pipeline.fact(*same, field).place.file == kLiveFile) {
        continue;
      }
      const std::string found = measured.ValueText(i, field);
      const std::string said = pipeline.ValueText(*same, field);
      // "you" is another party in either.
      const bool is_you = (info.type == FieldType::kReference) && !fact.is_none() &&
                          fact.values[0] == static_cast<std::int32_t>(measured.you());
      const std::string value = is_you ? pipeline.element(pipeline.you()).id : found;
      const Fact& claim = pipeline.fact(*same, field);
      if (claim.known && said != value) {
        contradictions.push_back({.id = {},
                                  .element = element.id,
                                  .field = std::string(info.name),
                                  .claimed = said,
                                  .claimed_by = claim.evidence,
                                  .claimed_at = claim.place,
                                  .found = value,
                                  .file = std::string(kLiveFile),
                                  .exported = false,
                                  .path = fact.evidence.source,
                                  .why = {},
                                  .moves = {}});
      }
      // A value that the same field took before: it cannot be refused.
      (void)pipeline.State({.element = element.id,
                            .field = std::string(info.name),
                            .value = value,
                            .evidence = fact.evidence});
    }
  }
  return contradictions;
}

}  // namespace

std::string LiveEntry(const LiveFacts& facts) {
  EntryText out(facts);
  const std::vector<HopGroup> groups = GroupHops(facts);
  if (HasRemote(groups) || !IsHybridOnly(facts)) {
    out.Section("parties").Element("casemate-clients");
    out.Unknown("name", "whoever connects from other machines");
  }
  if (!facts.host.tee.empty()) {
    out.Section("tees").Element("casemate-tee");
    out.Claimed("type", facts.host.tee, "the kernel says so: /proc/cpuinfo");
    out.Unknown("verified_by", "casemate attest verifies a report; this command does not");
  }
  AddProcessors(facts, out);
  AddCustody(facts, out);
  AddStores(facts, out);
  AddHops(facts, groups, out);
  return out.Take();
}

Result<LivePipeline> MakeLive(const LiveFacts& facts, const std::string& text,
                              const std::string& file, const Catalogue& catalogue) {
  Catalogue with_live = catalogue;
  if (Result<void> added = with_live.Add(std::string(kLiveFile), LiveEntry(facts)); !added) {
    return std::unexpected(added.error());
  }
  Result<Pipeline> measured =
      Pipeline::Parse(DefaultText(facts), std::string(kLiveFile), with_live);
  if (!measured) {
    return std::unexpected(measured.error());
  }
  if (text.empty()) {
    return LivePipeline{.pipeline = *std::move(measured), .contradictions = {}};
  }
  Result<Pipeline> declared = Pipeline::Parse(text, file, with_live);
  if (!declared) {
    return std::unexpected(declared.error());
  }
  if (std::ranges::find(declared->used(), kLiveId) == declared->used().end()) {
    return Fail(ErrorCode::kInvalidArgument,
                file + ": what is declared of a running deployment begins with \"use: " +
                    std::string(kLiveId) + "\"");
  }
  std::vector<Contradiction> contradictions = KeepMeasured(*measured, *declared);
  return LivePipeline{.pipeline = *std::move(declared),
                      .contradictions = std::move(contradictions)};
}

}  // namespace casemate::assess
