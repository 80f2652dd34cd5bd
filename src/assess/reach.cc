#include "assess/reach.h"

#include <algorithm>
#include <array>
#include <queue>
#include <set>

namespace casemate::assess {
namespace {

// Level, then how little is known, then how long.
constexpr std::uint32_t kPerLevel = 100'000;
constexpr std::uint32_t kPerConfidence = 10'000;
constexpr std::uint32_t kMaxLength = 9'999;
constexpr std::size_t kMaxCombinations = 256;  // of premises with several targets

std::uint32_t CostOf(Step step, Confidence confidence) {
  const auto level = static_cast<std::uint32_t>(
      step == Step::kOrdinary
          ? Level::kOrdinary
          : (step == Step::kControllable ? Level::kControllable : Level::kExploit));
  const auto doubt =
      static_cast<std::uint32_t>(Confidence::kMeasured) - static_cast<std::uint32_t>(confidence);
  return level * kPerLevel + doubt * kPerConfidence;
}

// Both together: the dearer level, the greater doubt, the longer way.
std::uint32_t Worse(std::uint32_t a, std::uint32_t b) {
  const std::uint32_t level = std::max(a / kPerLevel, b / kPerLevel);
  const std::uint32_t doubt =
      std::max(a % kPerLevel / kPerConfidence, b % kPerLevel / kPerConfidence);
  const std::uint32_t length = std::max(a % kPerConfidence, b % kPerConfidence);
  return level * kPerLevel + doubt * kPerConfidence + length;
}

std::uint32_t Longer(std::uint32_t cost) {
  return cost % kPerConfidence < kMaxLength ? cost + 1 : cost;
}

}  // namespace

std::vector<const Rule*> RulesOf(const RuleSet& rules, const Adversary& adversary) {
  const auto can_use = [&](const Rule& rule) {
    return rule.wields.empty() ||
           std::ranges::find(adversary.wields, rule.wields) != adversary.wields.end();
  };
  // Forms that can be had at all, then of those the ones that lead on to plaintext.
  std::array<bool, kForms> can_be_had{};
  const auto can_fire = [&](const Rule& rule) {
    return can_use(rule) && std::ranges::all_of(rule.needs, [&](const Premise& premise) {
             return can_be_had[static_cast<std::size_t>(premise.form)];
           });
  };
  std::array<bool, kForms> leads_on{};
  leads_on[static_cast<std::size_t>(Form::kPlaintext)] = true;
  for (bool changed = true; changed;) {
    changed = false;
    for (const Rule& rule : rules.rules) {
      bool& had = can_be_had[static_cast<std::size_t>(rule.gives)];
      if (!had && can_fire(rule)) {
        had = changed = true;
      }
    }
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (const Rule& rule : rules.rules) {
      if (!can_fire(rule) || !leads_on[static_cast<std::size_t>(rule.gives)]) {
        continue;
      }
      for (const Premise& premise : rule.needs) {
        bool& known = leads_on[static_cast<std::size_t>(premise.form)];
        changed = changed || !known;
        known = true;
      }
    }
  }
  std::vector<const Rule*> found;
  for (const Rule& rule : rules.rules) {
    if (can_fire(rule) && leads_on[static_cast<std::size_t>(rule.gives)]) {
      found.push_back(&rule);
    }
  }
  return found;
}

Reach::Reach(const Pipeline& pipeline, const std::vector<const Rule*>& rules, const Asker& asker,
             bool against_you, const std::set<FactPlace>* excused)
    : pipeline_(pipeline), asker_(asker), against_you_(against_you), excused_(excused) {
  const std::size_t atoms = kForms * pipeline.elements().size();
  waiting_.resize(atoms);
  costs_.assign(atoms, kNever);
  how_.assign(atoms, 0);
  Collect(rules);
  Run();
}

// Whether a missing fact on the path is excused.
bool Reach::HasExcused(const Path& path, std::size_t element) const {
  if (excused_ == nullptr || excused_->empty()) {
    return false;
  }
  std::vector<FactPlace> facts;
  assess::FactsOf(pipeline_, path, element, facts);
  return std::ranges::any_of(facts, [&](const FactPlace& place) {
    return !pipeline_.fact(place.element, place.field).known && excused_->contains(place);
  });
}

Truth Reach::TestOf(const Condition& condition, std::size_t element) const {
  const Truth truth = Test(pipeline_, condition, element, asker_);
  return truth == Truth::kUnknown && HasExcused(condition.path, element) ? Truth::kFalse : truth;
}

void Reach::Collect(const std::vector<const Rule*>& rules) {
  std::array<std::vector<std::size_t>, kKinds> by_kind;
  for (std::size_t i = 0; i < pipeline_.elements().size(); ++i) {
    by_kind[static_cast<std::size_t>(pipeline_.element(i).kind)].push_back(i);
  }
  for (const Rule* rule : rules) {
    for (const std::size_t element : by_kind[static_cast<std::size_t>(rule->of)]) {
      CollectOf(*rule, element);
    }
  }
}

void Reach::CollectOf(const Rule& rule, std::size_t element) {
  ++steps_;
  for (const AnyOf& any : rule.when) {
    Truth truth = Truth::kFalse;
    for (const Condition& condition : any) {
      truth = std::max(truth, TestOf(condition, element));
    }
    if (truth == Truth::kFalse || (truth == Truth::kUnknown && !against_you_)) {
      return;
    }
  }
  // One instance for each choice of what the premises hold of.
  std::vector<std::vector<std::size_t>> choices = {{}};
  for (const Premise& premise : rule.needs) {
    Targets targets = Follow(pipeline_, premise.path, element);
    if (targets.unknown && against_you_ && !HasExcused(premise.path, element)) {
      targets.elements.push_back(kNoElement);
    }
    std::vector<std::vector<std::size_t>> longer;
    for (const std::vector<std::size_t>& choice : choices) {
      for (const std::size_t target : targets.elements) {
        if (longer.size() < kMaxCombinations) {
          longer.push_back(choice);
          longer.back().push_back(target);
        }
      }
    }
    choices = std::move(longer);
  }
  for (std::vector<std::size_t>& choice : choices) {
    Instance instance{
        .application = {.rule = &rule, .element = element, .premises = std::move(choice)}};
    Confidence confidence = Confidence::kMeasured;
    for (const FactPlace& place : FactsOf(instance.application)) {
      confidence =
          std::min(confidence, pipeline_.fact(place.element, place.field).evidence.confidence);
    }
    instance.cost = CostOf(rule.step, confidence);
    const auto index = static_cast<std::uint32_t>(instances_.size());
    for (std::size_t i = 0; i < rule.needs.size(); ++i) {
      if (instance.application.premises[i] != kNoElement) {
        waiting_[Atom(rule.needs[i].form, instance.application.premises[i])].push_back(index);
        ++instance.open;
      }
    }
    instances_.push_back(std::move(instance));
  }
}

void Reach::Run() {
  // (cost, instance): equal costs in the order of rules and elements, so that runs agree.
  using Entry = std::pair<std::uint32_t, std::uint32_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    if (instances_[i].open == 0) {
      queue.emplace(instances_[i].cost, i);
    }
  }
  while (!queue.empty()) {
    const auto [cost, index] = queue.top();
    queue.pop();
    const Application& application = instances_[index].application;
    const std::size_t atom = Atom(application.rule->gives, application.element);
    if (costs_[atom] != kNever) {
      continue;
    }
    costs_[atom] = cost;
    how_[atom] = index;
    for (const std::uint32_t next : waiting_[atom]) {
      Instance& instance = instances_[next];
      instance.cost = Worse(instance.cost, Longer(cost));
      if (--instance.open == 0) {
        queue.emplace(instance.cost, next);
      }
    }
  }
}

