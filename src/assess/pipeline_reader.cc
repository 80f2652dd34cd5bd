#include "assess/pipeline_reader.h"

#include <algorithm>
#include <array>

#include "assess/known_attacks.h"

namespace casemate::assess {
namespace {

using yaml::DidYouMean;
using yaml::FailAt;
using yaml::Node;

constexpr std::array<std::string_view, 5> kReserved = {"you", "none", "unknown", "all", "any"};
constexpr std::array<std::string_view, 5> kFactNames = {"value", "source", "date", "confidence",
                                                        "note"};

std::vector<std::string_view> TopNames() {
  std::vector<std::string_view> names = {"casemate", "name",     "title",    "date",
                                         "you",      "labels",   "label",    "sources",
                                         "use",      "evidence", "lifetimes"};
  for (std::size_t i = 0; i < kKinds; ++i) {
    names.push_back(InfoOf(static_cast<Kind>(i)).section);
  }
  return names;
}

// The scalars of a list, or the one scalar.
Result<std::vector<std::string>> Words(const Node& node) {
  std::vector<std::string> words;
  if (node.is_scalar()) {
    if (node.text.empty()) {
      return FailAt(node.mark, "nothing stands here; write unknown if nobody knows");
    }
    words.push_back(node.text);
    return words;
  }
  if (!node.is_sequence()) {
    return FailAt(node.mark, "expected a value or a list of values, found a mapping");
  }
  for (const Node& item : node.items) {
    if (!item.is_scalar() || item.text.empty()) {
      return FailAt(item.mark,
                    std::string("expected a value, found ") + std::string(yaml::KindName(item)));
    }
    words.push_back(item.text);
  }
  if (words.empty()) {
    return FailAt(node.mark, "an empty list says nothing; write none or unknown");
  }
  return words;
}

}  // namespace

bool IsId(std::string_view text) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 64 && plain(text[0]) &&
         std::ranges::all_of(
             text, [&](char c) { return plain(c) || c == '.' || c == '_' || c == '-'; }) &&
         std::ranges::find(kReserved, text) == kReserved.end();
}

Result<void> OnlyNames(const Node& mapping, const std::vector<std::string_view>& names,
                       std::string_view what) {
  for (const yaml::Entry& entry : mapping.entries) {
    if (std::ranges::find(names, entry.name) == names.end()) {
      return FailAt(entry.mark, std::string(what) + " has no \"" + entry.name + "\"" +
                                    DidYouMean(entry.name, names));
    }
  }
  return {};
}

Result<std::string> TextOf(const Node& mapping, std::string_view name) {
  const Node* node = mapping.Get(name);
  if (node == nullptr) {
    return std::string();
  }
  if (!node->is_scalar()) {
    return FailAt(node->mark, std::string(name) + ": expected a text, found " +
                                  std::string(yaml::KindName(*node)));
  }
  return node->text;
}

Result<std::string> RequiredText(const Node& mapping, std::string_view name) {
  Result<std::string> text = TextOf(mapping, name);
  if (text && text->empty()) {
    return FailAt(mapping.mark, "\"" + std::string(name) + "\" is missing");
  }
  return text;
}

std::unexpected<Error> PipelineReader::In(const std::string& file, const Error& error) {
  Error placed = error;
  placed.message = file + ":" + placed.message;
  return std::unexpected(std::move(placed));
}

