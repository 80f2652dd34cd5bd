#include "assess/pipeline.h"

#include <algorithm>
#include <charconv>

#include "assess/catalogue.h"
#include "assess/pipeline_reader.h"

namespace casemate::assess {
namespace {

constexpr std::int32_t kMaxNumber = 1'000'000;

std::unexpected<Error> Expected(const std::string& what, const std::string& found,
                                const std::vector<std::string_view>& known = {}) {
  return Fail(ErrorCode::kInvalidArgument, "expected " + what + ", found \"" + found.substr(0, 80) +
                                               "\"" + yaml::DidYouMean(found, known));
}

std::string Joined(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + std::string(words[i]);
  }
  return text;
}

Result<std::int32_t> ReadWord(const Field& field, const std::string& word) {
  const auto found = std::ranges::find(field.words, word);
  if (found == field.words.end()) {
    std::vector<std::string_view> known(field.words.begin(), field.words.end());
    if (field.none_allowed) {
      known.emplace_back("none");
    }
    known.emplace_back("unknown");
    return Expected(Joined(known), word, known);
  }
  return static_cast<std::int32_t>(found - field.words.begin());
}

Result<std::int32_t> ReadReference(const Pipeline& pipeline, const Field& field,
                                   const std::string& id) {
  std::vector<std::string_view> kinds;
  for (const Kind kind : field.targets) {
    kinds.push_back(InfoOf(kind).name);
  }
  const std::string what = "the id of a " + Joined(kinds);
  const std::optional<std::size_t> found =
      id == "you" ? std::optional(pipeline.you()) : pipeline.Find(id);
  if (found &&
      std::ranges::find(field.targets, pipeline.element(*found).kind) != field.targets.end()) {
    return static_cast<std::int32_t>(*found);
  }
  std::vector<std::string_view> known;
  for (const Element& element : pipeline.elements()) {
    if (std::ranges::find(field.targets, element.kind) != field.targets.end()) {
      known.push_back(element.id);
    }
  }
  if (found) {
    return Expected(what, id + ", a " + std::string(InfoOf(pipeline.element(*found).kind).name));
  }
  return Expected(what + " that is declared", id, known);
}

Result<std::int32_t> ReadNumber(const std::string& word) {
  std::int32_t number = -1;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc() || stop != end || number < 0 || number > kMaxNumber) {
    return Expected("a whole number from 0 to 1000000", word);
  }
  return number;
}

Result<std::int32_t> ReadOne(const Pipeline& pipeline, const Field& field,
                             const std::string& word) {
  switch (field.type) {
    case FieldType::kText:
      return 0;
    case FieldType::kWord:
    case FieldType::kWords:
      return ReadWord(field, word);
    case FieldType::kCountry:
      if (const std::optional<std::int32_t> country = ParseCountry(word)) {
        return *country;
      }
      return Expected("a country as two capital letters (ISO 3166-1)", word);
    case FieldType::kReference:
    case FieldType::kReferences:
      return ReadReference(pipeline, field, word);
    case FieldType::kNumber:
      return ReadNumber(word);
    case FieldType::kLabel:
      if (const std::optional<std::size_t> label = pipeline.FindLabel(word)) {
        return static_cast<std::int32_t>(*label);
      }
      return Expected("one of the labels", word,
                      {pipeline.labels().begin(), pipeline.labels().end()});
  }
  return Expected("a value", word);
}

}  // namespace

Result<Pipeline> Pipeline::Parse(std::string_view text, const std::string& file,
                                 const Catalogue& catalogue) {
  Result<yaml::Node> root = yaml::Parse(text);
  if (!root) {
    Error error = root.error();
    error.message = file + ":" + error.message;
    return std::unexpected(std::move(error));
  }
  return PipelineReader(file, catalogue).Read(*root);
}

std::optional<std::size_t> Pipeline::FindLabel(std::string_view label) const {
  const auto found = std::ranges::find(labels_, label);
  return found == labels_.end() ? std::nullopt
                                : std::optional(static_cast<std::size_t>(found - labels_.begin()));
}

std::optional<std::size_t> Pipeline::Find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? std::nullopt : std::optional(found->second);
}

std::size_t Pipeline::LabelOf(std::size_t element) const {
  const std::optional<std::size_t> field = FieldIndex(elements_[element].kind, "label");
  if (field && elements_[element].facts[*field].known) {
    return static_cast<std::size_t>(elements_[element].facts[*field].values[0]);
  }
  return default_label_;
}

std::string Pipeline::ValueText(std::size_t element, std::size_t field) const {
  return ValueText(element, field, elements_[element].facts[field]);
}

