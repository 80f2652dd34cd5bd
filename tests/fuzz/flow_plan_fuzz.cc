// The file of `casemate flows plan`, and its table of dates: TOML of one shape.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "flows/plan.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate::flows;  // NOLINT
  static const std::vector<PlanDate> dates = ReadPlanDates(BuiltInDates(), "dates").value();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)ReadPlanDates(text, "f");
  if (const casemate::Result<Plan> plan = ReadPlan(text, "f", dates)) {
    const Day today = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23);
    const std::vector<PlannedHop> hops = MakePlan(*plan, dates, today);
    const PlanContext context{.today = today, .dates = &dates};
    (void)RenderPlanJson(*plan, hops, context);
    (void)RenderPlanMarkdown(*plan, hops, context);
    (void)RenderPlanHtml(*plan, hops, context);
  }
  return 0;
}