Result<Pipeline> PipelineReader::Read(const Node& root) {
  if (!root.is_mapping()) {
    return In(file_, FailAt(root.mark,
                            "expected a mapping that begins with \"casemate: "
                            "pipeline\", found " +
                                std::string(yaml::KindName(root)))
                         .error());
  }
  if (Result<void> header = ReadHeader(root); !header) {
    return In(file_, header.error());
  }
  if (Result<void> layers = CollectLayers(root); !layers) {
    return std::unexpected(layers.error());
  }
  for (const Layer& layer : layers_) {
    if (Result<void> declared = Declare(layer); !declared) {
      return In(layer.file, declared.error());
    }
  }
  const std::optional<std::size_t> you = pipeline_.Find(you_id_);
  if (!you || pipeline_.element(*you).kind != Kind::kParty) {
    std::vector<std::string_view> parties;
    for (const Element& element : pipeline_.elements()) {
      if (element.kind == Kind::kParty) {
        parties.push_back(element.id);
      }
    }
    return In(file_,
              FailAt(you_mark_, "you: expected the id of a party, found \"" + you_id_ + "\"" +
                                    DidYouMean(you_id_, parties) + "; declare it under parties:")
                  .error());
  }
  pipeline_.you_ = *you;
  for (const Layer& layer : layers_) {
    if (Result<void> filled = Fill(layer); !filled) {
      return In(layer.file, filled.error());
    }
  }
  if (Result<void> checked = Check(); !checked) {
    return std::unexpected(checked.error());
  }
  AddUnsaidHops();
  if (Result<void> lifetimes = AddLifetimes(root); !lifetimes) {
    return In(file_, lifetimes.error());
  }
  AddKnownAttacks(pipeline_, KnownAttacks::BuiltIn());
  if (Result<void> attacks = CheckAttacks(); !attacks) {
    return std::unexpected(attacks.error());
  }
  return std::move(pipeline_);
}

Result<void> PipelineReader::ReadHeader(const Node& root) {
  Result<std::string> what = TextOf(root, "casemate");
  if (!what || *what != "pipeline") {
    return FailAt(root.mark,
                  what && *what == "catalogue"
                      ? "this is an entry of the catalogue; a pipeline names it under use:"
                      : "expected \"casemate: pipeline\" at the beginning");
  }
  if (Result<void> names = OnlyNames(root, TopNames(), "a pipeline"); !names) {
    return names;
  }
  for (const auto& [name, target] :
       {std::pair{"name", &pipeline_.name_}, std::pair{"date", &pipeline_.date_},
        std::pair{"you", &you_id_}}) {
    Result<std::string> text = RequiredText(root, name);
    if (!text) {
      return std::unexpected(text.error());
    }
    *target = *std::move(text);
  }
  you_mark_ = root.Get("you")->mark;
  if (!IsId(pipeline_.name_)) {
    return FailAt(root.Get("name")->mark,
                  "name: expected 1 to 64 of a-z, 0-9, '.', '_' and '-'; the long form is title:");
  }
  if (!IsDate(pipeline_.date_)) {
    return FailAt(root.Get("date")->mark, "date: expected YYYY-MM-DD, the day of the description");
  }
  Result<std::string> title = TextOf(root, "title");
  if (!title) {
    return std::unexpected(title.error());
  }
  pipeline_.title_ = title->empty() ? pipeline_.name_ : *title;
  return ReadLabels(root);
}

Result<void> PipelineReader::ReadLabels(const Node& root) {
  pipeline_.labels_ = {"public", "internal", "confidential", "secret"};
  if (const Node* labels = root.Get("labels")) {
    Result<std::vector<std::string>> words = Words(*labels);
    if (!words) {
      return std::unexpected(words.error());
    }
    if (!labels->is_sequence() || words->size() > Pipeline::kMaxLabels ||
        !std::ranges::all_of(*words, [](const std::string& word) { return IsId(word); })) {
      return FailAt(labels->mark,
                    "labels: expected a list of 1 to 16 names in small letters, the lowest first");
    }
    pipeline_.labels_ = *std::move(words);
  }
  pipeline_.default_label_ = pipeline_.labels_.size() - 1;
  if (const Node* label = root.Get("label")) {
    const std::optional<std::size_t> place =
        label->is_scalar() ? pipeline_.FindLabel(label->text) : std::nullopt;
    if (!place) {
      return FailAt(
          label->mark,
          "label: expected one of the labels, found \"" + label->text + "\"" +
              DidYouMean(label->text, {pipeline_.labels_.begin(), pipeline_.labels_.end()}));
    }
    pipeline_.default_label_ = *place;
  }
  return {};
}

