#include <algorithm>
#include <array>
#include <set>

#include "assess/oscal_text.h"
#include "assess/report_compliance.h"
#include "json/writer.h"

// CycloneDX cryptography bill of materials of a pipeline, https://cyclonedx.org/docs/1.6/json/ and
// 1.7: hops as protocols, keys as related material, stores as data, and how each is known.
namespace casemate::assess {
namespace {

using json::Writer;

// A key agreement that a source may name. Levels are NIST's 1 to 5; 0: broken by Shor's algorithm.
struct Group {
  std::string_view name;  // IANA's, or SSH's
  std::string_view primitive;
  std::string_view parameters;
  std::string_view family;  // 1.7
  int quantum_level;
};

constexpr std::array<Group, 10> kGroups = {{
    {"X25519MLKEM768", "combiner", "768", "ML-KEM", 3},
    {"SecP256r1MLKEM768", "combiner", "768", "ML-KEM", 3},
    {"SecP384r1MLKEM1024", "combiner", "1024", "ML-KEM", 5},
    {"mlkem768x25519-sha256", "combiner", "768", "ML-KEM", 3},
    {"MLKEM768", "kem", "768", "ML-KEM", 3},
    {"MLKEM1024", "kem", "1024", "ML-KEM", 5},
    {"X25519", "key-agree", "x25519", "ECDH", 0},
    {"secp256r1", "key-agree", "secp256r1", "ECDH", 0},
    {"secp384r1", "key-agree", "secp384r1", "ECDH", 0},
    {"secp521r1", "key-agree", "secp521r1", "ECDH", 0},
}};

bool IsPartOfName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

// Names are whole words: one may be a part of another.
bool Names(std::string_view source, std::string_view name) {
  for (std::size_t at = source.find(name); at != std::string_view::npos;
       at = source.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !IsPartOfName(source[at - 1])) &&
        (end == source.size() || !IsPartOfName(source[end]))) {
      return true;
    }
  }
  return false;
}

std::string_view PrimitiveOf(std::string_view exchange) {
  return exchange == "hybrid"         ? "combiner"
         : exchange == "post-quantum" ? "kem"
         : exchange == "classical"    ? "key-agree"
                                      : "unknown";
}

std::string_view MechanismOf(std::string_view kept_in) {
  return kept_in == "hsm" ? "HSM" : kept_in == "kms" ? "KMS" : "Software";
}

class Bill {
 public:
  Bill(const Report& report, bool seven) : report_(report), seven_(seven) {}

  std::string Write() {
    const Assessment& first = *report_.assessments.front();
    std::string names;
    std::string titles;
    for (const Assessment* assessment : report_.assessments) {
      names += " " + assessment->name + " " + assessment->date;
      titles += (titles.empty() ? "" : ", ") + assessment->title;
    }
    out_.BeginObject().Key("bomFormat").String("CycloneDX");
    out_.Key("specVersion").String(seven_ ? "1.7" : "1.6").Key("serialNumber");
    out_.String("urn:uuid:" + ReportUuid("cbom " + first.today + names)).Key("version").Integer(1);
    out_.Key("metadata").BeginObject().Key("timestamp").String(ReportInstant(first.today));
    out_.Key("tools").BeginObject().Key("components").BeginArray().BeginObject();
    out_.Key("type").String("application").Key("name").String("casemate");
    out_.Key("version").String(report_.version).EndObject().EndArray().EndObject();
    out_.Key("component").BeginObject().Key("type").String("application").Key("bom-ref");
    out_.String("pipelines").Key("name").String(titles).Key("version").String(first.date);
    out_.EndObject().EndObject().Key("components").BeginArray();
    for (const Pipeline* pipeline : report_.pipelines) {
      pipeline_ = pipeline;
      for (std::size_t i = 0; i < pipeline->elements().size(); ++i) {
        Element(i);
      }
    }
    out_.EndArray().Key("dependencies").BeginArray();
    for (const Pipeline* pipeline : report_.pipelines) {
      pipeline_ = pipeline;
      for (std::size_t i = 0; i < pipeline->elements().size(); ++i) {
        Dependencies(i);
      }
    }
    out_.EndArray().EndObject();
    return std::string(out_.Take().view().Reveal()) + "\n";
  }

 private:
  void Element(std::size_t index) {
    switch (pipeline_->element(index).kind) {
      case Kind::kHop:
        Algorithms(index);
        Hop(index);
        break;
      case Kind::kKey:
        Key(index);
        break;
      case Kind::kStore:
        Algorithms(index);
        Store(index);
        break;
      case Kind::kParty:
      case Kind::kProcessor:
      case Kind::kTee:
      default:
        break;
    }
  }

