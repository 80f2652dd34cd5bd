#include "assess/register.h"

#include <algorithm>
#include <deque>

#include "assess/judge.h"

namespace casemate::assess {
namespace {

// Each change that is tried copies the description; beyond this the exit has no counterfactual.
constexpr std::size_t kMaxSearchedElements = 500;

Evidence Assumed() {
  return {.source = "register", .date = "2026-01-01", .confidence = Confidence::kMeasured};
}

// The values are of the vocabulary: the table's reader has looked.
void Set(Pipeline& pipeline, const std::string& element, std::string_view field,
         const std::string& value, const Evidence& evidence) {
  const Result<Fact> was = pipeline.State(
      {.element = element, .field = std::string(field), .value = value, .evidence = evidence});
  static_cast<void>(was);
}

// A fact of the world after the exit, as sure as the one that it follows from.
Evidence FollowingFrom(const Element& element, std::string_view field) {
  const Evidence& evidence = element.facts[RequireField(element.kind, field)].evidence;
  return {.source = "after the exit, from " + element.id + "." + std::string(field) + ": " +
                    evidence.source,
          .date = evidence.date,
          .confidence = evidence.confidence};
}

bool IsYours(const Pipeline& pipeline, std::size_t element, std::string_view field) {
  const Fact& fact = pipeline.fact(element, RequireField(pipeline.element(element).kind, field));
  return fact.known && fact.values.size() == 1 &&
         fact.values[0] == static_cast<std::int32_t>(pipeline.you());
}

// Who destroys a key that somebody else holds is who governs it.
bool IsYourKey(const Pipeline& pipeline, std::size_t key) {
  return IsYours(pipeline, key, "holder") || IsYours(pipeline, key, "governed_by");
}

// Whether a former processor still has what opens a key.
std::string LeftWith(const Pipeline& pipeline, std::size_t key) {
  const Element& element = pipeline.element(key);
  if (IsYourKey(pipeline, key)) {
    return "no";
  }
  return element.facts[RequireField(Kind::kKey, "holder")].known &&
                 element.facts[RequireField(Kind::kKey, "governed_by")].known
             ? "yes"
             : "unknown";
}

// After the end of a contract: keys that you hold or govern are destroyed, those of others stay
// with who has the data, what lies with you or was not kept is not there.
Pipeline AfterExit(const Pipeline& before) {
  Pipeline after = before;
  for (std::size_t i = 0; i < before.elements().size(); ++i) {
    const Element& element = before.element(i);
    if (element.kind == Kind::kKey) {
      const std::string left = LeftWith(before, i);
      Set(after, element.id, "beside_data", left,
          left == "unknown"
              ? Evidence{}
              : FollowingFrom(element,
                              IsYours(before, i, "governed_by") ? "governed_by" : "holder"));
    } else if (element.kind == Kind::kStore) {
      const std::size_t days = RequireField(Kind::kStore, "retention_days");
      const bool yours = IsYours(before, i, "operator");
      if (yours || before.ValueText(i, days) == "0") {
        Set(after, element.id, "holds", "metadata",
            FollowingFrom(element, yours ? "operator" : "retention_days"));
      }
    } else if (element.kind == Kind::kProcessor && IsYours(before, i, "operator")) {
      for (const char* spill : {"swap", "crash_dumps", "snapshots", "content_logs"}) {
        Set(after, element.id, spill, "off", FollowingFrom(element, "operator"));
      }
    }
  }
  return after;
}

// What is missing in that world, as what is missing in the description: the first can be asked for.
std::vector<ChainFact> MissingBefore(const std::vector<ChainFact>& missing,
                                     const Pipeline& before) {
  std::vector<ChainFact> asked;
  for (const ChainFact& fact : missing) {
    const std::optional<std::size_t> element = before.Find(fact.element);
    if (!element || before.element(*element).kind != Kind::kKey || fact.field != "beside_data") {
      asked.push_back(fact);
      continue;
    }
    for (const char* field : {"holder", "governed_by"}) {
      const std::size_t index = RequireField(Kind::kKey, field);
      if (!before.fact(*element, index).known) {
        ChainFact other = fact;
        other.field = field;
        other.place = before.fact(*element, index).place;
        asked.push_back(std::move(other));
      }
    }
  }
  return asked;
}

// One risk before and after a change.
struct Standing {
  Verdict verdict = Verdict::kUnknown;
  int worst = 0;
  int best = 0;
  std::vector<const Rule*> path;  // premises first
};

void AddPath(const Reach& reach, Form form, std::size_t element, std::vector<const Rule*>& path) {
  const Reach::Application& how = *reach.How(form, element);
  for (std::size_t i = 0; i < how.premises.size(); ++i) {
    if (how.premises[i] != Reach::kNoElement) {
      AddPath(reach, how.rule->needs[i].form, how.premises[i], path);
    }
  }
  if (std::ranges::find(path, how.rule) == path.end()) {
    path.push_back(how.rule);
  }
}

Standing StandingOf(const Judge& judge, const Pipeline& pipeline) {
  const Judge::Outcome worst = judge.Run(pipeline, true);
  const Judge::Outcome best = judge.Run(pipeline, false);
  Standing standing{
      .verdict = worst.level == best.level ? VerdictOf(worst.level) : Verdict::kUnknown,
      .worst = worst.Rank(),
      .best = best.Rank(),
      .path = {}};
  if (worst.goal.element != Reach::kNoElement) {
    AddPath(worst.reach(), Form::kPlaintext, worst.goal.element, standing.path);
  }
  return standing;
}

bool Has(const Control& control, const Pipeline& pipeline, std::size_t element) {
  if (pipeline.element(element).kind != control.kind) {
    return false;
  }
  const auto among = [&](const auto& entry) {
    const std::string value = pipeline.ValueText(element, RequireField(control.kind, entry.first));
    return std::ranges::find(entry.second, value) != entry.second.end();
  };
  if (!std::ranges::all_of(control.is, among) || std::ranges::any_of(control.is_not, among)) {
    return false;
  }
  if (control.key_holder == Control::Holder::kAny) {
    return true;
  }
  const Fact& key = pipeline.fact(element, RequireField(Kind::kStore, "key"));
  if (!key.known || key.is_none()) {
    return false;
  }
  const auto index = static_cast<std::size_t>(key.values[0]);
  if (!pipeline.fact(index, RequireField(Kind::kKey, "holder")).known) {
    return false;
  }
  return IsYourKey(pipeline, index) == (control.key_holder == Control::Holder::kYou);
}

struct Risk {
  const Adversary* adversary;
  bool is_exit;
  Judge judge;
  Standing now;
};

class RegisterMaker {
 public:
  RegisterMaker(const Pipeline& pipeline, const Assessment& assessment, const RuleSet& rules,
                const RegisterTable& table)
      : pipeline_(pipeline), assessment_(assessment), table_(table) {
    const std::size_t label = pipeline.FindLabel(assessment.label).value_or(0);
    for (const Adversary& adversary : rules.adversaries) {
      if (assessment.Find(adversary.id) != nullptr) {
        AddRisk(rules, adversary, false, label);
      }
    }
    AddRisk(rules, table.exit, true, label);
    register_.exit = std::make_unique<Cell>(
        AssessIn(AfterExit, pipeline, rules, table.exit,
                 {.today = assessment.today,
                  .label = label,
                  .counterfactuals = pipeline.elements().size() <= kMaxSearchedElements}));
    register_.exit->missing = MissingBefore(register_.exit->missing, pipeline);
  }