Result<void> PipelineReader::CollectLayers(const Node& root) {
  if (const Node* use = root.Get("use")) {
    Result<std::vector<std::string>> ids = Words(*use);
    if (!ids) {
      return In(file_, ids.error());
    }
    for (const std::string& id : *ids) {
      if (std::ranges::find(pipeline_.used_, id) != pipeline_.used_.end()) {
        return In(file_, FailAt(use->mark, "use: \"" + id + "\" stands there twice").error());
      }
      Result<std::vector<const CatalogueEntry*>> chain = catalogue_.Chain(id);
      if (!chain) {
        return In(file_, FailAt(use->mark, "use: " + chain.error().message).error());
      }
      for (const CatalogueEntry* entry : *chain) {
        layers_.push_back({.file = entry->file,
                           .used_as = id,
                           .root = &entry->root,
                           .evidence = {.source = entry->vendor + " " + entry->service,
                                        .date = entry->date,
                                        .confidence = Confidence::kDocumented},
                           .sources = {}});
      }
      pipeline_.used_.push_back(id);
    }
  }
  layers_.push_back({.file = file_,
                     .used_as = {},
                     .root = &root,
                     .evidence = {.source = "stated in " + file_,
                                  .date = pipeline_.date_,
                                  .confidence = Confidence::kClaimed},
                     .sources = {}});
  for (Layer& layer : layers_) {
    if (Result<void> sources = ReadSources(layer); !sources) {
      return In(layer.file, sources.error());
    }
  }
  return {};
}

Result<void> PipelineReader::ReadSources(Layer& layer) const {
  if (const Node* sources = layer.root->Get("sources")) {
    if (!sources->is_mapping()) {
      return FailAt(sources->mark, "sources: expected names with {title, date, confidence}");
    }
    for (const yaml::Entry& entry : sources->entries) {
      if (!entry.value.is_mapping()) {
        return FailAt(entry.value.mark, "expected {title, date, confidence}");
      }
      if (Result<void> names =
              OnlyNames(entry.value, {"title", "date", "confidence", "url"}, "a source");
          !names) {
        return names;
      }
      Evidence evidence = layer.evidence;
      if (Result<void> read = ReadEvidence(layer, entry.value, evidence); !read) {
        return read;
      }
      Result<std::string> title = RequiredText(entry.value, "title");
      Result<std::string> url = TextOf(entry.value, "url");
      if (!title || !url) {
        return std::unexpected(title ? url.error() : title.error());
      }
      evidence.source = *title + (url->empty() ? "" : ", " + *url);
      layer.sources.emplace(entry.name, std::move(evidence));
    }
  }
  if (const Node* evidence = layer.root->Get("evidence")) {
    return ReadEvidence(layer, *evidence, layer.evidence);
  }
  return {};
}

Result<void> PipelineReader::ReadEvidence(const Layer& layer, const Node& node,
                                          Evidence& evidence) const {
  if (node.is_scalar()) {  // the name of a source
    const auto found = layer.sources.find(node.text);
    if (found == layer.sources.end()) {
      return FailAt(node.mark,
                    "evidence: expected {source, date, confidence} or the name of a "
                    "source, found \"" +
                        node.text + "\"");
    }
    evidence = found->second;
    return {};
  }
  if (!node.is_mapping()) {
    return FailAt(node.mark, "evidence: expected {source, date, confidence}");
  }
  Result<std::string> source = TextOf(node, "source");
  Result<std::string> date = TextOf(node, "date");
  Result<std::string> confidence = TextOf(node, "confidence");
  for (const Result<std::string>* text : {&source, &date, &confidence}) {
    if (!*text) {
      return std::unexpected(text->error());
    }
  }
  if (!source->empty()) {
    const auto found = layer.sources.find(*source);
    if (found != layer.sources.end()) {
      evidence = found->second;
    } else {
      evidence.source = *std::move(source);
    }
  }
  if (!date->empty()) {
    if (!IsDate(*date)) {
      return FailAt(node.Get("date")->mark, "date: expected YYYY-MM-DD, found \"" + *date + "\"");
    }
    evidence.date = *std::move(date);
  }
  if (!confidence->empty()) {
    const std::optional<Confidence> parsed = ParseConfidence(*confidence);
    if (!parsed) {
      return FailAt(node.Get("confidence")->mark,
                    "confidence: expected measured, attested, documented, contract, claimed or "
                    "unknown, found \"" +
                        *confidence + "\"" + DidYouMean(*confidence, ConfidenceNames()));
    }
    evidence.confidence = *parsed;
  }
  return {};
}

