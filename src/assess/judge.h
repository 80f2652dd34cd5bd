#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "assess/reach.h"
#include "assess/result.h"

namespace casemate::assess {

// One adversary against a pipeline, over all actors that it can be.
class Judge {
 public:
  // `world`: what becomes of a pipeline before this adversary looks at it; nullptr: nothing.
  Judge(const RuleSet& rules, const Adversary& adversary, std::size_t label, World world = nullptr);

  struct Outcome {
    Level level = Level::kNone;
    bool yours = false;  // the only actor is you, although the row is about others
    std::vector<std::unique_ptr<Reach>> reaches;  // one per actor
    std::size_t cheapest = 0;                     // place in reaches
    Reach::Goal goal;
    std::uint64_t steps = 0;
    std::unique_ptr<Pipeline> changed;  // by the world, where there is one

    const Reach& reach() const { return *reaches[cheapest]; }
    // How good it is for you; a party that is you stops all others.
    int Rank() const { return yours ? static_cast<int>(Level::kNone) : static_cast<int>(level); }
  };
  // `pipeline` must live as long as the outcome. `against_you`: missing facts are taken so.
  // `excused`: as Reach has it; must live as long as the outcome too.
  Outcome Run(const Pipeline& pipeline, bool against_you,
              const std::set<FactPlace>* excused = nullptr) const;

  const Adversary& adversary() const { return adversary_; }
  const Instrument* instrument() const { return instrument_; }
  const std::vector<const Rule*>& rules() const { return rules_; }
  std::size_t label() const { return label_; }
  const ChangeCosts& costs() const { return costs_; }

 private:
  void RunIn(const Pipeline& pipeline, bool against_you, const std::set<FactPlace>* excused,
             Outcome& outcome) const;
  std::vector<Asker> Askers(const Pipeline& pipeline, bool& yours) const;

  const Adversary& adversary_;
  const Instrument* instrument_;
  std::vector<const Rule*> rules_;
  std::size_t label_;
  const ChangeCosts& costs_;
  World world_;
};

Verdict VerdictOf(Level level);

}  // namespace casemate::assess
