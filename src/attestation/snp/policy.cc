#include "attestation/snp/policy.h"

#include <algorithm>
#include <span>

namespace casemate::attestation::snp {
namespace {

struct BitMeaning {
  unsigned bit;
  const char* name;
  const char* set;
  const char* unset;
  bool warn_set;
  bool warn_unset;
};

constexpr BitMeaning kPolicyBits[] = {
    {16, "policy.smt-allowed", "the guest accepts a sibling thread on its core",
     "the guest refuses to run with SMT", false, false},
    {18, "policy.migration-agent", "a migration agent may move the guest and its keys",
     "no migration agent", true, false},
    {19, "policy.debug", "the host may read and write the guest's memory",
     "the host cannot use the debugging interface", true, false},
    {20, "policy.single-socket", "only on one socket", "may span sockets", false, false},
    {21, "policy.cxl-allowed", "memory may be behind CXL", "no CXL memory", false, false},
    {22, "policy.mem-aes-256-xts", "memory encryption must be AES-256-XTS",
     "any memory encryption of the platform", false, false},
    {23, "policy.rapl-disabled", "power readings must be off", "power readings may be on", false,
     false},
    {24, "policy.ciphertext-hiding", "the host must not read the ciphertext",
     "the host may read the ciphertext", false, false},
    {25, "policy.page-swap-disabled", "the host must not move pages", "the host may move pages",
     false, false}};
constexpr BitMeaning kPlatformBits[] = {
    {0, "platform.smt", "sibling threads are on", "sibling threads are off", false, false},
    {1, "platform.tsme", "all memory is encrypted", "the host's memory is not encrypted", false,
     false},
    {2, "platform.ecc", "memory has ECC", "memory has no ECC", false, false},
    {3, "platform.rapl-disabled", "power readings are off", "power readings are on", false, false},
    {4, "platform.ciphertext-hiding", "the host cannot read the ciphertext",
     "the host can read the ciphertext", false, false},
    {5, "platform.alias-check", "memory was checked for aliases at boot",
     "memory was not checked for aliases (BadRAM)", false, true},
    {7, "platform.sev-tio", "trusted devices are on", "no trusted devices", false, false}};

void AddBits(std::uint64_t value, std::span<const BitMeaning> bits, const std::string& what,
             Appraisal& appraisal, AttackFacts& facts) {
  std::uint64_t known = 0;
  for (const BitMeaning& bit : bits) {
    const bool set = (value >> bit.bit & 1) != 0;
    known |= std::uint64_t{1} << bit.bit;
    appraisal.policy.push_back({.name = bit.name,
                                .set = set,
                                .meaning = set ? bit.set : bit.unset,
                                .warning = set ? bit.warn_set : bit.warn_unset});
    facts.values[bit.name] = set ? 1 : 0;
  }
  if ((value & ~known) != 0) {
    Bytes raw;
    PutU64(raw, value & ~known);
    appraisal.warnings.push_back(what + " has bits that are not known here (0x" + ToHex(raw) +
                                 "): cannot tell what they mean");
  }
}

}  // namespace

void CheckPolicy(const Report& report, Appraisal& appraisal, AttackFacts& facts) {
  if ((report.policy >> 19 & 1) != 0) {
    appraisal.Refuse("debug", "the guest's policy allows debugging: the host can read its memory");
  } else {
    appraisal.Pass("debug", "the guest's policy forbids debugging");
  }
  constexpr std::uint64_t kFixed = std::uint64_t{1} << 17 | 0xFFFF;  // must be one; ABI versions
  AddBits(report.policy & ~kFixed, kPolicyBits, "the policy", appraisal, facts);
  AddBits(report.platform_info, kPlatformBits, "the platform's information", appraisal, facts);
  if (report.version >= 5) {
    const std::uint64_t both = report.launch_mit_vector & report.current_mit_vector;
    for (unsigned bit = 0; bit < 16; ++bit) {
      facts.values["mit-vector." + std::to_string(bit)] =
          static_cast<std::int64_t>(both >> bit & 1);
    }
  }
}

void AddTcb(const Report& report, Appraisal& appraisal, AttackFacts& facts) {
  const bool fmc = report.fmc_layout();
  const std::pair<const char*, const TcbVersion*> versions[] = {
      {"reported", &report.reported_tcb},
      {"committed", &report.committed_tcb},
      {"current", &report.current_tcb},
      {"launch", &report.launch_tcb}};
  for (const auto& [name, tcb] : versions) {
    appraisal.tcb.components.push_back({.name = name, .value = TcbText(*tcb, fmc)});
  }
  const std::string text = std::to_string(report.committed.major) + "." +
                           std::to_string(report.committed.minor) + "." +
                           std::to_string(report.committed.build);
  appraisal.tcb.components.push_back({.name = "firmware", .value = text});
  appraisal.tcb.components.push_back(
      {.name = "microcode", .value = std::to_string(report.reported_tcb.microcode)});
  // The lowest that the chip could be rolled back to, or that the guest was started under.
  facts.values["microcode"] = std::min(
      {report.reported_tcb.microcode, report.committed_tcb.microcode, report.launch_tcb.microcode});
  facts.values["snp-firmware"] =
      std::min({report.reported_tcb.snp, report.committed_tcb.snp, report.launch_tcb.snp});
  facts.values["firmware"] = std::min(report.committed.Number(), report.current.Number());
  if (!(report.current_tcb == report.committed_tcb)) {
    appraisal.warnings.push_back("current TCB " + TcbText(report.current_tcb, fmc) +
                                 " is not committed (" + TcbText(report.committed_tcb, fmc) +
                                 "): the host can roll it back");
  }
  if (!(report.launch_tcb == report.reported_tcb)) {
    appraisal.warnings.push_back("the guest was started under TCB " +
                                 TcbText(report.launch_tcb, fmc) + ", the report is for " +
                                 TcbText(report.reported_tcb, fmc));
  }
}

}  // namespace casemate::attestation::snp
