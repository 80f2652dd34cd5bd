#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "assess/result.h"
#include "base/error.h"

namespace casemate::assess {

// A risk that somebody has taken on, for a time: docs/formats/assessment.md.
struct Acceptance {
  std::string cell;                         // "ADVERSARY@PIPELINE"
  Verdict verdict = Verdict::kDoesNotStop;  // as bad as this, and no worse
  std::string owner;
  std::string until;  // the last day, YYYY-MM-DD
  std::string reason;
};

// Errors: kInvalidArgument with FILE:LINE:COLUMN: an entry without owner, end or reason, a cell
// twice, a verdict that there is not.
[[nodiscard]] Result<std::vector<Acceptance>> ReadAccepted(std::string_view text,
                                                           const std::string& file);

enum class AcceptanceState : unsigned char { kNone, kAccepted, kExpired, kOutgrown };
struct AcceptanceOf {
  AcceptanceState state = AcceptanceState::kNone;
  const Acceptance* acceptance = nullptr;
};
// What was accepted of a cell, and whether that still holds on `today`. Outgrown: the verdict, or
// what it may be, has become worse than what was accepted.
AcceptanceOf FindAcceptance(const std::vector<Acceptance>& accepted, const Cell& cell,
                            std::string_view today);

// How good a verdict is for you, the worst first; for kUnknown what it is at worst.
int RankOf(const Cell& cell);
int RankOf(Verdict verdict);

// "cloud-act=does-not-stop@confidential": a gate for one row (or "any"), at a label.
struct Gate {
  std::string adversary;  // or "any"
  Verdict verdict = Verdict::kDoesNotStop;
  std::string label;  // empty: all content
};
// Errors: kInvalidArgument: no such row, verdict or form.
[[nodiscard]] Result<Gate> ParseGate(std::string_view text, const RuleSet& rules);
// Whether the gate closes on a cell: its verdict is the gate's or worse, or may be.
bool Closes(const Gate& gate, const Cell& cell);

}  // namespace casemate::assess
