#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "assess/judge.h"
#include "assess/result.h"

namespace casemate::assess {

// A description to ask "what if" of: the pipeline with a few elements that you could add.
struct WhatIf {
  Pipeline pipeline;
  std::size_t own_tee;       // verified by you, with code that you sign
  std::size_t own_key;       // held by you, beside no data, released to nobody
  std::size_t within_reach;  // a party that an order reaches, or just another one
};
WhatIf PrepareWhatIf(const Pipeline& pipeline, const Instrument* instrument);

// Looks for the cheapest sets of changes to facts that somebody can change which give a better
// verdict, and which stop the adversary; what a change costs stands in RuleSet::costs. A path is
// broken only by changing a fact that it used, so the search branches over the facts of the
// cheapest path that is left (cheapest set first, so that the first that helps is cheapest), and
// where that takes too long changes whole groups of facts that paths share. `steps` counts and
// bounds the work.
class ChangeSearch {
 public:
  ChangeSearch(const Judge& judge, const Pipeline& pipeline);

  struct Found {
    std::optional<Counterfactual> better;
    std::optional<Counterfactual> stops;  // only where it differs from better
  };
  Found Improve();
  // Single facts whose change makes the verdict worse; of `candidates`.
  std::vector<Counterfactual> Weaken(const std::vector<FactPlace>& candidates);

  std::uint64_t steps() const { return steps_; }

 private:
  struct Edit {
    FactPlace place;
    std::int32_t value;
    auto operator<=>(const Edit&) const = default;
  };
  using Edits = std::vector<Edit>;

  Judge::Outcome Try(const Edits& edits);
  std::vector<Edit> Branches(const Judge::Outcome& outcome);
  std::vector<std::int32_t> Values(const FactPlace& place, bool for_better) const;
  Fact FactWith(const Edit& edit) const;
  void Apply(const Edits& edits, std::vector<std::pair<FactPlace, Fact>>& undo);
  void Undo(std::vector<std::pair<FactPlace, Fact>>& undo);
  Counterfactual Describe(const Edits& edits, const Judge::Outcome& outcome, bool all) const;
  std::optional<Counterfactual> Sweep(int from_rank);
  Edits WholeGroup(const Judge::Outcome& outcome, const Edit& edit) const;
  int CostOf(const Edits& edits) const;

  const Judge& judge_;
  const Pipeline& before_;
  WhatIf what_if_;
  std::uint64_t steps_ = 0;
};

}  // namespace casemate::assess
