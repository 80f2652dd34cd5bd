#include "assess/import.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include "assess/fact.h"
#include "assess/pipeline_reader.h"
#include "assess/yaml/node.h"

namespace casemate::assess {
namespace {

using yaml::Node;

constexpr std::size_t kMaxTitle = 200;

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kMaxTitle)) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  // Not in the middle of a character.
  while (text.size() > kMaxTitle && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) {
    out.pop_back();
  }
  if (text.size() > kMaxTitle && (static_cast<unsigned char>(out.back()) & 0xC0) == 0xC0) {
    out.pop_back();
  }
  return out + "\"";
}

std::string Scalar(const Node& node, std::string_view name) {
  const Node* found = node.Get(name);
  return found != nullptr && found->is_scalar() ? found->text : std::string();
}

bool HasItems(const Node& node, std::string_view name) {
  const Node* found = node.Get(name);
  return found != nullptr && found->is_sequence() && !found->items.empty();
}

// Ids that are new, short and in the alphabet of ids.
class Ids {
 public:
  std::string Take(std::string_view wanted) {
    std::string id;
    for (const char c : wanted.substr(0, 48)) {
      const bool upper = c >= 'A' && c <= 'Z';
      const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      id += upper ? static_cast<char>(c - 'A' + 'a') : (plain || c == '-' || c == '_') ? c : '-';
    }
    id.erase(0, std::min(id.find_first_not_of("-_"), id.size()));
    if (!IsId(id)) {
      id = "e-" + id;
    }
    std::string unique = id;
    for (int i = 2; !taken_.insert(unique).second; ++i) {
      unique = id + "-" + std::to_string(i);
    }
    return unique;
  }

 private:
  std::set<std::string> taken_;
};

// The sections as they are written.
struct Sections {
  std::string parties;
  std::string processors;
  std::string stores;
  std::string hops;
  std::vector<std::string> left_out;
};

void AddLine(std::string& section, std::string_view field, std::string_view value) {
  section += "    " + std::string(field) + ": " + std::string(value) + "\n";
}

// A text field; an empty one says nothing and is left out.
void AddText(std::string& section, std::string_view field, std::string_view text) {
  if (!text.empty()) {
    AddLine(section, field, Quoted(text));
  }
}

std::string Head(const std::string& title, const std::string& date, const std::string& you,
                 const std::string& tool, const std::string& file, std::string_view labels,
                 const Sections& sections) {
  std::string out =
      "# Imported from a model of " + tool +
      ". It does not say, and so it is unknown here: who controls the parties (seat,\n"
      "# parent, affiliates, sub_processors), who holds keys and to whom they are "
      "released, TEEs, retention and\n# review, the key exchange of hops.\n";
  for (const std::string& left : sections.left_out) {
    out += "# Left out: " + left + "\n";
  }
  Ids names;
  out += "casemate: pipeline\nname: " + names.Take(title) + "\ntitle: " + Quoted(title) +
         "\ndate: " + date + "\nyou: " + you + "\n" + std::string(labels) +
         "evidence: {source: " + Quoted(tool + " model " + file) + ", date: " + date +
         ", confidence: claimed}\n";
  for (const auto& [name, section] :
       {std::pair{"parties", &sections.parties}, std::pair{"processors", &sections.processors},
        std::pair{"stores", &sections.stores}, std::pair{"hops", &sections.hops}}) {
    out += section->empty() ? "" : "\n" + std::string(name) + ":\n" + *section;
  }
  return out;
}

std::string DateOr(const std::string& text) {
  const std::string day = text.substr(0, 10);
  return IsDate(day) ? day : "1970-01-01";
}

// Threagile's protocols; what is in neither list and does not end in -encrypted is not encrypted.
std::string TransportOf(const std::string& protocol, bool vpn) {
  constexpr std::array<std::string_view, 7> kTls = {"https", "wss",   "ftps", "ldaps",
                                                    "smtps", "imaps", "mqtts"};
  constexpr std::array<std::string_view, 4> kSsh = {"ssh", "ssh-tunnel", "scp", "sftp"};
  constexpr std::array<std::string_view, 4> kLocal = {"in-process-library-call",
                                                      "inter-process-communication",
                                                      "local-file-access", "container-spawning"};
  if (std::ranges::find(kSsh, protocol) != kSsh.end()) {
    return "ssh";
  }
  if (std::ranges::find(kTls, protocol) != kTls.end() || protocol.ends_with("-encrypted")) {
    return "tls";
  }
  if (std::ranges::find(kLocal, protocol) != kLocal.end()) {
    return "local";
  }
  if (vpn) {
    return "vpn";
  }
  return protocol.empty() || protocol == "unknown-protocol" ? "unknown" : "none";
}

class Threagile {
 public:
  explicit Threagile(const std::string& file) : file_(file) {}

