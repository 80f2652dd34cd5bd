#include "assess/fact_text.h"

#include <algorithm>

namespace casemate::assess {
namespace {

bool IsPlainWord(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text,
                             [](char c) {
                               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                      (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
                             }) &&
         text.front() != '-' && text.front() != '.';
}

bool TakesList(const Field& field) {
  return field.type == FieldType::kReferences || field.type == FieldType::kWords;
}

std::vector<std::string> ValuesOf(const Pipeline& pipeline, std::size_t element,
                                  std::size_t field) {
  const std::string text = pipeline.ValueText(element, field);
  const Fact& fact = pipeline.fact(element, field);
  if (!fact.known || fact.is_none() ||
      !TakesList(InfoOf(pipeline.element(element).kind).fields[field])) {
    return {text};
  }
  std::vector<std::string> values;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(", ", begin), text.size());
    values.push_back(text.substr(begin, comma - begin));
    begin = comma + 2;
  }
  return values;
}

// A hop that the reader has added because no file says how content gets there: it would again.
bool IsAdded(const Pipeline& pipeline, std::size_t element) {
  return pipeline.element(element).kind == Kind::kHop &&
         !pipeline.fact(element, RequireField(Kind::kHop, "from")).known;
}

std::string ElementText(const Pipeline& pipeline, std::size_t element) {
  const Element& shown = pipeline.element(element);
  std::string out = "  " + shown.id + ":\n";
  const std::span<const Field> fields = InfoOf(shown.kind).fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Fact& fact = shown.facts[i];
    if (fields[i].name == "label" && !fact.known) {
      continue;  // the pipeline's own
    }
    out += "    " + std::string(fields[i].name) + ": ";
    const bool stated = fact.known || !fact.place.file.empty();
    const std::vector<std::string> values = ValuesOf(pipeline, element, i);
    out +=
        stated && IsDate(fact.evidence.date)
            ? FactText(values, TakesList(fields[i]) && fact.known && !fact.is_none(), fact.evidence)
            : "unknown";
    out += "\n";
  }
  return out;
}

// What an element has that names none: seen on one that names none.
std::string DefaultLabel(const Pipeline& pipeline) {
  for (std::size_t i = 0; i < pipeline.elements().size(); ++i) {
    const std::optional<std::size_t> field = FieldIndex(pipeline.element(i).kind, "label");
    if (field && !pipeline.fact(i, *field).known) {
      return pipeline.labels()[pipeline.LabelOf(i)];
    }
  }
  return pipeline.labels().back();
}

}  // namespace

std::string YamlText(std::string_view text) {
  if (IsPlainWord(text)) {
    return std::string(text);
  }
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  return out + "\"";
}

std::string FactText(const std::vector<std::string>& values, bool is_list,
                     const Evidence& evidence) {
  std::string text;
  for (const std::string& value : values) {
    text += (text.empty() ? "" : ", ") + YamlText(value);
  }
  std::string out = "{value: " + (is_list ? "[" + text + "]" : text);
  out += ", source: " + YamlText(evidence.source) + ", date: " + evidence.date;
  if (evidence.confidence != Confidence::kUnknown) {
    out += ", confidence: " + std::string(ConfidenceName(evidence.confidence));
  }
  return out + "}";
}

std::string DescribePipeline(const Pipeline& pipeline, std::string_view comment) {
  std::string out;
  for (std::size_t begin = 0; begin < comment.size();) {
    const std::size_t end = std::min(comment.find('\n', begin), comment.size());
    out += "# " + std::string(comment.substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  out += "casemate: pipeline\nname: " + pipeline.name() + "\ntitle: " + YamlText(pipeline.title()) +
         "\ndate: " + pipeline.date() + "\nyou: " + pipeline.element(pipeline.you()).id +
         "\nlabels: [";
  for (std::size_t i = 0; i < pipeline.labels().size(); ++i) {
    out += (i == 0 ? "" : ", ") + pipeline.labels()[i];
  }
  out += "]\nlabel: " + DefaultLabel(pipeline) + "\n";
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    std::string section;
    for (std::size_t i = 0; i < pipeline.elements().size(); ++i) {
      if (pipeline.element(i).kind == static_cast<Kind>(kind) && !IsAdded(pipeline, i)) {
        section += ElementText(pipeline, i);
      }
    }
    if (!section.empty()) {
      out += "\n" + std::string(InfoOf(static_cast<Kind>(kind)).section) + ":\n" + section;
    }
  }
  return out;
}

}  // namespace casemate::assess
