#include "assess/counterfactual.h"

#include <algorithm>
#include <queue>
#include <set>
#include <tuple>

namespace casemate::assess {
namespace {

// Bounds of one search, in rule instances looked at and in sets tried.
constexpr std::uint64_t kMaxSteps = 400'000;
constexpr std::size_t kMaxTries = 1500;
constexpr std::size_t kMaxChanges = 4;
constexpr std::size_t kMaxSweeps = 64;
constexpr std::size_t kMaxShrink = 64;

Fact Known(std::int32_t value, std::string text) {
  return {.known = true,
          .values = {value},
          .text = std::move(text),
          .evidence = {.source = "what if", .date = {}, .confidence = Confidence::kMeasured},
          .place = {}};
}

void Set(Pipeline& pipeline, std::size_t element, std::string_view field, std::int32_t value) {
  const Kind kind = pipeline.element(element).kind;
  (void)pipeline.Replace(element, RequireField(kind, field), Known(value, {}));
}

std::int32_t WordIndex(Kind kind, std::string_view field, std::string_view word) {
  const Field& info = InfoOf(kind).fields[RequireField(kind, field)];
  return static_cast<std::int32_t>(std::ranges::find(info.words, word) - info.words.begin());
}

void SetWord(Pipeline& pipeline, std::size_t element, std::string_view field,
             std::string_view word) {
  Set(pipeline, element, field, WordIndex(pipeline.element(element).kind, field, word));
}

const Field& FieldOf(const Pipeline& pipeline, const FactPlace& place) {
  return InfoOf(pipeline.element(place.element).kind).fields[place.field];
}

}  // namespace

WhatIf PrepareWhatIf(const Pipeline& pipeline, const Instrument* instrument) {
  // '+' is in no id that a file can declare.
  WhatIf what_if{.pipeline = pipeline, .own_tee = 0, .own_key = 0, .within_reach = 0};
  Pipeline& changed = what_if.pipeline;
  const auto you = static_cast<std::int32_t>(pipeline.you());
  what_if.own_tee = changed.Add(Kind::kTee, "+own-tee");
  Set(changed, what_if.own_tee, "verified_by", you);
  Set(changed, what_if.own_tee, "code_signed_by", you);
  SetWord(changed, what_if.own_tee, "debug", "off");
  SetWord(changed, what_if.own_tee, "accelerator", "inside");
  what_if.own_key = changed.Add(Kind::kKey, "+own-key");
  Set(changed, what_if.own_key, "holder", you);
  Set(changed, what_if.own_key, "released_to", Fact::kNone);
  SetWord(changed, what_if.own_key, "release", "never");
  SetWord(changed, what_if.own_key, "beside_data", "no");
  what_if.within_reach =
      changed.Add(Kind::kParty, instrument == nullptr ? "+another-party" : "+party-within-reach");
  if (instrument != nullptr && !instrument->countries.empty()) {
    Set(changed, what_if.within_reach, "seat", instrument->countries[0]);
  }
  return what_if;
}

ChangeSearch::ChangeSearch(const Judge& judge, const Pipeline& pipeline)
    : judge_(judge), before_(pipeline), what_if_(PrepareWhatIf(pipeline, judge.instrument())) {}

Judge::Outcome ChangeSearch::Try(const Edits& edits) {
  std::vector<std::pair<FactPlace, Fact>> undo;
  Apply(edits, undo);
  Judge::Outcome outcome = judge_.Run(what_if_.pipeline, true);
  steps_ += outcome.steps;
  Undo(undo);
  return outcome;
}

void ChangeSearch::Apply(const Edits& edits, std::vector<std::pair<FactPlace, Fact>>& undo) {
  for (const Edit& edit : edits) {
    undo.emplace_back(edit.place, what_if_.pipeline.Replace(edit.place.element, edit.place.field,
                                                            FactWith(edit)));
  }
}

void ChangeSearch::Undo(std::vector<std::pair<FactPlace, Fact>>& undo) {
  for (auto& [place, fact] : undo) {
    (void)what_if_.pipeline.Replace(place.element, place.field, std::move(fact));
  }
}

Fact ChangeSearch::FactWith(const Edit& edit) const { return Known(edit.value, {}); }

// What the fact could be instead.
std::vector<std::int32_t> ChangeSearch::Values(const FactPlace& place, bool for_better) const {
  const Field& field = FieldOf(what_if_.pipeline, place);
  const Fact& now = what_if_.pipeline.fact(place.element, place.field);
  std::vector<std::int32_t> values;
  const auto offer = [&](std::int32_t value) {
    const bool same = now.known && now.values.size() == 1 && now.values[0] == value;
    // The same value is an offer too where it only has to be measured.
    if (!same || (for_better && now.evidence.confidence < Confidence::kAttested)) {
      values.push_back(value);
    }
  };
  switch (field.type) {
    case FieldType::kWord:
    case FieldType::kWords:
      for (std::size_t i = 0; i < field.words.size(); ++i) {
        if (!for_better || field.offers.empty() ||
            std::ranges::find(field.offers, field.words[i]) != field.offers.end()) {
          offer(static_cast<std::int32_t>(i));
        }
      }
      break;
    case FieldType::kReference:
    case FieldType::kReferences:
      if (field.targets[0] == Kind::kParty) {
        offer(static_cast<std::int32_t>(for_better ? what_if_.pipeline.you()
                                                   : what_if_.within_reach));
      } else if (for_better && field.targets[0] == Kind::kTee) {
        offer(static_cast<std::int32_t>(what_if_.own_tee));
      } else if (for_better && field.targets[0] == Kind::kKey) {
        offer(static_cast<std::int32_t>(what_if_.own_key));
      }
      break;
    case FieldType::kCountry:
      if (!for_better && judge_.instrument() != nullptr &&
          !judge_.instrument()->countries.empty()) {
        offer(judge_.instrument()->countries[0]);
      }
      break;
    default:
      break;
  }
  if (field.none_allowed) {
    offer(Fact::kNone);
  }
  return values;
}

// The single changes that take a step out of the cheapest path.
std::vector<ChangeSearch::Edit> ChangeSearch::Branches(const Judge::Outcome& outcome) {
  const Reach& reach = outcome.reach();
  std::vector<FactPlace> places;
  std::vector<std::pair<Form, std::size_t>> todo = {{Form::kPlaintext, outcome.goal.element}};
  for (std::size_t i = 0; i < todo.size(); ++i) {
    const Reach::Application* how = reach.How(todo[i].first, todo[i].second);
    for (const FactPlace& place : reach.FactsOf(*how)) {
      if (std::ranges::find(places, place) == places.end()) {
        places.push_back(place);
      }
    }
    for (std::size_t p = 0; p < how->premises.size(); ++p) {
      if (how->premises[p] != Reach::kNoElement) {
        todo.emplace_back(how->rule->needs[p].form, how->premises[p]);
      }
    }
  }
  std::vector<Edit> edits;
  for (const FactPlace& place : places) {
    // What is assumed of an addition is not up for change; nor is what nobody decides.
    if (place.element >= before_.elements().size() ||
        FieldOf(before_, place).effort == Effort::kFixed) {
      continue;
    }
    for (const std::int32_t value : Values(place, true)) {
      edits.push_back({.place = place, .value = value});
    }
  }
  std::ranges::stable_sort(edits, {}, [&](const Edit& edit) { return CostOf({edit}); });
  return edits;
}

int ChangeSearch::CostOf(const Edits& edits) const {
  int cost = 0;
  for (const Edit& edit : edits) {
    cost += judge_.costs().Of(before_.element(edit.place.element).kind, edit.place.field);
  }
  return cost;
}

ChangeSearch::Found ChangeSearch::Improve() {
  struct Open {
    int cost = 0;
    std::size_t number = 0;  // in the order of finding, so that runs agree
    Edits edits;
    bool operator>(const Open& other) const {
      return std::tuple(cost, edits.size(), number) >
             std::tuple(other.cost, other.edits.size(), other.number);
    }
  };
  Found found;
  std::priority_queue<Open, std::vector<Open>, std::greater<>> open;
  open.push({});
  std::set<Edits> seen;
  const int best = static_cast<int>(Level::kNone);
  int rank = best;
  int better_cost = 0;
  int better_rank = 0;
  for (std::size_t tries = 0; !open.empty(); ++tries) {
    const Open here = open.top();
    open.pop();
    // Of equally cheap sets the one that does more is shown.
    if (found.stops && here.cost > better_cost) {
      break;
    }
    if (tries > kMaxTries || steps_ > kMaxSteps) {
      break;
    }
    std::vector<std::pair<FactPlace, Fact>> undo;
    Apply(here.edits, undo);
    const Judge::Outcome outcome = judge_.Run(what_if_.pipeline, true);
    steps_ += outcome.steps;
    const int now = outcome.Rank();
    std::vector<Edit> branches;
    if (outcome.goal.element != Reach::kNoElement && here.edits.size() < kMaxChanges) {
      branches = Branches(outcome);
    }
    Undo(undo);
    if (here.edits.empty()) {
      rank = now;
    }
    if (now > rank && (!found.better || (here.cost == better_cost && now > better_rank))) {
      found.better = Describe(here.edits, outcome, true);
      better_cost = here.cost;
      better_rank = now;
    }
    if (now == best && now > rank && !found.stops) {
      found.stops = Describe(here.edits, outcome, true);
      continue;
    }
    for (const Edit& edit : branches) {
      Edits longer = here.edits;
      if (std::ranges::find(longer, edit.place, &Edit::place) != longer.end()) {
        continue;
      }
      longer.insert(std::ranges::upper_bound(longer, edit), edit);
      if (seen.insert(longer).second) {
        open.push({.cost = CostOf(longer), .number = seen.size(), .edits = std::move(longer)});
      }
    }
  }
  if (!found.better) {
    found.better = Sweep(rank);
  }
  if (better_rank == best) {
    found.stops.reset();
  }
  return found;
}

// All facts like `edit`'s that the same rule uses in the way of another goal of this level.
ChangeSearch::Edits ChangeSearch::WholeGroup(const Judge::Outcome& outcome,
                                             const Edit& edit) const {
  const Pipeline& pipeline = what_if_.pipeline;
  const Kind kind = pipeline.element(edit.place.element).kind;
  const Fact& now = pipeline.fact(edit.place.element, edit.place.field);
  Edits group;
  for (std::size_t i = 0; i < before_.elements().size(); ++i) {
    if (pipeline.element(i).kind != kind ||
        outcome.reach().LevelOf(Form::kPlaintext, i) != outcome.level) {
      continue;
    }
    const Fact& other = pipeline.fact(i, edit.place.field);
    if (other.known == now.known && other.values == now.values) {
      group.push_back({.place = {.element = i, .field = edit.place.field}, .value = edit.value});
    }
  }
  return group;
}

std::optional<Counterfactual> ChangeSearch::Sweep(int from_rank) {
  Edits edits;
  for (std::size_t sweep = 0; sweep < kMaxSweeps && steps_ < 2 * kMaxSteps; ++sweep) {
    std::vector<std::pair<FactPlace, Fact>> undo;
    Apply(edits, undo);
    const Judge::Outcome here = judge_.Run(what_if_.pipeline, true);
    steps_ += here.steps;
    Edits best;
    std::size_t fewest = here.reach().At(here.level, judge_.label()).size();
    for (const Edit& edit : Branches(here)) {
      if (std::ranges::find(edits, edit.place, &Edit::place) != edits.end()) {
        continue;
      }
      Edits group = WholeGroup(here, edit);
      if (group.empty()) {
        group = {edit};
      }
      std::vector<std::pair<FactPlace, Fact>> undo_group;
      Apply(group, undo_group);
      const Judge::Outcome after = judge_.Run(what_if_.pipeline, true);
      steps_ += after.steps;
      const std::size_t left =
          after.Rank() > here.Rank() ? 0 : after.reach().At(here.level, judge_.label()).size();
      Undo(undo_group);
      if (left < fewest) {
        fewest = left;
        best = std::move(group);
      }
    }
    Undo(undo);
    if (best.empty()) {
      return std::nullopt;
    }
    edits.insert(edits.end(), best.begin(), best.end());
    Judge::Outcome outcome = Try(edits);
    if (outcome.Rank() <= from_rank) {
      continue;
    }
    for (std::size_t i = 0; edits.size() <= kMaxShrink && i < edits.size();) {
      Edits fewer = edits;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      Judge::Outcome without = Try(fewer);
      if (without.Rank() > from_rank) {
        edits = std::move(fewer);
        outcome = std::move(without);
      } else {
        ++i;
      }
    }
    return Describe(edits, outcome, false);
  }
  return std::nullopt;
}

std::vector<Counterfactual> ChangeSearch::Weaken(const std::vector<FactPlace>& candidates) {
  std::vector<Counterfactual> found;
  const int rank = Try({}).Rank();
  for (const FactPlace& place : candidates) {
    if (FieldOf(before_, place).targets.size() > 1) {
      continue;  // where a hop begins and ends is what it is
    }
    for (const std::int32_t value : Values(place, false)) {
      if (steps_ > 2 * kMaxSteps) {
        return found;
      }
      const Edits edits = {{.place = place, .value = value}};
      const Judge::Outcome outcome = Try(edits);
      if (outcome.Rank() < rank) {
        found.push_back(Describe(edits, outcome, true));
        break;
      }
    }
  }
  return found;
}

Counterfactual ChangeSearch::Describe(const Edits& edits, const Judge::Outcome& outcome,
                                      bool all) const {
  Counterfactual counterfactual{
      .changes = {},
      .becomes = outcome.yours ? Verdict::kNotApplicable : VerdictOf(outcome.level),
      .searched_all = all};
  for (const Edit& edit : edits) {
    const Element& element = before_.element(edit.place.element);
    const Field& field = FieldOf(before_, edit.place);
    Change change{
        .element = element.id,
        .field = std::string(field.name),
        .before = before_.ValueText(edit.place.element, edit.place.field),
        .after = what_if_.pipeline.ValueText(edit.place.element, edit.place.field, FactWith(edit)),
        .effort = field.effort};
    if (change.before == change.after) {
      change.after += " (measured)";
    }
    counterfactual.changes.push_back(std::move(change));
  }
  return counterfactual;
}

}  // namespace casemate::assess
