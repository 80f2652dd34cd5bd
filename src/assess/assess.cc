#include <algorithm>
#include <map>
#include <set>

#include "assess/counterfactual.h"
#include "assess/judge.h"
#include "assess/result.h"
#include "assess/window.h"

namespace casemate::assess {
namespace {

constexpr std::size_t kMaxReached = 20;
constexpr std::size_t kMaxRounds = 64;
constexpr std::int64_t kStaleDays = 180;

ChainFact ShowFact(const Pipeline& pipeline, const FactPlace& place) {
  const Element& element = pipeline.element(place.element);
  const Fact& fact = element.facts[place.field];
  return {.element = element.id,
          .field = std::string(InfoOf(element.kind).fields[place.field].name),
          .value = pipeline.ValueText(place.element, place.field),
          .evidence = fact.evidence,
          .place = fact.place};
}

// One cell, step by step.
class CellMaker {
 public:
  CellMaker(const Pipeline& pipeline, const RuleSet& rules, const Adversary& adversary,
            const AssessOptions& options, const Pipeline* before = nullptr, World world = nullptr)
      : pipeline_(pipeline),
        before_(before == nullptr ? pipeline : *before),
        world_(world),
        rules_(rules),
        options_(options),
        judge_(rules, adversary, options.label) {}

  Cell Make() {
    const Judge::Outcome worst = judge_.Run(pipeline_, true);
    const Judge::Outcome best = judge_.Run(pipeline_, false);
    steps_ = worst.steps + best.steps;
    cell_.id = judge_.adversary().id + "@" + pipeline_.name();
    cell_.adversary = &judge_.adversary();
    cell_.worst = VerdictOf(worst.level);
    cell_.best = VerdictOf(best.level);
    cell_.derived = worst.level == best.level ? cell_.worst : Verdict::kUnknown;
    cell_.verdict = worst.yours ? Verdict::kNotApplicable : cell_.derived;
    if (worst.goal.element != Reach::kNoElement) {
      AddChain(worst.reach(), Form::kPlaintext, worst.goal.element);
      AddReached(worst);
    }
    if (cell_.derived != Verdict::kDoesNotStop && cell_.derived != Verdict::kUnknown) {
      AddBlocked(worst);
    }
    if (cell_.derived == Verdict::kUnknown) {
      cell_.notes.clear();  // they would be about a path that may not be there
      AddMissing(best.level);
    }
    AddNotes();
    if (options_.counterfactuals) {
      Search(worst);
    }
    return std::move(cell_);
  }

  std::uint64_t steps() const { return steps_; }

 private:
  void Weigh(const ChainFact& fact) {
    if (fact.evidence.confidence < cell_.confidence ||
        (!cell_.weakest && fact.evidence.confidence == cell_.confidence)) {
      cell_.confidence = fact.evidence.confidence;
      cell_.weakest = fact;
    }
  }

  // Premises first. Returns the place of the step in the chain.
  std::size_t AddChain(const Reach& reach, Form form, std::size_t element) {
    const auto key = std::pair(form, element);
    if (const auto known = in_chain_.find(key); known != in_chain_.end()) {
      return known->second;
    }
    const Reach::Application& how = *reach.How(form, element);
    ChainStep step{.id = how.rule->id + "@" + pipeline_.element(element).id,
                   .rule = how.rule,
                   .element = pipeline_.element(element).id};
    for (std::size_t i = 0; i < how.premises.size(); ++i) {
      if (how.premises[i] != Reach::kNoElement) {
        step.from.push_back(AddChain(reach, how.rule->needs[i].form, how.premises[i]));
        AddAttacks(reach, how.rule->needs[i], element);
      }
    }
    for (const FactPlace& place : reach.FactsOf(how)) {
      step.facts.push_back(ShowFact(pipeline_, place));
      chain_facts_.push_back(place);
      const ChainFact& fact = step.facts.back();
      Weigh(fact);
    }
    cell_.chain.push_back(std::move(step));
    in_chain_.emplace(key, cell_.chain.size() - 1);
    return cell_.chain.size() - 1;
  }

  // One attack stands in the chain; all that remain open stand beside it.
  void AddAttacks(const Reach& reach, const Premise& premise, std::size_t element) {
    if (premise.form != Form::kAttack) {
      return;
    }
    const std::size_t coverage = RequireField(Kind::kAttack, "coverage");
    for (const std::size_t attack : Follow(pipeline_, premise.path, element).elements) {
      if (reach.LevelOf(Form::kAttack, attack) != Level::kNone) {
        cell_.attacks.push_back(ShowFact(pipeline_, {.element = attack, .field = coverage}));
      }
    }
  }

  // The missing facts that decide: those of the cheapest path, then, were they known and for you,
  // of the next, until only the best verdict is left.
  void AddMissing(Level best) {
    std::set<FactPlace> excused;
    for (std::size_t round = 0; round < kMaxRounds; ++round) {
      const Judge::Outcome outcome = judge_.Run(pipeline_, true, &excused);
      steps_ += outcome.steps;
      if (outcome.level >= best) {
        return;
      }
      std::set<FactPlace> more = excused;  // the outcome still asks the old set
      AddMissingOf(outcome.reach(), Form::kPlaintext, outcome.goal.element, more);
      if (more.size() == excused.size()) {
        return;
      }
      excused = std::move(more);
    }
  }

