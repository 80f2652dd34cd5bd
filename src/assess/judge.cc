#include "assess/judge.h"

#include <algorithm>

namespace casemate::assess {

Judge::Judge(const RuleSet& rules, const Adversary& adversary, std::size_t label, World world)
    : adversary_(adversary),
      instrument_(rules.FindInstrument(adversary.instrument)),
      rules_(RulesOf(rules, adversary)),
      label_(label),
      costs_(rules.costs),
      world_(world) {}

std::vector<Asker> Judge::Askers(const Pipeline& pipeline, bool& yours) const {
  Asker asker{.instrument = instrument_};
  const auto you = static_cast<std::int32_t>(pipeline.you());
  if (adversary_.actors == Adversary::Actors::kNone) {
    return {asker};
  }
  if (adversary_.actors == Adversary::Actors::kYou) {
    asker.actor = you;
    return {asker};
  }
  const std::size_t operator_field = RequireField(Kind::kProcessor, "operator");
  const std::size_t sees_field = RequireField(Kind::kProcessor, "sees");
  std::vector<Asker> askers;
  for (const Element& element : pipeline.elements()) {
    if (element.kind != Kind::kProcessor) {
      continue;
    }
    const Fact& sees = element.facts[sees_field];
    if (sees.known && sees.values[0] != 0) {
      continue;  // passes sealed bytes on
    }
    const Fact& runs = element.facts[operator_field];
    asker.actor = runs.known ? runs.values[0] : Asker::kSomebody;
    if (asker.actor != you &&
        std::ranges::find(askers, asker.actor, &Asker::actor) == askers.end()) {
      askers.push_back(asker);
    }
  }
  if (askers.empty()) {
    yours = true;
    asker.actor = you;
    askers.push_back(asker);
  }
  return askers;
}

Judge::Outcome Judge::Run(const Pipeline& pipeline, bool against_you,
                          const std::set<FactPlace>* excused) const {
  Outcome outcome;
  if (world_ == nullptr) {
    RunIn(pipeline, against_you, excused, outcome);
  } else {
    outcome.changed = std::make_unique<Pipeline>(world_(pipeline));
    RunIn(*outcome.changed, against_you, excused, outcome);
  }
  return outcome;
}

void Judge::RunIn(const Pipeline& pipeline, bool against_you, const std::set<FactPlace>* excused,
                  Outcome& outcome) const {
  for (const Asker& asker : Askers(pipeline, outcome.yours)) {
    outcome.reaches.push_back(
        std::make_unique<Reach>(pipeline, rules_, asker, against_you, excused));
    const Reach& reach = *outcome.reaches.back();
    outcome.steps += reach.steps();
    const Reach::Goal goal = reach.Cheapest(label_);
    if (goal.cost < outcome.goal.cost) {
      outcome.goal = goal;
      outcome.level = goal.level;
      outcome.cheapest = outcome.reaches.size() - 1;
    }
  }
}

Verdict VerdictOf(Level level) {
  switch (level) {
    case Level::kOrdinary:
      return Verdict::kDoesNotStop;
    case Level::kControllable:
      return Verdict::kControllable;
    case Level::kExploit:
      return Verdict::kRaisesCost;
    case Level::kNone:
      return Verdict::kStops;
  }
  return Verdict::kUnknown;
}

}  // namespace casemate::assess
