#include <algorithm>

#include "assess/register.h"
#include "assess/report_compliance.h"
#include "assess/report_contradictions.h"
#include "base/table_text.h"

namespace casemate::assess {
namespace {

// The words of one row.
class RowTexts {
 public:
  RowTexts(const Report& report, const RegisterTable& table, const Pipeline& pipeline,
           const Assessment& assessment, const RegisterRow& row)
      : report_(report),
        language_(*report.language),
        table_(table),
        pipeline_(pipeline),
        assessment_(assessment),
        row_(row),
        label_(HighestLabel(pipeline, row.cell)) {
    if (report.accepted != nullptr) {
      accepted_ = FindAcceptance(*report.accepted, *row.cell, assessment.today);
    }
  }

  bool IsAccepted() const { return accepted_.state == AcceptanceState::kAccepted; }
  std::string Status() const {
    return IsAccepted() ? "accepted" : row_.verdict == Verdict::kStops ? "treated" : "open";
  }
  std::string You() const { return PartyName(pipeline_, pipeline_.you()); }
  std::string Title() const { return row_.adversary->title.In(language_.code()); }

  std::size_t Likelihood(Verdict verdict) const {
    return table_.LikelihoodOf(row_.adversary->id, verdict);
  }
  std::size_t Impact() const { return table_.ImpactOf(label_); }
  std::string LikelihoodText(Verdict verdict) const {
    return table_.likelihood[Likelihood(verdict)].title.In(language_.code());
  }
  std::string ImpactText() const { return table_.impact[Impact()].title.In(language_.code()); }
  std::string LevelText(Verdict verdict) const {
    return table_.levels[table_.matrix[Impact()][Likelihood(verdict)]].title.In(language_.code());
  }
  std::string LevelWithReason(Verdict verdict) const {
    return language_.Fill("register.level-text",
                          {LevelText(verdict), LikelihoodText(verdict), ImpactText()});
  }

  std::string Vulnerability() const {
    std::vector<std::string> sentences;
    for (const ChainStep& step : row_.cell->chain) {
      sentences.push_back(step.rule->sentence.In(language_.code()) + " [" + step.id + "]");
    }
    return Joined(sentences, " ");
  }
  std::string EvidenceText() const {
    std::vector<std::string> parts;
    for (const ChainStep& step : row_.cell->chain) {
      for (const ChainFact& fact : step.facts) {
        std::string text = FactText(language_, fact);
        if (std::ranges::find(parts, text) == parts.end()) {
          parts.push_back(std::move(text));
        }
      }
    }
    return Joined(parts, "; ");
  }
  std::string Legal() const {
    const Instrument* instrument = report_.rules->FindInstrument(row_.adversary->instrument);
    return instrument == nullptr
               ? std::string()
               : instrument->source + " (" +
                     language_.Fill("legal.state", {instrument->date, instrument->state}) + ")";
  }
  std::string Filed(const Filing& filing) const {
    std::vector<std::string> others;
    for (const Control* other : filing.redundant_with) {
      others.push_back(other->title.In(language_.code()));
    }
    const std::string title = filing.control->title.In(language_.code());
    const std::string elements = Joined(filing.elements, ", ");
    const std::string without = VerdictText(language_, filing.without);
    const std::string with = VerdictText(language_, filing.with);
    return others.empty() ? language_.Fill("register.filed-row", {title, elements, without, with})
                          : language_.Fill("register.filed-redundant",
                                           {title, elements, without, with, Joined(others, "; ")});
  }
  std::string Controls() const {
    std::vector<std::string> parts;
    parts.reserve(row_.treated_by.size());
    for (const Filing* filing : row_.treated_by) {
      parts.push_back(Filed(*filing));
    }
    return Joined(parts, "; ");
  }
  std::string Refusals() const { return RefusalText(language_, row_); }
  bool HasMeasure() const { return row_.cell->better.has_value(); }
  // Of an unknown verdict: what has to be found out first.
  std::string Missing() const {
    std::vector<std::string> names;
    if (row_.verdict == Verdict::kUnknown) {
      for (const ChainFact& fact : row_.cell->missing) {
        if (std::ranges::find(names, fact.Name()) == names.end()) {
          names.push_back(fact.Name());
        }
      }
    }
    return Joined(names, ", ");
  }
  std::string Treatment() const {
    if (IsAccepted()) {
      return language_.Get("register.accept");
    }
    if (row_.verdict == Verdict::kStops) {
      return language_.Get("register.keep");
    }
    if (const std::string missing = Missing(); !missing.empty()) {
      return language_.Fill("register.ask", {missing});
    }
    return HasMeasure() ? language_.Get("register.reduce")
                        : language_.Fill("register.decide", {You()});
  }
  std::string Measure() const {
    return HasMeasure() && !IsAccepted() ? ChangesText(language_, *row_.cell->better)
                                         : std::string();
  }
  std::string Residual() const {
    return HasMeasure() && !IsAccepted() ? LevelText(row_.cell->better->becomes)
                                         : LevelText(row_.verdict);
  }
  std::string Owner() const {
    return accepted_.acceptance != nullptr ? accepted_.acceptance->owner
                                           : language_.Fill("register.owner-of", {You()});
  }
  std::string AcceptedUntil() const {
    return IsAccepted() ? accepted_.acceptance->until : std::string();
  }
  std::string Review() const {
    return IsAccepted() ? accepted_.acceptance->until
                        : DayText(DayOf(assessment_.today) + kReviewDays);
  }

