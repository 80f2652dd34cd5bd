#include "attestation/nvidia/claims.h"

#include <algorithm>

#include "attestation/nvidia/appraise.h"
#include "base/clock.h"

namespace casemate::attestation::nvidia {
namespace {

constexpr std::size_t kMostClaims = 512;
constexpr int kDeepest = 4;

// Claims of these forms decide: a boolean that is false, a word that is not the good one.
void Walk(const json::Value& object, const std::string& prefix, int depth, ClaimsReading& reading,
          Appraisal& appraisal) {
  for (const json::Value::Member& member : object.Members()) {
    if (++reading.read > kMostClaims || depth > kDeepest) {
      return;
    }
    const std::string& name = member.key;
    const std::string fact = prefix + name;
    switch (member.value.kind()) {
      case json::Value::Kind::kBool: {
        const bool value = member.value.AsBool().value_or(false);
        if (!value) {
          reading.refusals.push_back(fact + " is false");
        }
        appraisal.AddFact(fact, value ? "true" : "false");
        break;
      }
      case json::Value::Kind::kString: {
        const std::string value = member.value.AsName(1024).value_or("?");
        std::string lower = value;
        std::ranges::transform(lower, lower.begin(), [](char c) {
          return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
        const std::pair<std::string_view, std::string_view> words[] = {
            {"measres", "success"},
            {"dbgstat", "disabled"},
            {"x-nvidia-cert-status", "valid"},
            {"x-nvidia-cert-ocsp-status", "good"}};
        for (const auto& [claim, good] : words) {
          if (name == claim && lower != good) {
            std::string refusal = fact;
            refusal.append(" is ").append(value);
            reading.refusals.push_back(std::move(refusal));
          }
        }
        if (name == "x-nvidia-attestation-warning") {
          appraisal.warnings.push_back("NVIDIA's verifier warned: " + value);
        }
        appraisal.AddFact(fact, value);
        break;
      }
      case json::Value::Kind::kInteger:
        appraisal.AddFact(fact, std::to_string(member.value.AsInteger().value_or(0)));
        break;
      case json::Value::Kind::kObject:
        Walk(member.value, prefix, depth + 1, reading, appraisal);
        break;
      default:
        break;
    }
  }
}

std::int64_t Seconds(const json::Value& root, const char* name) {
  const std::optional<json::Value> value = root.GetSet(name);
  return value ? value->AsInteger().value_or(0) : 0;
}

void CheckTimes(const json::Value& root, const Context& context, Appraisal& appraisal) {
  const std::int64_t from = Seconds(root, "nbf");
  const std::int64_t until = Seconds(root, "exp");
  if (from == 0 || until == 0) {
    appraisal.Skip("validity", "the claims have no nbf or exp", false);
  } else if (context.time < from || context.time > until) {
    appraisal.Refuse("validity", "the claims hold from " + FormatUtc(from) + " to " +
                                     FormatUtc(until) + ", not at " + FormatUtc(context.time));
  } else {
    appraisal.Pass("validity", "the claims hold until " + FormatUtc(until), false);
  }
}

void CheckNonce(const json::Value& root, const Context& context, Appraisal& appraisal) {
  const std::optional<json::Value> value = root.GetSet("eat_nonce");
  const std::string found = value ? value->AsName(256).value_or("") : "";
  if (!context.nonce) {
    appraisal.Skip("nonce", "no expected value was given (--nonce)", false);
    return;
  }
  Result<Bytes> bytes = FromHex(found);
  if (bytes && *bytes == *context.nonce) {
    appraisal.Pass("nonce", "the claims name the nonce that was expected", false);
  } else {
    appraisal.Refuse("nonce", "expected " + ToHex(*context.nonce) + ", the claims name " + found);
  }
}

}  // namespace

void ReadClaims(const json::Value& claims, const std::string& prefix, ClaimsReading& reading,
                Appraisal& appraisal) {
  Walk(claims, prefix, 0, reading, appraisal);
}

bool IsClaims(const json::Value& root) {
  return root.Get("x-nvidia-overall-att-result") || root.Get("measres") ||
         root.Get("authorization-rules");
}

Appraisal AppraiseClaims(const std::string& source, const json::Value& root,
                         const Context& context) {
  Appraisal appraisal =
      Begin(source, Kind::kNvidiaClaims, "claims of NVIDIA's verifier service (NRAS)", context);
  if (root.Get("authorization-rules")) {
    appraisal.Refuse("format", "a relying party's policy for NRAS, which is no evidence");
    return appraisal;
  }
  appraisal.Pass("format", "decoded claims");
  appraisal.Skip(
      "signature",
      "decoded claims carry no signature: anyone can have written them; keep the token as "
      "the service sent it, or verify the device's own report",
      true);
  ClaimsReading reading;
  ReadClaims(root, "", reading, appraisal);
  if (reading.refusals.empty()) {
    appraisal.Pass("claims", std::to_string(reading.read) + " claims, none of which says no",
                   false);
  } else {
    appraisal.Refuse("claims", reading.refusals.front() + " (" +
                                   std::to_string(reading.refusals.size()) + " claims say no)");
  }
  CheckTimes(root, context, appraisal);
  CheckNonce(root, context, appraisal);
  appraisal.vouchers.push_back({.role = "verifier",
                                .holder = "NVIDIA Remote Attestation Service",
                                .company =
                                    "NVIDIA Corporation (Santa Clara CA), if its signature is "
                                    "checked elsewhere",
                                .jurisdiction = "USA",
                                .sha256 = {}});
  Close(context, {.lines = {"unknown"}, .values = {}},
        {"the device's own measurements: a service of NVIDIA's compared them, and says so",
         "which machine or VM the GPU serves: a genuine GPU can be borrowed"},
        appraisal);
  return appraisal;
}

}  // namespace casemate::attestation::nvidia
