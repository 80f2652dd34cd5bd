#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "flows/verdict.h"

// What a hop is worth: what must stay secret for how long, how long changing it takes, and by when
// others say that it should be done. docs/flows.md, "What a hop is worth".
namespace casemate::flows {

using Day = std::chrono::sys_days;

enum class Protection : std::uint8_t { kNormal, kHigh, kVeryHigh };
std::string_view ProtectionName(Protection protection);  // "normal", "high", "very-high"

// What is known of a hop's key exchange.
enum class HopState : std::uint8_t {
  kClosed,   // hybrid-enforced, or it does not leave the machine
  kPartly,   // hybrid-preferred: closed for clients that can do better
  kOpen,     // hybrid-supported, classical, broken
  kUnknown,  // nobody has looked, or it could not be reached: counts as open
  kPlain,    // no encryption at all: readable today
};
std::string_view HopStateName(HopState state);

struct PlanHop {
  std::string name;
  std::string from;
  std::string to;
  std::string endpoint;  // as `flows probe` writes it; may be empty
  std::string label;
  Protection protection = Protection::kNormal;
  double lifetime_years = 0;    // that what passes must stay secret after it has passed
  double migration_months = 0;  // that closing the hop takes, deciding and buying included
  std::string owner;            // who can change it; empty: you
  std::string server;           // its software, as Remedy names it; may be empty
  std::string verdict;          // a Verdict's name, "local", "plain" or "unknown"
  std::string verdict_from;     // "the plan", "the probe", "nobody"
};

// A date that somebody has published. data/flows/dates.toml.
struct PlanDate {
  std::string id;
  std::string source;
  std::string document;
  Day document_date;
  std::string says;
  std::string concerns;  // "key-agreement", "signatures", "inventory"
  std::vector<Protection> protection;
  Day until;
  std::string confidence;  // "primary", "secondary"
  Day checked;
};

struct Plan {
  std::string title;
  Day quantum;  // the assumption
  std::vector<std::string> sources;
  std::vector<PlanHop> hops;
};

// The table that comes with Casemate, as text for ReadPlanDates.
std::string_view BuiltInDates();
// Errors of both: kInvalidArgument: "FILE:LINE: ..." for what is not as docs/flows.md has it.
// kTooLarge.
[[nodiscard]] Result<std::vector<PlanDate>> ReadPlanDates(std::string_view text,
                                                          std::string_view file);
// At most 2000 hops; `dates` names the sources that there are.
[[nodiscard]] Result<Plan> ReadPlan(std::string_view text, std::string_view file,
                                    const std::vector<PlanDate>& dates);
// Takes verdicts from a probe's report, by endpoint (report.h): what was seen goes before what the
// plan says.
void TakeVerdicts(Plan& plan, const std::map<std::string, std::string>& verdicts);

enum class Urgency : std::uint8_t {
  kReadable,  // plain: it is not about a later time
  kOverdue,   // had to begin before today
  kSoon,      // within a year
  kLater,
  kDone,
};
std::string_view UrgencyName(Urgency urgency);  // "readable today", "overdue", ...

// One recommendation for one hop.
struct PlanDeadline {
  const PlanDate* date = nullptr;  // of the list given to MakePlan
  Day latest_start;                // until, less the time that changing takes
};

struct PlannedHop {
  PlanHop hop;
  HopState state = HopState::kUnknown;
  Urgency urgency = Urgency::kDone;
  // Mosca's inequality: lifetime + migration > time left. Years.
  double needed_years = 0;
  double left_years = 0;
  bool late = false;
  Day mosca_start;                      // the quantum date less the two
  std::vector<PlanDeadline> deadlines;  // earliest start first
  Day latest_start;                     // the earliest of all of these
  std::string why;                      // one or two sentences
  std::vector<std::string> actions;     // what to do, or what to ask of the owner
  std::string contract;                 // a paragraph for hops that are not yours, or empty
};
// By urgency, the most urgent first. `dates` must outlive the result.
std::vector<PlannedHop> MakePlan(const Plan& plan, const std::vector<PlanDate>& dates, Day today);

// "2026-11-23". Errors: kInvalidArgument.
[[nodiscard]] Result<Day> ParseDay(std::string_view text);
std::string DayText(Day day);

struct PlanContext {
  Day today;
  const std::vector<PlanDate>* dates = nullptr;
};
std::string RenderPlanJson(const Plan& plan, const std::vector<PlannedHop>& hops,
                           const PlanContext& context);
std::string RenderPlanMarkdown(const Plan& plan, const std::vector<PlannedHop>& hops,
                               const PlanContext& context);
std::string RenderPlanHtml(const Plan& plan, const std::vector<PlannedHop>& hops,
                           const PlanContext& context);

}  // namespace casemate::flows
