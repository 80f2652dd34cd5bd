#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assess/fact.h"
#include "assess/pipeline.h"
#include "assess/rule.h"

// What an assessment says; every report is made of this. docs/formats/assessment.md.
namespace casemate::assess {

enum class Verdict : unsigned char {
  kDoesNotStop,    // ordinary operation, a legal order or passive recording is enough
  kControllable,   // what is left is yours to close, and not measured to be closed
  kRaisesCost,     // it takes an exploit or a change that nobody authorised
  kStops,          // no path is left
  kUnknown,        // a fact is missing that would decide; see best and worst
  kNotApplicable,  // the party is you: yours to govern; see derived
};
std::string_view VerdictName(Verdict verdict);  // "does-not-stop", ...
std::optional<Verdict> ParseVerdict(std::string_view name);
std::vector<std::string_view> VerdictNames();

// A fact as a chain shows it.
struct ChainFact {
  std::string element;
  std::string field;
  std::string value;
  Evidence evidence;
  Place place;
  std::string Name() const { return element + "." + field; }
};

// One application of a rule. `from` are places in the chain before this one.
struct ChainStep {
  std::string id;  // "RULE@ELEMENT": stable between runs
  const Rule* rule = nullptr;
  std::string element;
  std::vector<ChainFact> facts;
  std::vector<std::size_t> from;
};

// A way that was looked at and does not lead there: a rule, and per element the facts against it.
struct BlockedWay {
  const Rule* rule = nullptr;
  std::string element;
  std::vector<ChainFact> facts;  // each group of conditions that does not hold
  std::string lacks;             // a premise that is not reached, where the conditions hold
};

struct Change {
  std::string element;
  std::string field;
  std::string before;
  std::string after;
  Effort effort = Effort::kSetting;
};

// The cheapest set of changes that was found, by the classes of RuleSet::costs. `searched_all`: no
// cheaper one of up to four exists among facts that somebody can change; else the search came to
// its bound and this is the cheapest that it saw.
struct Counterfactual {
  std::vector<Change> changes;
  Verdict becomes = Verdict::kUnknown;
  bool searched_all = true;
};

struct Cell {
  std::string id;  // "ADVERSARY@PIPELINE"
  const Adversary* adversary = nullptr;
  Verdict verdict = Verdict::kUnknown;
  Verdict derived = Verdict::kUnknown;  // behind kNotApplicable; else the verdict
  Verdict worst = Verdict::kUnknown;    // with every unknown fact against you
  Verdict best = Verdict::kUnknown;     // with every unknown fact for you
  std::vector<Texts> notes;
  std::vector<std::string> reached;  // elements whose plaintext is reached so cheaply, at most 20
  std::size_t reached_count = 0;
  // The same of paths that hang on a missing fact: they may be there, the verdict stands without.
  std::vector<Texts> may_notes;
  std::vector<std::string> may_reach;
  std::vector<ChainStep> chain;     // of the cheapest path; the last step gives plaintext
  std::vector<BlockedWay> blocked;  // where no path is left: why each does not lead there
  std::vector<ChainFact> attacks;   // known attacks that are as good as the one of the chain
  std::vector<ChainFact> missing;   // unknown facts that the verdict hangs on
  Confidence confidence = Confidence::kMeasured;  // of the weakest fact that it rests on
  std::optional<ChainFact> weakest;
  std::optional<Counterfactual> better;  // to any better verdict
  std::optional<Counterfactual> stops;   // to kStops, where that takes more
  std::vector<Counterfactual> worse;     // single facts that it rests on
};

// A place of the plaintext window: where content is, and who runs that place.
struct WindowPlace {
  std::string element;
  Kind kind = Kind::kProcessor;
  std::string title;
  std::string operated_by;  // id of the party, or "unknown"
  std::string seat;         // of that party
  std::string parent_seat;
  std::string label;
  std::vector<std::string> what;  // request buffers, KV cache, embeddings, ...
  bool in_tee = false;
};

struct StaleFact {
  ChainFact fact;
  std::int64_t days = 0;
};

// A cell that would be another, were a claim true that evidence contradicts.
struct MovedCell {
  const Adversary* adversary = nullptr;
  Verdict claimed = Verdict::kUnknown;
  Verdict found = Verdict::kUnknown;
};

// The description says one thing, the evidence another; cells stand on the evidence.
struct Contradiction {
  std::string id;  // "contradiction:ELEMENT.FIELD@PIPELINE"; "#2" behind a second of that field
  std::string element;
  std::string field;
  std::string claimed;  // value
  Evidence claimed_by;
  Place claimed_at;
  std::string found;  // value; "not you"; "a or b"
  std::string file;   // "the running deployment", where nothing was exported
  bool exported = true;
  std::string path;
  std::string why;
  std::vector<MovedCell> moves;

  std::string Name() const { return element + "." + field; }
};

struct Assessment {
  std::string name;
  std::string title;
  std::string date;   // of the description
  std::string today;  // of the assessment
  std::string label;  // the lowest label that counts
  std::vector<Cell> cells;
  std::vector<WindowPlace> window;
  std::vector<StaleFact> stale;  // used facts older than 180 days
  std::vector<Contradiction> contradictions;
  std::uint64_t steps = 0;  // rule instances that were looked at; for the bench

  const Cell* Find(std::string_view adversary) const;
};

struct AssessOptions {
  std::string today;      // YYYY-MM-DD
  std::size_t label = 0;  // place of the lowest label that counts
  bool counterfactuals = true;
  bool reference_only = false;  // the nine rows
};

// What becomes of a pipeline before an adversary looks at it. Elements stay where they are.
using World = Pipeline (*)(const Pipeline&);
// The cell of one adversary that is no row of the table, in a world of its own: chain and facts are
// those of that world, changes are to the pipeline as it is.
Cell AssessIn(World world, const Pipeline& pipeline, const RuleSet& rules,
              const Adversary& adversary, const AssessOptions& options);

// Deterministic: the same pipeline, rules and options give the same result, in the same order.
// Keeps pointers into `rules`. Threads: several may run at the same time.
Assessment Assess(const Pipeline& pipeline, const RuleSet& rules, const AssessOptions& options);

// Puts them into the assessment of `pipeline`, which has the evidence in it, with their ids and the
// cells that each would move: those of the first 64 are judged.
void AddContradictions(Assessment& assessment, const Pipeline& pipeline, const RuleSet& rules,
                       const AssessOptions& options, std::vector<Contradiction> contradictions);

}  // namespace casemate::assess