  std::vector<std::string> Columns() const {
    const std::string todo = language_.Fill("register.todo", {You()});
    const bool open = Status() == "open";
    return {row_.id,
            Joined(row_.cell->reached, ", "),
            You(),
            Owner(),
            "C: " + label_ + "; I, A: " + language_.Get("register.not-assessed"),
            row_.adversary->sentence.In(language_.code()),
            Threats(table_, row_.adversary->id),
            Vulnerability(),
            Title(),
            std::string(VerdictName(row_.verdict)),
            std::string(ConfidenceName(row_.cell->confidence)),
            Controls(),
            Refusals(),
            LevelText(row_.inherent),
            LikelihoodText(row_.verdict),
            language_.Fill("register.likelihood-why",
                           {VerdictText(language_, row_.verdict), table_.date}),
            ImpactText(),
            language_.Fill("register.impact-why", {label_}),
            LevelText(row_.verdict),
            Treatment(),
            Measure(),
            open ? todo : std::string(),
            open ? todo : std::string(),
            Residual(),
            IsAccepted() ? accepted_.acceptance->owner : std::string(),
            AcceptedUntil(),
            Status(),
            EvidenceText(),
            Legal(),
            Review()};
  }

 private:
  const Report& report_;
  const Language& language_;
  const RegisterTable& table_;
  const Pipeline& pipeline_;
  const Assessment& assessment_;
  const RegisterRow& row_;
  std::string label_;
  AcceptanceOf accepted_;
};

constexpr std::string_view kHeader =
    "risk_id,target_object,asset_owner,risk_owner,protection_need,threat,bsi_threats,vulnerability,"
    "adversary,verdict,confidence,existing_controls,refused_controls,inherent_level,likelihood,"
    "likelihood_rationale,impact,impact_rationale,level,treatment,measure,responsible,due,"
    "residual_level,accepted_by,accepted_until,status,evidence,legal_basis,review_date\r\n";

std::string Line(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    line += (line.empty() ? "" : ",") + CsvField(field);
  }
  return line + "\r\n";
}

}  // namespace

std::string RenderRegisterCsv(const Report& report, const RegisterTable& table) {
  std::string out(kHeader);
  for (std::size_t i = 0; i < report.assessments.size(); ++i) {
    const Assessment& assessment = *report.assessments[i];
    const Register made = MakeRegister(*report.pipelines[i], assessment, *report.rules, table);
    for (const RegisterRow& row : made.rows) {
      out += Line(RowTexts(report, table, *report.pipelines[i], assessment, row).Columns());
    }
    for (const Contradiction& contradiction : assessment.contradictions) {
      out += Line(
          ContradictionColumns(report, table, *report.pipelines[i], assessment, contradiction));
    }
  }
  return out;
}

std::string RenderRegisterMarkdown(const Report& report, const RegisterTable& table) {
  const Language& language = *report.language;
  std::string out;
  for (std::size_t i = 0; i < report.assessments.size(); ++i) {
    const Assessment& assessment = *report.assessments[i];
    const Register made = MakeRegister(*report.pipelines[i], assessment, *report.rules, table);
    out += "## " + language.Fill("register.title", {assessment.title}) + "\n\n" +
           language.Fill("register.as-of", {assessment.today, table.date}) + "\n\n|";
    for (const char* name : {"risk", "threats", "verdict", "controls", "inherent", "level",
                             "treatment", "residual", "review"}) {
      out += " " + language.Get("register." + std::string(name)) + " |";
    }
    out += "\n|---|---|---|---|---|---|---|---|---|\n";
    std::string filed;
    std::string refused;
    for (const RegisterRow& row : made.rows) {
      const RowTexts texts(report, table, *report.pipelines[i], assessment, row);
      std::vector<std::string> names;
      for (const Filing* filing : row.treated_by) {
        names.push_back(filing->control->title.In(language.code()));
        filed += "- " + texts.Title() + ": " + texts.Filed(*filing) + "\n";
      }
      if (const std::string text = texts.Refusals(); !text.empty()) {
        refused += "- " + text + "\n";
      }
      const std::string measure = texts.Measure();
      out += "| " + texts.Title() + " | " + Threats(table, row.adversary->id) + " | " +
             VerdictText(language, row.verdict) + " | " +
             MarkdownCell(names.empty() ? language.Get("register.none") : Joined(names, "; ")) +
             " | " + texts.LevelText(row.inherent) + " | " + texts.LevelWithReason(row.verdict) +
             " | " +
             MarkdownCell(texts.Treatment() +
                          (measure.empty()                    ? ""
                           : row.verdict == Verdict::kUnknown ? "; "
                                                              : ": ") +
                          measure) +
             " | " + texts.Residual() + " | " + texts.Review() + " |\n";
    }
    out += ContradictionsMarkdown(language, assessment);
    out += "\n### " + language.Get("register.filed") + "\n\n" +
           (filed.empty() ? language.Get("register.none") + "\n" : filed) + "\n### " +
           language.Get("register.refused") + "\n\n" +
           (refused.empty() ? language.Get("register.none") + "\n" : refused) + "\n";
  }
  return out;
}

}  // namespace casemate::assess
