#include <algorithm>
#include <set>

#include "assess/condition_reader.h"
#include "assess/data.h"
#include "assess/horizon_reader.h"
#include "assess/pipeline_reader.h"
#include "assess/result.h"
#include "assess/rule.h"

namespace casemate::assess {
namespace {

using yaml::FailAt;
using yaml::Node;

constexpr std::size_t kMaxRules = 1000;

Result<Texts> TextsOf(const Node& node) {
  Result<std::string> en = RequiredText(node, "en");
  Result<std::string> de = RequiredText(node, "de");
  if (!en || !de) {
    return std::unexpected(en ? de.error() : en.error());
  }
  return Texts{.en = *std::move(en), .de = *std::move(de)};
}

Result<std::string> DateOf(const Node& node) {
  Result<std::string> date = RequiredText(node, "date");
  if (date && !IsDate(*date)) {
    return FailAt(node.Get("date")->mark, "date: expected YYYY-MM-DD");
  }
  return date;
}

// Reads what stands in one place; the error has it.
class Reader {
 public:
  explicit Reader(RuleSet& set) : set_(set) {}

  Result<void> ReadFile(const Node& root) {
    Result<std::string> what = RequiredText(root, "casemate");
    if (!what) {
      return std::unexpected(what.error());
    }
    if (*what == "rules") {
      return Each(root, "rules", &Reader::ReadRule);
    }
    if (*what == "adversaries") {
      Result<void> read = Each(root, "adversaries", &Reader::ReadAdversary);
      return read ? Each(root, "notes", &Reader::ReadNote) : read;
    }
    if (*what == "legal") {
      Result<void> read = Each(root, "instruments", &Reader::ReadInstrument);
      return read ? Each(root, "facts", &Reader::ReadLegal) : read;
    }
    if (*what == "horizon") {
      return ReadHorizonFile(root);
    }
    if (*what == "changes") {
      return Each(root, "classes", &Reader::ReadChanges);
    }
    return FailAt(root.mark,
                  "expected \"casemate: rules\", \"adversaries\", \"horizon\", \"changes\" or "
                  "\"legal\"");
  }

  Result<void> Check() const {
    if (set_.rules.empty() || set_.adversaries.empty()) {
      return Fail(ErrorCode::kInvalidArgument, "the rules are empty");
    }
    std::set<std::string, std::less<>> wielded;
    for (const Adversary& adversary : set_.adversaries) {
      wielded.insert(adversary.wields.begin(), adversary.wields.end());
      if (!adversary.instrument.empty() && set_.FindInstrument(adversary.instrument) == nullptr) {
        return Fail(ErrorCode::kInvalidArgument, "adversary \"" + adversary.id +
                                                     "\": the legal facts have no instrument \"" +
                                                     adversary.instrument + "\"");
      }
    }
    for (const Rule& rule : set_.rules) {
      if (!rule.wields.empty() && !wielded.contains(rule.wields)) {
        return Fail(ErrorCode::kInvalidArgument,
                    "rule \"" + rule.id + "\": nobody wields \"" + rule.wields + "\"");
      }
    }
    return {};
  }

 private:
  using ReadOne = Result<void> (Reader::*)(const Node&);

  Result<void> Each(const Node& root, std::string_view name, ReadOne read) {
    const Node* list = root.Get(name);
    if (list == nullptr) {
      return {};
    }
    if (!list->is_sequence() || list->items.size() > kMaxRules) {
      return FailAt(list->mark, std::string(name) + ": expected a list of at most 1000");
    }
    for (const Node& item : list->items) {
      if (!item.is_mapping()) {
        return FailAt(item.mark, "expected a mapping");
      }
      if (Result<void> done = (this->*read)(item); !done) {
        return done;
      }
    }
    return {};
  }

  Result<std::string> NewId(const Node& node) {
    Result<std::string> id = RequiredText(node, "id");
    if (!id) {
      return id;
    }
    if (!IsId(*id)) {
      return FailAt(node.mark, "id: expected 1 to 64 of a-z, 0-9, '.', '_' and '-'");
    }
    if (!ids_.insert(*id).second) {
      return FailAt(node.mark, "\"" + *id + "\" is there twice");
    }
    return id;
  }

  Result<void> ReadRule(const Node& node) {
    if (Result<void> names = OnlyNames(node,
                                       {"id", "en", "de", "source", "date", "for", "wields", "when",
                                        "needs", "gives", "step", "note"},
                                       "a rule");
        !names) {
      return names;
    }
    Result<std::string> id = NewId(node);
    Result<Texts> sentence = TextsOf(node);
    Result<std::string> source = RequiredText(node, "source");
    Result<std::string> date = DateOf(node);
    Result<std::string> of = RequiredText(node, "for");
    Result<std::string> wields = TextOf(node, "wields");
    for (const Error* error : {id ? nullptr : &id.error(), sentence ? nullptr : &sentence.error(),
                               source ? nullptr : &source.error(), date ? nullptr : &date.error(),
                               of ? nullptr : &of.error(), wields ? nullptr : &wields.error()}) {
      if (error != nullptr) {
        return std::unexpected(*error);
      }
    }
    const std::optional<Kind> kind = KindOfName(*of);
    if (!kind) {
      return FailAt(
          node.Get("for")->mark,
          "for: expected party, processor, tee, key, store, hop or attack, found \"" + *of + "\"");
    }
    Rule rule{.id = *std::move(id),
              .sentence = *std::move(sentence),
              .source = *std::move(source),
              .date = *std::move(date),
              .of = *kind,
              .wields = *std::move(wields)};
    return ReadEffect(node, rule);
  }