Result<void> PipelineReader::Declare(const Layer& layer) {
  for (std::size_t i = 0; i < kKinds; ++i) {
    const Kind kind = static_cast<Kind>(i);
    const Node* section = layer.root->Get(InfoOf(kind).section);
    if (section == nullptr || (section->is_scalar() && section->text.empty())) {
      continue;
    }
    if (!section->is_mapping()) {
      return FailAt(section->mark, std::string(InfoOf(kind).section) +
                                       ": expected ids with their fields, found " +
                                       std::string(yaml::KindName(*section)));
    }
    for (const yaml::Entry& entry : section->entries) {
      if (Result<void> declared = DeclareElement(layer, kind, entry); !declared) {
        return declared;
      }
    }
  }
  return {};
}

Result<void> PipelineReader::DeclareElement(const Layer& layer, Kind kind,
                                            const yaml::Entry& entry) {
  const KindInfo& info = InfoOf(kind);
  if (!IsId(entry.name)) {
    return FailAt(entry.mark, "\"" + entry.name.substr(0, 80) +
                                  "\": an id has 1 to 64 of a-z, 0-9, '.', '_' and '-', and is not "
                                  "you, none, unknown, all or any");
  }
  if (!entry.value.is_mapping() && !(entry.value.is_scalar() && entry.value.text.empty())) {
    return FailAt(entry.value.mark, "expected the fields of " + std::string(info.name) + " \"" +
                                        entry.name + "\", found " +
                                        std::string(yaml::KindName(entry.value)));
  }
  const std::optional<std::size_t> before = pipeline_.Find(entry.name);
  if (!before) {
    if (pipeline_.elements_.size() >= Pipeline::kMaxElements) {
      Result<void> refused = FailAt(entry.mark, "more than 20000 elements: split the description");
      refused.error().code = ErrorCode::kTooLarge;
      return refused;
    }
    const std::size_t index = pipeline_.Add(kind, entry.name);
    pipeline_.elements_[index].place = {.file = layer.file, .mark = entry.mark};
    used_as_.emplace(entry.name, layer.used_as);
    return {};
  }
  const Element& other = pipeline_.element(*before);
  if (other.kind != kind) {
    return FailAt(entry.mark, "\"" + entry.name + "\" is a " +
                                  std::string(InfoOf(other.kind).name) + " already, at " +
                                  other.place.Text() + "; every id is there once");
  }
  const std::string& owner = used_as_.find(entry.name)->second;
  if (!layer.used_as.empty() && owner != layer.used_as && kind != Kind::kParty) {
    return FailAt(entry.mark, "both \"" + owner + "\" and \"" + layer.used_as + "\" declare " +
                                  std::string(info.name) + " \"" + entry.name +
                                  "\"; use one of them, and write the other out");
  }
  return {};
}

Result<void> PipelineReader::Fill(const Layer& layer) {
  for (std::size_t i = 0; i < kKinds; ++i) {
    const Kind kind = static_cast<Kind>(i);
    if (const Node* section = layer.root->Get(InfoOf(kind).section)) {
      for (const yaml::Entry& entry : section->entries) {
        if (Result<void> filled = FillElement(layer, kind, entry); !filled) {
          return filled;
        }
      }
    }
  }
  return {};
}

Result<void> PipelineReader::FillElement(const Layer& layer, Kind kind, const yaml::Entry& entry) {
  const std::size_t element = *pipeline_.Find(entry.name);
  Evidence evidence = layer.evidence;
  if (const Node* said = entry.value.Get("evidence")) {
    if (said->is_mapping()) {
      if (Result<void> names = OnlyNames(*said, {"source", "date", "confidence"}, "evidence");
          !names) {
        return names;
      }
    }
    if (Result<void> read = ReadEvidence(layer, *said, evidence); !read) {
      return read;
    }
  }
  for (const yaml::Entry& fact : entry.value.entries) {
    if (fact.name == "evidence") {
      continue;
    }
    if (!FieldIndex(kind, fact.name)) {
      std::vector<std::string_view> names = FieldNames(kind);
      names.emplace_back("evidence");
      return FailAt(fact.mark, "a " + std::string(InfoOf(kind).name) + " has no \"" + fact.name +
                                   "\"" + DidYouMean(fact.name, names));
    }
    if (Result<void> filled = FillFact(layer, element, fact, evidence); !filled) {
      return filled;
    }
  }
  return {};
}

