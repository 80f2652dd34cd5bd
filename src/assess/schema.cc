#include "assess/pipeline.h"
#include "json/writer.h"

namespace casemate::assess {
namespace {

using json::Writer;

constexpr std::string_view kIdPattern =
    "^(?!(you|none|unknown|all|any)$)[a-z0-9][a-z0-9._-]{0,63}$";
constexpr std::string_view kDatePattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";

void Pattern(Writer& out, std::string_view pattern) {
  out.BeginObject().Key("type").String("string").Key("pattern").String(pattern).EndObject();
}

void Enum(Writer& out, const std::vector<std::string_view>& words) {
  out.BeginObject().Key("enum").BeginArray();
  for (const std::string_view word : words) {
    out.String(word);
  }
  out.EndArray().EndObject();
}

void Ref(Writer& out, std::string_view name) {
  out.BeginObject().Key("$ref").String("#/$defs/" + std::string(name)).EndObject();
}

// One value, without the {value, source, ...} around it.
void Single(Writer& out, const Field& field) {
  switch (field.type) {
    case FieldType::kText:
      out.BeginObject().Key("type").BeginArray().String("string").String("number").EndArray();
      out.EndObject();
      return;
    case FieldType::kCountry:
      Pattern(out, "^([A-Z]{2}|unknown)$");
      return;
    case FieldType::kNumber:
      out.BeginObject().Key("anyOf").BeginArray().BeginObject().Key("type").String("integer");
      out.Key("minimum").Integer(0).Key("maximum").Integer(1'000'000).EndObject();
      Enum(out, {"unknown"});
      out.EndArray().EndObject();
      return;
    case FieldType::kWord:
    case FieldType::kWords: {
      std::vector<std::string_view> words(field.words.begin(), field.words.end());
      if (field.none_allowed) {
        words.emplace_back("none");
      }
      words.emplace_back("unknown");
      Enum(out, words);
      return;
    }
    case FieldType::kReference:
    case FieldType::kReferences:
      Pattern(out, field.none_allowed ? "^[a-z0-9][a-z0-9._-]{0,63}$"
                                      : "^(?!none$)[a-z0-9][a-z0-9._-]{0,63}$");
      return;
    case FieldType::kLabel:
      Pattern(out, "^[a-z0-9][a-z0-9._-]{0,63}$");
      return;
  }
}

void OneOrMany(Writer& out, const Field& field) {
  if (field.type != FieldType::kReferences && field.type != FieldType::kWords) {
    Single(out, field);
    return;
  }
  out.BeginObject().Key("anyOf").BeginArray();
  Single(out, field);
  out.BeginObject().Key("type").String("array").Key("minItems").Integer(1);
  out.Key("uniqueItems").Bool(true).Key("items");
  Single(out, field);
  out.EndObject().EndArray().EndObject();
}

void FactSchema(Writer& out, const Field& field) {
  out.BeginObject().Key("description").String(field.help).Key("anyOf").BeginArray();
  OneOrMany(out, field);
  out.BeginObject().Key("type").String("object").Key("required").BeginArray().String("value");
  out.EndArray().Key("additionalProperties").Bool(false).Key("properties").BeginObject();
  out.Key("value");
  OneOrMany(out, field);
  out.Key("source").BeginObject().Key("type").String("string").EndObject().Key("date");
  Ref(out, "date");
  out.Key("confidence");
  Ref(out, "confidence");
  out.Key("note").BeginObject().Key("type").String("string").EndObject();
  out.EndObject().EndObject().EndArray().EndObject();
}

void KindSchema(Writer& out, const KindInfo& info) {
  out.BeginObject().Key("description").String(info.help);
  out.Key("type").BeginArray().String("object").String("null").EndArray();
  out.Key("additionalProperties").Bool(false);
  out.Key("properties").BeginObject();
  for (const Field& field : info.fields) {
    out.Key(field.name);
    FactSchema(out, field);
  }
  out.Key("evidence");
  Ref(out, "evidence");
  out.EndObject().EndObject();
}

void Definitions(Writer& out) {
  out.Key("$defs").BeginObject();
  out.Key("date");
  Pattern(out, kDatePattern);
  out.Key("confidence");
  Enum(out, ConfidenceNames());
  out.Key("evidence").BeginObject().Key("description");
  out.String("Where facts come from that name no source of their own.");
  out.Key("anyOf").BeginArray().BeginObject().Key("type").String("string").EndObject();
  out.BeginObject().Key("type").String("object").Key("additionalProperties").Bool(false);
  out.Key("properties").BeginObject().Key("source").BeginObject().Key("type").String("string");
  out.EndObject().Key("date");
  Ref(out, "date");
  out.Key("confidence");
  Ref(out, "confidence");
  out.EndObject().EndObject().EndArray().EndObject();
  for (std::size_t i = 0; i < kKinds; ++i) {
    const KindInfo& info = InfoOf(static_cast<Kind>(i));
    out.Key(info.name);
    KindSchema(out, info);
  }
  out.EndObject();
}

void Sources(Writer& out) {
  out.Key("sources").BeginObject().Key("type").String("object");
  out.Key("description").String("Names for sources that several facts have.");
  out.Key("additionalProperties").BeginObject().Key("type").String("object");
  out.Key("required").BeginArray().String("title").EndArray();
  out.Key("additionalProperties").Bool(false).Key("properties").BeginObject();
  out.Key("title").BeginObject().Key("type").String("string").EndObject();
  out.Key("url").BeginObject().Key("type").String("string").EndObject().Key("date");
  Ref(out, "date");
  out.Key("confidence");
  Ref(out, "confidence");
  out.EndObject().EndObject().EndObject();
}

void TextProperty(Writer& out, std::string_view name, std::string_view help) {
  out.Key(name).BeginObject().Key("type").String("string").Key("minLength").Integer(1);
  out.Key("description").String(help).EndObject();
}

void Use(Writer& out) {
  out.Key("use").BeginObject().Key("description");
  out.String("Services of the catalogue: `casemate assess catalogue` lists them.");
  out.Key("anyOf").BeginArray();
  Pattern(out, kIdPattern);
  out.BeginObject().Key("type").String("array").Key("minItems").Integer(1);
  out.Key("uniqueItems").Bool(true).Key("items");
  Pattern(out, kIdPattern);
  out.EndObject().EndArray().EndObject();
}

void Years(Writer& out) {
  out.BeginObject().Key("anyOf").BeginArray();
  out.BeginObject().Key("type").String("integer").Key("minimum").Integer(0).EndObject();
  out.BeginObject().Key("const").String("unknown").EndObject();
  out.EndArray().EndObject();
}

void Labels(Writer& out) {
  out.Key("labels").BeginObject().Key("type").String("array").Key("minItems").Integer(1);
  out.Key("maxItems").Integer(static_cast<std::int64_t>(Pipeline::kMaxLabels)).Key("items");
  Pattern(out, kIdPattern);
  out.Key("description")
      .String(
          "The lowest first; public, internal, confidential, secret unless "
          "given.");
  out.EndObject().Key("label");
  Pattern(out, kIdPattern);
  out.Key("lifetimes").BeginObject().Key("description");
  out.String("Years that content has to stay secret, for all hops or by label.");
  out.Key("anyOf").BeginArray();
  Years(out);
  out.BeginObject().Key("type").String("object").Key("propertyNames");
  Pattern(out, kIdPattern);
  out.Key("additionalProperties");
  Years(out);
  out.EndObject().EndArray().EndObject();
}

void Condition(Writer& out, std::string_view what, std::initializer_list<std::string_view> required,
               std::initializer_list<std::string_view> not_there) {
  out.BeginObject().Key("if").BeginObject().Key("properties").BeginObject().Key("casemate");
  out.BeginObject().Key("const").String(what).EndObject().EndObject().EndObject();
  out.Key("then").BeginObject().Key("required").BeginArray();
  for (const std::string_view name : required) {
    out.String(name);
  }
  out.EndArray().Key("properties").BeginObject();
  for (const std::string_view name : not_there) {
    out.Key(name).Bool(false);
  }
  out.EndObject().EndObject().EndObject();
}

// Two spaces a level; the text is JSON of our own writing.
std::string Indented(std::string_view json) {
  std::string out;
  std::size_t level = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      out += c;
      if (c == '\\') {
        out += json[++i];
      } else {
        in_string = c != '"';
      }
      continue;
    }
    const bool opens = c == '{' || c == '[';
    const bool closes = c == '}' || c == ']';
    level -= closes ? 1 : 0;
    if (closes && json[i - 1] != '{' && json[i - 1] != '[') {
      out += "\n" + std::string(2 * level, ' ');
    }
    out += c;
    level += opens ? 1 : 0;
    if ((opens && json[i + 1] != '}' && json[i + 1] != ']') || c == ',') {
      out += "\n" + std::string(2 * level, ' ');
    }
    out += c == ':' ? " " : "";
    in_string = c == '"';
  }
  return out + "\n";
}

}  // namespace

