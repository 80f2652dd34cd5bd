#include "assess/vocabulary.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace casemate::assess {
namespace {

using Words = std::span<const std::string_view>;
using Kinds = std::span<const Kind>;

constexpr std::array<Kind, 1> kToParty = {Kind::kParty};
constexpr std::array<Kind, 1> kToProcessor = {Kind::kProcessor};
constexpr std::array<Kind, 1> kToTee = {Kind::kTee};
constexpr std::array<Kind, 1> kToKey = {Kind::kKey};
constexpr std::array<Kind, 1> kToAttack = {Kind::kAttack};
constexpr std::array<Kind, 3> kToEnd = {Kind::kParty, Kind::kProcessor, Kind::kStore};

constexpr std::array<std::string_view, 2> kYesNo = {"yes", "no"};
constexpr std::array<std::string_view, 2> kOnOff = {"on", "off"};
constexpr std::array<std::string_view, 3> kSpill = {"off", "encrypted", "plain"};
constexpr std::array<std::string_view, 2> kSees = {"plaintext", "ciphertext"};
constexpr std::array<std::string_view, 3> kTenancy = {"shared", "dedicated", "enclave"};
constexpr std::array<std::string_view, 3> kCache = {"off", "per-tenant", "shared"};
constexpr std::array<std::string_view, 2> kPorts = {"closed", "open"};
constexpr std::array<std::string_view, 2> kMemory = {"plain", "encrypted"};
constexpr std::array<std::string_view, 3> kReview = {"off", "automated", "human"};
constexpr std::array<std::string_view, 2> kUpdates = {"automatic", "reviewed"};
constexpr std::array<std::string_view, 8> kTeeType = {"sev-snp", "tdx",       "sgx",   "arm-cca",
                                                      "nitro",   "nvidia-cc", "apple", "other"};
constexpr std::array<std::string_view, 7> kLine = {"milan", "milan-x", "genoa",       "genoa-x",
                                                   "zen4c", "turin",   "tdx-module-1"};
constexpr std::array<std::string_view, 3> kAccelerator = {"absent", "inside", "outside"};
constexpr std::array<std::string_view, 3> kKeptIn = {"hsm", "kms", "software"};
constexpr std::array<std::string_view, 5> kRelease = {"automatic", "justified", "attested",
                                                      "ticketed", "never"};
constexpr std::array<std::string_view, 3> kReach = {"new-releases", "caches", "derived"};
constexpr std::array<std::string_view, 3> kBeside = {"yes", "passphrase", "no"};
constexpr std::array<std::string_view, 10> kHolds = {
    "content", "embeddings", "prompt-cache", "logs",       "traces",
    "review",  "snapshots",  "evaluation",   "fine-tunes", "metadata"};
constexpr std::array<std::string_view, 3> kAtRest = {"none", "standard", "property-preserving"};
constexpr std::array<std::string_view, 4> kDecrypts = {"media", "storage-plane", "service",
                                                       "client"};
constexpr std::array<std::string_view, 2> kIsolation = {"per-tenant", "shared"};
constexpr std::array<std::string_view, 3> kErasure = {"object-key", "whole-key", "delete"};
constexpr std::array<std::string_view, 2> kBackups = {"off", "kept"};
constexpr std::array<std::string_view, 5> kTransport = {"tls", "ssh", "vpn", "local", "none"};
constexpr std::array<std::string_view, 3> kExchange = {"hybrid", "post-quantum", "classical"};
constexpr std::array<std::string_view, 4> kCarries = {"content", "keys", "sealed", "metadata"};
constexpr std::array<std::string_view, 2> kServes = {"host", "bus"};
constexpr std::array<std::string_view, 4> kCoverage = {"covered", "not-covered", "cannot-tell",
                                                       "not-affected"};
constexpr std::array<std::string_view, 2> kCrosses = {"own-network", "internet"};

// What is worth proposing, where not everything that is possible is.
constexpr std::array<std::string_view, 1> kOfferDedicated = {"dedicated"};
constexpr std::array<std::string_view, 1> kOfferOff = {"off"};
constexpr std::array<std::string_view, 1> kOfferTls = {"tls"};
constexpr std::array<std::string_view, 1> kOfferHybrid = {"hybrid"};
constexpr std::array<std::string_view, 1> kOfferStandard = {"standard"};
constexpr std::array<std::string_view, 2> kOfferDecrypts = {"service", "client"};
constexpr std::array<std::string_view, 1> kOfferObjectKey = {"object-key"};

constexpr Field Text(std::string_view name, std::string_view help) {
  return {name, FieldType::kText, Words(), Kinds(), false, Effort::kFixed, help};
}
constexpr Field Word(std::string_view name, Words words, Effort effort, std::string_view help,
                     Words offers = Words()) {
  return {name, FieldType::kWord, words, Kinds(), false, effort, help, offers};
}
constexpr Field To(std::string_view name, Kinds targets, bool none, Effort effort,
                   std::string_view help) {
  return {name, FieldType::kReference, Words(), targets, none, effort, help};
}
constexpr Field ToMany(std::string_view name, Kinds targets, Effort effort, std::string_view help) {
  return {name, FieldType::kReferences, Words(), targets, true, effort, help};
}
constexpr Field Country(std::string_view name, std::string_view help) {
  return {name, FieldType::kCountry, Words(), Kinds(), false, Effort::kFixed, help};
}
constexpr Field Number(std::string_view name, Effort effort, std::string_view help) {
  return {name, FieldType::kNumber, Words(), Kinds(), false, effort, help};
}
constexpr Field Label() {
  return {"label",
          FieldType::kLabel,
          Words(),
          Kinds(),
          false,
          Effort::kFixed,
          "The highest label of what passes here; the pipeline's own when it is left out."};
}

constexpr std::array kParty = {
    Text("name", "The legal entity, as its register has it."),
    Country("seat", "Where that entity is registered."),
    To("parent", kToParty, true, Effort::kFixed,
       "The ultimate parent: who controls it in the end. none: nobody does."),
    ToMany("affiliates", kToParty, Effort::kFixed,
           "Companies of the same group: sisters and subsidiaries."),
    Word("affiliates_can_obtain", kYesNo, Effort::kContract,
         "Whether those companies can get at what this one holds."),
    ToMany("sub_processors", kToParty, Effort::kContract,
           "Whom it engages for this service (GDPR Art. 28(4))."),
    Word("sub_processors_see", kSees, Effort::kContract, "What those see of the content."),
};

constexpr std::array kProcessor = {
    Text("title", "What it is, for people."),
    To("operator", kToParty, false, Effort::kMove, "Who runs it, and can log in to its machine."),
    Country("location", "Where the machine stands. No rule asks: jurisdiction follows control."),
    Word("sees", kSees, Effort::kFixed,
         "plaintext: content is in its memory at some time; ciphertext: it only passes sealed "
         "bytes on."),
    Word("tenancy", kTenancy, Effort::kContract,
         "shared: other customers on the same machine; dedicated: one customer; enclave: each "
         "customer in a hardware-isolated one.",
         kOfferDedicated),
    To("tee", kToTee, true, Effort::kMove, "The trusted execution environment it runs in."),
    Word("prefix_cache", kCache, Effort::kSetting,
         "KV and prompt caches that outlive a request: for nobody, one tenant, or all."),
    Word("ports", kPorts, Effort::kSetting,
         "Bus ports that can read memory (PCIe, Thunderbolt): behind an IOMMU or gone, or open."),
    Word("memory", kMemory, Effort::kSetting, "Memory encryption by the machine, without a TEE."),
    Word("swap", kSpill, Effort::kSetting, "Memory that is written to swap or hibernation files."),
    Word("crash_dumps", kSpill, Effort::kSetting, "Memory that is written when it crashes."),
    Word("snapshots", kSpill, Effort::kSetting, "Snapshots of the running machine."),
    Word("live_migration", kSpill, Effort::kSetting, "Memory that moves to another machine."),
    Word("content_logs", kSpill, Effort::kSetting,
         "Prompts or answers in logs and traces. encrypted: with keys of the log service.",
         kOfferOff),
    Word("review", kReview, Effort::kContract,
         "Abuse monitoring: nobody, a classifier, or people who read what it flags.", kOfferOff),
    Word("training", kYesNo, Effort::kContract, "Content becomes training or evaluation data."),
    To("updates_by", kToParty, false, Effort::kContract,
       "Who controls the channel that its software comes through."),
    Word("updates", kUpdates, Effort::kSetting,
         "Whether updates run as they come, or after the operator's own review."),
    ToMany("firmware_by", kToParty, Effort::kFixed,
           "Who makes firmware, microcode and drivers of the machine."),
    Word("firmware", kUpdates, Effort::kSetting, "As updates, for those."),
    Label(),
};

constexpr std::array kTee = {
    Word("type", kTeeType, Effort::kFixed,
         "The technology; the table of known attacks goes by it."),
    Word("line", kLine, Effort::kFixed,
         "The silicon or module, as the table of known attacks has it."),
    To("verified_by", kToParty, true, Effort::kContract,
       "Who verifies the attestation before keys or content go in. none: nobody does."),
    To("code_signed_by", kToParty, false, Effort::kMove,
       "Who decides which code is accepted inside."),
    To("root_held_by", kToParty, false, Effort::kFixed, "Who holds the attestation's root key."),
    Word("debug", kOnOff, Effort::kSetting, "Debug mode, which opens it to the host."),
    Word("accelerator", kAccelerator, Effort::kMove,
         "Whether the GPU is inside the protected memory, outside of it, or there is none."),
    ToMany(
        "host_attacks", kToAttack, Effort::kFixed,
        "Known attacks that root of the host can mount; from the table, where this is left out."),
    ToMany("bus_attacks", kToAttack, Effort::kFixed,
           "Those that take a device on the board; from the table too."),
};

constexpr std::array kKey = {
    To("holder", kToParty, false, Effort::kContract, "Who holds it and can use it."),
    To("governed_by", kToParty, false, Effort::kContract,
       "Who grants its use, revokes and destroys it, where that is another than who holds it: a "
       "customer-managed key in the vendor's key service."),
    Word("kept_in", kKeptIn, Effort::kContract, "Where it is kept."),
    ToMany("released_to", kToProcessor, Effort::kMove,
           "Processors that get it, or what it unwraps, into their memory."),
    Word("release", kRelease, Effort::kContract,
         "When: on every call, with a justification, to a verified measurement, per ticket, "
         "never."),
    Number("cache_minutes", Effort::kSetting, "How long a released key stays with who got it."),
    Word("revocation", kReach, Effort::kContract,
         "What ends when it is revoked: new releases, cached keys too, what was derived too."),
    Word("beside_data", kBeside, Effort::kSetting,
         "Whether the key, or what unlocks it, lies on the same media as the data. passphrase: it "
         "does, sealed under one that is not there."),
};

constexpr std::array kStore = {
    Text("title", "What it is, for people."),
    To("operator", kToParty, false, Effort::kMove, "Who runs it."),
    Country("location", "Where it stands."),
    Field{"holds", FieldType::kWords, kHolds, Kinds(), false, Effort::kFixed,
          "What lies in it. Embeddings are the text that they were made of."},
    Word("encryption", kAtRest, Effort::kSetting,
         "property-preserving: order or distance can still be seen.", kOfferStandard),
    To("key", kToKey, true, Effort::kContract, "The key that its contents are sealed under."),
    Word("decrypted_by", kDecrypts, Effort::kSetting,
         "Where it is opened: in the disk, by the storage service for whoever may read, by the "
         "service above it, or by the client alone.",
         kOfferDecrypts),
    Word("isolation", kIsolation, Effort::kContract, "Whether tenants share an index."),
    Number("retention_days", Effort::kContract,
           "How long content stays; 0: not beyond the request."),
    Word("backups", kBackups, Effort::kSetting, "Copies that outlive an erasure."),
    Word("erasure", kErasure, Effort::kMove,
         "What erasing one object destroys: its own key, nothing but the entry, or only the key "
         "of everything.",
         kOfferObjectKey),
    Label(),
};

constexpr std::array kHop = {
    To("from", kToEnd, false, Effort::kFixed,
       "Where it begins; a party stands for its own machines."),
    To("to", kToEnd, false, Effort::kFixed, "Where its encryption ends."),
    Word("transport", kTransport, Effort::kSetting, "local: does not leave the machine.",
         kOfferTls),
    Word("key_exchange", kExchange, Effort::kSetting,
         "Of the transport; what was negotiated, not what is offered.", kOfferHybrid),
    Word("carries", kCarries, Effort::kFixed,
         "What passes. sealed: nothing but what is sealed under a key that does not travel here."),
    Word("crosses", kCrosses, Effort::kFixed, "The network that it passes."),
    Number("lifetime_years", Effort::kFixed,
           "How long what passes has to stay secret, in years from the day of the description; "
           "lifetimes: at the top says it by label."),
    Label(),
};

constexpr std::array kAttack = {
    Text("title", "What it is called."),
    To("tee", kToTee, false, Effort::kFixed, "The environment that it is against."),
    Field{"serves", FieldType::kWords, kServes, Kinds(), false, Effort::kFixed,
          "Whom: root of the host, or who puts a device on the board."},
    Word("coverage", kCoverage, Effort::kFixed,
         "What is known of this machine: covered, not covered, evidence cannot tell, or not "
         "affected."),
};

constexpr std::array<KindInfo, kKinds> kInfos = {{
    {"party", "parties", "Somebody with legal personality: a company, an authority, you.", kParty},
    {"processor", "processors",
     "A place where content is worked on: a client, an edge that ends TLS, a gateway, an engine, a "
     "key server.",
     kProcessor},
    {"tee", "tees", "A trusted execution environment.", kTee},
    {"key", "keys", "A key that something is sealed under.", kKey},
    {"store", "stores", "A place where content rests: files, vectors, logs, caches, reviews.",
     kStore},
    {"hop", "hops", "A connection between two places.", kHop},
    {"attack", "attacks",
     "A known attack on a trusted execution environment, TEE.ATTACK; the table of known attacks "
     "has them, what is stated here replaces what it says.",
     kAttack},
}};

}  // namespace

const KindInfo& InfoOf(Kind kind) { return kInfos[static_cast<std::size_t>(kind)]; }

std::optional<Kind> KindOfSection(std::string_view section) {
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (kInfos[i].section == section) {
      return static_cast<Kind>(i);
    }
  }
  return std::nullopt;
}

std::optional<Kind> KindOfName(std::string_view name) {
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (kInfos[i].name == name) {
      return static_cast<Kind>(i);
    }
  }
  return std::nullopt;
}

std::optional<std::size_t> FieldIndex(Kind kind, std::string_view name) {
  const std::span<const Field> fields = InfoOf(kind).fields;
  const auto found = std::ranges::find(fields, name, &Field::name);
  return found == fields.end() ? std::nullopt
                               : std::optional(static_cast<std::size_t>(found - fields.begin()));
}

std::size_t RequireField(Kind kind, std::string_view name) {
  const std::optional<std::size_t> index = FieldIndex(kind, name);
  assert(index);
  return *index;
}

std::vector<std::string_view> FieldNames(Kind kind) {
  std::vector<std::string_view> names;
  for (const Field& field : InfoOf(kind).fields) {
    names.push_back(field.name);
  }
  return names;
}

}  // namespace casemate::assess