  std::size_t FieldOf(std::size_t index, std::string_view field) const {
    return RequireField(pipeline_->element(index).kind, field);
  }
  const Fact& FactOf(std::size_t index, std::string_view field) const {
    return pipeline_->fact(index, FieldOf(index, field));
  }
  std::string ValueOf(std::size_t index, std::string_view field) const {
    return pipeline_->ValueText(index, FieldOf(index, field));
  }

  std::string RefOf(std::size_t index) const {
    const assess::Element& element = pipeline_->element(index);
    return std::string(InfoOf(element.kind).name) + ":" + pipeline_->name() + "/" + element.id;
  }
  std::vector<const Group*> GroupsOf(std::size_t hop) const {
    std::vector<const Group*> groups;
    const Fact& exchange = FactOf(hop, "key_exchange");
    for (const Group& group : kGroups) {
      if (exchange.known && Names(exchange.evidence.source, group.name)) {
        groups.push_back(&group);
      }
    }
    return groups;
  }

  struct Use {
    std::string ref;
    std::string name;
    const Group* group;
  };
  // What a hop or a store encrypts with; nothing, where it does not.
  std::vector<Use> UsesOf(std::size_t index) const {
    if (pipeline_->element(index).kind == Kind::kStore) {
      const std::string encryption = ValueOf(index, "encryption");
      return encryption == "none" ? std::vector<Use>()
                                  : std::vector<Use>{{.ref = "alg:at-rest:" + encryption,
                                                      .name = "encryption at rest, " + encryption,
                                                      .group = nullptr}};
    }
    const std::string transport = ValueOf(index, "transport");
    if (transport == "none" || transport == "local") {
      return {};
    }
    std::vector<Use> uses;
    for (const Group* group : GroupsOf(index)) {
      const std::string name(group->name);
      uses.push_back({.ref = "alg:key-exchange:" + name, .name = name, .group = group});
    }
    if (uses.empty()) {
      const std::string exchange = ValueOf(index, "key_exchange");
      uses.push_back({.ref = "alg:key-exchange:" + exchange,
                      .name = "key exchange, " + exchange,
                      .group = nullptr});
    }
    return uses;
  }

  void Algorithms(std::size_t index) {
    const bool at_rest = pipeline_->element(index).kind == Kind::kStore;
    const std::string value = ValueOf(index, at_rest ? "encryption" : "key_exchange");
    for (const Use& use : UsesOf(index)) {
      if (!algorithms_.insert(use.ref).second) {
        continue;
      }
      Begin(use.ref, use.name);
      out_.Key("cryptoProperties").BeginObject().Key("assetType").String("algorithm");
      out_.Key("algorithmProperties").BeginObject().Key("primitive");
      if (use.group != nullptr) {
        out_.String(use.group->primitive).Key("parameterSetIdentifier");
        out_.String(use.group->parameters);
        if (seven_) {
          out_.Key("algorithmFamily").String(use.group->family);
        }
        out_.Key("nistQuantumSecurityLevel").Integer(use.group->quantum_level);
      } else {
        out_.String(at_rest ? "unknown" : PrimitiveOf(value));
        if (!at_rest && value == "classical") {
          out_.Key("nistQuantumSecurityLevel").Integer(0);
        }
      }
      out_.EndObject().EndObject();
      if (use.group == nullptr) {
        out_.Key("properties").BeginArray();
        Property("casemate:note", "the description does not say which");
        out_.EndArray();
      }
      out_.EndObject();
    }
  }

  void Hop(std::size_t index) {
    Begin(RefOf(index), pipeline_->element(index).id);
    const std::string transport = ValueOf(index, "transport");
    out_.Key("cryptoProperties").BeginObject().Key("assetType").String("protocol");
    out_.Key("protocolProperties").BeginObject().Key("type");
    out_.String(transport == "tls" || transport == "ssh" ? std::string_view(transport)
                : FactOf(index, "transport").known       ? "other"
                                                         : "unknown");
    if (const std::vector<Use> uses = UsesOf(index); !uses.empty()) {
      out_.Key(seven_ ? "relatedCryptographicAssets" : "cryptoRefArray").BeginArray();
      for (const Use& use : uses) {
        if (seven_) {
          out_.BeginObject().Key("type").String("algorithm").Key("ref").String(use.ref).EndObject();
        } else {
          out_.String(use.ref);
        }
      }
      out_.EndArray();
    }
    out_.EndObject().EndObject();
    Known(index, {"from", "to", "transport", "key_exchange", "carries", "crosses"});
  }