std::string PipelineSchema() {
  Writer out;
  out.BeginObject();
  out.Key("$schema").String("https://json-schema.org/draft/2020-12/schema");
  out.Key("title").String("A pipeline, or an entry of the catalogue, for casemate assess");
  out.Key("description")
      .String(
          "docs/formats/pipeline.md says what the fields mean. Beyond this schema the program "
          "checks "
          "that ids are declared, once each, and that nothing leads to itself.");
  out.Key("type").String("object").Key("required").BeginArray().String("casemate").String("date");
  out.EndArray().Key("additionalProperties").Bool(false).Key("properties").BeginObject();
  out.Key("casemate");
  Enum(out, {"pipeline", "catalogue"});
  out.Key("name");
  Pattern(out, kIdPattern);
  TextProperty(out, "title", "A title for people.");
  out.Key("date");
  Ref(out, "date");
  out.Key("you");
  Pattern(out, kIdPattern);
  Labels(out);
  Use(out);
  out.Key("id");
  Pattern(out, kIdPattern);
  TextProperty(out, "vendor", "Who offers it.");
  TextProperty(out, "service", "What it is called.");
  TextProperty(out, "model", "The models that this holds for; * for all.");
  TextProperty(out, "configuration", "The settings and contract that this holds for.");
  out.Key("extends");
  Pattern(out, kIdPattern);
  out.Key("evidence");
  Ref(out, "evidence");
  Sources(out);
  for (std::size_t i = 0; i < kKinds; ++i) {
    const KindInfo& info = InfoOf(static_cast<Kind>(i));
    out.Key(info.section).BeginObject().Key("description").String(info.help);
    out.Key("type").BeginArray().String("object").String("null").EndArray();
    out.Key("propertyNames");
    Pattern(out, kIdPattern);
    out.Key("additionalProperties");
    Ref(out, info.name);
    out.EndObject();
  }
  out.EndObject();
  out.Key("allOf").BeginArray();
  Condition(out, "pipeline", {"name", "you"},
            {"id", "vendor", "service", "model", "configuration", "extends"});
  Condition(out, "catalogue", {"id", "vendor", "service", "model", "configuration"},
            {"name", "title", "you", "use", "labels", "label", "lifetimes"});
  out.EndArray();
  Definitions(out);
  out.EndObject();
  return Indented(out.Take().view().Reveal());
}

}  // namespace casemate::assess
