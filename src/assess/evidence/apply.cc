#include "assess/evidence/apply.h"

#include <algorithm>
#include <optional>

#include "assess/known_attacks.h"

namespace casemate::assess {
namespace {

constexpr std::string_view kNotYou = "not you";

std::string Joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) {
    text += (text.empty() ? "" : " or ") + value;
  }
  return text;
}

// Facts of one export about one field of one element, as one.
std::vector<ExportFact> Merged(const std::vector<ExportFact>& facts) {
  std::vector<ExportFact> merged;
  for (const ExportFact& fact : facts) {
    const auto same = std::ranges::find_if(merged, [&](const ExportFact& other) {
      return other.kind == fact.kind && other.element == fact.element &&
             other.field == fact.field && other.not_you == fact.not_you;
    });
    if (same == merged.end()) {
      merged.push_back(fact);
      continue;
    }
    for (const std::string& value : fact.values) {
      if (std::ranges::find(same->values, value) == same->values.end()) {
        same->values.push_back(value);
        same->path += ", " + fact.path;
        same->why += "; " + fact.why;
      }
    }
  }
  return merged;
}

class Applier {
 public:
  Applier(Pipeline& pipeline, const BoundExport& bound, Applied& applied)
      : pipeline_(pipeline), bound_(bound), applied_(applied) {}

  Result<void> Run() {
    std::optional<Kind> bound_kind;
    if (!bound_.element.empty()) {
      const std::optional<std::size_t> element = pipeline_.Find(bound_.element);
      if (!element) {
        std::vector<std::string_view> known;
        for (const Element& other : pipeline_.elements()) {
          known.push_back(other.id);
        }
        return Fail(ErrorCode::kNotFound, bound_.content.file + ": " + pipeline_.name() +
                                              " has no element \"" + bound_.element + "\"" +
                                              yaml::DidYouMean(bound_.element, known));
      }
      bound_kind = pipeline_.element(*element).kind;
      if (std::ranges::find(bound_.content.facts, *bound_kind, &ExportFact::kind) ==
          bound_.content.facts.end()) {
        return Fail(ErrorCode::kNotFound, bound_.content.file + " (" + bound_.content.title +
                                              ") says nothing of a " +
                                              std::string(InfoOf(*bound_kind).name) + ", which \"" +
                                              bound_.element + "\" is");
      }
    }
    for (const ExportFact& fact : Merged(bound_.content.facts)) {
      const std::string id = bound_kind == fact.kind ? bound_.element : ElementOf(fact, bound_kind);
      const std::optional<std::size_t> element = pipeline_.Find(id);
      if (!element || pipeline_.element(*element).kind != fact.kind) {
        Unused(fact);
      } else if (Result<void> stated = Put(*element, fact); !stated) {
        return stated;
      } else if (fact.kind == Kind::kTee) {
        AddKnownAttacks(pipeline_, KnownAttacks::BuiltIn());  // the type may be another now
      }
    }
    return {};
  }

 private:
  // A TEE has no name that an export could know: where there is one alone, it is meant. An attack
  // is one on that.
  std::string ElementOf(const ExportFact& fact, std::optional<Kind> bound_kind) const {
    if (fact.kind == Kind::kAttack) {
      const std::string tee = bound_kind == Kind::kTee ? bound_.element : OnlyTee();
      return tee.empty() ? std::string() : tee + "." + fact.element;
    }
    return fact.element.empty() && fact.kind == Kind::kTee ? OnlyTee() : fact.element;
  }

  std::string OnlyTee() const {
    std::string only;
    for (const Element& element : pipeline_.elements()) {
      if (element.kind == Kind::kTee) {
        if (!only.empty()) {
          return {};
        }
        only = element.id;
      }
    }
    return only;
  }

  void Unused(const ExportFact& fact) {
    const std::string name =
        fact.element.empty() ? std::string(InfoOf(fact.kind).name) : fact.element;
    applied_.unused.push_back(
        {.file = bound_.content.file,
         .path = fact.path,
         .text = name + "." + fact.field + " is " +
                 (fact.not_you ? std::string(kNotYou) : Joined(fact.values))});
  }

  Statement StatementOf(std::size_t element, const ExportFact& fact, std::string value,
                        Confidence confidence) const {
    return {.element = pipeline_.element(element).id,
            .field = fact.field,
            .value = std::move(value),
            .evidence = {.source = bound_.content.file + ", " + fact.path + " (" +
                                   bound_.content.title + ")",
                         .date = bound_.content.date,
                         .confidence = confidence}};
  }

  Result<void> Put(std::size_t element, const ExportFact& fact) {
    const std::size_t field = RequireField(fact.kind, fact.field);
    const Fact before = pipeline_.fact(element, field);
    const std::string claimed = pipeline_.ValueText(element, field);
    bool agrees = fact.not_you && !(before.known && before.values.size() == 1 &&
                                    before.values[0] == static_cast<std::int32_t>(pipeline_.you()));
    // Stated one after the other, each value is compared as the pipeline reads it.
    for (const std::string& value : fact.values) {
      Result<Fact> replaced =
          pipeline_.State(StatementOf(element, fact, value, bound_.content.confidence));
      if (!replaced) {
        return std::unexpected(replaced.error());
      }
      std::vector<std::int32_t> found = pipeline_.fact(element, field).values;
      std::vector<std::int32_t> said = before.values;
      std::ranges::sort(found);
      std::ranges::sort(said);
      agrees = agrees || (before.known && found == said);
    }
    // What the table of attacks says of machines in general is no claim about this one.
    if (before.known && !agrees && !IsOfTable(before)) {
      applied_.contradictions.push_back(
          {.id = {},
           .element = pipeline_.element(element).id,
           .field = fact.field,
           .claimed = claimed,
           .claimed_by = before.evidence,
           .claimed_at = before.place,
           .found = fact.not_you ? std::string(kNotYou) : Joined(fact.values),
           .file = bound_.content.file,
           .exported = true,
           .path = fact.path,
           .why = fact.why,
           .moves = {}});
    }
    if (fact.values.size() == 1 &&
        !(agrees && before.evidence.confidence > bound_.content.confidence)) {
      ++applied_.stated;
      return {};
    }
    if (before.known && !agrees) {  // it is not as claimed, and what it is cannot be told
      Result<Fact> unknown =
          pipeline_.State(StatementOf(element, fact, "unknown", Confidence::kUnknown));
      return unknown ? Result<void>() : std::unexpected(unknown.error());
    }
    pipeline_.Replace(element, field, before);  // no better than what was known
    return {};
  }

  Pipeline& pipeline_;
  const BoundExport& bound_;
  Applied& applied_;
};

}  // namespace

Result<Applied> ApplyEvidence(Pipeline& pipeline, const std::vector<BoundExport>& exports) {
  Applied applied;
  for (const BoundExport& bound : exports) {
    if (Result<void> run = Applier(pipeline, bound, applied).Run(); !run) {
      return std::unexpected(run.error());
    }
  }
  return applied;
}

}  // namespace casemate::assess
