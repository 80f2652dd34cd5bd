#include "flows/plan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <tuple>

namespace casemate::flows {
namespace {

using std::chrono::days;

constexpr double kDaysOfYear = 365.2425;  // Gregorian, on average
constexpr days kSoon{365};

days Years(double years) { return days(std::llround(years * kDaysOfYear)); }

std::string Text(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", number);
  std::string out = text.data();
  return out.ends_with(".0") ? out.substr(0, out.size() - 2) : out;
}

HopState StateOf(const std::string& verdict) {
  if (verdict == "hybrid-enforced" || verdict == "local") {
    return HopState::kClosed;
  }
  if (verdict == "hybrid-preferred") {
    return HopState::kPartly;
  }
  if (verdict == "plain") {
    return HopState::kPlain;
  }
  return verdict == "unknown" || verdict == "unreachable" ? HopState::kUnknown : HopState::kOpen;
}

bool Concerns(const PlanDate& date, const Plan& plan, const PlanHop& hop) {
  return date.concerns == "key-agreement" &&
         std::ranges::find(plan.sources, date.source) != plan.sources.end() &&
         std::ranges::find(date.protection, hop.protection) != date.protection.end();
}

std::string Why(const PlannedHop& planned, Day today) {
  const PlanHop& hop = planned.hop;
  switch (planned.state) {
    case HopState::kClosed:
      return hop.verdict == "local" ? "It does not leave the machine."
                                    : "Nothing but a hybrid key exchange is accepted.";
    case HopState::kPlain:
      return "There is no encryption: whoever is on the way reads it today.";
    default:
      break;
  }
  std::string why;
  if (planned.state == HopState::kUnknown) {
    why = hop.verdict == "unreachable" ? "It could not be reached: it counts as open. "
                                       : "Nobody has looked at it: it counts as open. ";
  } else if (planned.state == HopState::kPartly) {
    why = "Closed for clients that can do better, open for the others. ";
  }
  why += "What passes today must stay secret until " + DayText(today + Years(hop.lifetime_years)) +
         "; ";
  why += planned.late
             ? "lifetime and migration need " + Text(planned.needed_years) + " years, " +
                   Text(planned.left_years) +
                   " are left: what is recorded from now on could be opened while it still "
                   "matters, and what was recorded already cannot be closed any more."
             : "lifetime and migration need " + Text(planned.needed_years) + " years of the " +
                   Text(planned.left_years) + " that are left.";
  return why;
}

// The line of Remedy for a server that we know.
std::string LineFor(const std::string& server) {
  const std::string remedy = Remedy(Verdict::kClassical, false);
  std::size_t begin = 0;
  while (!server.empty() && begin < remedy.size()) {
    const std::size_t end = remedy.find('\n', begin);
    const std::string line = remedy.substr(begin, end - begin);
    if (line.starts_with(server)) {
      return line;
    }
    begin = end + 1;
  }
  return {};
}

std::vector<std::string> OwnActions(const PlannedHop& planned) {
  const PlanHop& hop = planned.hop;
  const bool ssh = hop.endpoint.starts_with("ssh://");
  if (planned.state == HopState::kPlain) {
    return {"turn TLS 1.3 on with a hybrid group, or move the two onto one machine"};
  }
  std::vector<std::string> actions;
  if (planned.state == HopState::kUnknown) {
    actions.push_back(hop.endpoint.empty() ? "record it: casemate flows capture FILE.pcap"
                                           : "look: casemate flows probe " + hop.endpoint);
  }
  if (ssh) {
    actions.push_back(planned.state == HopState::kPartly
                          ? "take the classical names out of KexAlgorithms once every client can"
                          : Remedy(Verdict::kClassical, true));
  } else if (planned.state == HopState::kPartly) {
    actions.emplace_back(
        "refuse classical clients once yours can do better: count them until then");
  } else if (const std::string line = LineFor(hop.server); !line.empty()) {
    actions.emplace_back(
        "LIST = X25519MLKEM768:SecP256r1MLKEM768 / X25519:secp256r1 first, and without what stands "
        "behind the slash once every client can");
    actions.push_back(line);
  } else {
    actions.emplace_back(
        "offer and prefer X25519MLKEM768, then refuse the rest; casemate flows probe shows how for "
        "the usual servers. Where its software cannot: casemate connect, or a proxy that can");
  }
  for (std::string& action : actions) {
    while (action.ends_with('\n')) {
      action.pop_back();
    }
  }
  return actions;
}

std::vector<std::string> Questions(const PlanHop& hop) {
  const std::string to = "ask " + hop.owner + ": ";
  return {to + "which key agreement is negotiated from " + hop.from + " to " + hop.to +
              " today, and is X25519MLKEM768 taken whenever both can?",
          to + "from which day is a connection without a hybrid group refused?",
          to + "who ends TLS on the way (edge, load balancer, proxy), and what protects each hop "
               "behind it: between sites, to storage, to backups, to subprocessors?",
          to + "evidence: a CycloneDX CBOM or probe results for those hops, and notice before any "
               "of them changes"};
}

std::string Contract(const PlannedHop& planned, Day today) {
  const PlanHop& hop = planned.hop;
  return "From " + DayText(std::max(planned.latest_start, today)) + " on, " + hop.owner +
         " begins to protect the connection from " + hop.from + " to " + hop.to +
         (planned.deadlines.empty()
              ? std::string(",")
              : ", and from " + DayText(planned.deadlines.front().date->until) +
                    " at the latest protects it,") +
         " with TLS 1.3 and a hybrid key agreement of ML-KEM (FIPS 203) and an elliptic curve "
         "(X25519MLKEM768, SecP256r1MLKEM768 or SecP384r1MLKEM1024), and refuses connections that "
         "agree on none of these. The same holds for every further connection over which it "
         "carries the same data: between its own sites, to storage and backup, and to "
         "subprocessors. It names these connections and their key agreement in a machine-readable "
         "form (CycloneDX CBOM) once a year and before each change, lets the customer verify them, "
         "and reports a fallback to a classical key agreement within three working days. Where it "
         "cannot comply it says so in writing, with the day from which it can; until then data "
         "labelled \"" +
         hop.label + "\" does not pass there.";
}

}  // namespace

std::string_view HopStateName(HopState state) {
  switch (state) {
    case HopState::kClosed:
      return "closed";
    case HopState::kPartly:
      return "partly";
    case HopState::kOpen:
      return "open";
    case HopState::kUnknown:
      return "unknown";
    case HopState::kPlain:
      return "plain";
  }
  return "unknown";
}

std::string_view UrgencyName(Urgency urgency) {
  switch (urgency) {
    case Urgency::kReadable:
      return "readable today";
    case Urgency::kOverdue:
      return "overdue";
    case Urgency::kSoon:
      return "within a year";
    case Urgency::kLater:
      return "later";
    case Urgency::kDone:
      return "done";
  }
  return "unknown";
}

std::vector<PlannedHop> MakePlan(const Plan& plan, const std::vector<PlanDate>& dates, Day today) {
  std::vector<PlannedHop> out;
  for (const PlanHop& hop : plan.hops) {
    PlannedHop planned{.hop = hop, .state = StateOf(hop.verdict)};
    const double migration_years = hop.migration_months / 12;
    planned.needed_years = hop.lifetime_years + migration_years;
    planned.left_years = static_cast<double>((plan.quantum - today).count()) / kDaysOfYear;
    planned.late = planned.needed_years > planned.left_years;
    planned.mosca_start = plan.quantum - Years(planned.needed_years);
    planned.latest_start = planned.mosca_start;
    for (const PlanDate& date : dates) {
      if (Concerns(date, plan, hop)) {
        planned.deadlines.push_back(
            {.date = &date, .latest_start = date.until - Years(migration_years)});
      }
    }
    std::ranges::stable_sort(planned.deadlines, {}, &PlanDeadline::latest_start);
    if (!planned.deadlines.empty()) {
      planned.latest_start = std::min(planned.latest_start, planned.deadlines.front().latest_start);
    }
    planned.urgency = planned.state == HopState::kClosed      ? Urgency::kDone
                      : planned.state == HopState::kPlain     ? Urgency::kReadable
                      : planned.latest_start <= today         ? Urgency::kOverdue
                      : planned.latest_start <= today + kSoon ? Urgency::kSoon
                                                              : Urgency::kLater;
    planned.why = Why(planned, today);
    if (planned.state != HopState::kClosed) {
      planned.actions = hop.owner.empty() ? OwnActions(planned) : Questions(hop);
      planned.contract = hop.owner.empty() ? std::string() : Contract(planned, today);
    }
    out.push_back(std::move(planned));
  }
  // Of two that are equally urgent: what is open before what is partly closed, then what had to
  // begin earlier.
  std::ranges::stable_sort(out, [](const PlannedHop& a, const PlannedHop& b) {
    const auto rank = [](const PlannedHop& hop) { return hop.state == HopState::kPartly ? 1 : 0; };
    return std::tuple(a.urgency, rank(a), a.latest_start) <
           std::tuple(b.urgency, rank(b), b.latest_start);
  });
  return out;
}

Result<Day> ParseDay(std::string_view text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  const auto number = [text](std::size_t at, std::size_t size, auto& into) {
    const char* end = text.data() + at + size;
    const auto [stop, error] = std::from_chars(text.data() + at, end, into);
    return error == std::errc() && stop == end;
  };
  if (text.size() == 10 && text[4] == '-' && text[7] == '-' && number(0, 4, year) &&
      number(5, 2, month) && number(8, 2, day)) {
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                           std::chrono::day(day)};
    if (date.ok() && year >= 1990 && year <= 2200) {
      return Day(date);
    }
  }
  return Fail(ErrorCode::kInvalidArgument, "expected a date such as 2026-11-23, found '" +
                                               std::string(text.substr(0, 40)) + "'");
}

std::string DayText(Day day) {
  const std::chrono::year_month_day date(day);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

}  // namespace casemate::flows