  Result<void> ReadEffect(const Node& node, Rule& rule) {
    Result<std::vector<AnyOf>> when = ReadConditions(node.Get("when"), rule.of);
    if (!when) {
      return std::unexpected(when.error());
    }
    rule.when = *std::move(when);
    if (const Node* needs = node.Get("needs")) {
      for (const Node& item : needs->items) {
        Result<Premise> premise = ReadPremise(item, rule.of);
        if (!premise) {
          return std::unexpected(premise.error());
        }
        rule.needs.push_back(*std::move(premise));
      }
    }
    Result<std::string> gives = RequiredText(node, "gives");
    Result<std::string> step = RequiredText(node, "step");
    if (!gives || !step) {
      return std::unexpected(gives ? step.error() : gives.error());
    }
    const std::optional<Form> form = ParseForm(*gives);
    if (!form || !FormFits(*form, rule.of)) {
      return FailAt(node.Get("gives")->mark,
                    "gives: a " + std::string(InfoOf(rule.of).name) + " has no \"" + *gives + "\"");
    }
    rule.gives = *form;
    const std::optional<Step> cost = ParseStep(*step);
    if (!cost) {
      return FailAt(node.Get("step")->mark,
                    "step: expected ordinary, controllable or exploit, found \"" + *step + "\"");
    }
    rule.step = *cost;
    if (const Node* note = node.Get("note")) {
      Result<Texts> texts = TextsOf(*note);
      if (!texts) {
        return std::unexpected(texts.error());
      }
      rule.note = *std::move(texts);
    }
    set_.rules.push_back(std::move(rule));
    return {};
  }

  Result<void> ReadAdversary(const Node& node) {
    if (Result<void> names = OnlyNames(
            node, {"id", "title", "en", "de", "wields", "instrument", "actors", "reference"},
            "an adversary");
        !names) {
      return names;
    }
    Result<std::string> id = NewId(node);
    const Node* title = node.Get("title");
    Result<Texts> titles = TextsOf(title == nullptr ? node : *title);
    Result<Texts> sentence = TextsOf(node);
    Result<std::string> instrument = TextOf(node, "instrument");
    Result<std::string> actors = TextOf(node, "actors");
    Result<std::string> reference = TextOf(node, "reference");
    for (const Error* error :
         {id ? nullptr : &id.error(), titles ? nullptr : &titles.error(),
          sentence ? nullptr : &sentence.error(), instrument ? nullptr : &instrument.error(),
          actors ? nullptr : &actors.error(), reference ? nullptr : &reference.error()}) {
      if (error != nullptr) {
        return std::unexpected(*error);
      }
    }
    Adversary adversary{.id = *std::move(id),
                        .title = *std::move(titles),
                        .sentence = *std::move(sentence),
                        .instrument = *std::move(instrument),
                        .reference = *reference == "yes"};
    const Node* wields = node.Get("wields");
    if (wields == nullptr || !wields->is_sequence() || wields->items.empty()) {
      return FailAt(node.mark, "wields: expected a list of what rules ask for");
    }
    for (const Node& item : wields->items) {
      adversary.wields.push_back(item.text);
    }
    if (*actors == "processor-operators") {
      adversary.actors = Adversary::Actors::kProcessorOperators;
    } else if (*actors == "you") {
      adversary.actors = Adversary::Actors::kYou;
    } else if (!actors->empty()) {
      return FailAt(node.Get("actors")->mark, "actors: expected processor-operators or you");
    }
    set_.adversaries.push_back(std::move(adversary));
    return {};
  }

  Result<void> ReadNote(const Node& node) {
    if (Result<void> names = OnlyNames(
            node, {"adversary", "verdict", "every", "some", "when", "en", "de"}, "a note");
        !names) {
      return names;
    }
    Result<std::string> adversary = RequiredText(node, "adversary");
    Result<std::string> verdict = RequiredText(node, "verdict");
    Result<Texts> texts = TextsOf(node);
    const bool every = node.Get("every") != nullptr;
    Result<std::string> of = RequiredText(node, every ? "every" : "some");
    for (const Error* error :
         {adversary ? nullptr : &adversary.error(), verdict ? nullptr : &verdict.error(),
          texts ? nullptr : &texts.error(), of ? nullptr : &of.error()}) {
      if (error != nullptr) {
        return std::unexpected(*error);
      }
    }
    const std::optional<Kind> kind = KindOfName(*of);
    if (!kind || set_.FindAdversary(*adversary) == nullptr || !ParseVerdict(*verdict)) {
      return FailAt(node.mark, "a note names an adversary, a verdict and a kind of element");
    }
    Result<std::vector<AnyOf>> when = ReadConditions(node.Get("when"), *kind);
    if (!when) {
      return std::unexpected(when.error());
    }
    set_.notes.push_back({.adversary = *std::move(adversary),
                          .verdict = *std::move(verdict),
                          .of = *kind,
                          .every = every,
                          .when = *std::move(when),
                          .text = *std::move(texts)});
    return {};
  }

