#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assess/pipeline.h"
#include "base/error.h"

// The dated table of known attacks on trusted execution environments, as far as an assessment needs
// it: docs/formats/attacks.md. `casemate attest` judges evidence by the same file; it reads it with
// the tests on versions, which nobody but a report can answer.
namespace casemate::assess {

struct KnownAttack {
  struct Rule {
    std::vector<std::string> lines;  // "milan", or "milan*"
    std::string coverage;            // empty: hangs on versions that evidence has to show
    std::string note;
  };
  std::string id;
  std::string name;
  std::vector<std::string> families;  // of evidence: "sev-snp", "nvidia-gpu"
  std::vector<std::string> serves;    // "host", "bus"
  std::vector<Rule> rules;
  std::string source;
};

struct KnownAttacks {
  std::string date;
  std::vector<KnownAttack> attacks;

  // Errors: kInvalidArgument, naming the row: another format, a row without id, name, families,
  // serves, rules or source, a word that there is not. kTooLarge: over 1 MiB or 1000 rows.
  [[nodiscard]] static Result<KnownAttacks> Read(std::string_view json);
  static const KnownAttacks& BuiltIn();  // data/attestation/attacks.json
};

// What is known of one attack on a machine of which no evidence was given. `line`: empty where it
// is not stated; then only an answer that holds of all lines counts.
struct Outlook {
  std::string coverage;  // "cannot-tell", ...
  std::string note;
};
Outlook OutlookOf(const KnownAttack& attack, std::string_view line);

// For each environment whose type the table has: an element TEE.ATTACK for each attack, with what
// is known without evidence, and the environment's two lists of them. What was stated stays. May be
// called again after a type has changed.
void AddKnownAttacks(Pipeline& pipeline, const KnownAttacks& table);
// Whether a fact is one of those: what the table says, and nobody of this machine.
bool IsOfTable(const Fact& fact);

}  // namespace casemate::assess
