#include "assess/report_compliance.h"
#include "assess/report_page.h"
#include "assess/third_country.h"

// Sections 0 to 6 of the EDPB's template for assessments of impact.
namespace casemate::assess {
namespace {

std::string ValueOf(const Pipeline& pipeline, std::size_t element, std::string_view field) {
  return pipeline.ValueText(element, RequireField(pipeline.element(element).kind, field));
}

class Dpia {
 public:
  Dpia(const Report& report, const RegisterTable& table, const Pipeline& pipeline,
       const Assessment& assessment, Page& page)
      : report_(report),
        language_(*report.language),
        table_(table),
        pipeline_(pipeline),
        assessment_(assessment),
        register_(MakeRegister(pipeline, assessment, *report.rules, table)),
        page_(page),
        you_(PartyName(pipeline, pipeline.you())),
        officer_(language_.Get("dpia.officer")) {}

  void Write() {
    page_.Heading("#", language_.Fill("dpia.title", {assessment_.title}));
    page_.Text(language_.Fill("dpia.intro", {assessment_.today, assessment_.date}));
    Identification();
    Description();
    Section("dpia.section-2", {"dpia.todo-basis", "dpia.todo-purpose", "dpia.todo-necessity",
                               "dpia.todo-minimisation"});
    Section("dpia.section-3", {"dpia.todo-information", "dpia.todo-access"});
    Erasure();
    Risks();
    Plan();
    page_.Heading("##", language_.Get("dpia.section-6"));
    page_.Todo("dpia.todo-advice", officer_);
    page_.Todo("dpia.todo-views", you_);
    page_.Todo("dpia.todo-decision", you_);
    page_.Todo("dpia.todo-consultation", you_);
  }

 private:
  void Section(std::string_view title, std::initializer_list<std::string_view> todos) {
    page_.Heading("##", language_.Get(title));
    for (const std::string_view todo : todos) {
      page_.Todo(todo, you_);
    }
  }

  void Identification() {
    page_.Heading("##", language_.Get("dpia.section-0"));
    std::vector<std::vector<std::string>> rows;
    for (std::size_t i = 0; i < pipeline_.elements().size(); ++i) {
      if (pipeline_.element(i).kind == Kind::kParty) {
        rows.push_back(
            {PartyName(pipeline_, i),
             i == pipeline_.you() ? language_.Get("dpia.controller") : Joined(Runs(i), ", "),
             ValueOf(pipeline_, i, "seat"), ValueOf(pipeline_, i, "parent"),
             ValueOf(pipeline_, i, "sub_processors")});
      }
    }
    page_.Table({"dpia.party", "dpia.role", "window.seat", "window.parent", "dpia.subs"}, rows);
    page_.Todo("dpia.todo-roles", you_);
    page_.Todo("dpia.todo-triggers", you_);
    page_.Todo("dpia.todo-timeline", you_);
  }

  // Places that a party runs.
  std::vector<std::string> Runs(std::size_t party) const {
    std::vector<std::string> places;
    for (const WindowPlace& place : assessment_.window) {
      if (pipeline_.Find(place.operated_by) == party) {
        places.push_back(place.element);
      }
    }
    return places;
  }