  void Key(std::size_t index) {
    Begin(RefOf(index), pipeline_->element(index).id);
    out_.Key("cryptoProperties").BeginObject().Key("assetType").String("related-crypto-material");
    out_.Key("relatedCryptoMaterialProperties").BeginObject().Key("type").String("key");
    out_.Key("id").String(pipeline_->element(index).id);
    if (IsUsed(index)) {
      out_.Key("state").String("active");
    }
    if (FactOf(index, "kept_in").known) {
      out_.Key("securedBy").BeginObject().Key("mechanism");
      out_.String(MechanismOf(ValueOf(index, "kept_in"))).EndObject();
    }
    out_.EndObject().EndObject();
    const Fact& holder = FactOf(index, "holder");
    if (holder.known && !holder.is_none()) {
      custodian_ = static_cast<std::size_t>(holder.values[0]);
    }
    Known(index, {"holder", "governed_by", "kept_in", "released_to", "release", "cache_minutes",
                  "revocation", "beside_data"});
  }

  void Store(std::size_t index) {
    out_.BeginObject().Key("type").String("data").Key("bom-ref").String(RefOf(index));
    out_.Key("name").String(pipeline_->element(index).id);
    Known(index, {"operator", "holds", "encryption", "key", "decrypted_by", "erasure"});
  }

  void Begin(const std::string& ref, const std::string& name) {
    out_.BeginObject().Key("type").String("cryptographic-asset").Key("bom-ref").String(ref);
    out_.Key("name").String(name);
  }

  // A store is sealed under it: it is in use, as far as the description goes.
  bool IsUsed(std::size_t key) const {
    for (std::size_t i = 0; i < pipeline_->elements().size(); ++i) {
      if (pipeline_->element(i).kind == Kind::kStore) {
        const Fact& named = FactOf(i, "key");
        if (named.known && !named.is_none() && named.values[0] == static_cast<std::int32_t>(key)) {
          return true;
        }
      }
    }
    return false;
  }

  // Values with how each is known; ends the component.
  void Known(std::size_t index, std::initializer_list<std::string_view> fields) {
    const assess::Element& element = pipeline_->element(index);
    if (!element.place.file.empty()) {
      out_.Key("evidence").BeginObject().Key("occurrences").BeginArray().BeginObject();
      out_.Key("location").String(element.place.file).Key("line");
      out_.Integer(element.place.mark.line).EndObject().EndArray().EndObject();
    }
    out_.Key("properties").BeginArray();
    if (custodian_) {
      Property("casemate:custodian", PartyName(*pipeline_, *custodian_));
      Property("casemate:custodian-seat", ValueOf(*custodian_, "seat"));
      custodian_.reset();
    }
    for (const std::string_view field : fields) {
      const std::string name = "casemate:" + std::string(field);
      const Fact& fact = FactOf(index, field);
      Property(name, ValueOf(index, field));
      if (fact.known) {
        Property(name + ":confidence", ConfidenceName(fact.evidence.confidence));
        Property(name + ":source", fact.evidence.source);
        Property(name + ":date", fact.evidence.date);
      }
    }
    out_.EndArray().EndObject();
  }

  void Property(std::string_view name, std::string_view value) {
    out_.BeginObject().Key("name").String(name).Key("value").String(value).EndObject();
  }

  void Dependencies(std::size_t index) {
    const assess::Element& element = pipeline_->element(index);
    if (element.kind != Kind::kHop && element.kind != Kind::kStore) {
      return;
    }
    out_.BeginObject().Key("ref").String(RefOf(index)).Key("dependsOn").BeginArray();
    for (const Use& use : UsesOf(index)) {
      out_.String(use.ref);
    }
    if (element.kind == Kind::kStore) {
      const Fact& key = FactOf(index, "key");
      if (key.known && !key.is_none()) {
        out_.String(RefOf(static_cast<std::size_t>(key.values[0])));
      }
    }
    out_.EndArray().EndObject();
  }

  const Report& report_;
  bool seven_;
  Writer out_;
  const Pipeline* pipeline_ = nullptr;
  std::set<std::string> algorithms_;
  std::optional<std::size_t> custodian_;  // of the key that is being written
};

}  // namespace

std::string RenderCbom(const Report& report, bool seven) { return Bill(report, seven).Write(); }

}  // namespace casemate::assess
