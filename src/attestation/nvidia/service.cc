#include "attestation/nvidia/service.h"

#include <algorithm>
#include <map>

#include "attestation/jwk.h"
#include "attestation/nvidia/claims.h"
#include "attestation/nvidia/token.h"
#include "base/clock.h"
#include "crypto/ecdsa.h"
#include "crypto/sha2.h"

namespace casemate::attestation::nvidia {
namespace {

constexpr std::string_view kIssuer = "https://nras.attestation.nvidia.com";
constexpr std::string_view kSubject = "NVIDIA-PLATFORM-ATTESTATION";
constexpr std::size_t kMostDevices = 64;
constexpr std::string_view kOverall = "overall";

// One token of the bundle with its claims, which live as long as it.
struct Part {
  std::string name;  // "overall", "GPU-0"
  SignedToken token;
  json::Document document;
  json::Value claims() const { return document.root(); }
};

struct Bundle {
  std::vector<Part> parts;  // the overall token first
  bool devices_given = false;
};

Result<Part> ReadPart(const std::string& name, std::string_view compact) {
  Result<SignedToken> token = ParseToken(compact);
  if (!token) {
    return Wrap(token.error(), name);
  }
  Result<json::Document> document =
      json::Document::Parse(PlaintextView::Of(AsText(token->payload)),
                            {.max_bytes = kMaxTokenBytes, .max_depth = 8, .max_values = 4096});
  if (!document) {
    return Wrap(document.error(), name + ", payload");
  }
  if (document->root().kind() != json::Value::Kind::kObject) {
    return Fail(ErrorCode::kInvalidArgument, name + ": the payload is no object");
  }
  return Part{.name = name, .token = *std::move(token), .document = *std::move(document)};
}

std::string Text(const json::Value& claims, std::string_view name) {
  const std::optional<json::Value> value = claims.GetSet(name);
  return value ? value->AsName(512).value_or("?") : "";
}

bool IsPair(const json::Value& value) {
  if (value.kind() != json::Value::Kind::kArray || value.size() != 2) {
    return false;
  }
  const std::vector<json::Value> both = value.Elements();
  return both[0].kind() == json::Value::Kind::kArray && both[0].size() == 2 &&
         both[0].Elements()[0].AsName(8).value_or("") == "JWT" &&
         both[1].kind() == json::Value::Kind::kObject;
}

// The service's own pair: within the SDK's, whose outer token is signed with a key that nobody else
// has.
json::Value Innermost(const json::Value& root) {
  for (const json::Value::Member& member : root.Elements()[1].Members()) {
    if (IsPair(member.value)) {
      return member.value;
    }
  }
  return root;
}

Result<Bundle> ReadBundle(const json::Value& root) {
  const std::vector<json::Value> both = Innermost(root).Elements();
  const std::vector<json::Value::Member> devices = both[1].Members();
  if (devices.size() > kMostDevices) {
    return Fail(ErrorCode::kTooLarge, "more than 64 devices");
  }
  Bundle bundle{.parts = {}, .devices_given = true};
  std::vector<std::pair<std::string, json::Value>> all = {
      {std::string(kOverall), both[0].Elements()[1]}};
  for (const json::Value::Member& device : devices) {
    all.emplace_back(device.key, device.value);
  }
  for (const auto& [name, value] : all) {
    Result<std::string> text = value.AsName(kMaxTokenBytes);
    Result<Part> part = text ? ReadPart(name, *text) : std::unexpected(text.error());
    if (!part) {
      return std::unexpected(part.error());
    }
    bundle.parts.push_back(*std::move(part));
  }
  return bundle;
}

// Empty when one of the keys with the token's id signed it; else why not.
std::string VerifyPart(const Part& part, const std::vector<JsonWebKey>& keys, std::string& file) {
  const SignedToken& token = part.token;
  if (token.algorithm != "ES384") {
    return part.name + ": its algorithm is \"" + token.algorithm + "\", expected ES384";
  }
  if (token.kid.empty()) {
    return part.name + ": its header names no key";
  }
  std::string failure = part.name + ": its key \"" + token.kid +
                        "\" is not among those given: the service's keys change, give the set "
                        "that held when the token was made";
  for (const JsonWebKey& key : keys) {
    if (key.kid != token.kid || key.key.curve != crypto::EcCurve::kP384) {
      continue;
    }
    if (crypto::VerifyEcdsa(crypto::EcCurve::kP384, crypto::HashAlgorithm::kSha384, key.key.point,
                            token.signed_part, token.signature)) {
      file = key.file;
      return "";
    }
    failure = part.name + ": the token was changed, or another key signed it";
  }
  return failure;
}

void CheckSignatures(const Bundle& bundle, const Context& context, Appraisal& appraisal) {
  std::vector<JsonWebKey> keys;
  for (const Companion& file : context.keys) {
    std::ranges::move(ReadKeys(file, appraisal.warnings), std::back_inserter(keys));
  }
  if (keys.empty()) {
    appraisal.Skip("signature",
                   "give the service's key set (jwks.json, with the key \"" +
                       bundle.parts.front().token.kid + "\") with --root",
                   true);
    return;
  }
  std::string file;
  for (const Part& part : bundle.parts) {
    if (const std::string failure = VerifyPart(part, keys, file); !failure.empty()) {
      appraisal.Refuse("signature", failure);
      return;
    }
  }
  appraisal.Pass("signature", "ES384 on each of " + std::to_string(bundle.parts.size()) +
                                  " tokens, by the key \"" + bundle.parts.front().token.kid +
                                  "\" of " + file);
  appraisal.vouchers.push_back(
      {.role = "root",
       .holder = "key " + bundle.parts.front().token.kid + ", given with --root " + file,
       .company = "NVIDIA Corporation (Santa Clara CA), as far as the file came from it",
       .jurisdiction = "USA",
       .sha256 = {}});
}

void CheckIssuer(const Bundle& bundle, Appraisal& appraisal) {
  for (const Part& part : bundle.parts) {
    const std::string issuer = Text(part.claims(), "iss");
    if (issuer != kIssuer) {
      appraisal.Refuse(
          "issuer", part.name + ": issued by \"" + issuer + "\", expected " + std::string(kIssuer));
      return;
    }
  }
  const std::string subject = Text(bundle.parts.front().claims(), "sub");
  if (subject != kSubject) {
    appraisal.Refuse("issuer", "the first token's subject is \"" + subject + "\", expected " +
                                   std::string(kSubject));
    return;
  }
  appraisal.Pass("issuer", "every token says that " + std::string(kIssuer) + " issued it");
}

std::int64_t Seconds(const json::Value& claims, const char* name) {
  const std::optional<json::Value> value = claims.GetSet(name);
  return value ? value->AsInteger().value_or(0) : 0;
}

void CheckTimes(const Bundle& bundle, const Context& context, Appraisal& appraisal) {
  for (const Part& part : bundle.parts) {
    const std::int64_t from = Seconds(part.claims(), "nbf");
    const std::int64_t until = Seconds(part.claims(), "exp");
    if (from <= 0 || until <= 0) {
      appraisal.Refuse("validity", part.name + ": no nbf or no exp");
      return;
    }
    if (context.time < from || context.time > until) {
      appraisal.Refuse("validity", part.name + " holds from " + FormatUtc(from) + " to " +
                                       FormatUtc(until) + ", not at " + FormatUtc(context.time) +
                                       ": ask the service anew, or give --time of its making");
      return;
    }
  }
  appraisal.Pass("validity", "every token holds at this time, the first until " +
                                 FormatUtc(Seconds(bundle.parts.front().claims(), "exp")));
}

// One nonce for all, and the one that was expected.
void CheckNonce(const Bundle& bundle, const Context& context, Appraisal& appraisal) {
  const std::string first = Text(bundle.parts.front().claims(), "eat_nonce");
  for (const Part& part : bundle.parts) {
    const std::string nonce = Text(part.claims(), "eat_nonce");
    if (nonce != first) {
      std::string reason = part.name;
      reason.append(" answers the nonce ")
          .append(nonce)
          .append(", the overall token ")
          .append(first);
      appraisal.Refuse("nonce", std::move(reason));
      return;
    }
  }
  appraisal.AddFact("nonce", first);
  if (!context.nonce) {
    appraisal.Skip("nonce", "no expected value was given (--nonce): the answer may be old", false);
    return;
  }
  Result<Bytes> bytes = FromHex(first);
  if (bytes && *bytes == *context.nonce) {
    appraisal.Pass("nonce", "every token answers the nonce that was expected");
  } else {
    appraisal.Refuse("nonce", "expected " + ToHex(*context.nonce) + ", the tokens answer " + first);
  }
}

// "submods": {"GPU-0": ["DIGEST", ["SHA-256", hex]]}; empty when it is of another form.
std::map<std::string, std::string> DigestsOf(const json::Value& overall) {
  std::map<std::string, std::string> digests;
  const std::optional<json::Value> submodules = overall.GetSet("submods");
  for (const json::Value::Member& member :
       submodules ? submodules->Members() : std::vector<json::Value::Member>()) {
    const std::vector<json::Value> outer = member.value.Elements();
    const std::vector<json::Value> inner =
        outer.size() == 2 ? outer[1].Elements() : std::vector<json::Value>();
    if (inner.size() != 2 || outer[0].AsName(16).value_or("") != "DIGEST" ||
        inner[0].AsName(16).value_or("") != "SHA-256") {
      return {};
    }
    digests[member.key] = inner[1].AsName(64).value_or("");
  }
  return digests;
}

// Each device's token is the one whose digest the overall token names, and none is missing.
void CheckSubmodules(const Bundle& bundle, Appraisal& appraisal) {
  const std::map<std::string, std::string> digests = DigestsOf(bundle.parts.front().claims());
  if (digests.empty()) {
    appraisal.Refuse("submodules", "the overall token names no device by a SHA-256 digest");
    return;
  }
  if (!bundle.devices_given) {
    appraisal.Skip("submodules",
                   "the overall token names " + std::to_string(digests.size()) +
                       " devices whose tokens are missing: give the service's whole answer",
                   true);
    return;
  }
  for (std::size_t i = 1; i < bundle.parts.size(); ++i) {
    const Part& part = bundle.parts[i];
    const auto digest = digests.find(part.name);
    const std::string found =
        ToHex(crypto::Hash(crypto::HashAlgorithm::kSha256, AsBytes(part.token.text)));
    if (digest == digests.end() || digest->second != found) {
      appraisal.Refuse(
          "submodules",
          part.name + ": its token's SHA-256 is " + found + ", the overall token " +
              (digest == digests.end() ? "does not name it" : "names " + digest->second));
      return;
    }
  }
  if (digests.size() != bundle.parts.size() - 1) {
    appraisal.Refuse("submodules", "the overall token names " + std::to_string(digests.size()) +
                                       " devices, " + std::to_string(bundle.parts.size() - 1) +
                                       " tokens are there");
    return;
  }
  appraisal.Pass("submodules", "the overall token names each of " + std::to_string(digests.size()) +
                                   " device tokens by its digest");
}

void CheckResult(const Bundle& bundle, Appraisal& appraisal) {
  const std::optional<json::Value> result =
      bundle.parts.front().claims().GetSet("x-nvidia-overall-att-result");
  if (!result) {
    appraisal.Refuse("claims", "the first token has no overall result: it is not the overall one");
    return;
  }
  ClaimsReading reading;
  ReadClaims(bundle.parts.front().claims(), "", reading, appraisal);
  for (std::size_t i = 1; i < bundle.parts.size(); ++i) {
    const Part& part = bundle.parts[i];
    ReadClaims(part.claims(), part.name + ".", reading, appraisal);
    if (Text(part.claims(), "measres").empty()) {
      reading.refusals.push_back(part.name + " has no measres");
    }
    appraisal.product += (appraisal.product.empty() ? "" : ", ") + Text(part.claims(), "hwmodel");
  }
  if (result->kind() != json::Value::Kind::kBool) {
    reading.refusals.emplace_back("the overall result is no boolean");
  }
  if (reading.refusals.empty()) {
    appraisal.Pass("claims", std::to_string(reading.read) + " claims, none of which says no");
  } else {
    appraisal.Refuse("claims", reading.refusals.front() + " (" +
                                   std::to_string(reading.refusals.size()) + " claims say no)");
  }
}

Appraisal AppraiseBundle(Appraisal appraisal, const Result<Bundle>& bundle,
                         const Context& context) {
  if (!bundle) {
    appraisal.Refuse("format", bundle.error().message);
    return appraisal;
  }
  appraisal.Pass("format", std::to_string(bundle->parts.size()) + " tokens in compact form");
  CheckSignatures(*bundle, context, appraisal);
  CheckIssuer(*bundle, appraisal);
  CheckTimes(*bundle, context, appraisal);
  CheckNonce(*bundle, context, appraisal);
  CheckSubmodules(*bundle, appraisal);
  CheckResult(*bundle, appraisal);
  appraisal.vouchers.push_back({.role = "verifier",
                                .holder = "NVIDIA Remote Attestation Service",
                                .company = "NVIDIA Corporation (Santa Clara CA)",
                                .jurisdiction = "USA",
                                .sha256 = {}});
  appraisal.warnings.emplace_back(
      "NVIDIA's service vouches here, not only the chip: it says that it verified the report, and "
      "nothing of the report is here to be verified again");
  Close(context, {.lines = {"unknown"}, .values = {}},
        {"the device's own report, chain and measurements: NVIDIA's service compared them, and "
         "says so",
         "that the service (or whoever can compel it) signed for no device that does not exist, "
         "and what it keeps of who asked",
         "whether the key was the service's: the file given with --root says so, no chain does",
         "which machine or VM the GPU serves: a genuine GPU can be borrowed"},
        appraisal);
  return appraisal;
}

Appraisal BeginAnswer(const std::string& source, const Context& context) {
  return Begin(source, Kind::kNvidiaClaims, "signed answer of NVIDIA's verifier service (NRAS)",
               context);
}

}  // namespace

bool IsServiceAnswer(const json::Value& root) { return IsPair(root); }

Appraisal AppraiseServiceAnswer(const std::string& source, const json::Value& root,
                                const Context& context) {
  return AppraiseBundle(BeginAnswer(source, context), ReadBundle(root), context);
}

bool LooksLikeToken(std::string_view text) {
  return text.starts_with("eyJ") && std::ranges::count(text, '.') == 2;
}

Appraisal AppraiseOverallToken(const std::string& source, std::string_view compact,
                               const Context& context) {
  Result<Part> part = ReadPart(std::string(kOverall), compact);
  Result<Bundle> bundle = std::unexpected(Error{});
  if (part) {
    bundle = Bundle{};
    bundle->parts.push_back(*std::move(part));
  } else {
    bundle = std::unexpected(part.error());
  }
  return AppraiseBundle(BeginAnswer(source, context), bundle, context);
}

}  // namespace casemate::attestation::nvidia