Reach::Goal Reach::Cheapest(std::size_t label) const {
  Goal goal;
  for (std::size_t i = 0; i < pipeline_.elements().size(); ++i) {
    const std::uint32_t cost = costs_[Atom(Form::kPlaintext, i)];
    if (cost < goal.cost && pipeline_.LabelOf(i) >= label) {
      goal = {.element = i, .level = static_cast<Level>(cost / kPerLevel), .cost = cost};
    }
  }
  return goal;
}

std::vector<std::size_t> Reach::At(Level level, std::size_t label) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < pipeline_.elements().size(); ++i) {
    if (LevelOf(Form::kPlaintext, i) == level && pipeline_.LabelOf(i) >= label) {
      found.push_back(i);
    }
  }
  return found;
}

Level Reach::LevelOf(Form form, std::size_t element) const {
  const std::uint32_t cost = costs_[Atom(form, element)];
  return cost == kNever ? Level::kNone : static_cast<Level>(cost / kPerLevel);
}

bool Reach::HangsOnMissing(Form form, std::size_t element) const {
  const std::uint32_t cost = costs_[Atom(form, element)];
  return cost != kNever && cost % kPerLevel / kPerConfidence ==
                               CostOf(Step::kOrdinary, Confidence::kUnknown) / kPerConfidence;
}

const Reach::Application* Reach::How(Form form, std::size_t element) const {
  const std::size_t atom = Atom(form, element);
  return costs_[atom] == kNever ? nullptr : &instances_[how_[atom]].application;
}

std::vector<FactPlace> Reach::FactsOf(const Application& application) const {
  std::vector<FactPlace> facts;
  for (const AnyOf& any : application.rule->when) {
    const auto best = std::ranges::max_element(any, {}, [&](const Condition& condition) {
      return TestOf(condition, application.element);
    });
    assess::FactsOf(pipeline_, best->path, application.element, facts);
  }
  for (const Premise& premise : application.rule->needs) {
    assess::FactsOf(pipeline_, premise.path, application.element, facts);
  }
  return facts;
}

}  // namespace casemate::assess