  Result<std::string> Import(const Node& root) {
    const Node& assets = *root.Get("technical_assets");
    for (const yaml::Entry& entry : assets.entries) {
      const std::string owner = Scalar(entry.value, "owner");
      if (!owner.empty()) {
        ++owners_[owner];
      }
    }
    std::string you;
    std::size_t most = 0;
    for (const auto& [owner, count] : owners_) {
      party_[owner] = ids_.Take(owner);
      sections_.parties += "  " + party_[owner] + ": {name: " + Quoted(owner) + "}\n";
      if (count > most) {
        most = count;
        you = party_[owner];
      }
    }
    if (you.empty()) {
      you = ids_.Take("owner");
      sections_.parties += "  " + you + ":\n";
    }
    for (const yaml::Entry& entry : assets.entries) {
      AddAsset(entry);
    }
    for (const yaml::Entry& entry : assets.entries) {
      AddLinks(entry);
    }
    if (sections_.processors.empty()) {
      return yaml::FailAt(assets.mark, "no technical asset of type process: nothing to assess");
    }
    return Head(Scalar(root, "title"), DateOr(Scalar(root, "date")), you, "Threagile", file_,
                "labels: [public, internal, restricted, confidential, strictly-confidential]\n",
                sections_);
  }

 private:
  void AddAsset(const yaml::Entry& entry) {
    const Node& asset = entry.value;
    const std::string id = Scalar(asset, "id");
    const std::string owner = Scalar(asset, "owner");
    const std::string type = Scalar(asset, "type");
    if (type == "external-entity") {
      if (owner.empty()) {
        sections_.left_out.push_back("external entity " + id + ", which has no owner");
      } else {
        place_[id] = party_[owner];  // a party stands for its own machines
      }
      return;
    }
    const bool is_store = type == "datastore";
    std::string& section = is_store ? sections_.stores : sections_.processors;
    place_[id] = ids_.Take(id.empty() ? entry.name : id);
    section += "  " + place_[id] + ":\n";
    AddText(section, "title", entry.name);
    if (!owner.empty()) {
      AddLine(section, "operator", party_[owner]);
    }
    if (is_store) {
      AddStoreFacts(asset);
    } else {
      if (HasItems(asset, "data_assets_processed")) {
        AddLine(section, "sees", "plaintext");
      }
      const std::string tenants = Scalar(asset, "multi_tenant");
      if (tenants == "true" || tenants == "false") {
        AddLine(section, "tenancy", tenants == "true" ? "shared" : "dedicated");
      }
    }
    AddLabel(section, asset);
  }

  void AddStoreFacts(const Node& asset) {
    if (HasItems(asset, "data_assets_stored")) {
      AddLine(sections_.stores, "holds", "[content]");
    }
    const std::string encryption = Scalar(asset, "encryption");
    if (encryption == "none") {
      AddLine(sections_.stores, "encryption", "none");
    } else if (!encryption.empty()) {
      AddLine(sections_.stores, "encryption", "standard");
      AddLine(sections_.stores, "decrypted_by",
              encryption == "transparent"                         ? "storage-plane"
              : encryption == "data-with-end-user-individual-key" ? "client"
                                                                  : "service");
    }
  }

  static void AddLabel(std::string& section, const Node& asset) {
    constexpr std::array<std::string_view, 5> kLabels = {"public", "internal", "restricted",
                                                         "confidential", "strictly-confidential"};
    const std::string label = Scalar(asset, "confidentiality");
    if (std::ranges::find(kLabels, label) != kLabels.end()) {
      AddLine(section, "label", label);
    }
  }

  void AddLinks(const yaml::Entry& entry) {
    const Node* links = entry.value.Get("communication_links");
    if (links == nullptr) {
      return;
    }
    for (const yaml::Entry& link : links->entries) {
      const auto from = place_.find(Scalar(entry.value, "id"));
      const auto to = place_.find(Scalar(link.value, "target"));
      if (from == place_.end() || to == place_.end() || from->second == to->second) {
        sections_.left_out.push_back("link " + Quoted(link.name) +
                                     ", whose ends are not both there, or are one");
        continue;
      }
      sections_.hops += "  " + ids_.Take(from->second + "-" + link.name) + ":\n";
      AddLine(sections_.hops, "from", from->second);
      AddLine(sections_.hops, "to", to->second);
      AddLine(sections_.hops, "transport",
              TransportOf(Scalar(link.value, "protocol"), Scalar(link.value, "vpn") == "true"));
      if (HasItems(link.value, "data_assets_sent") ||
          HasItems(link.value, "data_assets_received")) {
        AddLine(sections_.hops, "carries", "content");
      }
    }
  }

  std::string file_;
  Ids ids_;
  Sections sections_;
  std::map<std::string, std::size_t> owners_;
  std::map<std::string, std::string> party_;  // owner -> id
  std::map<std::string, std::string> place_;  // asset -> id
};

class ThreatModel {
 public:
  explicit ThreatModel(const std::string& file) : file_(file) {}

