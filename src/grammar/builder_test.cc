#include "grammar/builder.h"

#include "grammar/gbnf_for_test.h"
#include "json/reader.h"

namespace casemate::grammar {
namespace {

TEST(BuilderTest, AnyObjectIsAnObjectOfRfc8259) {
  Result<Plaintext> text = AnyObjectGrammar();
  ASSERT_TRUE(text.has_value());
  TestGrammar grammar(text->view().Reveal());
  for (const char* good :
       {"{}", R"({"a":[1,-2.5e+3,{"b":null}],"c":"\u00e9\n"})", R"({"a": 1, "b": true})"}) {
    EXPECT_TRUE(grammar.Matches(good)) << good;
  }
  for (const char* bad : {"[]", "1", "{\"a\":}", "{\"a\" :1}", R"({"a":"\ud800"})",
                          "{\"a\":\"\n\"}", R"({"a":01})"}) {
    EXPECT_FALSE(grammar.Matches(bad)) << bad;
  }
  std::mt19937 random(3);
  for (int i = 0; i < 300; ++i) {
    const std::string sample = grammar.Sample(random);
    json::Limits limits;
    limits.max_depth = 512;
    Result<json::Document> document = json::Document::Parse(PlaintextView::Of(sample), limits);
    EXPECT_TRUE(document || document.error().message.find("twice") != std::string::npos) << sample;
  }
}

TEST(BuilderTest, SchemasAndRulesOfTheCallerGoTogether) {
  const auto document =
      json::Document::Parse(PlaintextView::Of(R"({"a":{"const":1},"b":{"const":2}})"));
  Builder builder;
  const std::string first = *builder.AddSchema(*document->root().Get("a"));
  const std::string second = *builder.AddSchema(*document->root().Get("b"));
  EXPECT_NE(first, second);
  Plaintext both;
  both.AppendLiteral(first + " \"+\" " + second);
  builder.AddRule("sum", both);
  Result<Plaintext> grammar = builder.Take(PlaintextView::Of("sum | " + first));
  ASSERT_TRUE(grammar.has_value());
  TestGrammar test(grammar->view().Reveal());
  EXPECT_TRUE(test.Matches("1+2"));
  EXPECT_TRUE(test.Matches("1"));
  EXPECT_FALSE(test.Matches("2+1"));
}

}  // namespace
}  // namespace casemate::grammar