Result<void> PipelineReader::FillFact(const Layer& layer, std::size_t element,
                                      const yaml::Entry& entry, const Evidence& evidence) {
  const Kind kind = pipeline_.element(element).kind;
  const std::size_t index = *FieldIndex(kind, entry.name);
  const Field& field = InfoOf(kind).fields[index];
  Fact fact;
  fact.evidence = evidence;
  fact.place = {.file = layer.file, .mark = entry.mark};
  const Node* value = &entry.value;
  if (value->is_mapping()) {
    if (Result<void> names = OnlyNames(*value, {kFactNames.begin(), kFactNames.end()}, "a fact");
        !names) {
      return names;
    }
    if (Result<void> read = ReadEvidence(layer, *value, fact.evidence); !read) {
      return read;
    }
    value = value->Get("value");
    if (value == nullptr) {
      return FailAt(entry.value.mark, entry.name + ": \"value\" is missing");
    }
  }
  Result<std::vector<std::string>> words = Words(*value);
  if (!words) {
    return std::unexpected(words.error());
  }
  if (Result<void> read = ReadValue(pipeline_, field, *words, value->is_sequence(), fact); !read) {
    return FailAt(value->mark, entry.name + ": " + read.error().message);
  }
  fact.known = fact.known && fact.evidence.confidence != Confidence::kUnknown;
  if (!fact.known) {
    fact.evidence.confidence = Confidence::kUnknown;
  }
  pipeline_.elements_[element].facts[index] = std::move(fact);
  return {};
}

