#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/command_line.h"
#include "assess/accepted.h"
#include "assess/catalogue.h"
#include "assess/evidence/apply.h"
#include "assess/language.h"
#include "assess/report.h"
#include "assess/result.h"

namespace casemate::app {

// The options that the commands of `casemate assess` share.
struct AssessOptionsText {
  std::string rules;
  std::string legal;
  std::string catalogue;
  std::string accept;
  std::string language = "en";
  std::string label;
  std::string today;
  std::vector<std::string> evidence;  // FILE or ELEMENT=FILE
  void AddTo(OptionList& options);
  // The files and folders that these options name.
  std::vector<std::string> Paths() const;
};

// What an assessment is made of: read, judged, ready for a report. Not movable: reports borrow.
class AssessSetup {
 public:
  AssessSetup() = default;
  ~AssessSetup() = default;
  AssessSetup(const AssessSetup&) = delete;
  AssessSetup& operator=(const AssessSetup&) = delete;

  // Reads rules, catalogue, texts and accepted risks.
  [[nodiscard]] Result<void> Load(const AssessOptionsText& options);
  // Reads and judges pipelines; "-" is standard input. No files: the three reference files.
  [[nodiscard]] Result<void> Judge(const std::vector<std::string>& files, bool reference,
                                   bool counterfactuals);
  // Judges one that is there already, with where something else has contradicted it.
  [[nodiscard]] Result<void> JudgeOne(assess::Pipeline pipeline, bool reference_only,
                                      bool counterfactuals,
                                      std::vector<assess::Contradiction> contradictions = {});
  assess::Report MakeReport() const;

  const assess::RuleSet& rules() const { return rules_; }
  const assess::Catalogue& catalogue() const { return catalogue_; }
  const std::vector<assess::Pipeline>& pipelines() const { return pipelines_; }
  const std::vector<assess::Assessment>& assessments() const { return assessments_; }
  const std::vector<assess::Acceptance>& accepted() const { return accepted_; }
  const std::string& today() const { return today_; }
  // What of the evidence no element took.
  const std::vector<assess::UnusedFact>& unused() const { return unused_; }
  std::size_t CountContradictions() const;

 private:
  Result<void> Add(std::string_view text, const std::string& name, bool reference_only,
                   bool counterfactuals);

  AssessOptionsText options_;
  assess::RuleSet rules_;
  assess::Catalogue catalogue_;
  assess::Language language_;
  std::vector<assess::Acceptance> accepted_;
  std::string today_;
  std::vector<assess::BoundExport> evidence_;
  std::vector<assess::UnusedFact> unused_;
  std::vector<assess::Pipeline> pipelines_;
  std::vector<assess::Assessment> assessments_;
};

// Gives up everything but reading these files and folders and writing beside `out` and `more_out`:
// what parses the files of others has no network and no other process. Names that are not there are
// left out, so that opening them says so.
[[nodiscard]] Result<void> Confine(const std::vector<std::string>& reads, const std::string& out,
                                   const std::string& more_out = {});

// One word of --evidence: the element that it names, or none, and the file. A name with '=' in it
// is written with its folder, "./a=b.json".
struct EvidenceWord {
  std::string element;
  std::string file;
};
EvidenceWord ParseEvidenceWord(const std::string& word);
// Reads an export; its day is that of the file where it has none of its own. Errors: as ReadText
// and ReadExport.
[[nodiscard]] Result<assess::BoundExport> ReadEvidence(const std::string& word);

// Whole text of a file, or of standard input for "-". Errors: as ReadFile, with its name.
[[nodiscard]] Result<std::string> ReadText(const std::string& file);

// `casemate assess FILE...`, or its parts. `word` is what follows "assess": one of the parts, or
// something else.
void AddAssess(CommandLine& line, std::string_view word);
void AddAssessEvidence(CommandLine& line);
void AddAssessExplain(CommandLine& line);
void AddAssessDiff(CommandLine& line);
void AddAssessDescribe(CommandLine& line);  // catalogue, import, schema

}  // namespace casemate::app
