#include <algorithm>
#include <array>

#include "assess/evidence/azure_access.h"

// Azure CLI: `az cognitiveservices account show`, `az keyvault key show`, `az keyvault show`,
// `az role assignment list`.
namespace casemate::assess {
namespace {

constexpr At kEngine = {.kind = Kind::kProcessor, .element = "azure-engine"};
constexpr At kReview = {.kind = Kind::kStore, .element = "azure-review"};
constexpr At kKey = kAzureKey;
constexpr At kRequest = {.kind = Kind::kHop, .element = "azure-request"};

bool IsType(const json::Value& root, std::string_view type) {
  const std::string found = PeekText(root, "type");
  return found.size() == type.size() &&
         std::equal(found.begin(), found.end(), type.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? a + 32 : a) == (b >= 'A' && b <= 'Z' ? b + 32 : b);
         });
}

constexpr const char* kNoOwnKey =
    "no customer-managed key: the catalogue's azure-openai-cmk is not this account";

// Microsoft: ContentLogging is listed only where logging for abuse monitoring is off.
Result<void> ReadCapabilities(const json::Value& properties, Export& out) {
  Result<std::vector<json::Value>> capabilities = ListAt(properties, "capabilities");
  if (!capabilities) {
    return std::unexpected(capabilities.error());
  }
  for (const json::Value& capability : *capabilities) {
    Result<std::string> name = TextAt(capability, "name");
    Result<std::string> value = TextAt(capability, "value");
    if (!name || !value) {
      return std::unexpected(name ? value.error() : name.error());
    }
    if (*name == "ContentLogging" && *value == "false") {
      const std::string path = capability.path() + ".value";
      Say(out, kEngine, "review", {"automated"}, path,
          "abuse monitoring is modified: nobody reads, classifiers go on");
      Say(out, kReview, "holds", {"metadata"}, path, "no content is kept for review");
      Say(out, kReview, "retention_days", {"0"}, path, "no content is kept for review");
      return {};
    }
  }
  if (!properties.GetSet("capabilities")) {
    Note(out, "properties", "no capabilities listed: whether content is logged cannot be told");
    return {};
  }
  Say(out, kEngine, "review", {"human"}, "properties.capabilities",
      "ContentLogging is not listed as false: what is flagged is kept and may be read");
  return {};
}

Result<void> ReadEncryption(const json::Value& properties, Export& out) {
  Result<std::optional<json::Value>> encryption = ObjectAt(properties, "encryption");
  if (!encryption) {
    return std::unexpected(encryption.error());
  }
  if (!*encryption) {
    SayNotYou(out, kKey, "holder", "properties", "no customer-managed key is configured");
    Note(out, "properties", kNoOwnKey);
    return {};
  }
  Result<std::string> source = TextAt(**encryption, "keySource");
  Result<std::optional<json::Value>> vault = ObjectAt(**encryption, "keyVaultProperties");
  if (!source || !vault) {
    return std::unexpected(source ? vault.error() : source.error());
  }
  if (*source != "Microsoft.KeyVault") {
    SayNotYou(out, kKey, "holder", "properties.encryption.keySource",
              "keySource " + *source + ": keys of Microsoft, no customer-managed key");
    Note(out, "properties.encryption.keySource", kNoOwnKey);
    return {};
  }
  if (!*vault) {
    return Fail(ErrorCode::kInvalidArgument,
                "properties.encryption: keySource Microsoft.KeyVault without keyVaultProperties; "
                "export the account again");
  }
  Result<std::string> uri = TextAt(**vault, "keyVaultUri");
  if (!uri) {
    return std::unexpected(uri.error());
  }
  Say(out, kKey, "release", {"automatic"}, "properties.encryption.keySource",
      "the service unwraps with it whenever it works");
  Note(out, "properties.encryption.keyVaultProperties",
       "customer-managed key in " + *uri + "; show the key itself for what it is kept in");
  return {};
}

bool IsApproved(const json::Value& connection) {
  const std::optional<json::Value> properties = connection.Get("properties");
  const std::optional<json::Value> state =
      properties ? properties->Get("privateLinkServiceConnectionState") : std::nullopt;
  return state && PeekText(*state, "status") == "Approved";
}

