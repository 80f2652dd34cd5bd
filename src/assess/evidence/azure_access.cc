#include "assess/evidence/azure_access.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace casemate::assess {
namespace {

// Built-in roles by whether they use keys, or decide who does (Azure's list of built-in roles for
// Key Vault, and the general ones that grant roles).
constexpr std::array<std::string_view, 5> kUse = {
    "Key Vault Administrator", "Key Vault Crypto Officer", "Key Vault Crypto User",
    "Key Vault Crypto Service Encryption User", "Key Vault Crypto Service Release User"};
constexpr std::array<std::string_view, 6> kGovern = {"Owner",
                                                     "User Access Administrator",
                                                     "Role Based Access Control Administrator",
                                                     "Key Vault Data Access Administrator",
                                                     "Key Vault Administrator",
                                                     "Key Vault Crypto Officer"};
constexpr std::array<std::string_view, 5> kUsing = {"unwrapkey", "decrypt", "release", "sign",
                                                    "all"};
constexpr std::string_view kStanding =
    "a standing right to use the key: nobody is asked for a reason or a ticket at each use";

std::string Small(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return text;
}

template <typename List>
bool IsAmong(const List& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

Result<void> ReadRole(const json::Value& assignment, Export& out, bool& used) {
  Result<std::string> role = TextAt(assignment, "roleDefinitionName");
  Result<std::string> name = TextAt(assignment, "principalName");
  Result<std::string> id = TextAt(assignment, "principalId");
  Result<std::string> type = TextAt(assignment, "principalType");
  Result<std::string> condition = TextAt(assignment, "condition");
  for (const Result<std::string>* text : {&role, &name, &id, &type, &condition}) {
    if (!*text) {
      return std::unexpected(text->error());
    }
  }
  const std::string path = assignment.path() + ".roleDefinitionName";
  const std::string who = (name->empty() ? *id : *name) + (type->empty() ? "" : " (" + *type + ")");
  const bool uses = IsAmong(kUse, *role);
  const bool governs = IsAmong(kGovern, *role);
  if (uses && condition->empty()) {
    Say(out, kAzureKey, "release", {"automatic"}, path,
        who + " is " + *role + ": " + std::string(kStanding));
    used = true;
  }
  if (uses || governs) {
    Note(out, path,
         who + " is " + *role + ": " +
             (uses && governs ? "uses the keys, or decides who does"
              : uses          ? "uses the keys"
                              : "decides who may use the keys") +
             (condition->empty() ? "" : ", under a condition"));
  }
  if (*type == "ForeignGroup" && (uses || governs)) {
    SayNotYou(out, kAzureKey, "governed_by", path, who + " is of another tenant");
  }
  return {};
}

// Base64 as the tool writes it: with or without padding, in either alphabet.
Result<Bytes> Decode(std::string text) {
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  return FromBase64(text);
}

void NoteAuthorities(const json::Value& policy, Export& out, const std::string& path) {
  for (const char* list : {"anyOf", "allOf"}) {
    const std::optional<json::Value> rules = policy.Get(list);
    for (const json::Value& rule : rules ? rules->Elements() : std::vector<json::Value>()) {
      if (const std::string authority = PeekText(rule, "authority"); !authority.empty()) {
        Note(out, path,
             "released to whom the attestation service " + authority +
                 " vouches for: who runs that decides, too");
      }
    }
  }
}

}  // namespace

bool IsAzureRoles(const json::Value& root) {
  const std::vector<json::Value> list =
      root.kind() == json::Value::Kind::kArray ? root.Elements() : std::vector<json::Value>();
  return !list.empty() && std::ranges::all_of(list, [](const json::Value& assignment) {
    return HasAny(assignment, {"roleDefinitionName"}) && HasAny(assignment, {"principalId"});
  });
}

Result<void> ReadAzureRoles(const json::Value& root, Export& out) {
  bool used = false;
  for (const json::Value& assignment : root.Elements()) {
    if (out.subject.empty()) {
      out.subject = PeekText(assignment, "scope");
    }
    if (Result<void> read = ReadRole(assignment, out, used); !read) {
      return read;
    }
  }
  if (!used) {
    Note(out, "",
         "no standing right to use keys is listed; rights of the groups above show with "
         "--include-inherited, those that can be activated elsewhere");
  }
  return {};
}

Result<void> ReadAzureAccessPolicies(const json::Value& properties, Export& out) {
  Result<std::vector<json::Value>> policies = ListAt(properties, "accessPolicies");
  Result<std::string> home = TextAt(properties, "tenantId");
  if (!policies || !home) {
    return std::unexpected(policies ? home.error() : policies.error());
  }
  for (const json::Value& policy : *policies) {
    Result<std::string> who = TextAt(policy, "objectId");
    Result<std::string> tenant = TextAt(policy, "tenantId");
    Result<std::optional<json::Value>> permissions = ObjectAt(policy, "permissions");
    if (!who || !tenant || !permissions) {
      return std::unexpected(!who ? who.error() : !tenant ? tenant.error() : permissions.error());
    }
    if (!*permissions) {
      continue;
    }
    Result<std::vector<json::Value>> keys = ListAt(**permissions, "keys");
    if (!keys) {
      return std::unexpected(keys.error());
    }
    const auto uses = std::ranges::find_if(*keys, [](const json::Value& permission) {
      return IsAmong(kUsing, Small(permission.AsName().value_or("")));
    });
    if (uses == keys->end()) {
      continue;
    }
    Say(out, kAzureKey, "release", {"automatic"}, uses->path(),
        *who + " has " + std::string(kStanding));
    if (!home->empty() && !tenant->empty() && *home != *tenant) {
      Note(out, policy.path() + ".tenantId", *who + " is of another tenant");
    }
  }
  return {};
}

Result<void> ReadAzureRelease(const json::Value& key, Export& out) {
  Result<std::optional<json::Value>> attributes = ObjectAt(key, "attributes");
  Result<std::optional<json::Value>> policy = ObjectAt(key, "releasePolicy");
  if (!attributes || !policy) {
    return std::unexpected(attributes ? policy.error() : attributes.error());
  }
  Result<std::optional<bool>> exportable =
      *attributes ? FlagAt(**attributes, "exportable") : Result<std::optional<bool>>(std::nullopt);
  if (!exportable) {
    return std::unexpected(exportable.error());
  }
  if (!exportable->value_or(true)) {
    Say(out, kAzureKey, "release", {"automatic", "justified", "ticketed", "never"},
        "attributes.exportable",
        "the key never leaves the vault: it is released to no measurement");
    return {};
  }
  if (!*policy) {
    return {};
  }
  const std::string path = "releasePolicy.encodedPolicy";
  Result<std::string> encoded = TextAt(**policy, "encodedPolicy");
  Result<std::optional<bool>> immutable = FlagAt(**policy, "immutable");
  if (!encoded || !immutable) {
    return std::unexpected(encoded ? immutable.error() : encoded.error());
  }
  // Whoever has the right to unwrap in the vault uses it there, whatever it is released by.
  Say(out, kAzureKey, "release", {"attested", "automatic"}, "releasePolicy",
      "the key is released to what attests itself; rights to use it in the vault stand beside "
      "that");
  if (!immutable->value_or(false)) {
    Note(out, "releasePolicy.immutable", "who may write the key can change what it is released by");
  }
  const Result<Bytes> bytes = Decode(*encoded);
  const Result<json::Document> document =
      bytes ? json::Document::Parse(PlaintextView::Of(AsText(*bytes)),
                                    {.max_bytes = 65536, .max_depth = 16, .max_values = 1000})
            : std::unexpected(bytes.error());
  if (document) {
    NoteAuthorities(document->root(), out, path);
  } else {
    Note(out, path, "the policy could not be read");
  }
  return {};
}

}  // namespace casemate::assess