  void AddMissingOf(const Reach& reach, Form form, std::size_t element,
                    std::set<FactPlace>& excused) {
    const Reach::Application& how = *reach.How(form, element);
    for (std::size_t i = 0; i < how.premises.size(); ++i) {
      if (how.premises[i] != Reach::kNoElement) {
        AddMissingOf(reach, how.rule->needs[i].form, how.premises[i], excused);
      }
    }
    for (const FactPlace& place : reach.FactsOf(how)) {
      if (!pipeline_.fact(place.element, place.field).known && excused.insert(place).second) {
        cell_.missing.push_back(ShowFact(pipeline_, place));
      }
    }
  }

  // Everything that is had so cheaply, and the words that rules have for the ways to it; apart,
  // what may be had, if a missing fact is against you.
  void AddReached(const Judge::Outcome& outcome) {
    std::set<std::string> done;
    for (const bool may : {false, true}) {
      for (const auto& reach : outcome.reaches) {
        for (const std::size_t goal : reach->At(outcome.level, options_.label)) {
          const std::string& id = pipeline_.element(goal).id;
          if (reach->HangsOnMissing(Form::kPlaintext, goal) == may && done.insert(id).second) {
            AddReachedGoal(*reach, goal, may);
          }
        }
      }
    }
  }

  void AddReachedGoal(const Reach& reach, std::size_t goal, bool may) {
    const std::string& id = pipeline_.element(goal).id;
    // Of an unknown verdict all of it may be.
    if (may && cell_.derived != Verdict::kUnknown) {
      if (cell_.may_reach.size() < kMaxReached) {
        cell_.may_reach.push_back(id);
        CollectNotes(reach, Form::kPlaintext, goal, cell_.may_notes);
      }
      return;
    }
    ++cell_.reached_count;
    if (cell_.reached.size() < kMaxReached) {
      cell_.reached.push_back(id);
      CollectNotes(reach, Form::kPlaintext, goal, cell_.notes);
    }
  }

  void CollectNotes(const Reach& reach, Form form, std::size_t element,
                    std::vector<Texts>& notes) const {
    const Reach::Application& how = *reach.How(form, element);
    for (std::size_t i = 0; i < how.premises.size(); ++i) {
      if (how.premises[i] != Reach::kNoElement) {
        CollectNotes(reach, how.rule->needs[i].form, how.premises[i], notes);
      }
    }
    if (std::ranges::find(cell_.notes, how.rule->note.en, &Texts::en) == cell_.notes.end()) {
      AddNote(how.rule->note, notes);
    }
  }

  static void AddNote(const Texts& note, std::vector<Texts>& notes) {
    if (!note.en.empty() && std::ranges::find(notes, note.en, &Texts::en) == notes.end()) {
      notes.push_back(note);
    }
  }

  void AddNotes() {
    if (cell_.verdict == Verdict::kNotApplicable) {
      cell_.notes.clear();  // they are about the verdict behind it
      cell_.may_notes.clear();
    }
    for (const NoteRule& note : rules_.notes) {
      if (note.adversary == cell_.adversary->id && note.verdict == VerdictName(cell_.verdict) &&
          Holds(note)) {
        AddNote(note.text, cell_.notes);
      }
    }
  }

  bool Holds(const NoteRule& note) const {
    const Asker asker{.instrument = judge_.instrument()};
    const auto holds = [&](std::size_t element) {
      return std::ranges::all_of(note.when, [&](const AnyOf& any) {
        return Test(pipeline_, any, element, asker) == Truth::kTrue;
      });
    };
    bool all = true;
    bool some = false;
    for (std::size_t i = 0; i < pipeline_.elements().size(); ++i) {
      if (pipeline_.element(i).kind == note.of) {
        const bool here = holds(i);
        all = all && here;
        some = some || here;
      }
    }
    return some && (all || !note.every);
  }

  // Ways that would be cheaper than what is left, and what is against each.
  void AddBlocked(const Judge::Outcome& outcome) {
    for (const auto& reach : outcome.reaches) {
      for (const Rule* rule : judge_.rules()) {
        if (static_cast<unsigned>(rule->step == Step::kOrdinary ? Level::kOrdinary
                                  : rule->step == Step::kControllable
                                      ? Level::kControllable
                                      : Level::kExploit) >= static_cast<unsigned>(outcome.level)) {
          continue;
        }
        for (std::size_t i = 0; i < pipeline_.elements().size(); ++i) {
          // What is had by another way needs no second one.
          if (pipeline_.element(i).kind == rule->of &&
              reach->LevelOf(rule->gives, i) >= outcome.level) {
            AddBlockedWay(*reach, *rule, i);
          }
        }
      }
    }
  }

