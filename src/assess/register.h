#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assess/report.h"
#include "assess/result.h"

// The risk register of an assessment: classes from a table that can be replaced, and each control
// of the pipeline filed under the risks that it moves. docs/formats/register.md.
namespace casemate::assess {

struct ScaleClass {
  std::string id;
  Texts title;
};

// What the table says of one adversary, or of "exit": what a former processor still stores.
struct RiskEntry {
  std::string id;
  std::vector<std::string> threats;  // of the BSI's elementary threats, "G 0.16"
  std::string control;               // of NIST SP 800-53, "sc-28"; for OSCAL
  std::map<Verdict, std::size_t>
      likelihood;  // places in the scale; what it leaves out: the default
};

// Something of a pipeline that people file as a measure: facts that have certain values.
struct Control {
  enum class Holder : unsigned char { kAny, kYou, kOthers };
  std::string id;
  Texts title;
  Kind kind = Kind::kStore;
  std::vector<std::pair<std::string, std::vector<std::string>>> is;  // field, one of the values
  std::vector<std::pair<std::string, std::vector<std::string>>> is_not;
  Holder key_holder = Holder::kAny;                          // of a store's key
  std::vector<std::pair<std::string, std::string>> without;  // field, value without it
  std::vector<std::string> claimed_for;  // risks that it is commonly filed under
};

struct RegisterTable {
  std::string date;
  std::vector<ScaleClass> likelihood;  // lowest first
  std::vector<ScaleClass> impact;
  std::vector<ScaleClass> levels;
  std::vector<std::vector<std::size_t>> matrix;  // per impact, per likelihood: place in levels
  std::map<std::string, std::size_t, std::less<>> impact_of;  // label; "other" for the rest
  std::map<Verdict, std::size_t> likelihood_of;
  std::vector<RiskEntry> risks;
  std::vector<Control> controls;
  std::vector<std::string> eea;  // seats that are no third country
  Adversary exit;                // no row of the table: media of a former processor, see JudgeExit

  const RiskEntry* Find(std::string_view risk) const;
  std::size_t LikelihoodOf(std::string_view risk, Verdict verdict) const;
  std::size_t ImpactOf(std::string_view label) const;
};

// Errors: kInvalidArgument with FILE:LINE:COLUMN: a class, field, value or risk that there is not,
// a matrix that is not complete, an id twice.
[[nodiscard]] Result<RegisterTable> ReadRegisterTable(std::string_view text,
                                                      const std::string& file,
                                                      const RuleSet& rules);
[[nodiscard]] Result<RegisterTable> BuiltInRegisterTable(const RuleSet& rules);

// One control against one risk, as the engine finds it: the verdict with it, and without its facts.
struct Filing {
  const Control* control = nullptr;
  std::vector<std::string> elements;  // that have it
  std::string risk;
  Verdict with = Verdict::kUnknown;
  Verdict without = Verdict::kUnknown;
  bool treats = false;  // without it the risk is worse
  // Each of them alone is enough, too: `without` is the verdict without both.
  std::vector<const Control*> redundant_with;
  // Where it treats nothing: the rules of the path that is left, which does not pass it.
  std::vector<const Rule*> path;
};

struct RegisterRow {
  const Cell* cell = nullptr;  // of the assessment; that of exit is the register's
  std::string id;              // "ADVERSARY@PIPELINE"
  const Adversary* adversary = nullptr;
  Verdict verdict = Verdict::kUnknown;   // as counted: the worst of an unknown one
  Verdict inherent = Verdict::kUnknown;  // without the controls that treat it
  std::vector<const Filing*> treated_by;
  std::vector<const Filing*> refused;
};

struct Register {
  std::unique_ptr<Cell> exit;
  std::vector<Filing> filings;    // those that treat, and those that are claimed and do not
  std::vector<RegisterRow> rows;  // each risk that is not stopped, and each that a control stops
};

// Borrows all three; deterministic.
Register MakeRegister(const Pipeline& pipeline, const Assessment& assessment, const RuleSet& rules,
                      const RegisterTable& table);

std::string RenderRegisterCsv(const Report& report, const RegisterTable& table);
std::string RenderRegisterMarkdown(const Report& report, const RegisterTable& table);

}  // namespace casemate::assess
