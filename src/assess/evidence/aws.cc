#include <array>

#include "assess/evidence/export_kinds.h"

// AWS CLI: bedrock get-model-invocation-logging-configuration, bedrock get-account-data-retention,
// kms describe-key, kms describe-custom-key-stores.
namespace casemate::assess {
namespace {

constexpr At kEngine = {.kind = Kind::kProcessor, .element = "bedrock-engine"};
constexpr At kRetained = {.kind = Kind::kStore, .element = "bedrock-retained"};
constexpr At kKey = {.kind = Kind::kKey, .element = "bedrock-key"};

Result<void> ReadLogging(const json::Value& root, Export& out) {
  Result<std::optional<json::Value>> config = ObjectAt(root, "loggingConfig");
  if (!config) {
    return std::unexpected(config.error());
  }
  if (!*config) {
    return Fail(ErrorCode::kInvalidArgument, "loggingConfig: expected an object");
  }
  std::string on;
  for (const std::string_view name :
       {"textDataDeliveryEnabled", "imageDataDeliveryEnabled", "embeddingDataDeliveryEnabled",
        "videoDataDeliveryEnabled", "audioDataDeliveryEnabled"}) {
    Result<std::optional<bool>> flag = FlagAt(**config, name);
    if (!flag) {
      return std::unexpected(flag.error());
    }
    if (on.empty() && flag->value_or(false)) {
      on = name;
    }
  }
  Say(out, kEngine, "content_logs", {on.empty() ? "off" : "encrypted"},
      "loggingConfig" + (on.empty() ? "" : "." + on),
      on.empty() ? "invocations are not delivered to a log"
                 : "invocations are delivered to a log, under keys of that service");
  Result<std::optional<json::Value>> bucket = ObjectAt(**config, "s3Config");
  Result<std::optional<json::Value>> group = ObjectAt(**config, "cloudWatchConfig");
  if (!bucket || !group) {
    return std::unexpected(bucket ? group.error() : bucket.error());
  }
  if (*bucket) {
    Note(out, (*bucket)->path(), "logs go to the bucket " + PeekText(**bucket, "bucketName"));
  }
  if (*group) {
    Note(out, (*group)->path(), "logs go to the group " + PeekText(**group, "logGroupName"));
  }
  return {};
}

Result<void> ReadRetention(const json::Value& root, Export& out) {
  Result<std::string> mode = TextAt(root, "mode");
  Result<std::string> updated = TextAt(root, "updatedAt");
  if (!mode || !updated) {
    return std::unexpected(mode ? updated.error() : mode.error());
  }
  if (*mode == "none") {
    Say(out, kRetained, "holds", {"metadata"}, "mode", "nothing durable, in this Region");
    Say(out, kRetained, "retention_days", {"0"}, "mode", "nothing durable, in this Region");
  } else if (*mode == "provider_data_share") {
    Note(out, "mode", "provider_data_share: content leaves AWS, to the model's provider");
  } else if (*mode == "default" || *mode == "inherit" || *mode == "aws_review") {
    Note(out, "mode",
         *mode + ": what is retained depends on the model, up to everything for 30 days");
  } else {
    return Fail(
        ErrorCode::kInvalidArgument,
        "mode: expected none, default, inherit, aws_review or provider_data_share, found \"" +
            *mode + "\"");
  }
  Note(out, "mode", "holds for one Region of the account; others have a setting of their own");
  return {};
}

Result<void> ReadKey(const json::Value& root, Export& out) {
  Result<json::Value> key = root.Require("KeyMetadata");
  if (!key) {
    return std::unexpected(key.error());
  }
  Result<std::string> origin = TextAt(*key, "Origin");
  Result<std::string> manager = TextAt(*key, "KeyManager");
  Result<std::string> store = TextAt(*key, "CustomKeyStoreId");
  Result<std::optional<json::Value>> external = ObjectAt(*key, "XksKeyConfiguration");
  if (!origin || !manager || !store || !external) {
    return std::unexpected(!origin    ? origin.error()
                           : !manager ? manager.error()
                           : !store   ? store.error()
                                      : external.error());
  }
  out.subject = PeekText(*key, "KeyId");
  const std::string path = "KeyMetadata.Origin";
  if (*origin == "EXTERNAL_KEY_STORE") {
    if (!*external) {
      return Fail(ErrorCode::kInvalidArgument,
                  "KeyMetadata: Origin EXTERNAL_KEY_STORE without "
                  "XksKeyConfiguration; the export is cut short");
    }
    Say(out, kKey, "beside_data", {"no"}, path,
        "the key is in an external key store, outside of AWS");
    Note(out, "KeyMetadata.XksKeyConfiguration.Id", "external key " + PeekText(**external, "Id"));
  } else if (*origin == "AWS_KMS" || *origin == "EXTERNAL" || *origin == "AWS_CLOUDHSM") {
    Say(out, kKey, "kept_in", {*origin == "AWS_CLOUDHSM" ? "hsm" : "kms"}, path,
        *origin == "EXTERNAL"       ? "imported: AWS KMS has a copy that it uses"
        : *origin == "AWS_CLOUDHSM" ? "in a CloudHSM cluster of yours, at AWS"
                                    : "made and kept by AWS KMS");
    if (*origin != "AWS_CLOUDHSM") {
      SayNotYou(out, kKey, "holder", path,
                "AWS KMS uses it on its own machines; your part is its policy");
    }
  } else {
    return Fail(ErrorCode::kInvalidArgument,
                path +
                    ": expected AWS_KMS, EXTERNAL, AWS_CLOUDHSM or EXTERNAL_KEY_STORE, found \"" +
                    *origin + "\"");
  }
  if (*manager == "AWS") {
    SayNotYou(out, kKey, "holder", "KeyMetadata.KeyManager", "a key that AWS manages");
  }
  return {};
}

Result<void> ReadKeyStores(const json::Value& root, Export& out) {
  Result<std::vector<json::Value>> stores = ListAt(root, "CustomKeyStores");
  if (!stores) {
    return std::unexpected(stores.error());
  }
  if (stores->empty()) {
    Note(out, "CustomKeyStores", "none: keys of this account and Region are in AWS KMS");
  }
  for (const json::Value& store : *stores) {
    Result<std::string> type = TextAt(store, "CustomKeyStoreType");
    Result<std::string> state = TextAt(store, "ConnectionState");
    Result<std::optional<json::Value>> proxy = ObjectAt(store, "XksProxyConfiguration");
    if (!type || !state || !proxy) {
      return std::unexpected(!type ? type.error() : !state ? state.error() : proxy.error());
    }
    const std::string name = PeekText(store, "CustomKeyStoreName");
    if (*type == "EXTERNAL_KEY_STORE") {
      Note(out, store.path(),
           name + ": external key store" +
               (*proxy ? ", proxy at " + PeekText(**proxy, "UriEndpoint") : std::string()) +
               "; whose the proxy is decides who holds the key");
    } else {
      Note(out, store.path(), name + ": " + *type);
    }
    if (*state != "CONNECTED") {
      Note(out, store.path() + ".ConnectionState", *state + ": its keys cannot be used now");
    }
  }
  return {};
}

constexpr std::array<ExportKind, 4> kReaders = {{
    {{"aws-invocation-logging", "aws bedrock get-model-invocation-logging-configuration"},
     [](const json::Value& root) {
       const std::optional<json::Value> config = root.Get("loggingConfig");
       return config &&
              HasAny(*config, {"textDataDeliveryEnabled", "s3Config", "cloudWatchConfig",
                               "imageDataDeliveryEnabled", "embeddingDataDeliveryEnabled"});
     },
     ReadLogging},
    {{"aws-data-retention", "aws bedrock get-account-data-retention"},
     [](const json::Value& root) {
       return root.Get("mode").has_value() && root.size() <= 3 && !root.Get("report") &&
              !root.Get("format");
     },
     ReadRetention},
    {{"aws-key", "aws kms describe-key"},
     [](const json::Value& root) { return root.Get("KeyMetadata").has_value(); },
     ReadKey},
    {{"aws-key-stores", "aws kms describe-custom-key-stores"},
     [](const json::Value& root) { return root.Get("CustomKeyStores").has_value(); },
     ReadKeyStores},
}};

}  // namespace

std::span<const ExportKind> AwsExports() { return kReaders; }

}  // namespace casemate::assess
