#include "grammar/schema.h"

#include "grammar/builder.h"
#include "grammar/gbnf_for_test.h"
#include "grammar/schema_validator_for_test.h"

namespace casemate::grammar {
namespace {

json::Document Json(const std::string& text) {
  Result<json::Document> document = json::Document::Parse(PlaintextView::Of(text));
  EXPECT_TRUE(document.has_value()) << text;
  return std::move(*document);
}

std::string Gbnf(const std::string& schema) {
  const json::Document document = Json(schema);
  Result<Plaintext> grammar = SchemaGrammar(document.root());
  EXPECT_TRUE(grammar.has_value()) << schema << ": " << grammar.error().message;
  return grammar ? std::string(grammar->view().Reveal()) : "root ::= \"\"\n";
}

std::string RefusedBecause(const std::string& schema) {
  const json::Document document = Json(schema);
  Result<Plaintext> grammar = SchemaGrammar(document.root());
  return grammar ? "not refused" : grammar.error().message;
}

const char* const kSchemas[] = {
    R"({})",
    R"(true)",
    R"({"type":"object"})",
    R"({"type":"object","properties":{},"additionalProperties":false})",
    R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150}},
        "required":["name","age"],"additionalProperties":false})",
    R"({"type":"object","properties":{"a":{"type":"null"},"b":{"type":"boolean"},"c":{"type":"number"}},
        "required":["b"],"additionalProperties":false})",
    R"({"type":"object","properties":{"a":{"const":1},"b":{"const":"x\"y\\"},"c":{"enum":[null,true,[1,{"k":2.5}],"\u00e9"]}}})",
    R"({"type":"array","items":{"type":"integer","exclusiveMinimum":-3,"exclusiveMaximum":12},"minItems":2,"maxItems":4})",
    R"({"type":"array","items":{"type":"string","minLength":2,"maxLength":3},"maxItems":1})",
    R"({"type":"array","maxItems":0})",
    R"({"type":"array","minItems":1})",
    R"({"type":["string","null","integer"],"maxLength":4,"minimum":7})",
    R"({"anyOf":[{"type":"string","pattern":"^[A-Z]{2}-\\d+$"},{"type":"number","minimum":0,"maximum":1}]})",
    R"({"type":"object","additionalProperties":{"type":"array","items":{"type":"boolean"}}})",
    R"({"$defs":{"node":{"type":"object","properties":{"value":{"type":"integer"},
        "next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["value","next"],
        "additionalProperties":false}},"$ref":"#/$defs/node"})",
    R"({"type":"object","properties":{"children":{"type":"array","items":{"$ref":"#"}},"size":{"type":"number","exclusiveMinimum":0}},
        "required":["children"],"additionalProperties":false})",
    R"({"definitions":{"c":{"enum":["red","green"]}},"type":"object","title":"T","description":"d",
        "properties":{"colour":{"allOf":[{"$ref":"#/definitions/c"}],"description":"which"}},"required":["colour"]})",
    R"({"type":"string","minLength":3})",
    R"({"type":"string","maxLength":0})",
};

TEST(SchemaTest, WhatAGrammarWritesMeetsItsSchema) {
  std::mt19937 random(7);
  for (const char* schema : kSchemas) {
    const std::string gbnf = Gbnf(schema);
    TestGrammar grammar(gbnf);
    const json::Document document = Json(schema);
    const TestValidator validator(document.root());
    for (int i = 0; i < 50; ++i) {
      const std::string sample = grammar.Sample(random);
      json::Limits limits;
      limits.max_depth = 512;
      Result<json::Document> parsed = json::Document::Parse(PlaintextView::Of(sample), limits);
      if (!parsed) {
        // A map may repeat a name; everything else is JSON.
        EXPECT_NE(parsed.error().message.find("twice"), std::string::npos) << sample << "\n"
                                                                           << gbnf;
        continue;
      }
      EXPECT_TRUE(validator.Valid(parsed->root())) << sample << "\n" << gbnf;
    }
  }
}

TEST(SchemaTest, WhatDoesNotMeetASchemaIsNotWritten) {
  const char* const documents[] = {"null",
                                   "true",
                                   "1",
                                   "-4",
                                   "12",
                                   "7",
                                   "0.5",
                                   "2",
                                   "\"\"",
                                   "\"ab\"",
                                   "\"abcde\"",
                                   "\"AB-1\"",
                                   "\"A-1\"",
                                   "[]",
                                   "{}",
                                   "[1]",
                                   "[1,2]",
                                   "[1, 2, 3, 4]",
                                   "[1,2,3,4,5]",
                                   "[\"ab\"]",
                                   "[\"a\"]",
                                   "[true]",
                                   R"({"name":"x","age":3})",
                                   R"({"name":"x","age":151})",
                                   R"({"age":3,"name":"x"})",
                                   R"({"name":"x"})",
                                   R"({"name":"x","age":3,"more":1})",
                                   R"({"b":true})",
                                   R"({"a":null,"b":false,"c":1.5})",
                                   R"({"a":null})",
                                   R"({"b":1})",
                                   R"({"colour":"red"})",
                                   R"({"colour":"blue"})",
                                   R"({"value":1,"next":null})",
                                   R"({"value":1,"next":{"value":2,"next":null}})",
                                   R"({"value":1,"next":{}})",
                                   R"({"children":[]})",
                                   R"({"children":[{"children":[]}],"size":1})",
                                   R"({"children":[1]})",
                                   R"({"children":[],"size":0})",
                                   R"({"k":[true],"l":[]})",
                                   R"({"k":[1]})",
                                   R"({"a":1})",
                                   R"({"a":2})",
                                   R"({"b":"x\"y\\"})",
                                   R"({"c":[1,{"k":2.5}]})"};
  int refused = 0;
  int matched = 0;
  for (const char* schema : kSchemas) {
    TestGrammar grammar(Gbnf(schema));
    const json::Document document = Json(schema);
    const TestValidator validator(document.root());
    for (const char* text : documents) {
      const json::Document value = Json(text);
      if (!validator.Valid(value.root())) {
        EXPECT_FALSE(grammar.Matches(text)) << text << " by " << schema;
        ++refused;
      } else {
        matched += grammar.Matches(text) ? 1 : 0;
      }
    }
    for (const char* broken : {"", "{", "[1,]", "{\"a\"}", "\"a", "01", "nul", "{} "}) {
      EXPECT_FALSE(grammar.Matches(broken)) << broken << " by " << schema;
    }
  }
  EXPECT_GT(refused, 400);
  EXPECT_GT(matched, 60) << "grammars that match nothing would pass the rest of this test";
}

