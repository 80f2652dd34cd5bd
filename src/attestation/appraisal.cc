#include "attestation/appraisal.h"

#include <algorithm>

namespace casemate::attestation {

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kUnknown:
      return "unknown";
    case Kind::kSevSnp:
      return "sev-snp";
    case Kind::kTdx:
      return "tdx";
    case Kind::kSgx:
      return "sgx";
    case Kind::kNvidiaGpu:
      return "nvidia-gpu";
    case Kind::kNvidiaSwitch:
      return "nvidia-switch";
    case Kind::kNvidiaClaims:
      return "nvidia-claims";
    case Kind::kArmCca:
      return "arm-cca";
  }
  return "unknown";
}

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPassed:
      return "passed";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kNotChecked:
      return "not-checked";
  }
  return "not-checked";
}

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kVerified:
      return "verified";
    case Verdict::kIncomplete:
      return "incomplete";
    case Verdict::kRefused:
      return "refused";
  }
  return "refused";
}

std::string_view CoverageName(Coverage c) {
  switch (c) {
    case Coverage::kCovered:
      return "covered";
    case Coverage::kNotCovered:
      return "not-covered";
    case Coverage::kCannotTell:
      return "cannot-tell";
    case Coverage::kNotAffected:
      return "not-affected";
  }
  return "cannot-tell";
}

void Appraisal::Pass(std::string id, std::string reason, bool decides) {
  steps.push_back({.id = std::move(id),
                   .outcome = Outcome::kPassed,
                   .reason = std::move(reason),
                   .decides = decides});
}

void Appraisal::Refuse(std::string id, std::string reason) {
  steps.push_back({.id = std::move(id),
                   .outcome = Outcome::kFailed,
                   .reason = std::move(reason),
                   .decides = true});
}

void Appraisal::Skip(std::string id, std::string reason, bool decides) {
  steps.push_back({.id = std::move(id),
                   .outcome = Outcome::kNotChecked,
                   .reason = std::move(reason),
                   .decides = decides});
}

void Appraisal::AddFact(std::string name, std::string value) {
  facts.push_back({.name = std::move(name), .value = std::move(value)});
}

Verdict Appraisal::verdict() const {
  bool decided = false;
  bool missing = false;
  for (const Step& step : steps) {
    if (step.outcome == Outcome::kFailed) {
      return Verdict::kRefused;
    }
    decided = decided || (step.decides && step.outcome == Outcome::kPassed);
    missing = missing || (step.decides && step.outcome == Outcome::kNotChecked);
  }
  return decided && !missing ? Verdict::kVerified : Verdict::kIncomplete;
}

std::string Appraisal::VerdictReason() const {
  for (const Step& step : steps) {
    if (step.outcome == Outcome::kFailed) {
      return step.id + ": " + step.reason;
    }
  }
  std::string missing;
  std::vector<std::string> reasons;
  for (const Step& step : steps) {
    // One remedy may serve several steps; the reader needs each remedy once.
    if (step.decides && step.outcome == Outcome::kNotChecked &&
        std::ranges::find(reasons, step.reason) == reasons.end()) {
      missing += (missing.empty() ? "" : "; ") + step.id + ": " + step.reason;
      reasons.push_back(step.reason);
    }
  }
  if (!missing.empty()) {
    return missing;
  }
  const auto passed = std::ranges::count_if(
      steps, [](const Step& step) { return step.decides && step.outcome == Outcome::kPassed; });
  return passed == 0 ? "nothing was checked"
                     : "all " + std::to_string(passed) + " deciding steps passed";
}

const Step* Appraisal::Find(std::string_view step_id) const {
  const auto found = std::ranges::find(steps, step_id, &Step::id);
  return found == steps.end() ? nullptr : &*found;
}

const AttackResult* Appraisal::FindAttack(std::string_view attack_id) const {
  const auto found = std::ranges::find(attacks, attack_id, &AttackResult::id);
  return found == attacks.end() ? nullptr : &*found;
}

}  // namespace casemate::attestation
