// Rules, legal facts, accepted risks, the register's table, models of other tools and earlier
// reports.
#include <cstddef>
#include <cstdint>
#include <string>

#include "assess/accepted.h"
#include "assess/catalogue.h"
#include "assess/import.h"
#include "assess/pipeline.h"
#include "assess/register.h"
#include "assess/rule.h"
#include "assess/run_diff.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate::assess;
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)ReadRules({{"r.yaml", text}}, {"l.yaml", text});
  (void)ReadAccepted(text, "a.yaml");
  (void)CompareRuns(text, text);
  static const RuleSet rules = *BuiltInRules();
  if (const auto table = ReadRegisterTable(text, "t.yaml", rules)) {
    // Whatever it says, it has a level for each verdict and label.
    for (const RiskEntry& risk : table->risks) {
      (void)table->matrix.at(table->ImpactOf("x"))
          .at(table->LikelihoodOf(risk.id, Verdict::kStops));
    }
  }
  if (const auto imported = ImportModel(text, "i.yaml")) {
    // What is imported has to be readable, whatever it was made of.
    if (const auto pipeline = Pipeline::Parse(*imported, "i.yaml", Catalogue());
        !pipeline && pipeline.error().code != casemate::ErrorCode::kTooLarge) {
      __builtin_trap();
    }
  }
  return 0;
}