std::string Pipeline::ValueText(std::size_t element, std::size_t field, const Fact& fact) const {
  if (!fact.known) {
    return "unknown";
  }
  if (fact.is_none()) {
    return "none";
  }
  const Field& info = InfoOf(elements_[element].kind).fields[field];
  if (info.type == FieldType::kText) {
    return fact.text;
  }
  std::string text;
  for (const std::int32_t value : fact.values) {
    text += text.empty() ? "" : ", ";
    const auto at = static_cast<std::size_t>(value);
    switch (info.type) {
      case FieldType::kWord:
      case FieldType::kWords:
        text += info.words[at];
        break;
      case FieldType::kCountry:
        text += CountryName(value);
        break;
      case FieldType::kReference:
      case FieldType::kReferences:
        text += elements_[at].id;
        break;
      case FieldType::kLabel:
        text += labels_[at];
        break;
      default:
        text += std::to_string(value);
    }
  }
  return text;
}

Result<Fact> Pipeline::State(const Statement& statement) {
  const std::optional<std::size_t> element = Find(statement.element);
  if (!element) {
    std::vector<std::string_view> known;
    known.reserve(elements_.size());
    for (const Element& other : elements_) {
      known.push_back(other.id);
    }
    return Fail(ErrorCode::kNotFound, "no element \"" + statement.element + "\"" +
                                          yaml::DidYouMean(statement.element, known));
  }
  const Kind kind = elements_[*element].kind;
  const std::optional<std::size_t> field = FieldIndex(kind, statement.field);
  if (!field) {
    return Fail(ErrorCode::kNotFound, "a " + std::string(InfoOf(kind).name) + " has no \"" +
                                          statement.field + "\"" +
                                          yaml::DidYouMean(statement.field, FieldNames(kind)));
  }
  const Field& info = InfoOf(kind).fields[*field];
  std::vector<std::string> words;
  if (info.type == FieldType::kReferences || info.type == FieldType::kWords) {
    for (std::size_t begin = 0; begin <= statement.value.size();) {
      const std::size_t comma = std::min(statement.value.find(", ", begin), statement.value.size());
      words.push_back(statement.value.substr(begin, comma - begin));
      begin = comma + 2;
    }
  } else {
    words.push_back(statement.value);
  }
  Fact fact;
  fact.evidence = statement.evidence;
  if (Result<void> read = ReadValue(*this, info, words, words.size() > 1, fact); !read) {
    return Wrap(read.error(), statement.element + "." + statement.field);
  }
  fact.known = fact.known && fact.evidence.confidence != Confidence::kUnknown;
  if (!fact.known) {
    fact.evidence.confidence = Confidence::kUnknown;
  }
  return Replace(*element, *field, std::move(fact));
}

Fact Pipeline::Replace(std::size_t element, std::size_t field, Fact fact) {
  std::swap(elements_[element].facts[field], fact);
  return fact;
}

std::size_t Pipeline::Add(Kind kind, std::string id) {
  const std::size_t index = elements_.size();
  by_id_.emplace(id, index);
  elements_.push_back({.kind = kind,
                       .id = std::move(id),
                       .place = {},
                       .facts = std::vector<Fact>(InfoOf(kind).fields.size())});
  return index;
}

Result<void> ReadValue(const Pipeline& pipeline, const Field& field,
                       const std::vector<std::string>& words, bool is_list, Fact& fact) {
  const bool takes_list = field.type == FieldType::kReferences || field.type == FieldType::kWords;
  if (is_list && !takes_list) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected one value, found a list of " + std::to_string(words.size()) +
                    "; where two " + (field.name == "operator" ? "own" : "values hold for") +
                    " a thing, make two elements of it");
  }
  fact.values.clear();
  fact.text.clear();
  fact.known = true;
  for (const std::string& word : words) {
    if (word == "unknown" || (word == "none" && field.none_allowed)) {
      if (words.size() > 1) {
        return Fail(ErrorCode::kInvalidArgument, "\"" + word + "\" stands alone or not at all");
      }
      fact.known = word == "none";
      if (fact.known) {
        fact.values.push_back(Fact::kNone);
      }
      fact.text = word;
      return {};
    }
    Result<std::int32_t> value = ReadOne(pipeline, field, word);
    if (!value) {
      return std::unexpected(value.error());
    }
    if (takes_list && std::ranges::find(fact.values, *value) != fact.values.end()) {
      return Fail(ErrorCode::kInvalidArgument, "\"" + word + "\" stands there twice");
    }
    fact.values.push_back(*value);
    fact.text += (fact.text.empty() ? "" : ", ") + word;
  }
  return {};
}

}  // namespace casemate::assess