  Register Make() {
    for (const Control& control : table_.controls) {
      Find(control);
    }
    for (const Risk& risk : risks_) {
      File(risk);
    }
    for (const Risk& risk : risks_) {
      AddRow(risk);
    }
    return std::move(register_);
  }

 private:
  void AddRisk(const RuleSet& rules, const Adversary& adversary, bool is_exit, std::size_t label) {
    risks_.push_back({.adversary = &adversary,
                      .is_exit = is_exit,
                      .judge = Judge(rules, adversary, label),
                      .now = {}});
    Risk& risk = risks_.back();
    risk.now = StandingIn(risk, pipeline_);
  }

  static Standing StandingIn(const Risk& risk, const Pipeline& pipeline) {
    if (!risk.is_exit) {
      return StandingOf(risk.judge, pipeline);
    }
    const Pipeline after = AfterExit(pipeline);
    return StandingOf(risk.judge, after);
  }

  // A control that the pipeline has, and where.
  struct Present {
    const Control* control;
    std::vector<std::string> elements;
  };

  void Find(const Control& control) {
    Present present{.control = &control, .elements = {}};
    for (std::size_t i = 0; i < pipeline_.elements().size(); ++i) {
      if (Has(control, pipeline_, i)) {
        present.elements.push_back(pipeline_.element(i).id);
      }
    }
    if (!present.elements.empty()) {
      present_.push_back(std::move(present));
    }
  }

