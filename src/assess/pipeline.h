#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assess/fact.h"
#include "assess/vocabulary.h"
#include "base/error.h"

namespace casemate::assess {

class Catalogue;

// A party, processor, tee, key, store or hop. `facts` has an entry for each field of its kind, in
// the vocabulary's order; one that nobody stated is not known.
struct Element {
  Kind kind = Kind::kParty;
  std::string id;  // unique in the pipeline, over all kinds
  Place place;
  std::vector<Fact> facts;
};

// What a change or a piece of evidence says of one fact; see Pipeline::State.
struct Statement {
  std::string element;  // id
  std::string field;    // name in the vocabulary
  std::string value;    // as it would be written; lists with ", " between
  Evidence evidence;
};

// A description of an AI pipeline: where content goes, who runs each place, and how each of that is
// known. docs/formats/pipeline.md. A value; copying one is how "what if" is asked.
class Pipeline {
 public:
  // Bounds a description; more are refused.
  static constexpr std::size_t kMaxElements = 20'000;
  static constexpr std::size_t kMaxLabels = 16;

  // Reads a file's text. `file` is what errors call it. What the text has under `use:` comes from
  // `catalogue`.
  //
  // Errors: kInvalidArgument: "FILE:LINE:COLUMN: what was expected, what was found" for YAML that
  // is none, a field, value or id that there is not, an element that refers to nothing or to
  // itself, an id twice, a parent of itself. kNotFound: `use:` of what the catalogue does not have.
  // kTooLarge.
  [[nodiscard]] static Result<Pipeline> Parse(std::string_view text, const std::string& file,
                                              const Catalogue& catalogue);

  const std::string& name() const { return name_; }
  const std::string& title() const { return title_; }
  const std::string& date() const { return date_; }  // of the description
  // The party that asks: index of its element.
  std::size_t you() const { return you_; }
  // Lowest first.
  const std::vector<std::string>& labels() const { return labels_; }
  std::optional<std::size_t> FindLabel(std::string_view label) const;
  const std::vector<Element>& elements() const { return elements_; }
  const Element& element(std::size_t index) const { return elements_[index]; }
  std::optional<std::size_t> Find(std::string_view id) const;
  // Catalogue entries that it uses, in the order of the file.
  const std::vector<std::string>& used() const { return used_; }

  const Fact& fact(std::size_t element, std::size_t field) const {
    return elements_[element].facts[field];
  }
  // The label of a processor, store or hop as a place in labels().
  std::size_t LabelOf(std::size_t element) const;
  // A fact's value as it would be written: "unknown", "none", "DE", "vendor, edge".
  std::string ValueText(std::size_t element, std::size_t field) const;
  std::string ValueText(std::size_t element, std::size_t field, const Fact& fact) const;

  // Puts a statement in the place of what was said before, and returns that.
  // Errors: kNotFound: no such element or field. kInvalidArgument: not a value of that field.
  [[nodiscard]] Result<Fact> State(const Statement& statement);
  // The same with the value as numbers (Fact::values); for searches.
  Fact Replace(std::size_t element, std::size_t field, Fact fact);
  // Adds an element that nothing is known of. Returns its index. Precondition: the id is free.
  std::size_t Add(Kind kind, std::string id);

 private:
  friend class PipelineReader;
  std::string name_;
  std::string title_;
  std::string date_;
  std::size_t you_ = 0;
  std::vector<std::string> labels_;
  std::size_t default_label_ = 0;
  std::vector<Element> elements_;
  std::map<std::string, std::size_t, std::less<>> by_id_;
  std::vector<std::string> used_;
};

// Reads one value of a field of this pipeline, "none" and "unknown" included, into `fact`.
// Errors: kInvalidArgument without a place: the caller knows it.
[[nodiscard]] Result<void> ReadValue(const Pipeline& pipeline, const Field& field,
                                     const std::vector<std::string>& words, bool is_list,
                                     Fact& fact);

// The JSON Schema (draft 2020-12) of pipeline files and catalogue entries, for editors.
std::string PipelineSchema();

}  // namespace casemate::assess