  void Description() {
    page_.Heading("##", language_.Get("dpia.section-1"));
    page_.Todo("dpia.todo-categories", you_);
    page_.Todo("dpia.todo-purposes", you_);
    page_.Heading("###", language_.Get("window.title"));
    std::vector<std::vector<std::string>> places;
    for (const WindowPlace& place : assessment_.window) {
      std::vector<std::string> what;
      what.reserve(place.what.size());
      for (const std::string& name : place.what) {
        what.push_back(language_.Get("what." + name));
      }
      places.push_back({place.title + " (" + place.element + ")", place.operated_by, place.seat,
                        place.parent_seat, place.label, Joined(what, ", ")});
    }
    page_.Table({"window.place", "window.operator", "window.seat", "window.parent", "window.label",
                 "window.holds"},
                places);
    page_.Heading("###", language_.Get("diagram.title"));
    std::vector<std::vector<std::string>> hops;
    std::vector<std::vector<std::string>> stores;
    for (std::size_t i = 0; i < pipeline_.elements().size(); ++i) {
      const Element& element = pipeline_.element(i);
      if (element.kind == Kind::kHop) {
        hops.push_back({element.id, ValueOf(pipeline_, i, "from"), ValueOf(pipeline_, i, "to"),
                        ValueOf(pipeline_, i, "carries"), ValueOf(pipeline_, i, "transport"),
                        ValueOf(pipeline_, i, "key_exchange")});
      } else if (element.kind == Kind::kStore) {
        stores.push_back({element.id, ValueOf(pipeline_, i, "retention_days"),
                          ValueOf(pipeline_, i, "encryption"), ValueOf(pipeline_, i, "key"),
                          ValueOf(pipeline_, i, "backups"), ValueOf(pipeline_, i, "erasure")});
      }
    }
    page_.Table(
        {"dpia.hop", "dpia.from", "dpia.to", "dpia.carries", "dpia.transport", "dpia.exchange"},
        hops);
    page_.Heading("###", language_.Get("dpia.retention"));
    page_.Table(
        {"dpia.store", "dpia.days", "dpia.encryption", "dpia.key", "dpia.backups", "dpia.erasure"},
        stores);
    if (!ThirdCountries(pipeline_, assessment_, table_).empty()) {
      page_.Text(language_.Get("dpia.see-tia"));
    }
  }

  void Erasure() {
    const Cell* cell = assessment_.Find("restored-backup");
    if (cell != nullptr) {
      page_.Item(language_.Fill("dpia.erasure-is", {CellText(language_, *cell)}));
    }
    page_.Todo("dpia.todo-rights", you_);
  }

  void Risks() {
    page_.Heading("##", language_.Get("dpia.section-4"));
    std::vector<std::vector<std::string>> rows;
    for (const RegisterRow& row : register_.rows) {
      const std::size_t likelihood = table_.LikelihoodOf(row.adversary->id, row.verdict);
      const std::size_t impact = table_.ImpactOf(HighestLabel(pipeline_, row.cell));
      std::vector<std::string> controls;
      controls.reserve(row.treated_by.size());
      for (const Filing* filing : row.treated_by) {
        controls.push_back(filing->control->title.In(language_.code()));
      }
      rows.push_back({row.adversary->title.In(language_.code()), CellText(language_, *row.cell),
                      controls.empty() ? language_.Get("register.none") : Joined(controls, ", "),
                      table_.levels[table_.matrix[impact][likelihood]].title.In(language_.code())});
    }
    page_.Table({"register.risk", "register.verdict", "register.controls", "register.level"}, rows);
    page_.Text(language_.Get("dpia.refused"));
    for (const RegisterRow& row : register_.rows) {
      if (const std::string text = RefusalText(language_, row); !text.empty()) {
        page_.Item(text);
      }
    }
    page_.Todo("dpia.todo-integrity", you_);
    page_.Todo("dpia.todo-harm", you_);
  }

  void Plan() {
    page_.Heading("##", language_.Get("dpia.section-5"));
    for (const RegisterRow& row : register_.rows) {
      if (row.verdict == Verdict::kStops) {
        continue;
      }
      const std::string title = row.adversary->title.In(language_.code());
      if (report_.accepted != nullptr) {
        const AcceptanceOf accepted =
            FindAcceptance(*report_.accepted, *row.cell, assessment_.today);
        if (accepted.state == AcceptanceState::kAccepted) {
          page_.Item(title + ": " +
                     language_.Fill("note.accepted",
                                    {accepted.acceptance->owner, accepted.acceptance->until,
                                     accepted.acceptance->reason}));
          continue;
        }
      }
      const bool has = row.cell->better.has_value();
      page_.Item("[ ] " + title + ": " +
                 (has ? CounterfactualText(language_, *row.cell->better)
                      : language_.Fill("register.decide", {you_})) +
                 "; **" + language_.Fill("register.todo", {you_}) + "**");
    }
  }

  const Report& report_;
  const Language& language_;
  const RegisterTable& table_;
  const Pipeline& pipeline_;
  const Assessment& assessment_;
  Register register_;
  Page& page_;
  std::string you_;
  std::string officer_;
};

}  // namespace

std::string RenderDpia(const Report& report, const RegisterTable& table) {
  Page page(*report.language);
  for (std::size_t i = 0; i < report.assessments.size(); ++i) {
    Dpia(report, table, *report.pipelines[i], *report.assessments[i], page).Write();
  }
  return page.Take();
}

}  // namespace casemate::assess