  // The risk as it were without those controls.
  Standing Without(const Risk& risk, const std::vector<const Present*>& controls) const {
    Pipeline without = pipeline_;
    for (const Present* present : controls) {
      for (const std::string& id : present->elements) {
        for (const auto& [field, value] : present->control->without) {
          Set(without, id, field, value, Assumed());
        }
      }
    }
    return StandingIn(risk, without);
  }

  static bool IsWorse(const Standing& standing, const Standing& than) {
    return standing.worst < than.worst || standing.best < than.best;
  }

  void File(const Risk& risk) {
    std::vector<Filing> filings;
    std::vector<const Present*> idle;  // whose absence alone moves nothing
    for (const Present& present : present_) {
      Standing then = Without(risk, {&present});
      const bool treats = IsWorse(then, risk.now);
      if (!treats) {
        idle.push_back(&present);
      }
      filings.push_back({.control = present.control,
                         .elements = present.elements,
                         .risk = risk.adversary->id,
                         .with = risk.now.verdict,
                         .without = then.verdict,
                         .treats = treats,
                         .redundant_with = {},
                         .path = treats ? std::vector<const Rule*>() : risk.now.path});
    }
    FindRedundant(risk, idle, filings);
    for (Filing& filing : filings) {
      const bool claimed = std::ranges::find(filing.control->claimed_for, risk.adversary->id) !=
                           filing.control->claimed_for.end();
      if (filing.treats || claimed) {
        register_.filings.push_back(std::move(filing));
      }
    }
  }

  // Two controls of which either is enough: without one of them nothing moves, and yet each counts.
  void FindRedundant(const Risk& risk, const std::vector<const Present*>& idle,
                     std::vector<Filing>& filings) const {
    if (idle.size() < 2 || !IsWorse(Without(risk, idle), risk.now)) {
      return;
    }
    for (std::size_t a = 0; a < idle.size(); ++a) {
      for (std::size_t b = a + 1; b < idle.size(); ++b) {
        const Standing then = Without(risk, {idle[a], idle[b]});
        if (!IsWorse(then, risk.now)) {
          continue;
        }
        for (const auto& [one, other] : {std::pair{a, b}, std::pair{b, a}}) {
          Filing& filing = *std::ranges::find(filings, idle[one]->control, &Filing::control);
          filing.treats = true;
          filing.without = then.verdict;
          filing.redundant_with.push_back(idle[other]->control);
          filing.path.clear();
        }
      }
    }
  }

  void AddRow(const Risk& risk) {
    const Cell& cell = risk.is_exit ? *register_.exit : *assessment_.Find(risk.adversary->id);
    RegisterRow row{.cell = &cell, .id = cell.id, .adversary = risk.adversary};
    row.verdict = cell.derived;
    int inherent = RankOf(row.verdict);
    row.inherent = row.verdict;
    for (const Filing& filing : register_.filings) {
      if (filing.risk != risk.adversary->id) {
        continue;
      }
      (filing.treats ? row.treated_by : row.refused).push_back(&filing);
      if (filing.treats && RankOf(filing.without) < inherent) {
        inherent = RankOf(filing.without);
        row.inherent = filing.without;
      }
    }
    if (row.verdict != Verdict::kStops || !row.treated_by.empty()) {
      register_.rows.push_back(std::move(row));
    }
  }

  const Pipeline& pipeline_;
  const Assessment& assessment_;
  const RegisterTable& table_;
  std::deque<Risk> risks_;
  std::vector<Present> present_;
  Register register_;
};

}  // namespace

Register MakeRegister(const Pipeline& pipeline, const Assessment& assessment, const RuleSet& rules,
                      const RegisterTable& table) {
  return RegisterMaker(pipeline, assessment, rules, table).Make();
}

const RiskEntry* RegisterTable::Find(std::string_view risk) const {
  const auto found = std::ranges::find(risks, risk, &RiskEntry::id);
  return found == risks.end() ? nullptr : &*found;
}

std::size_t RegisterTable::LikelihoodOf(std::string_view risk, Verdict verdict) const {
  if (verdict == Verdict::kUnknown) {
    verdict = Verdict::kDoesNotStop;  // unknown is never no
  }
  if (const RiskEntry* entry = Find(risk); entry != nullptr) {
    if (const auto found = entry->likelihood.find(verdict); found != entry->likelihood.end()) {
      return found->second;
    }
  }
  const auto found = likelihood_of.find(verdict);
  return found == likelihood_of.end() ? 0 : found->second;
}

std::size_t RegisterTable::ImpactOf(std::string_view label) const {
  const auto found = impact_of.find(label);
  return found == impact_of.end() ? impact_of.at("other") : found->second;
}

}  // namespace casemate::assess