  Result<std::string> Import(const Node& root) {
    const Node* scope = root.Get("scope");
    const std::string title = scope == nullptr ? "" : Scalar(*scope, "title");
    const std::string you = ids_.Take("owner");
    sections_.parties += "  " + you + ":\n";
    for (const Node& actor : ItemsOf(root, "actors")) {
      const std::string id = Place("actor", actor);
      sections_.parties += "  " + id + ":\n";
      AddText(sections_.parties, "name", Scalar(actor, "title"));
    }
    for (const Node& component : ItemsOf(root, "components")) {
      sections_.processors += "  " + Place("component", component) + ":\n";
      AddText(sections_.processors, "title", Scalar(component, "title"));
    }
    AddStores(root);
    for (const Node& flow : ItemsOf(root, "data_flows")) {
      AddFlow(flow);
    }
    if (sections_.processors.empty()) {
      return yaml::FailAt(root.mark, "no components: nothing to assess");
    }
    return Head(title, DateOr(Scalar(root, "reviewed_at")), you, "the OWASP threat model format",
                file_, "", sections_);
  }

 private:
  static std::vector<Node> ItemsOf(const Node& root, std::string_view name) {
    const Node* list = root.Get(name);
    std::vector<Node> items;
    if (list != nullptr) {
      std::ranges::copy_if(list->items, std::back_inserter(items),
                           [](const Node& item) { return item.is_mapping(); });
    }
    return items;
  }

  std::string Place(const std::string& type, const Node& node) {
    const std::string name = Scalar(node, "symbolic_name");
    return place_[type + " " + name] = ids_.Take(name);
  }

  // A store is unsealed where one of its data sets is.
  void AddStores(const Node& root) {
    std::map<std::string, bool> sealed;
    for (const Node& set : ItemsOf(root, "data_sets")) {
      for (const Node& placement : ItemsOf(set, "placements")) {
        const std::string encrypted = Scalar(placement, "encrypted");
        if (encrypted == "true" || encrypted == "false") {
          const std::string store = Scalar(placement, "data_store");
          sealed[store] = encrypted == "true" && (!sealed.contains(store) || sealed[store]);
        }
      }
    }
    for (const Node& store : ItemsOf(root, "data_stores")) {
      const std::string name = Scalar(store, "symbolic_name");
      sections_.stores += "  " + Place("data_store", store) + ":\n";
      AddText(sections_.stores, "title", Scalar(store, "title"));
      if (const auto found = sealed.find(name); found != sealed.end()) {
        AddLine(sections_.stores, "holds", "[content]");
        AddLine(sections_.stores, "encryption", found->second ? "standard" : "none");
        sealed.erase(found);
      }
    }
    for (const auto& [name, is_sealed] : sealed) {
      sections_.left_out.push_back("a data set in store " + Quoted(name) + ", which is not there");
    }
  }

  std::string End(const Node& flow, std::string_view name) {
    const Node* end = flow.Get(name);
    if (end == nullptr) {
      return {};
    }
    std::string type = Scalar(*end, "type");  // "actor" or "#/$defs/actor"
    type = type.substr(type.rfind('/') == std::string::npos ? 0 : type.rfind('/') + 1);
    std::ranges::replace(type, '-', '_');
    const auto found = place_.find(type + " " + Scalar(*end, "object"));
    return found == place_.end() ? std::string() : found->second;
  }

  void AddFlow(const Node& flow) {
    const std::string from = End(flow, "source");
    const std::string to = End(flow, "destination");
    if (from.empty() || to.empty() || from == to) {
      sections_.left_out.push_back("flow " + Quoted(Scalar(flow, "symbolic_name")) +
                                   ", whose ends are not both there, or are one");
      return;
    }
    sections_.hops += "  " + ids_.Take(Scalar(flow, "symbolic_name")) + ":\n";
    AddLine(sections_.hops, "from", from);
    AddLine(sections_.hops, "to", to);
    if (Scalar(flow, "encrypted") == "false") {
      AddLine(sections_.hops, "transport", "none");
    }
    if (Scalar(flow, "has_sensitive_data") == "true") {
      AddLine(sections_.hops, "carries", "content");
    }
  }

  std::string file_;
  Ids ids_;
  Sections sections_;
  std::map<std::string, std::string> place_;  // "component NAME" -> id
};

}  // namespace

Result<std::string> ImportModel(std::string_view text, const std::string& file) {
  Result<Node> root = yaml::Parse(text);
  Result<std::string> imported =
      !root ? std::unexpected(root.error())
      : root->Get("technical_assets") != nullptr && root->Get("technical_assets")->is_mapping()
          ? Threagile(file).Import(*root)
      : root->Get("components") != nullptr
          ? ThreatModel(file).Import(*root)
          : yaml::FailAt(root->mark,
                         "expected a Threagile model (technical_assets:) or an OWASP "
                         "threat model (\"components\")");
  if (!imported) {
    Error error = imported.error();
    error.message = file + ":" + error.message;
    return std::unexpected(std::move(error));
  }
  return imported;
}

}  // namespace casemate::assess