  Result<void> ReadHorizonFile(const Node& root) {
    Result<Horizon> horizon = ReadHorizon(root);
    if (!horizon) {
      return std::unexpected(horizon.error());
    }
    set_.horizon = *std::move(horizon);
    return {};
  }

  Result<void> ReadChanges(const Node& node) { return ReadChangeClass(node, set_.costs); }

  Result<void> ReadInstrument(const Node& node) {
    if (Result<void> names = OnlyNames(
            node, {"id", "en", "de", "countries", "state", "source", "date"}, "an instrument");
        !names) {
      return names;
    }
    Result<LegalFact> fact = LegalOf(node);
    if (!fact) {
      return std::unexpected(fact.error());
    }
    Instrument instrument{.id = fact->id,
                          .title = fact->sentence,
                          .state = fact->state,
                          .source = fact->source,
                          .date = fact->date};
    const Node* countries = node.Get("countries");
    if (countries == nullptr || !countries->is_sequence()) {
      return FailAt(node.mark, "countries: expected a list");
    }
    for (const Node& item : countries->items) {
      const std::optional<std::int32_t> country = ParseCountry(item.text);
      if (!country) {
        return FailAt(item.mark, "expected a country as two capital letters");
      }
      instrument.countries.push_back(*country);
    }
    set_.instruments.push_back(std::move(instrument));
    return {};
  }

  Result<void> ReadLegal(const Node& node) {
    if (Result<void> names =
            OnlyNames(node, {"id", "en", "de", "state", "source", "date"}, "a legal fact");
        !names) {
      return names;
    }
    Result<LegalFact> fact = LegalOf(node);
    if (!fact) {
      return std::unexpected(fact.error());
    }
    set_.legal.push_back(*std::move(fact));
    return {};
  }

  Result<LegalFact> LegalOf(const Node& node) {
    Result<std::string> id = RequiredText(node, "id");  // may be an adversary's too
    Result<Texts> sentence = TextsOf(node);
    Result<std::string> state = RequiredText(node, "state");
    Result<std::string> source = RequiredText(node, "source");
    Result<std::string> date = DateOf(node);
    for (const Error* error : {id ? nullptr : &id.error(), sentence ? nullptr : &sentence.error(),
                               state ? nullptr : &state.error(), source ? nullptr : &source.error(),
                               date ? nullptr : &date.error()}) {
      if (error != nullptr) {
        return std::unexpected(*error);
      }
    }
    if (!legal_ids_.insert(*id).second) {
      return FailAt(node.mark, "\"" + *id + "\" is there twice");
    }
    return LegalFact{.id = *std::move(id),
                     .sentence = *std::move(sentence),
                     .state = *std::move(state),
                     .source = *std::move(source),
                     .date = *std::move(date)};
  }

  RuleSet& set_;
  std::set<std::string> ids_;
  std::set<std::string> legal_ids_;
};

}  // namespace

const Rule* RuleSet::Find(std::string_view id) const {
  const auto found = std::ranges::find(rules, id, &Rule::id);
  return found == rules.end() ? nullptr : &*found;
}

const Adversary* RuleSet::FindAdversary(std::string_view id) const {
  const auto found = std::ranges::find(adversaries, id, &Adversary::id);
  return found == adversaries.end() ? nullptr : &*found;
}

const Instrument* RuleSet::FindInstrument(std::string_view id) const {
  const auto found = std::ranges::find(instruments, id, &Instrument::id);
  return found == instruments.end() ? nullptr : &*found;
}

Result<RuleSet> ReadRules(const NamedTexts& rules,
                          const std::pair<std::string, std::string>& legal) {
  RuleSet set;
  Reader reader(set);
  NamedTexts files = rules;
  files.push_back(legal);
  for (const auto& [name, text] : files) {
    Result<Node> root = yaml::Parse(text);
    Result<void> read = root ? reader.ReadFile(*root) : std::unexpected(root.error());
    if (!read) {
      Error error = read.error();
      error.message = name + ":" + error.message;
      return std::unexpected(std::move(error));
    }
  }
  if (Result<void> checked = reader.Check(); !checked) {
    return std::unexpected(checked.error());
  }
  if (Result<void> resolved = SetHorizon(set); !resolved) {
    return std::unexpected(resolved.error());
  }
  return set;
}

Result<RuleSet> BuiltInRules() {
  NamedTexts rules;
  for (const DataFile& file : DataFiles("rules/")) {
    rules.emplace_back(file.name, file.text);
  }
  const std::vector<DataFile> legal = DataFiles("legal.yaml");
  return ReadRules(rules, {"legal.yaml", std::string(legal.at(0).text)});
}

}  // namespace casemate::assess
