#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assess/fact.h"
#include "assess/vocabulary.h"
#include "base/error.h"

// Rules, adversaries and legal facts as read from data files: docs/formats/rules.md. Nothing here
// knows a verdict.
namespace casemate::assess {

// One text in the languages that there are.
struct Texts {
  std::string en;
  std::string de;
  const std::string& In(std::string_view language) const { return language == "de" ? de : en; }
};

// What an adversary can come to have of an element.
enum class Form : unsigned char {
  kAuthority,   // party: can be made to do what it can do
  kExposed,     // processor: no enclave is between its host and its memory; of everybody
  kMemory,      // processor: what is in its memory
  kKey,         // key: its use
  kCiphertext,  // store: the sealed bytes
  kContents,    // store: opened bytes
  kTraffic,     // hop: opened bytes
  kAttack,      // attack: nothing known closes it
  kPlaintext,   // processor, store, hop: what somebody wrote for nobody else to read
};
constexpr std::size_t kForms = 9;
std::string_view FormName(Form form);  // "plaintext"

// What a step takes; the lower the cheaper.
enum class Step : unsigned char {
  kOrdinary,      // ordinary operation, a legal order, passive recording
  kControllable,  // passive recording of what is yours and not measured to be closed
  kExploit,       // an exploit, or a change that nobody authorised
};
std::string_view StepName(Step step);

// From an element over references to a fact, or to elements. For each step the index of the field
// per kind of element, -1 where that kind has none; "operator" of a party is the party itself.
struct Path {
  std::vector<std::array<std::int16_t, kKinds>> steps;
};
constexpr std::int16_t kSelf = -2;

// "processor.tee is none": true, false, or unknown where the fact is.
struct Condition {
  // kOver: the number is greater than the one of `values`. kBeyondHorizon: the years end after the
  // one of `values`, counted from the pipeline's day.
  enum class Test : unsigned char { kIs, kWithinReach, kMeasured, kOver, kBeyondHorizon };
  // Values that depend on who asks and on the adversary.
  static constexpr std::int32_t kYou = -2;
  static constexpr std::int32_t kActor = -3;

  std::string text;  // as written
  Path path;
  Test test = Test::kIs;
  bool negated = false;
  std::vector<std::int32_t> values;
};
// One of them has to hold.
using AnyOf = std::vector<Condition>;

// "memory of key.released_to": of one of the elements at the end of the path.
struct Premise {
  std::string text;
  Form form = Form::kAuthority;
  Path path;  // empty: the rule's own element
};

struct Rule {
  std::string id;
  Texts sentence;
  std::string source;
  std::string date;
  Kind of = Kind::kProcessor;
  std::string wields;       // what the adversary needs to have; empty: anybody
  std::vector<AnyOf> when;  // all of them
  std::vector<Premise> needs;
  Form gives = Form::kPlaintext;
  Step step = Step::kOrdinary;
  Texts note;  // a few words for the cell, or empty
};

// What an order can be based on.
struct Instrument {
  std::string id;
  Texts title;
  std::vector<std::int32_t> countries;  // whose courts or authorities give it
  std::string state;                    // "in force", with what is about to change
  std::string source;
  std::string date;
};

// A dated fact of law that no rule computes with: DPF, GDPR Art. 48, judgments.
struct LegalFact {
  std::string id;
  Texts sentence;
  std::string state;
  std::string source;
  std::string date;
};

struct Adversary {
  // Whose people the adversary is, one after the other: of nobody, of each party that runs a
  // processor that sees plaintext, or of you.
  enum class Actors : unsigned char { kNone, kProcessorOperators, kYou };
  std::string id;
  Texts title;
  Texts sentence;
  std::vector<std::string> wields;
  std::string instrument;  // id, or empty
  Actors actors = Actors::kNone;
  bool reference = false;  // one of the nine of the reference table
};

// A few words that a cell gets when conditions hold over the whole pipeline.
struct NoteRule {
  std::string adversary;
  std::string verdict;  // VerdictName
  Kind of = Kind::kProcessor;
  bool every = true;  // of all elements of the kind, or of some
  std::vector<AnyOf> when;
  Texts text;
};

// When recorded key exchanges are reckoned to be broken, and how long a change takes: what is
// recorded today matters where lifetime + migration end after that (Mosca's inequality).
struct Horizon {
  std::int32_t year = 0;
  std::int32_t migration_years = 0;
  std::string source;
  std::string date;
};

// What a change costs, in classes: the search for proposals looks for the cheapest.
struct ChangeClass {
  std::string id;
  Texts title;
  int cost = 1;
};
struct ChangeCosts {
  std::vector<ChangeClass> classes;                        // the cheapest first
  std::map<std::pair<Kind, std::size_t>, std::size_t> of;  // (kind, field): place in classes
  // Of a field that nobody named: 1, 5 and 60 by its Effort.
  int Of(Kind kind, std::size_t field) const;
};

struct RuleSet {
  std::vector<Rule> rules;
  std::vector<Adversary> adversaries;  // in the order of the table
  std::vector<NoteRule> notes;
  std::vector<Instrument> instruments;
  std::vector<LegalFact> legal;
  std::optional<Horizon> horizon;
  ChangeCosts costs;

  const Rule* Find(std::string_view id) const;
  const Adversary* FindAdversary(std::string_view id) const;
  const Instrument* FindInstrument(std::string_view id) const;
};

// (name, text) of each file.
using NamedTexts = std::vector<std::pair<std::string, std::string>>;

// Reads rule files ("casemate: rules", "casemate: adversaries") and the file of legal facts
// ("casemate: legal"). Errors: kInvalidArgument with FILE:LINE:COLUMN: a word that the vocabulary
// does not have, an id twice, a rule without source, date or one of its languages, a capability
// that nobody wields.
[[nodiscard]] Result<RuleSet> ReadRules(const NamedTexts& rules,
                                        const std::pair<std::string, std::string>& legal);
[[nodiscard]] Result<RuleSet> BuiltInRules();

}  // namespace casemate::assess
