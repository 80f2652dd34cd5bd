#include <algorithm>

#include "assess/report_compliance.h"
#include "assess/report_page.h"
#include "assess/third_country.h"

// The six steps of the EDPB's Recommendations 01/2020.
namespace casemate::assess {
namespace {

class Tia {
 public:
  Tia(const Report& report, const RegisterTable& table, const Pipeline& pipeline,
      const Assessment& assessment, Page& page)
      : report_(report),
        language_(*report.language),
        pipeline_(pipeline),
        assessment_(assessment),
        register_(MakeRegister(pipeline, assessment, *report.rules, table)),
        third_(ThirdCountries(pipeline, assessment, table)),
        page_(page),
        you_(PartyName(pipeline, pipeline.you())) {}

  void Write() {
    page_.Heading("#", language_.Fill("tia.title", {assessment_.title}));
    page_.Text(language_.Fill("tia.intro", {assessment_.today, you_}));
    Transfers();
    page_.Heading("##", language_.Get("tia.step-2"));
    Fact("dpf");
    page_.Todo("tia.todo-tool", you_);
    page_.Todo("tia.todo-dpf", you_);
    Law();
    Measures();
    page_.Heading("##", language_.Get("tia.step-5"));
    page_.Todo("tia.todo-procedure", you_);
    page_.Heading("##", language_.Get("tia.step-6"));
    page_.Item(
        language_.Fill("tia.review", {DayText(DayOf(assessment_.today) + kReviewDays), you_}));
    page_.Todo("tia.todo-signature", language_.Get("dpia.officer"));
  }

 private:
  std::string CaseOf(const ThirdCountry& third) const {
    return language_.Get(third.role == ThirdCountry::Role::kOperator ? "tia.case-6" : "tia.case-7");
  }

  static std::string_view RoleOf(ThirdCountry::Role role) {
    switch (role) {
      case ThirdCountry::Role::kOperator:
        return "tia.operator";
      case ThirdCountry::Role::kParent:
        return "tia.parent";
      case ThirdCountry::Role::kAffiliate:
        return "tia.affiliate";
      case ThirdCountry::Role::kSubProcessor:
        break;
    }
    return "tia.sub";
  }

  void Transfers() {
    page_.Heading("##", language_.Get("tia.step-1"));
    std::vector<std::vector<std::string>> rows;
    rows.reserve(third_.size());
    for (const ThirdCountry& third : third_) {
      rows.push_back({third.place, PartyName(pipeline_, third.party), third.seat,
                      language_.Get(RoleOf(third.role)), CaseOf(third)});
    }
    page_.Table({"window.place", "dpia.party", "window.seat", "dpia.role", "tia.case"}, rows);
    if (third_.empty()) {
      page_.Text(language_.Get("tia.none"));
    }
    for (const WindowPlace& place : assessment_.window) {
      if (place.operated_by == "unknown" || place.parent_seat == "unknown") {
        page_.Item("[ ] " + language_.Fill("tia.unknown-party", {place.element}) + ": **" +
                   language_.Fill("register.todo", {you_}) + "**");
      }
    }
    page_.Todo("tia.todo-categories", you_);
    page_.Todo("tia.todo-onward", you_);
  }

  void Fact(std::string_view id) {
    const auto found = std::ranges::find(report_.rules->legal, id, &LegalFact::id);
    if (found != report_.rules->legal.end()) {
      page_.Item(found->sentence.In(language_.code()) + " (" + found->source + "; " +
                 language_.Fill("legal.state", {found->date, found->state}) + ")");
    }
  }

  void Law() {
    page_.Heading("##", language_.Get("tia.step-3"));
    std::vector<std::vector<std::string>> rows;
    for (const Cell& cell : assessment_.cells) {
      const Instrument* instrument = report_.rules->FindInstrument(cell.adversary->instrument);
      if (instrument == nullptr) {
        continue;
      }
      std::string chain;
      for (const ChainStep& step : cell.chain) {
        chain += (chain.empty() ? "" : " → ") + step.id;
      }
      rows.push_back({instrument->title.In(language_.code()), instrument->source,
                      language_.Fill("legal.state", {instrument->date, instrument->state}),
                      CellText(language_, cell), chain});
    }
    page_.Table({"tia.law", "register.evidence", "tia.state", "register.verdict", "tia.chain"},
                rows);
    for (const LegalFact& fact : report_.rules->legal) {
      if (fact.id != "dpf" && fact.id != "edpb-use-case-6") {
        Fact(fact.id);
      }
    }
    page_.Todo("tia.todo-practice", you_);
    page_.Todo("tia.todo-other-law", you_);
  }

  void Measures() {
    page_.Heading("##", language_.Get("tia.step-4"));
    bool left = false;
    for (const RegisterRow& row : register_.rows) {
      if (row.adversary->instrument.empty()) {
        continue;
      }
      const std::string title = row.adversary->title.In(language_.code());
      for (const Filing* filing : row.treated_by) {
        page_.Item(title + ": " +
                   language_.Fill("tia.effective", {filing->control->title.In(language_.code()),
                                                    VerdictText(language_, filing->without),
                                                    VerdictText(language_, filing->with)}));
      }
      if (const std::string refused = RefusalText(language_, row); !refused.empty()) {
        page_.Item(refused);
      }
      if (row.verdict != Verdict::kStops) {
        left = true;
        for (const auto* change : {&row.cell->better, &row.cell->stops}) {
          if (*change) {
            page_.Item(title + ": " + CounterfactualText(language_, **change));
          }
        }
      }
    }
    if (!third_.empty()) {
      Fact("edpb-use-case-6");
    }
    page_.Text("**" +
               language_.Get(third_.empty() && !left ? "tia.conclusion-none"
                             : left                  ? "tia.conclusion-open"
                                                     : "tia.conclusion-stopped") +
               "**");
    page_.Todo("tia.todo-conclusion", you_);
  }

  const Report& report_;
  const Language& language_;
  const Pipeline& pipeline_;
  const Assessment& assessment_;
  Register register_;
  std::vector<ThirdCountry> third_;
  Page& page_;
  std::string you_;
};

}  // namespace

std::string RenderTia(const Report& report, const RegisterTable& table) {
  Page page(*report.language);
  for (std::size_t i = 0; i < report.assessments.size(); ++i) {
    Tia(report, table, *report.pipelines[i], *report.assessments[i], page).Write();
  }
  return page.Take();
}

}  // namespace casemate::assess
