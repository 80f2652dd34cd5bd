#include <algorithm>

#include "grammar/regex.h"

namespace casemate::grammar {
namespace {

struct Write {
  Plaintext& out;

  void operator()(const CodeSet& set) { WriteJsonCharacters(out, set); }
  void operator()(const RegexSequence& sequence) {
    out.AppendLiteral("(");
    for (std::size_t i = 0; i < sequence.parts.size(); ++i) {
      out.AppendLiteral(i > 0 ? " " : "");
      std::visit(*this, sequence.parts[i].node);
    }
    out.AppendLiteral(sequence.parts.empty() ? "\"\")" : ")");
  }
  void operator()(const RegexChoice& choice) {
    out.AppendLiteral("(");
    for (std::size_t i = 0; i < choice.parts.size(); ++i) {
      out.AppendLiteral(i > 0 ? " | " : "");
      std::visit(*this, choice.parts[i].node);
    }
    out.AppendLiteral(")");
  }
  void operator()(const RegexRepeat& repeat) {
    if (repeat.most == 0U) {
      out.AppendLiteral("\"\"");
      return;
    }
    std::visit(*this, repeat.part->node);
    out.AppendLiteral(CountSuffix(repeat.least, repeat.most));
  }
};

struct Measure {
  std::size_t operator()(const CodeSet&) const { return 1; }
  std::size_t operator()(const RegexSequence& sequence) const { return Sum(sequence.parts); }
  std::size_t operator()(const RegexChoice& choice) const { return Sum(choice.parts); }
  std::size_t operator()(const RegexRepeat& repeat) const {
    const std::size_t times = std::max<std::size_t>(1, repeat.most.value_or(repeat.least + 1));
    return std::min(kTooMany, times * std::visit(*this, repeat.part->node));
  }

 private:
  static constexpr std::size_t kTooMany = std::size_t{1} << 32;  // far over every limit
  std::size_t Sum(const std::vector<Regex>& parts) const {
    std::size_t sum = 1;
    for (const Regex& part : parts) {
      sum = std::min(kTooMany, sum + std::visit(*this, part.node));
    }
    return sum;
  }
};

}  // namespace

void WriteRegex(Plaintext& out, const Regex& regex) { std::visit(Write{out}, regex.node); }

std::size_t SizeOf(const Regex& regex) { return std::visit(Measure{}, regex.node); }

}  // namespace casemate::grammar