TEST(SchemaTest, PropertiesComeInTheirOrder) {
  TestGrammar grammar(Gbnf(R"({"properties":{"z":{"type":"null"},"a":{"type":"null"}}})"));
  EXPECT_TRUE(grammar.Matches(R"({"z":null, "a": null})"));
  EXPECT_TRUE(grammar.Matches(R"({"a":null})"));
  EXPECT_TRUE(grammar.Matches("{}"));
  EXPECT_FALSE(grammar.Matches(R"({"a":null,"z":null})"));
  EXPECT_FALSE(grammar.Matches(R"({"z":null,})"));
}

TEST(SchemaTest, WhatIsNotServedIsRefusedWithItsPointer) {
  const std::pair<const char*, const char*> cases[] = {
      {R"(5)", "#: expected a schema"},
      {R"(false)", "#: expected a schema"},
      {R"({"oneOf":[]})", "#/oneOf: "},
      {R"({"not":{}})", "#/not: "},
      {R"({"type":"object","properties":{"a/b":{"type":"integer","multipleOf":5}}})",
       "#/properties/a~1b/multipleOf: "},
      {R"({"type":"array","items":{"type":"array","uniqueItems":true}})", "#/items/uniqueItems: "},
      {R"({"type":"object","patternProperties":{}})", "#/patternProperties: "},
      {R"({"type":"object","properties":{"a":{}},"additionalProperties":true})",
       "#/additionalProperties: "},
      {R"({"type":"object","properties":{"a":{}},"required":["b"]})", "#/required: "},
      {R"({"type":"array","prefixItems":[]})", "#/prefixItems: "},
      {R"({"type":"string","format":"uri"})", "#/format: served are 'date'"},
      {R"({"type":"string","pattern":"(?=a"})", "#/pattern: at byte 2"},
      {R"({"type":"string","pattern":"a","maxLength":3})", "#/pattern: not served beside"},
      {R"({"type":"string","minLength":5,"maxLength":3})", "#/maxLength: less than"},
      {R"({"type":"string","maxLength":1001})", "#/maxLength: expected"},
      {R"({"type":"string","minimum":3})", "#/minimum: says nothing about this type"},
      {R"({"type":"date"})", "#/type: expected"},
      {R"({"type":[]})", "#/type: "},
      {R"({"type":"integer","minimum":5,"maximum":4})", "#: no integer"},
      {R"({"type":"number","minimum":0.5})", "#/minimum: "},
      {R"({"type":"number","exclusiveMinimum":1,"maximum":1})", "#: no number"},
      {R"({"enum":[]})", "#/enum: "},
      {R"({"enum":["a"],"type":"integer"})", "#/type: one of the values"},
      {R"({"enum":["a"],"minLength":3})", "#/minLength: not served beside"},
      {R"({"anyOf":[]})", "#/anyOf: "},
      {R"({"anyOf":[{}],"type":"string"})", "#/type: not served beside 'anyOf'"},
      {R"({"$ref":"other.json"})", "#/$ref: only references"},
      {R"({"$ref":"#/nowhere"})", "#/$ref: there is nothing"},
      {R"({"$ref":"#"})", "#/$ref: refers to itself"},
      {R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"})",
       "refers to itself"},
      {R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})", "#: a choice that comes back to itself"},
      {R"({"type":"object","properties":{"me":{"$ref":"#"}},"required":["me"]})",
       "#: no finite document"},
      {R"({"allOf":[{},{}]})", "#/allOf: served with exactly one"},
      {R"({"nullable":true,"type":"string"})", "#/nullable: this keyword"},
  };
  for (const auto& [schema, why] : cases) {
    const std::string refusal = RefusedBecause(schema);
    EXPECT_NE(refusal.find(why), std::string::npos) << schema << ": " << refusal;
  }
}

TEST(SchemaTest, SizeAndDepthAreBounded) {
  std::string deep = "{}";
  for (int i = 0; i < 26; ++i) {
    deep = R"({"items":)" + deep + "}";
  }
  EXPECT_NE(RefusedBecause(deep).find("nested deeper"), std::string::npos);
  std::string wide = R"({"anyOf":[)";
  for (int i = 0; i < 5000; ++i) {
    wide += i > 0 ? ",{}" : "{}";
  }
  EXPECT_NE(RefusedBecause(wide + "]}").find("more than 4096"), std::string::npos);
  std::string counts = R"({"anyOf":[)";
  for (int i = 0; i < 80; ++i) {
    counts += std::string(i > 0 ? "," : "") + R"({"type":"string","maxLength":1000})";
  }
  EXPECT_NE(RefusedBecause(counts + "]}").find("the grammar comes to"), std::string::npos);
}

}  // namespace
}  // namespace casemate::grammar
