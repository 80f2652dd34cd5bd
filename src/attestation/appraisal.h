#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "secmem/plaintext.h"

// What was found out about one piece of attestation evidence. Its JSON form is stable:
// docs/formats/appraisal.md. Nothing here verifies; the folders beside it do.
namespace casemate::attestation {

enum class Kind : unsigned char {
  kUnknown,
  kSevSnp,
  kTdx,
  kSgx,
  kNvidiaGpu,
  kNvidiaSwitch,
  kNvidiaClaims,  // what NVIDIA's own verifier service said, signed or as decoded claims
  kArmCca,
};
std::string_view KindName(Kind kind);  // "sev-snp", "tdx", "sgx", "nvidia-gpu", ...

enum class Outcome : unsigned char { kPassed, kFailed, kNotChecked };
std::string_view OutcomeName(Outcome outcome);  // "passed", "failed", "not-checked"

// One thing that was looked at. The ids are part of the format: "format", "signature", "chain", ...
struct Step {
  std::string id;
  Outcome outcome = Outcome::kNotChecked;
  std::string reason;    // what was compared with what; for a failure also the remedy
  bool decides = false;  // the evidence is not verified unless this step passed
};

enum class Verdict : unsigned char {
  kVerified,    // every deciding step passed, and none failed
  kIncomplete,  // nothing failed, but a deciding step could not be done: something is missing
  kRefused,     // a step failed
};
std::string_view VerdictName(Verdict verdict);  // "verified", "incomplete", "refused"

struct NamedValue {
  std::string name;
  std::string value;
};

// Version numbers of what the evidence says runs below the guest.
struct Tcb {
  std::string status;                   // Intel's word ("UpToDate"), or empty
  std::string date;                     // tcbDate of the level that matched, or empty
  std::vector<NamedValue> components;   // "reported.microcode" "219"
  std::vector<std::string> advisories;  // "INTEL-SA-00837"
};

// One setting that the evidence states about the guest or the platform.
struct PolicyBit {
  std::string name;     // "debug", "smt-allowed"
  bool set = false;     // as the evidence has it
  std::string meaning;  // for this value, in a sentence
  bool warning = false;
};

// Someone whose word the evidence rests on.
struct Voucher {
  std::string role;          // "root", "signing key", "verifier", "wrapper"
  std::string holder;        // the key's name: "ARK-Milan"
  std::string company;       // legal entity
  std::string jurisdiction;  // "USA", "unknown"
  std::string sha256;        // of the certificate (DER), or empty
};

enum class Coverage : unsigned char { kCovered, kNotCovered, kCannotTell, kNotAffected };
std::string_view CoverageName(Coverage c);  // "covered", "not-covered", "cannot-tell", ...

// One known attack, judged by the table of attacks (docs/formats/attacks.md).
struct AttackResult {
  std::string id;    // "cachewarp"
  std::string name;  // "CacheWarp"
  Coverage coverage = Coverage::kCannotTell;
  std::string reason;        // the test and both values
  std::string void_because;  // set: `coverage` must not be relied upon, and why
  std::string vendor_scope;  // "fixed", "out of scope", ...
  std::string source;        // bulletin, CVE or paper
  std::string date;          // when the row was last looked at
};

struct Appraisal {
  std::string source;  // the file, and for one of several in it "FILE#3"
  Kind kind = Kind::kUnknown;
  std::string wrapper;    // "azure-hcl", or empty
  std::string format;     // "SEV-SNP report, version 3"
  std::string product;    // "Milan B1 (19/01/1)", or empty
  std::int64_t time = 0;  // UNIX seconds at which dates were judged
  std::vector<Step> steps;
  Tcb tcb;
  std::vector<PolicyBit> policy;
  std::vector<NamedValue> facts;  // measurements, ids, report data: hexadecimal or text
  std::vector<Voucher> vouchers;
  std::vector<std::string> cannot_show;
  std::vector<AttackResult> attacks;
  std::string attacks_date;           // of the table that judged them
  std::vector<std::string> warnings;  // what a reader should stop at although nothing failed

  void Pass(std::string id, std::string reason, bool decides = true);
  void Refuse(std::string id, std::string reason);
  void Skip(std::string id, std::string reason, bool decides);
  void AddFact(std::string name, std::string value);

  Verdict verdict() const;
  // The first failed step, or all that is missing, or "all N deciding steps passed".
  std::string VerdictReason() const;
  const Step* Find(std::string_view step_id) const;
  const AttackResult* FindAttack(std::string_view attack_id) const;
};

// {"format": "casemate-appraisal/1", "appraisals": [...]}
Plaintext ToJson(const std::vector<Appraisal>& appraisals);
// One screen for a security engineer, or the same as Markdown. `colour`: ANSI colours.
std::string ToText(const Appraisal& appraisal, bool colour);
std::string ToMarkdown(const Appraisal& appraisal);

}  // namespace casemate::attestation
