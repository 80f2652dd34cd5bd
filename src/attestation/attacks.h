#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "attestation/appraisal.h"
#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::attestation {

// What the evidence says that known attacks can be judged by. Names: docs/formats/attacks.md.
struct AttackFacts {
  // The silicon or module lines that it may be: one when the evidence says which, else all that
  // remain; then the worst answer counts.
  std::vector<std::string> lines;
  // "microcode", "firmware" (major << 16 | minor << 8 | build), "platform.smt" (0 or 1), ...
  std::map<std::string, std::int64_t, std::less<>> values;
};

// The dated table of known attacks. Threads: const members may run at the same time.
class AttackTable {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
  static constexpr std::size_t kMaxAttacks = 1000;

  // Errors: kInvalidArgument: not such a table; the message names the row. kTooLarge.
  [[nodiscard]] static Result<AttackTable> Read(PlaintextView json);
  static const AttackTable& Shipped();  // compiled in from data/attestation/attacks.json

  const std::string& date() const { return date_; }
  std::size_t size() const { return attacks_.size(); }

  // Sets `attacks` and `attacks_date` of the appraisal, and void_because where an attack on the
  // evidence itself is not covered.
  void Judge(const AttackFacts& facts, Appraisal& appraisal) const;

 private:
  struct Test {
    enum class Kind : unsigned char { kAtLeast, kAtLeastVersion, kIs };
    Kind kind = Kind::kAtLeast;
    std::string fact;
    std::int64_t value = 0;
  };
  struct Rule {
    std::vector<std::string> lines;  // "milan", or "milan*"
    std::vector<Test> all;           // none: `otherwise` always
    Coverage otherwise = Coverage::kNotCovered;
    std::string note;
  };
  struct Attack {
    AttackResult head;  // coverage and reason are the rule's
    std::vector<std::string> families;
    std::vector<Rule> rules;
    std::string voids;
  };
  friend class AttackTableReader;

  static AttackResult JudgeLine(const Attack& attack, const std::string& line,
                                const AttackFacts& facts);

  std::string date_;
  std::vector<Attack> attacks_;
};

// "1.55.22" as a number that orders. Errors: kInvalidArgument.
[[nodiscard]] Result<std::int64_t> VersionNumber(std::string_view text);
std::string VersionText(std::int64_t number);

}  // namespace casemate::attestation