// Content reaches a place that works on it over something. Where no hop says what, there is one of
// which nothing is known: else a description without hops would be closed to recorders.
void PipelineReader::AddUnsaidHops() {
  const std::size_t to = RequireField(Kind::kHop, "to");
  const std::size_t sees = RequireField(Kind::kProcessor, "sees");
  const std::size_t count = pipeline_.elements().size();
  std::vector<bool> reached(count, false);
  for (const Element& element : pipeline_.elements()) {
    if (element.kind == Kind::kHop) {
      reached[static_cast<std::size_t>(element.facts[to].values[0])] = true;
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Element& element = pipeline_.element(i);
    const std::string id = "to-" + element.id;
    if (element.kind != Kind::kProcessor || reached[i] || pipeline_.Find(id) ||
        (element.facts[sees].known && element.facts[sees].values[0] != 0)) {
      continue;
    }
    const Place place = element.place;
    const std::size_t hop = pipeline_.Add(Kind::kHop, id);
    pipeline_.elements_[hop].place = place;
    pipeline_.elements_[hop].facts[to] = {
        .known = true,
        .values = {static_cast<std::int32_t>(i)},
        .text = pipeline_.element(i).id,
        .evidence = {.source = "content gets there somehow; no hop says how",
                     .date = pipeline_.date_,
                     .confidence = Confidence::kClaimed},
        .place = place};
  }
}

// lifetimes: {confidential: 10}, or one number for all: hops that do not say it themselves have it.
Result<void> PipelineReader::AddLifetimes(const Node& root) {
  const Node* lifetimes = root.Get("lifetimes");
  if (lifetimes == nullptr) {
    return {};
  }
  const std::size_t index = RequireField(Kind::kHop, "lifetime_years");
  const Field& field = InfoOf(Kind::kHop).fields[index];
  std::vector<std::optional<Fact>> of_label(pipeline_.labels_.size());
  const auto read = [&](const Node& node) -> Result<Fact> {
    Fact fact;
    fact.evidence = layers_.back().evidence;
    fact.place = {.file = file_, .mark = node.mark};
    if (Result<void> value = ReadValue(pipeline_, field, {node.text}, !node.is_scalar(), fact);
        !value) {
      return FailAt(node.mark, "lifetimes: " + value.error().message);
    }
    if (!fact.known) {
      fact.evidence.confidence = Confidence::kUnknown;
    }
    return fact;
  };
  if (!lifetimes->is_mapping()) {
    Result<Fact> fact = read(*lifetimes);
    if (!fact) {
      return std::unexpected(fact.error());
    }
    of_label.assign(of_label.size(), *fact);
  }
  for (const yaml::Entry& entry : lifetimes->entries) {
    const std::optional<std::size_t> label = pipeline_.FindLabel(entry.name);
    if (!label) {
      return FailAt(
          entry.mark,
          "lifetimes: expected one of the labels, found \"" + entry.name + "\"" +
              DidYouMean(entry.name, {pipeline_.labels_.begin(), pipeline_.labels_.end()}));
    }
    Result<Fact> fact = read(entry.value);
    if (!fact) {
      return std::unexpected(fact.error());
    }
    of_label[*label] = *std::move(fact);
  }
  for (std::size_t i = 0; i < pipeline_.elements_.size(); ++i) {
    if (pipeline_.elements_[i].kind == Kind::kHop &&
        pipeline_.elements_[i].facts[index].evidence.source.empty()) {
      if (const std::optional<Fact>& fact = of_label[pipeline_.LabelOf(i)]) {
        pipeline_.elements_[i].facts[index] = *fact;
      }
    }
  }
  return {};
}

// An attack of the table has its environment from its name; one of your own has to say it.
Result<void> PipelineReader::CheckAttacks() const {
  const std::size_t tee = RequireField(Kind::kAttack, "tee");
  for (const Element& element : pipeline_.elements()) {
    if (element.kind == Kind::kAttack && !element.facts[tee].known) {
      return In(element.place.file,
                FailAt(element.place.mark,
                       "attack \"" + element.id +
                           "\": no environment of that type has it in the table of known attacks "
                           "(TEE.ATTACK); one of your own names its tee: and what it serves:")
                    .error());
    }
  }
  return {};
}

Result<void> PipelineReader::Check() const {
  bool has_processor = false;
  const std::size_t from = RequireField(Kind::kHop, "from");
  const std::size_t to = RequireField(Kind::kHop, "to");
  for (std::size_t i = 0; i < pipeline_.elements().size(); ++i) {
    const Element& element = pipeline_.element(i);
    has_processor = has_processor || element.kind == Kind::kProcessor;
    if (element.kind != Kind::kHop) {
      continue;
    }
    const Fact& begin = element.facts[from];
    const Fact& end = element.facts[to];
    if (!begin.known || !end.known) {
      const Error error =
          FailAt(element.place.mark, "hop \"" + element.id +
                                         "\" leads nowhere: it needs from: and to:, "
                                         "each the id of a party, a processor or a store")
              .error();
      return In(element.place.file, error);
    }
    if (begin.values == end.values) {
      return In(element.place.file,
                FailAt(end.place.mark, "hop \"" + element.id + "\" leads back to where it begins")
                    .error());
    }
  }
  if (!has_processor) {
    return In(file_, FailAt({.line = 1, .column = 1},
                            "no processor: declare the places that see content, or use: a service")
                         .error());
  }
  for (const auto& [field, what] : {std::pair{"parent", "its own parent"},
                                    std::pair{"sub_processors", "its own sub-processor"}}) {
    if (Result<void> checked = CheckCycles(Kind::kParty, field, what); !checked) {
      return checked;
    }
  }
  return {};
}

// Takes away elements that refer to nothing that is left, as often as there are some; what then
// remains refers in a circle.
Result<void> PipelineReader::CheckCycles(Kind kind, std::string_view field_name,
                                         std::string_view what) const {
  const std::size_t field = RequireField(kind, field_name);
  const std::size_t count = pipeline_.elements().size();
  std::vector<std::vector<std::size_t>> referrers(count);
  std::vector<std::size_t> open(count, 0);
  std::vector<std::size_t> done;
  for (std::size_t i = 0; i < count; ++i) {
    if (pipeline_.element(i).kind == kind) {
      for (const std::int32_t target : pipeline_.fact(i, field).values) {
        if (target >= 0) {
          referrers[static_cast<std::size_t>(target)].push_back(i);
          ++open[i];
        }
      }
    }
    if (open[i] == 0) {
      done.push_back(i);
    }
  }
  for (std::size_t next = 0; next < done.size(); ++next) {
    for (const std::size_t referrer : referrers[done[next]]) {
      if (--open[referrer] == 0) {
        done.push_back(referrer);
      }
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (open[i] != 0) {
      const Place& place = pipeline_.fact(i, field).place;
      return In(place.file,
                FailAt(place.mark, "a circle: \"" + pipeline_.element(i).id +
                                       "\" is, over others or at once, " + std::string(what))
                    .error());
    }
  }
  return {};
}

}  // namespace casemate::assess