Result<void> ReadNetwork(const json::Value& properties, Export& out) {
  Result<std::string> access = TextAt(properties, "publicNetworkAccess");
  Result<std::optional<json::Value>> acls = ObjectAt(properties, "networkAcls");
  Result<std::vector<json::Value>> links = ListAt(properties, "privateEndpointConnections");
  if (!access || !acls || !links) {
    return std::unexpected(!access ? access.error() : !acls ? acls.error() : links.error());
  }
  if (*access == "Disabled") {
    Say(out, kRequest, "crosses", {"own-network"}, "properties.publicNetworkAccess",
        "not reachable from the internet; approved private endpoints: " +
            std::to_string(std::ranges::count_if(*links, IsApproved)));
  } else if (*access == "Enabled") {
    Note(out, "properties.publicNetworkAccess", "reachable from the internet");
  }
  if (*acls) {
    Result<std::string> action = TextAt(**acls, "defaultAction");
    if (!action) {
      return std::unexpected(action.error());
    }
    if (!action->empty()) {
      Note(out, "properties.networkAcls.defaultAction", "addresses that no rule names: " + *action);
    }
  }
  return {};
}

Result<void> ReadAccount(const json::Value& root, Export& out) {
  out.subject = PeekText(root, "name");
  Result<json::Value> properties = root.Require("properties");
  if (!properties) {
    return std::unexpected(properties.error());
  }
  for (const auto read : {&ReadCapabilities, &ReadEncryption, &ReadNetwork}) {
    if (Result<void> done = read(*properties, out); !done) {
      return done;
    }
  }
  if (const std::string location = PeekText(root, "location"); !location.empty()) {
    Note(out, "location",
         "region " + location + "; a Global or DataZone deployment computes elsewhere");
  }
  return {};
}

Result<void> ReadKey(const json::Value& root, Export& out) {
  Result<json::Value> key = root.Require("key");
  if (!key) {
    return std::unexpected(key.error());
  }
  Result<std::string> type = TextAt(*key, "kty");
  Result<std::string> id = TextAt(*key, "kid");
  if (!type || !id) {
    return std::unexpected(type ? id.error() : type.error());
  }
  out.subject = *id;
  const bool in_hsm = type->ends_with("-HSM");
  Say(out, kKey, "kept_in", {in_hsm ? "hsm" : "kms"}, "key.kty",
      *type + (in_hsm ? ": in a hardware module of the vault" : ": in the vault, in software"));
  SayNotYou(out, kKey, "holder", "key.kid",
            "the vault is Microsoft's service; your part is its policy");
  return ReadAzureRelease(root, out);
}

Result<void> ReadVault(const json::Value& root, Export& out) {
  out.subject = PeekText(root, "name");
  Result<json::Value> properties = root.Require("properties");
  if (!properties) {
    return std::unexpected(properties.error());
  }
  Result<std::optional<bool>> soft = FlagAt(*properties, "enableSoftDelete");
  Result<std::optional<bool>> purge = FlagAt(*properties, "enablePurgeProtection");
  Result<std::optional<bool>> rbac = FlagAt(*properties, "enableRbacAuthorization");
  Result<std::vector<json::Value>> policies = ListAt(*properties, "accessPolicies");
  if (!soft || !purge || !rbac || !policies) {
    return std::unexpected(!soft    ? soft.error()
                           : !purge ? purge.error()
                           : !rbac  ? rbac.error()
                                    : policies.error());
  }
  SayNotYou(out, kKey, "holder", "type",
            "the vault is Microsoft's service; your part is its policy");
  const bool comes_back = soft->value_or(false) || purge->value_or(false);
  Note(out, "properties.enableSoftDelete",
       comes_back
           ? "a deleted key can be brought back for its retention: deletion is no destruction yet"
           : "a deleted key is gone at once");
  if (!purge->value_or(false)) {
    Note(out, "properties.enablePurgeProtection", "off: who may purge can destroy the keys");
  }
  Note(out,
       rbac->value_or(false) ? "properties.enableRbacAuthorization" : "properties.accessPolicies",
       rbac->value_or(false) ? "access by roles: export the role assignments to see who can unwrap"
                             : std::to_string(policies->size()) +
                                   " access policies: each names who can use the keys");
  return rbac->value_or(false) ? Result<void>() : ReadAzureAccessPolicies(*properties, out);
}

constexpr std::array<ExportKind, 4> kReaders = {{
    {{"azure-account", "az cognitiveservices account show"},
     [](const json::Value& root) { return IsType(root, "Microsoft.CognitiveServices/accounts"); },
     ReadAccount},
    {{"azure-key", "az keyvault key show"},
     [](const json::Value& root) {
       const std::optional<json::Value> key = root.Get("key");
       return key && HasAny(*key, {"kty"});
     },
     ReadKey},
    {{"azure-vault", "az keyvault show"},
     [](const json::Value& root) { return IsType(root, "Microsoft.KeyVault/vaults"); },
     ReadVault},
    {{"azure-roles", "az role assignment list"}, IsAzureRoles, ReadAzureRoles},
}};

}  // namespace

std::span<const ExportKind> AzureExports() { return kReaders; }

}  // namespace casemate::assess