  void AddBlockedWay(const Reach& reach, const Rule& rule, std::size_t element) {
    BlockedWay way{
        .rule = &rule, .element = pipeline_.element(element).id, .facts = {}, .lacks = {}};
    std::optional<ChainFact> strongest;
    for (const AnyOf& any : rule.when) {
      if (Test(pipeline_, any, element, reach.asker()) != Truth::kFalse) {
        continue;
      }
      std::vector<FactPlace> places;
      for (const Condition& condition : any) {
        assess::FactsOf(pipeline_, condition.path, element, places);
      }
      std::optional<ChainFact> weakest;
      for (const FactPlace& place : places) {
        blocking_.push_back(place);
        ChainFact fact = ShowFact(pipeline_, place);
        if (!weakest || fact.evidence.confidence < weakest->evidence.confidence) {
          weakest = fact;
        }
        way.facts.push_back(std::move(fact));
      }
      if (weakest &&
          (!strongest || weakest->evidence.confidence > strongest->evidence.confidence)) {
        strongest = weakest;
      }
    }
    if (way.facts.empty()) {
      if (rule.wields.empty()) {
        return;
      }
      for (const Premise& premise : rule.needs) {
        const Targets targets = Follow(pipeline_, premise.path, element);
        if (std::ranges::none_of(targets.elements, [&](std::size_t target) {
              return reach.LevelOf(premise.form, target) != Level::kNone;
            })) {
          way.lacks = premise.text;
          assess::FactsOf(pipeline_, premise.path, element, blocking_);
          break;
        }
      }
      if (way.lacks.empty()) {
        return;
      }
    } else {
      Weigh(*strongest);
    }
    cell_.blocked.push_back(std::move(way));
  }

  void Search(const Judge::Outcome& worst) {
    const Judge judge(rules_, judge_.adversary(), options_.label, world_);
    ChangeSearch search(judge, before_);
    if (cell_.verdict != Verdict::kStops && cell_.verdict != Verdict::kNotApplicable) {
      ChangeSearch::Found found = search.Improve();
      cell_.better = std::move(found.better);
      cell_.stops = std::move(found.stops);
    }
    if (worst.Rank() > 0 && !worst.yours) {
      std::vector<FactPlace> candidates;
      for (const std::vector<FactPlace>* places : {&blocking_, &chain_facts_}) {
        for (const FactPlace& place : *places) {
          if (std::ranges::find(candidates, place) == candidates.end()) {
            candidates.push_back(place);
          }
        }
      }
      cell_.worse = search.Weaken(candidates);
    }
    steps_ += search.steps();
  }

  const Pipeline& pipeline_;  // as the adversary finds it
  const Pipeline& before_;    // as it is described; the same without a world
  World world_;
  const RuleSet& rules_;
  const AssessOptions& options_;
  Judge judge_;
  Cell cell_;
  std::map<std::pair<Form, std::size_t>, std::size_t> in_chain_;
  std::vector<FactPlace> chain_facts_;
  std::vector<FactPlace> blocking_;
  std::uint64_t steps_ = 0;
};

std::vector<StaleFact> StaleOf(const Pipeline& pipeline, const std::string& today) {
  std::vector<StaleFact> stale;
  for (std::size_t i = 0; i < pipeline.elements().size(); ++i) {
    const Element& element = pipeline.element(i);
    for (std::size_t field = 0; field < element.facts.size(); ++field) {
      const Fact& fact = element.facts[field];
      if (!fact.known || !IsDate(fact.evidence.date)) {
        continue;
      }
      const std::int64_t days = DayOf(today) - DayOf(fact.evidence.date);
      if (days > kStaleDays) {
        stale.push_back({.fact = ShowFact(pipeline, {.element = i, .field = field}), .days = days});
      }
    }
  }
  return stale;
}

}  // namespace

const Cell* Assessment::Find(std::string_view adversary) const {
  const auto found = std::ranges::find_if(
      cells, [&](const Cell& cell) { return cell.adversary->id == adversary; });
  return found == cells.end() ? nullptr : &*found;
}

Cell AssessIn(World world, const Pipeline& pipeline, const RuleSet& rules,
              const Adversary& adversary, const AssessOptions& options) {
  const Pipeline changed = world(pipeline);
  return CellMaker(changed, rules, adversary, options, &pipeline, world).Make();
}

Assessment Assess(const Pipeline& pipeline, const RuleSet& rules, const AssessOptions& options) {
  Assessment assessment{.name = pipeline.name(),
                        .title = pipeline.title(),
                        .date = pipeline.date(),
                        .today = options.today,
                        .label = pipeline.labels()[options.label],
                        .cells = {},
                        .window = WindowOf(pipeline),
                        .stale = StaleOf(pipeline, options.today)};
  for (const Adversary& adversary : rules.adversaries) {
    if (options.reference_only && !adversary.reference) {
      continue;
    }
    CellMaker maker(pipeline, rules, adversary, options);
    assessment.cells.push_back(maker.Make());
    assessment.steps += maker.steps();
  }
  return assessment;
}

}  // namespace casemate::assess
