#include "assess/condition.h"

#include <algorithm>

namespace casemate::assess {
namespace {

Truth Not(Truth truth) {
  return static_cast<Truth>(static_cast<unsigned char>(Truth::kTrue) -
                            static_cast<unsigned char>(truth));
}

bool Matches(std::int32_t value, std::int32_t wanted, const Pipeline& pipeline,
             const Asker& asker) {
  switch (wanted) {
    case Condition::kYou:
      return value == static_cast<std::int32_t>(pipeline.you());
    case Condition::kActor:
      return value == asker.actor;
    default:
      return value == wanted;
  }
}

// Of one value at the end of a path.
bool TestValue(const Pipeline& pipeline, const Condition& condition, std::int32_t value,
               const Asker& asker) {
  if (condition.test == Condition::Test::kWithinReach) {
    return asker.instrument != nullptr && std::ranges::find(asker.instrument->countries, value) !=
                                              asker.instrument->countries.end();
  }
  if (condition.test == Condition::Test::kOver) {
    return value > condition.values[0];
  }
  if (condition.test == Condition::Test::kBeyondHorizon) {
    return std::stoi(pipeline.date().substr(0, 4)) + value > condition.values[0];
  }
  return std::ranges::any_of(condition.values, [&](std::int32_t wanted) {
    return Matches(value, wanted, pipeline, asker);
  });
}

// Of the element at `step` of the path on; true as soon as one way is.
Truth TestFrom(const Pipeline& pipeline, const Condition& condition, std::size_t step,
               std::size_t element, const Asker& asker) {
  const std::vector<std::array<std::int16_t, kKinds>>& steps = condition.path.steps;
  const std::int16_t field = steps[step][static_cast<std::size_t>(pipeline.element(element).kind)];
  const bool last = step + 1 == steps.size();
  if (field == kSelf) {
    return last ? (TestValue(pipeline, condition, static_cast<std::int32_t>(element), asker)
                       ? Truth::kTrue
                       : Truth::kFalse)
                : TestFrom(pipeline, condition, step + 1, element, asker);
  }
  if (field < 0) {
    return Truth::kFalse;
  }
  const Fact& fact = pipeline.fact(element, static_cast<std::size_t>(field));
  if (last && condition.test == Condition::Test::kMeasured) {
    return fact.known && fact.evidence.confidence >= Confidence::kAttested ? Truth::kTrue
                                                                           : Truth::kFalse;
  }
  if (!fact.known) {
    return Truth::kUnknown;
  }
  Truth best = Truth::kFalse;
  for (const std::int32_t value : fact.values) {
    if (last || value == Fact::kNone) {
      best = std::max(best,
                      TestValue(pipeline, condition, value, asker) ? Truth::kTrue : Truth::kFalse);
    } else {
      best = std::max(
          best, TestFrom(pipeline, condition, step + 1, static_cast<std::size_t>(value), asker));
    }
  }
  return best;
}

}  // namespace

Truth Test(const Pipeline& pipeline, const Condition& condition, std::size_t element,
           const Asker& asker) {
  const Truth truth = TestFrom(pipeline, condition, 0, element, asker);
  return condition.negated ? Not(truth) : truth;
}

Truth Test(const Pipeline& pipeline, const AnyOf& any, std::size_t element, const Asker& asker) {
  Truth best = Truth::kFalse;
  for (const Condition& condition : any) {
    best = std::max(best, Test(pipeline, condition, element, asker));
  }
  return best;
}

void FactsOf(const Pipeline& pipeline, const Path& path, std::size_t element,
             std::vector<FactPlace>& facts) {
  std::vector<std::size_t> here = {element};
  for (const auto& step : path.steps) {
    std::vector<std::size_t> next;
    for (const std::size_t at : here) {
      const std::int16_t field = step[static_cast<std::size_t>(pipeline.element(at).kind)];
      if (field == kSelf) {
        next.push_back(at);
        continue;
      }
      if (field < 0) {
        continue;
      }
      const FactPlace place{.element = at, .field = static_cast<std::size_t>(field)};
      if (std::ranges::find(facts, place) == facts.end()) {
        facts.push_back(place);
      }
      const Fact& fact = pipeline.fact(at, place.field);
      const FieldType type = InfoOf(pipeline.element(at).kind).fields[place.field].type;
      if (fact.known && (type == FieldType::kReference || type == FieldType::kReferences)) {
        for (const std::int32_t value : fact.values) {
          if (value >= 0) {
            next.push_back(static_cast<std::size_t>(value));
          }
        }
      }
    }
    here = std::move(next);
  }
}

Targets Follow(const Pipeline& pipeline, const Path& path, std::size_t element) {
  Targets targets{.elements = {element}};
  for (const auto& step : path.steps) {
    std::vector<std::size_t> next;
    for (const std::size_t at : targets.elements) {
      const std::int16_t field = step[static_cast<std::size_t>(pipeline.element(at).kind)];
      if (field == kSelf) {
        next.push_back(at);
        continue;
      }
      if (field < 0) {
        continue;
      }
      const Fact& fact = pipeline.fact(at, static_cast<std::size_t>(field));
      targets.unknown = targets.unknown || !fact.known;
      for (const std::int32_t value : fact.known ? fact.values : std::vector<std::int32_t>()) {
        if (value >= 0) {
          next.push_back(static_cast<std::size_t>(value));
        }
      }
    }
    targets.elements = std::move(next);
  }
  return targets;
}

}  // namespace casemate::assess
