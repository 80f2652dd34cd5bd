#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "assess/condition.h"
#include "assess/pipeline.h"
#include "assess/rule.h"

namespace casemate::assess {

// How cheap a path is: the class of its dearest step.
enum class Level : unsigned char { kOrdinary, kControllable, kExploit, kNone };

// The rules that can matter to an adversary: those that it can use, and of them those that lead on
// to plaintext.
std::vector<const Rule*> RulesOf(const RuleSet& rules, const Adversary& adversary);

// What one adversary (as one actor) comes to have, by the cheapest way to each, and of equally
// cheap ways the one that is best known. Missing facts are taken against you, or for you.
//
// The rules are Horn clauses with costs that never fall along a path, so one pass in the order of
// cost finds all cheapest ways (Knuth, A generalization of Dijkstra's algorithm, 1977).
class Reach {
 public:
  // `excused`: missing facts that are taken for you all the same; may be nullptr, else it outlives
  // this object.
  Reach(const Pipeline& pipeline, const std::vector<const Rule*>& rules, const Asker& asker,
        bool against_you, const std::set<FactPlace>* excused);

  // The cheapest plaintext at or above a label; element kNoElement where there is none.
  struct Goal {
    std::size_t element = kNoElement;
    Level level = Level::kNone;
    std::uint32_t cost = kNever;
  };
  static constexpr std::size_t kNoElement = static_cast<std::size_t>(-1);
  Goal Cheapest(std::size_t label) const;
  // All plaintext at or above a label at that level, by element.
  std::vector<std::size_t> At(Level level, std::size_t label) const;
  Level LevelOf(Form form, std::size_t element) const;
  // Whether the best known of the cheapest ways rests on a missing fact.
  bool HangsOnMissing(Form form, std::size_t element) const;

  // The application of a rule that gives an atom at its least cost.
  struct Application {
    const Rule* rule = nullptr;
    std::size_t element = 0;
    // Per premise the element that it holds of; kNoElement: a reference is missing.
    std::vector<std::size_t> premises;
  };
  // nullptr when it is not reached. Valid as long as this object.
  const Application* How(Form form, std::size_t element) const;
  // The facts that an application read; those that hold, where one of several is enough.
  std::vector<FactPlace> FactsOf(const Application& application) const;

  std::uint64_t steps() const { return steps_; }  // rule instances looked at
  const Asker& asker() const { return asker_; }
  const Pipeline& pipeline() const { return pipeline_; }

 private:
  static constexpr std::uint32_t kNever = 0xFFFFFFFF;
  struct Instance {
    Application application;
    std::uint32_t cost = 0;  // of its own step and facts, then of its dearest premise too
    std::uint32_t open = 0;  // premises not reached yet
  };

  std::size_t Atom(Form form, std::size_t element) const {
    return static_cast<std::size_t>(form) * pipeline_.elements().size() + element;
  }
  bool HasExcused(const Path& path, std::size_t element) const;
  Truth TestOf(const Condition& condition, std::size_t element) const;
  void Collect(const std::vector<const Rule*>& rules);
  void CollectOf(const Rule& rule, std::size_t element);
  void Run();

  const Pipeline& pipeline_;
  Asker asker_;
  bool against_you_;
  const std::set<FactPlace>* excused_;
  std::vector<Instance> instances_;
  std::vector<std::vector<std::uint32_t>> waiting_;  // per atom
  std::vector<std::uint32_t> costs_;                 // per atom
  std::vector<std::uint32_t> how_;                   // per atom: instance
  std::uint64_t steps_ = 0;
};

}  // namespace casemate::assess
