#include <iostream>
#include <memory>

#include "app/command_line.h"
#include "app/command_output.h"
#include "app/flows_output.h"
#include "base/clock.h"
#include "base/file.h"
#include "flows/plan.h"

// What every hop is worth, from a file that names them. Needs no deployment, no server, no network.
namespace casemate::app {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;

struct PlanOptions {
  std::string file;
  std::string probe;
  std::string dates;
  std::string date;
  std::string format = "table";
  std::string out;
  bool json = false;
  bool markdown = false;
  bool html = false;
  bool strict = false;
};

Result<std::string> ReadText(const std::string& path, std::size_t most) {
  Result<Bytes> content = ReadFile(path, most);
  return content ? Result<std::string>(std::string(AsText(*content))) : Wrap(content.error(), path);
}

Result<std::vector<flows::PlanDate>> LoadDates(const std::string& path) {
  if (path.empty()) {
    return flows::ReadPlanDates(flows::BuiltInDates(), "dates.toml");
  }
  return ReadText(path, kMaxFileBytes).and_then([&](const std::string& text) {
    return flows::ReadPlanDates(text, path);
  });
}

Result<flows::Plan> LoadPlan(const PlanOptions& options,
                             const std::vector<flows::PlanDate>& dates) {
  Result<flows::Plan> plan =
      ReadText(options.file, kMaxFileBytes).and_then([&](const std::string& text) {
        return flows::ReadPlan(text, options.file, dates);
      });
  if (!plan || options.probe.empty()) {
    return plan;
  }
  Result<std::map<std::string, flows::BaselineEntry>> entries =
      ReadBaselineFile(options.probe, "endpoints");
  if (!entries) {
    entries = ReadBaselineFile(options.probe, "servers");  // of a capture
  }
  if (!entries) {
    return std::unexpected(entries.error());
  }
  std::map<std::string, std::string> verdicts;
  for (const auto& [endpoint, entry] : *entries) {
    verdicts[endpoint] = entry.verdict;
  }
  flows::TakeVerdicts(*plan, verdicts);
  return plan;
}

void PrintPlan(const flows::Plan& plan, const std::vector<flows::PlannedHop>& hops,
               const flows::PlanContext& context) {
  PrintLine(plan.title + ": " + flows::DayText(context.today) + ", quantum computer assumed for " +
            flows::DayText(plan.quantum));
  std::vector<std::vector<std::string>> rows;
  for (const flows::PlannedHop& planned : hops) {
    const bool closed = planned.state == flows::HopState::kClosed;
    rows.push_back({planned.hop.name, planned.hop.label, planned.hop.verdict,
                    std::string(flows::UrgencyName(planned.urgency)),
                    closed                                  ? "-"
                    : planned.latest_start <= context.today ? "now"
                                                            : flows::DayText(planned.latest_start),
                    closed || planned.deadlines.empty()
                        ? "-"
                        : flows::DayText(planned.deadlines.front().date->until) + " " +
                              planned.deadlines.front().date->source,
                    planned.hop.owner.empty() ? "you" : planned.hop.owner});
  }
  PrintTable({"HOP", "LABEL", "VERDICT", "URGENCY", "BEGIN BY", "RECOMMENDED UNTIL", "WHOSE"},
             rows);
  for (const flows::PlannedHop& planned : hops) {
    PrintLine("\n" + planned.hop.name + ": " + planned.why);
    for (const std::string& action : planned.actions) {
      PrintLine("  - " + action);
    }
    if (!planned.contract.empty()) {
      PrintLine("  for the contract: " + planned.contract);
    }
  }
  PrintLine(
      "\nDates are recommendations of those who are named; --markdown and --html say where "
      "they stand. The assumption is yours.");
}

Result<void> Write(const PlanOptions& options, const std::string& text) {
  if (options.out.empty() || options.out == "-") {
    std::cout << text << std::flush;
    return {};
  }
  Result<void> written = WriteFileAtomically(options.out, AsBytes(text), 0644);
  return written ? Result<void>{} : Wrap(written.error(), options.out);
}

Result<ExitStatus> RunPlan(const PlanOptions& options) {
  const std::string format = options.json       ? "json"
                             : options.markdown ? "markdown"
                             : options.html     ? "html"
                                                : options.format;
  if (format != "table" && format != "json" && format != "markdown" && format != "html") {
    return UsageError(
        {ErrorCode::kInvalidArgument, "--format: expected table, json, markdown or html", {}, {}});
  }
  Result<flows::Day> today =
      options.date.empty() ? Result<flows::Day>(std::chrono::floor<std::chrono::days>(
                                 std::chrono::sys_seconds(std::chrono::seconds(UnixSeconds()))))
                           : flows::ParseDay(options.date);
  if (!today) {
    return UsageError(today.error());
  }
  Result<std::vector<flows::PlanDate>> dates = LoadDates(options.dates);
  if (!dates) {
    return std::unexpected(dates.error());
  }
  Result<flows::Plan> plan = LoadPlan(options, *dates);
  if (!plan) {
    return std::unexpected(plan.error());
  }
  const std::vector<flows::PlannedHop> hops = flows::MakePlan(*plan, *dates, *today);
  const flows::PlanContext context{.today = *today, .dates = &*dates};
  if (format == "table") {
    PrintPlan(*plan, hops, context);
  } else {
    const std::string text = format == "json"       ? RenderPlanJson(*plan, hops, context)
                             : format == "markdown" ? RenderPlanMarkdown(*plan, hops, context)
                                                    : RenderPlanHtml(*plan, hops, context);
    if (Result<void> written = Write(options, text); !written) {
      return std::unexpected(written.error());
    }
  }
  const bool urgent = !hops.empty() && hops.front().urgency <= flows::Urgency::kOverdue;
  return options.strict && urgent ? ExitStatus::kFailed : ExitStatus::kOk;
}

}  // namespace

void AddFlowsPlan(CommandLine& line) {
  auto options = std::make_shared<PlanOptions>();
  line.Add("flows plan",
           "Say which hop to close first: lifetime of what passes, time to change it, dates",
           "casemate flows plan hops.toml --probe probe.json --html --out plan.html",
           [options] { return RunPlan(*options); })
      .Required("file", options->file, "The hops, as examples/flows/clinic.toml has them")
      .Text("--probe", options->probe,
            "A JSON report of flows probe or capture: verdicts by endpoint")
      .Text("--dates", options->dates, "A table of dates in place of the built-in one")
      .Text("--date", options->date, "The day to plan from, such as 2026-11-23; today")
      .Text("--format", options->format, "table, json, markdown or html")
      .Text("--out", options->out, "Write to this file instead of standard output")
      .Flag("--strict", options->strict, "End with 1 when a hop is overdue or readable today")
      .Flag("--json", options->json, "The same as --format json")
      .Flag("--markdown", options->markdown, "The same as --format markdown")
      .Flag("--html", options->html, "The same as --format html");
}

}  // namespace casemate::app
