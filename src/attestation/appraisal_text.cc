#include <algorithm>

#include "attestation/appraisal.h"
#include "base/clock.h"

namespace casemate::attestation {
namespace {

constexpr std::size_t kLongestValue = 40;  // characters of a value on a terminal line

// Text of the evidence must not speak to the terminal, nor end a table's cell.
std::string Plain(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    plain += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  }
  return plain;
}

std::string Cell(std::string_view text) {
  std::string cell;
  for (const char c : Plain(text)) {
    cell += c == '|' || c == '<' || c == '`' ? std::string("\\") + c : std::string(1, c);
  }
  return cell;
}

std::string Short(std::string_view text) {
  return text.size() <= kLongestValue ? Plain(text) : Plain(text.substr(0, kLongestValue)) + "...";
}

std::string Coloured(std::string_view text, std::string_view code, bool colour) {
  return colour ? "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m"
                : std::string(text);
}

std::string_view ColourOf(Verdict verdict) {
  return verdict == Verdict::kVerified ? "32" : verdict == Verdict::kRefused ? "31" : "33";
}
std::string_view ColourOf(Outcome outcome) {
  return outcome == Outcome::kPassed ? "32" : outcome == Outcome::kFailed ? "31" : "33";
}
std::string_view ColourOf(Coverage coverage) {
  switch (coverage) {
    case Coverage::kCovered:
    case Coverage::kNotAffected:
      return "32";
    case Coverage::kNotCovered:
      return "31";
    case Coverage::kCannotTell:
      return "33";
  }
  return "33";
}

std::string Padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

std::string Title(const Appraisal& appraisal) {
  std::string title =
      appraisal.format.empty() ? std::string(KindName(appraisal.kind)) : Plain(appraisal.format);
  if (!appraisal.product.empty()) {
    title += ", " + Plain(appraisal.product);
  }
  if (!appraisal.wrapper.empty()) {
    title += ", inside " + Plain(appraisal.wrapper);
  }
  return title;
}

std::string Mark(const AttackResult& attack) {
  return std::string(CoverageName(attack.coverage)) +
         (attack.void_because.empty() ? "" : " (void)");
}

std::string Who(const Voucher& voucher) {
  return voucher.company + ", " + voucher.jurisdiction + " (" + voucher.role + " " +
         voucher.holder + ")";
}

std::string TcbLine(const Tcb& tcb) {
  std::string line = tcb.status;
  for (const NamedValue& component : tcb.components) {
    line += (line.empty() ? "" : "  ") + component.name + "=" + component.value;
  }
  return Plain(line);
}

}  // namespace

std::string ToText(const Appraisal& appraisal, bool colour) {
  const Verdict verdict = appraisal.verdict();
  std::string out = Plain(appraisal.source) + ": " +
                    Coloured(VerdictName(verdict), ColourOf(verdict), colour) + "\n  " +
                    Title(appraisal) + ", judged at " + FormatUtc(appraisal.time) + "\n  " +
                    Plain(appraisal.VerdictReason()) + "\n\nSteps\n";
  for (const Step& step : appraisal.steps) {
    out += "  " + Padded(std::string(step.id), 26) +
           Coloured(Padded(std::string(OutcomeName(step.outcome)), 12), ColourOf(step.outcome),
                    colour) +
           Plain(step.reason) + "\n";
  }
  if (const std::string tcb = TcbLine(appraisal.tcb); !tcb.empty()) {
    out += "\nTCB\n  " + tcb + "\n";
  }
  for (const std::string& advisory : appraisal.tcb.advisories) {
    out += "  advisory " + Plain(advisory) + "\n";
  }
  if (!appraisal.policy.empty()) {
    out += "\nPolicy and platform\n";
    for (const PolicyBit& bit : appraisal.policy) {
      out += (bit.warning ? "! " : "  ") + Padded(bit.name, 26) +
             Padded(bit.set ? "yes" : "no", 5) + bit.meaning + "\n";
    }
  }
  if (!appraisal.facts.empty()) {
    out += "\nWhat it states\n";
    for (const NamedValue& fact : appraisal.facts) {
      out += "  " + Padded(fact.name, 26) + Short(fact.value) + "\n";
    }
  }
  out += "\nWho vouches\n";
  for (const Voucher& voucher : appraisal.vouchers) {
    out += "  " + Plain(Who(voucher)) + "\n";
  }
  if (!appraisal.attacks.empty()) {
    out += "\nKnown attacks (table of " + appraisal.attacks_date + ")\n";
    for (const AttackResult& attack : appraisal.attacks) {
      out += "  " + Padded(attack.name, 26) +
             Coloured(Padded(Mark(attack), 20), ColourOf(attack.coverage), colour) +
             Plain(attack.reason) + "\n";
    }
  }
  for (const std::string& warning : appraisal.warnings) {
    out += "! " + Plain(warning) + "\n";
  }
  out += "\nWhat this evidence cannot show\n";
  for (const std::string& sentence : appraisal.cannot_show) {
    out += "  - " + sentence + "\n";
  }
  return out;
}

std::string ToMarkdown(const Appraisal& appraisal) {
  std::string out =
      "## " + Cell(appraisal.source) + ": " + std::string(VerdictName(appraisal.verdict())) +
      "\n\n" + Cell(Title(appraisal)) + ", judged at " + FormatUtc(appraisal.time) + ". " +
      Cell(appraisal.VerdictReason()) + ".\n\n| step | outcome | why |\n|---|---|---|\n";
  for (const Step& step : appraisal.steps) {
    out += "| " + Cell(step.id) + " | " + std::string(OutcomeName(step.outcome)) + " | " +
           Cell(step.reason) + " |\n";
  }
  if (const std::string tcb = TcbLine(appraisal.tcb); !tcb.empty()) {
    out += "\nTCB: " + Cell(tcb) + "\n";
  }
  if (!appraisal.policy.empty()) {
    out += "\n| policy | set | meaning |\n|---|---|---|\n";
    for (const PolicyBit& bit : appraisal.policy) {
      out += "| " + Cell(bit.name) + " | " + (bit.set ? "yes" : "no") + " | " + Cell(bit.meaning) +
             " |\n";
    }
  }
  if (!appraisal.facts.empty()) {
    out += "\n| stated | value |\n|---|---|\n";
    for (const NamedValue& fact : appraisal.facts) {
      out += "| " + Cell(fact.name) + " | " + Cell(fact.value) + " |\n";
    }
  }
  out += "\nWho vouches:\n\n";
  for (const Voucher& voucher : appraisal.vouchers) {
    out += "- " + Cell(Who(voucher)) + "\n";
  }
  if (!appraisal.attacks.empty()) {
    out += "\n| attack | coverage | why | vendor | source |\n|---|---|---|---|---|\n";
    for (const AttackResult& attack : appraisal.attacks) {
      out += "| " + Cell(attack.name) + " | " + Mark(attack) + " | " + Cell(attack.reason) +
             (attack.void_because.empty() ? "" : "; void: " + Cell(attack.void_because)) + " | " +
             Cell(attack.vendor_scope) + " | " + Cell(attack.source) + " |\n";
    }
    out += "\n(table of " + appraisal.attacks_date + ")\n";
  }
  for (const std::string& warning : appraisal.warnings) {
    out += "\n**" + Cell(warning) + "**\n";
  }
  out += "\nWhat this evidence cannot show:\n\n";
  for (const std::string& sentence : appraisal.cannot_show) {
    out += "- " + Cell(sentence) + "\n";
  }
  return out;
}

}  // namespace casemate::attestation
