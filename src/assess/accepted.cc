#include "assess/accepted.h"

#include <algorithm>

#include "assess/pipeline_reader.h"

namespace casemate::assess {
namespace {

Result<Acceptance> ReadOne(const yaml::Node& node) {
  if (Result<void> names =
          OnlyNames(node, {"cell", "verdict", "owner", "until", "reason"}, "an accepted risk");
      !names) {
    return std::unexpected(names.error());
  }
  Acceptance acceptance;
  std::string verdict;
  for (const auto& [name, target] :
       {std::pair{"cell", &acceptance.cell}, std::pair{"verdict", &verdict},
        std::pair{"owner", &acceptance.owner}, std::pair{"until", &acceptance.until},
        std::pair{"reason", &acceptance.reason}}) {
    Result<std::string> text = RequiredText(node, name);
    if (!text) {
      return std::unexpected(text.error());
    }
    *target = *std::move(text);
  }
  const std::optional<Verdict> parsed = ParseVerdict(verdict);
  if (!parsed) {
    return yaml::FailAt(node.Get("verdict")->mark,
                        "verdict: expected does-not-stop, controllable, raises-cost or unknown, "
                        "found \"" +
                            verdict + "\"" + yaml::DidYouMean(verdict, VerdictNames()));
  }
  acceptance.verdict = *parsed;
  if (!IsDate(acceptance.until)) {
    return yaml::FailAt(node.Get("until")->mark,
                        "until: expected YYYY-MM-DD; a risk that is "
                        "accepted for ever is nobody's");
  }
  if (acceptance.cell.find('@') == std::string::npos) {
    return yaml::FailAt(node.Get("cell")->mark, "cell: expected ADVERSARY@PIPELINE");
  }
  return acceptance;
}

}  // namespace

Result<std::vector<Acceptance>> ReadAccepted(std::string_view text, const std::string& file) {
  std::vector<Acceptance> accepted;
  const auto read = [&]() -> Result<void> {
    Result<yaml::Node> root = yaml::Parse(text);
    if (!root) {
      return std::unexpected(root.error());
    }
    const yaml::Node* what = root->Get("casemate");
    const yaml::Node* risks = root->Get("risks");
    if (what == nullptr || what->text != "accepted" || risks == nullptr || !risks->is_sequence()) {
      return yaml::FailAt(root->mark, "expected \"casemate: accepted\" and a list risks:");
    }
    for (const yaml::Node& item : risks->items) {
      Result<Acceptance> one = ReadOne(item);
      if (!one) {
        return std::unexpected(one.error());
      }
      if (std::ranges::find(accepted, one->cell, &Acceptance::cell) != accepted.end()) {
        return yaml::FailAt(item.mark, "\"" + one->cell + "\" is accepted twice");
      }
      accepted.push_back(*std::move(one));
    }
    return {};
  };
  if (Result<void> done = read(); !done) {
    Error error = done.error();
    error.message = file + ":" + error.message;
    return std::unexpected(std::move(error));
  }
  return accepted;
}

int RankOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kUnknown:
    case Verdict::kDoesNotStop:
      return 0;
    case Verdict::kControllable:
      return 1;
    case Verdict::kRaisesCost:
      return 2;
    case Verdict::kStops:
    case Verdict::kNotApplicable:
      return 3;
  }
  return 0;
}

int RankOf(const Cell& cell) {
  return RankOf(cell.verdict == Verdict::kUnknown ? cell.worst : cell.verdict);
}

AcceptanceOf FindAcceptance(const std::vector<Acceptance>& accepted, const Cell& cell,
                            std::string_view today) {
  const auto found = std::ranges::find(accepted, cell.id, &Acceptance::cell);
  if (found == accepted.end()) {
    return {};
  }
  AcceptanceState state = AcceptanceState::kAccepted;
  if (DayOf(found->until) < DayOf(today)) {
    state = AcceptanceState::kExpired;
  } else if (RankOf(cell) < RankOf(found->verdict)) {
    state = AcceptanceState::kOutgrown;
  }
  return {.state = state, .acceptance = &*found};
}

Result<Gate> ParseGate(std::string_view text, const RuleSet& rules) {
  Gate gate;
  const std::size_t equals = text.find('=');
  const std::size_t at = std::min(text.find('@'), text.size());
  if (equals == std::string_view::npos || at < equals) {
    return Fail(ErrorCode::kInvalidArgument,
                "--fail-on: expected ADVERSARY=VERDICT or ADVERSARY=VERDICT@LABEL, found \"" +
                    std::string(text) + "\"");
  }
  gate.adversary = text.substr(0, equals);
  gate.label = at == text.size() ? std::string_view() : text.substr(at + 1);
  std::vector<std::string_view> rows = {"any"};
  for (const Adversary& adversary : rules.adversaries) {
    rows.push_back(adversary.id);
  }
  if (std::ranges::find(rows, gate.adversary) == rows.end()) {
    return Fail(ErrorCode::kInvalidArgument, "--fail-on: no adversary \"" + gate.adversary + "\"" +
                                                 yaml::DidYouMean(gate.adversary, rows));
  }
  const std::string_view verdict = text.substr(equals + 1, at - equals - 1);
  const std::optional<Verdict> parsed = ParseVerdict(verdict);
  if (!parsed || *parsed == Verdict::kStops || *parsed == Verdict::kNotApplicable) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "--fail-on: expected does-not-stop, controllable, raises-cost or unknown, found \"" +
            std::string(verdict) + "\"");
  }
  gate.verdict = *parsed;
  return gate;
}

bool Closes(const Gate& gate, const Cell& cell) {
  if (gate.adversary != "any" && gate.adversary != cell.adversary->id) {
    return false;
  }
  return gate.verdict == Verdict::kUnknown ? cell.verdict == Verdict::kUnknown
                                           : RankOf(cell) <= RankOf(gate.verdict);
}

}  // namespace casemate::assess
