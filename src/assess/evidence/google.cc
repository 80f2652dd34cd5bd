#include <algorithm>
#include <array>

#include "assess/evidence/export_kinds.h"

// Google Cloud: the project's cacheConfig, request-response logging, Cloud KMS keys and EKM
// connections.
namespace casemate::assess {
namespace {

constexpr At kEngine = {.kind = Kind::kProcessor, .element = "vertex-engine"};
constexpr At kKey = {.kind = Kind::kKey, .element = "vertex-key"};

bool NameHas(const json::Value& root, std::string_view part) {
  return PeekText(root, "name").find(part) != std::string::npos;
}

Result<void> ReadCache(const json::Value& root, Export& out) {
  out.subject = PeekText(root, "name");
  Result<std::optional<bool>> disabled = FlagAt(root, "disableCache");
  if (!disabled) {
    return std::unexpected(disabled.error());
  }
  // Protocol buffers leave out what is false.
  if (disabled->value_or(false)) {
    Say(out, kEngine, "prefix_cache", {"off"}, "disableCache", "caching is off for the project");
  } else {
    Say(out, kEngine, "prefix_cache", {"per-tenant", "shared"}, "disableCache",
        "caching is on: prompts stay in memory for up to 24 hours");
  }
  return {};
}

Result<void> ReadLogging(const json::Value& root, Export& out) {
  const bool endpoint = root.Get("predictRequestResponseLoggingConfig").has_value();
  const std::string_view member =
      endpoint ? "predictRequestResponseLoggingConfig" : "loggingConfig";
  Result<std::optional<json::Value>> config = ObjectAt(root, member);
  if (!config) {
    return std::unexpected(config.error());
  }
  if (!*config) {
    return Fail(ErrorCode::kInvalidArgument, std::string(member) + ": expected an object");
  }
  Result<std::optional<bool>> enabled = FlagAt(**config, "enabled");
  Result<std::optional<json::Value>> table = ObjectAt(**config, "bigqueryDestination");
  if (!enabled || !table) {
    return std::unexpected(enabled ? table.error() : enabled.error());
  }
  out.subject = PeekText(root, "name");
  const bool on = enabled->value_or(false);
  Say(out, kEngine, "content_logs", {on ? "encrypted" : "off"}, std::string(member) + ".enabled",
      on ? "prompts and answers are written to BigQuery, under keys of that service"
         : "prompts and answers are not written to a log of yours");
  if (on && *table) {
    Note(out, (*table)->path(), "logs go to " + PeekText(**table, "outputUri"));
  }
  return {};
}

Result<void> ReadConnection(const json::Value& root, Export& out) {
  out.subject = PeekText(root, "name");
  Result<std::vector<json::Value>> resolvers = ListAt(root, "serviceResolvers");
  if (!resolvers) {
    return std::unexpected(resolvers.error());
  }
  if (resolvers->empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "serviceResolvers: a connection to an external key "
                "manager names at least one; the export is cut short");
  }
  Say(out, kKey, "beside_data", {"no"}, resolvers->front().path(),
      "keys of this connection are in a key manager outside of Google");
  for (const json::Value& resolver : *resolvers) {
    Result<std::string> host = TextAt(resolver, "hostname");
    if (!host) {
      return std::unexpected(host.error());
    }
    Note(out, resolver.path() + ".hostname", "key manager at " + *host);
  }
  if (PeekText(root, "keyManagementMode") == "CLOUD_KMS") {
    Note(out, "keyManagementMode",
         "Cloud KMS creates and rotates keys in the key manager by itself");
  }
  return {};
}

// Reasons that are not a request of your own.
constexpr std::array<std::string_view, 4> kNotYours = {
    "REASON_UNSPECIFIED", "GOOGLE_INITIATED_REVIEW", "GOOGLE_INITIATED_SERVICE",
    "THIRD_PARTY_DATA_REQUEST"};

Result<void> ReadJustifications(const json::Value& root, bool external, Export& out) {
  Result<std::optional<json::Value>> policy = ObjectAt(root, "keyAccessJustificationsPolicy");
  if (!policy) {
    return std::unexpected(policy.error());
  }
  if (!*policy) {
    // With an external key, the key manager itself may ask for reasons, which is not seen here.
    Say(out, kKey, "release",
        external ? std::vector<std::string>{"automatic", "justified"}
                 : std::vector<std::string>{"automatic"},
        "keyAccessJustificationsPolicy",
        external
            ? "no policy on the key; whether the key manager asks for a reason is not seen here"
            : "no policy: the key is used without a reason");
    return {};
  }
  Result<std::vector<json::Value>> reasons = ListAt(**policy, "allowedAccessReasons");
  if (!reasons) {
    return std::unexpected(reasons.error());
  }
  const std::string path = "keyAccessJustificationsPolicy.allowedAccessReasons";
  if (reasons->empty()) {
    Say(out, kKey, "release", {"never"}, path, "an empty list denies every use of the key");
    return {};
  }
  Say(out, kKey, "release", {"justified"}, path,
      std::to_string(reasons->size()) + " reasons are allowed");
  for (const json::Value& reason : *reasons) {
    Result<std::string> name = reason.AsName();
    if (!name) {
      return std::unexpected(name.error());
    }
    if (std::ranges::find(kNotYours, *name) != kNotYours.end()) {
      Note(out, reason.path(), *name + " is allowed: not a request of yours");
    }
  }
  return {};
}

Result<void> ReadKey(const json::Value& root, Export& out) {
  out.subject = PeekText(root, "name");
  std::string level;
  std::string path;
  for (const std::string_view member : {"primary", "versionTemplate"}) {
    Result<std::optional<json::Value>> version = ObjectAt(root, member);
    if (!version) {
      return std::unexpected(version.error());
    }
    Result<std::string> found =
        *version ? TextAt(**version, "protectionLevel") : Result<std::string>(std::string());
    if (!found) {
      return std::unexpected(found.error());
    }
    if (level.empty()) {
      level = *found;
      path = std::string(member) + ".protectionLevel";
    }
  }
  const bool external = level.starts_with("EXTERNAL");
  if (external) {
    Say(out, kKey, "beside_data", {"no"}, path,
        level + ": the key is in a key manager outside of Google");
  } else if (level.starts_with("HSM") || level == "SOFTWARE") {
    Say(out, kKey, "kept_in", {level == "SOFTWARE" ? "kms" : "hsm"}, path,
        level + ", in Cloud KMS");
    SayNotYou(out, kKey, "holder", path, "Cloud KMS is Google's service; your part is its policy");
  } else {
    return Fail(
        ErrorCode::kInvalidArgument,
        path + ": expected SOFTWARE, HSM, EXTERNAL or EXTERNAL_VPC, found \"" + level + "\"");
  }
  return ReadJustifications(root, external, out);
}

constexpr std::array<ExportKind, 4> kReaders = {{
    {{"google-cache", "GET .../projects/PROJECT/cacheConfig (Vertex AI)"},
     [](const json::Value& root) {
       return root.Get("disableCache").has_value() || NameHas(root, "/cacheConfig");
     },
     ReadCache},
    {{"google-logging", "GET an endpoint or fetchPublisherModelConfig (Vertex AI)"},
     [](const json::Value& root) {
       const std::optional<json::Value> config = root.Get("loggingConfig");
       return root.Get("predictRequestResponseLoggingConfig").has_value() ||
              (config && HasAny(*config, {"enabled", "samplingRate", "bigqueryDestination"}));
     },
     ReadLogging},
    {{"google-ekm", "gcloud kms ekm-connections describe --format json"},
     [](const json::Value& root) {
       return root.Get("serviceResolvers").has_value() || NameHas(root, "/ekmConnections/");
     },
     ReadConnection},
    {{"google-key", "gcloud kms keys describe --format json"},
     [](const json::Value& root) {
       return NameHas(root, "/cryptoKeys/") && HasAny(root, {"primary", "versionTemplate"});
     },
     ReadKey},
}};

}  // namespace

std::span<const ExportKind> GoogleExports() { return kReaders; }

}  // namespace casemate::assess
