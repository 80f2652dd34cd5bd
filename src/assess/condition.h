#pragma once

#include <cstdint>
#include <vector>

#include "assess/pipeline.h"
#include "assess/rule.h"

// Conditions and paths over a pipeline, in three values: a fact that is missing makes a condition
// unknown, which is never false.
namespace casemate::assess {

enum class Truth : unsigned char { kFalse, kUnknown, kTrue };

// Who asks and who is meant.
struct Asker {
  static constexpr std::int32_t kNobody = -10;    // no actor
  static constexpr std::int32_t kSomebody = -11;  // a party that nobody names
  std::int32_t actor = kNobody;                   // index of a party
  const Instrument* instrument = nullptr;
};

struct FactPlace {
  std::size_t element = 0;
  std::size_t field = 0;
  auto operator<=>(const FactPlace&) const = default;
};

Truth Test(const Pipeline& pipeline, const Condition& condition, std::size_t element,
           const Asker& asker);
Truth Test(const Pipeline& pipeline, const AnyOf& any, std::size_t element, const Asker& asker);

// The facts that were read on the way, references included; appended to `facts`.
void FactsOf(const Pipeline& pipeline, const Path& path, std::size_t element,
             std::vector<FactPlace>& facts);

struct Targets {
  std::vector<std::size_t> elements;
  bool unknown = false;  // a reference on the way is missing
};
// What a path refers to; for an empty path the element itself.
Targets Follow(const Pipeline& pipeline, const Path& path, std::size_t element);

}  // namespace casemate::assess
