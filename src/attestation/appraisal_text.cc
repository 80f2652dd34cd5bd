#include <algorithm>

#include "attestation/appraisal.h"
#include "base/clock.h"

namespace casemate::attestation {
namespace {

constexpr std::size_t kLongestValue = 64;  // characters of a value on a terminal line
constexpr std::size_t kLineWidth = 100;    // columns
constexpr std::size_t kIdWidth = 22;
constexpr std::size_t kReasonColumn = 2 + kIdWidth + 13;

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

// `text` broken at spaces, each line `indent` deep, the first one begun with `head`.
std::string Wrapped(const std::string& head, std::string_view text, std::size_t indent) {
  std::string out = Padded(head, indent);
  std::size_t column = out.size();
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (column + word.size() > kLineWidth && column > indent) {
      out.pop_back();
      out += "\n" + std::string(indent, ' ');
      column = indent;
    }
    out += std::string(word) + " ";
    column += word.size() + 1;
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  while (out.ends_with(' ')) {
    out.pop_back();
  }
  return out + "\n";
}

std::string StepLines(const Appraisal& appraisal, bool colour) {
  std::string out = "\nSteps\n";
  for (const Step& step : appraisal.steps) {
    const std::string head =
        "  " + Padded(step.id, kIdWidth) + Padded(std::string(OutcomeName(step.outcome)), 13);
    std::string lines = Wrapped(head, Plain(step.reason), kReasonColumn);
    const std::string_view word = OutcomeName(step.outcome);
    lines.replace(2 + kIdWidth, word.size(), Coloured(word, ColourOf(step.outcome), colour));
    out += lines;
  }
  return out;
}

std::string PolicyLines(const Appraisal& appraisal) {
  std::string out = "\nPolicy and platform\n";
  std::string on;
  std::string off;
  for (const PolicyBit& bit : appraisal.policy) {
    if (bit.warning) {
      out += Wrapped("! " + bit.name, std::string(bit.set ? "yes: " : "no: ") + bit.meaning, 29);
    } else {
      std::string& list = bit.set ? on : off;
      list += (list.empty() ? "" : ", ") + bit.name;
    }
  }
  out += on.empty() ? "" : Wrapped("  yes:", on, 8);
  out += off.empty() ? "" : Wrapped("  no:", off, 8);
  return out;
}

// What is not covered one by one with its reason; the rest by name.
std::string AttackLines(const Appraisal& appraisal, bool colour) {
  std::string out = "\nKnown attacks (table of " + appraisal.attacks_date +
                    "; every reason: --markdown or --json)\n";
  std::string lists[3];
  for (const AttackResult& attack : appraisal.attacks) {
    if (attack.coverage == Coverage::kNotCovered) {
      std::string lines = Wrapped("  not covered", attack.name + ": " + Plain(attack.reason), 16);
      lines.replace(2, 11, Coloured("not covered", "31", colour));
      out += lines;
      continue;
    }
    std::string& list = lists[attack.coverage == Coverage::kCannotTell ? 0
                              : attack.coverage == Coverage::kCovered  ? 1
                                                                       : 2];
    list += (list.empty() ? "" : "; ") + attack.name +
            (attack.void_because.empty() ? "" : " (void: see above)");
  }
  constexpr std::string_view kHeads[3] = {"cannot tell", "covered", "not affected"};
  constexpr std::string_view kColours[3] = {"33", "32", "32"};
  for (std::size_t i = 0; i < 3; ++i) {
    if (!lists[i].empty()) {
      std::string lines = Wrapped("  " + std::string(kHeads[i]), lists[i], 16);
      lines.replace(2, kHeads[i].size(), Coloured(kHeads[i], kColours[i], colour));
      out += lines;
    }
  }
  return out;
}

}  // namespace

std::string ToText(const Appraisal& appraisal, bool colour) {
  const Verdict verdict = appraisal.verdict();
  std::string out = Plain(appraisal.source) + ": " +
                    Coloured(VerdictName(verdict), ColourOf(verdict), colour) + "\n  " +
                    Title(appraisal) + ", judged at " + FormatUtc(appraisal.time) + "\n" +
                    Wrapped("  ", Plain(appraisal.VerdictReason()), 2);
  for (const std::string& warning : appraisal.warnings) {
    out += Wrapped("! ", Plain(warning), 2);
  }
  out += StepLines(appraisal, colour);
  if (const std::string tcb = TcbLine(appraisal.tcb); !tcb.empty()) {
    out += "\nTCB\n" + Wrapped("  ", tcb, 2);
  }
  std::string advisories;
  for (const std::string& advisory : appraisal.tcb.advisories) {
    advisories += (advisories.empty() ? "" : ", ") + Plain(advisory);
  }
  out += advisories.empty() ? "" : Wrapped("  advisories:", advisories, 14);
  out += appraisal.policy.empty() ? "" : PolicyLines(appraisal);
  std::string stated;
  std::size_t measurements = 0;
  for (const NamedValue& fact : appraisal.facts) {
    if (fact.name.starts_with("measurement.")) {
      ++measurements;  // a GPU has dozens
    } else if (fact.value.find_first_not_of('0') != std::string::npos) {
      stated += "  " + Padded(Plain(fact.name), 19) + " " + Short(fact.value) + "\n";
    }
  }
  if (measurements != 0) {
    stated += "  " + Padded("measurements", 20) + std::to_string(measurements) +
              " that are not zero (--markdown, --json)\n";
  }
  out += stated.empty() ? "" : "\nWhat it states (what is zero is left out)\n" + stated;
  out += appraisal.vouchers.empty() ? "" : "\nWho vouches\n";
  for (const Voucher& voucher : appraisal.vouchers) {
    out += Wrapped("  ", Plain(Who(voucher)), 4);
  }
  out += appraisal.attacks.empty() ? "" : AttackLines(appraisal, colour);
  out += appraisal.cannot_show.empty() ? "" : "\nWhat this evidence cannot show\n";
  for (const std::string& sentence : appraisal.cannot_show) {
    out += Wrapped("  -", sentence, 4);
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
