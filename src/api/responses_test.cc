#include "api/api_fixture.h"
#include "api/grounding.h"

namespace casemate::api {
namespace {

class ResponsesTest : public ApiTest {
 protected:
  void SetUp() override {
    store_ = crypto::RandomId<CollectionId>();
    library_.collections[store_] = "castles";
    library_.passages = {{"glossary.md", "Glossary > turret", "A turret is\na small tower."},
                         {"doors.md", "Doors", "A portcullis is an iron gate."}};
  }
  std::string Body(const std::string& more = {}) const {
    return R"({"model":"casemate-answer","input":"What is a turret?","tools":[{"type":"file_search",)"
           R"("vector_store_ids":[")" +
           store_.ToString() + R"("]}])" + more + "}";
  }
  Answer Respond(const std::string& body) { return Post("/v1/responses", body); }
  FakeRoom& room() { return *rooms_.room; }

  CollectionId store_;
};

TEST_F(ResponsesTest, AnAnswerIsMadeFromPassagesAndCitesThem) {
  library_.page = 12;
  const Answer answer = Respond(Body(R"(,"include":["file_search_call.results"])"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::Document document = answer.Json();
  EXPECT_TRUE(At(document, "id").starts_with("resp_"));
  EXPECT_EQ(At(document, "object"), "response");
  EXPECT_EQ(At(document, "status"), "completed");
  EXPECT_EQ(At(document, "store"), "false");
  EXPECT_EQ(At(document, "temperature"), "0");
  EXPECT_EQ(At(document, "output.0.type"), "file_search_call");
  EXPECT_EQ(At(document, "output.0.queries.0"), "What is a turret?");
  EXPECT_EQ(At(document, "output.0.results.0.filename"), "glossary.md");
  EXPECT_EQ(At(document, "output.0.results.0.attributes.heading"), "Glossary > turret");
  EXPECT_EQ(At(document, "output.0.results.0.attributes.begin"), "10");
  EXPECT_EQ(At(document, "output.0.results.0.attributes.page"), "12");
  EXPECT_EQ(At(document, "output.1.content.0.text"), "A turret: a small tower [1]");
  EXPECT_EQ(At(document, "output.1.content.0.annotations.0.type"), "file_citation");
  EXPECT_EQ(At(document, "output.1.content.0.annotations.0.index"), "0");
  EXPECT_EQ(At(document, "output.1.content.0.annotations.0.filename"), "glossary.md");
  EXPECT_EQ(At(document, "output.1.content.0.annotations.0.page"), "12");
  EXPECT_EQ(At(document, "output.1.content.0.annotations.0.heading"), "Glossary > turret");
  EXPECT_EQ(At(document, "output.1.content.0.annotations.1.type"), "absent");
  EXPECT_EQ(At(document, "metadata.casemate_grounding"), "passages");
  EXPECT_EQ(At(document, "usage.output_tokens"), "2");
}

TEST_F(ResponsesTest, ThePromptIsTheOneTheModelWasTrainedOn) {
  ASSERT_EQ(Respond(Body()).status, 200);
  ASSERT_EQ(room().last_messages.size(), 2U);
  EXPECT_EQ(room().last_messages[0].second,
            "Answer from the documents.\n[1] A turret is a small tower.")
      << "the passage under another heading than the one asked for is a distractor";
  EXPECT_EQ(room().last_messages[1],
            std::pair(std::string("user"), std::string("What is a turret?")));
  EXPECT_EQ(library_.last_query, "What is a turret?");
}

TEST_F(ResponsesTest, ResultsComeOnlyWhenAskedFor) {
  EXPECT_EQ(At(Respond(Body()).Json(), "output.0.results"), "null");
}

TEST_F(ResponsesTest, TheStreamHasOpenAisEventsInOrder) {
  const Answer answer = Respond(Body(R"(,"stream":true)"));
  ASSERT_EQ(answer.status, 200);
  std::vector<std::string> types;
  for (const std::string& event : answer.Events()) {
    const json::Document document = *json::Document::Parse(PlaintextView::Of(event));
    EXPECT_EQ(At(document, "sequence_number"), std::to_string(types.size()));
    types.push_back(At(document, "type"));
    EXPECT_NE(answer.body.find("event: " + types.back() + "\ndata: "), std::string::npos);
  }
  const std::vector<std::string> expected = {"response.created",
                                             "response.in_progress",
                                             "response.output_item.added",
                                             "response.file_search_call.in_progress",
                                             "response.file_search_call.searching",
                                             "response.file_search_call.completed",
                                             "response.output_item.done",
                                             "response.output_item.added",
                                             "response.content_part.added",
                                             "response.output_text.delta",
                                             "response.output_text.delta",
                                             "response.output_text.annotation.added",
                                             "response.output_text.done",
                                             "response.content_part.done",
                                             "response.output_item.done",
                                             "response.completed"};
  EXPECT_EQ(types, expected);
  const json::Document last = *json::Document::Parse(PlaintextView::Of(answer.Events().back()));
  EXPECT_EQ(At(last, "response.output.1.content.0.text"), "A turret: a small tower [1]");
}

TEST_F(ResponsesTest, WhenNothingIsFoundTheModelIsNotAsked) {
  library_.passages.clear();
  const json::Document document = Respond(Body()).Json();
  EXPECT_EQ(At(document, "output.1.content.0.text"), "The documents do not say.");
  EXPECT_EQ(At(document, "output.1.content.0.annotations"), "0 members");
  EXPECT_EQ(At(document, "metadata.casemate_grounding"), "none");
  EXPECT_EQ(room().generated, 0);
  EXPECT_NE(Respond(Body(R"(,"stream":true)")).body.find("response.completed"), std::string::npos);
}

TEST_F(ResponsesTest, AScoreThresholdLeavesWeakHitsOut) {
  std::string body = Body();
  body.insert(body.find("\"vector_store_ids\""), R"("ranking_options":{"score_threshold":0.9},)");
  ASSERT_EQ(Respond(body).status, 200);
  EXPECT_EQ(room().last_messages[0].second,
            "Answer from the documents.\n[1] A turret is a small tower.");
}

TEST_F(ResponsesTest, WithoutToolsItIsAPlainAnswer) {
  const json::Document document =
      Respond(
          R"({"model":"casemate-answer","instructions":"Be brief.","input":[{"role":"user","content":[{"type":"input_text","text":"Hello"}]}]})")
          .Json();
  EXPECT_EQ(At(document, "output.0.type"), "message");
  EXPECT_EQ(At(document, "instructions"), "Be brief.");
  EXPECT_EQ(At(document, "temperature"), "1");
  EXPECT_EQ(At(document, "metadata"), "0 members");
  ASSERT_EQ(room().last_messages.size(), 2U);
  EXPECT_EQ(room().last_messages[0].second, "Be brief.");
}

TEST_F(ResponsesTest, ALengthLimitMakesItIncomplete) {
  room().reason = inference::FinishReason::kLength;
  const json::Document document = Respond(Body(R"(,"max_output_tokens":2)")).Json();
  EXPECT_EQ(At(document, "status"), "incomplete");
  EXPECT_EQ(At(document, "incomplete_details.reason"), "max_output_tokens");
  EXPECT_EQ(room().last.max_tokens, 2U);
  EXPECT_NE(Respond(Body(R"(,"stream":true)")).body.find("event: response.incomplete"),
            std::string::npos);
}

TEST_F(ResponsesTest, WrongFieldsAreNamed) {
  const std::string model = R"({"model":"casemate-answer",)";
  const std::pair<std::string, std::string> cases[] = {
      {model + R"("input":5})", "input"},
      {model + R"("input":[]})", "input"},
      {model + R"("input":[{"role":"user","content":3}]})", "input[0].content"},
      {model + R"("input":[{"type":"function_call"}]})", "input[0].call_id"},
      {model + R"("input":[{"type":"item_reference","id":"x"}]})", "input[0].type"},
      {model + R"("input":"x","previous_response_id":"resp_1"})", "previous_response_id"},
      {model + R"("input":"x","conversation":"c"})", "conversation"},
      {model + R"("input":"x","tools":{}})", "tools"},
      {model + R"("input":"x","tools":[{"type":"file_search","vector_store_ids":[]}]})",
       "tools[0].vector_store_ids"},
      {model + R"("input":"x","tool_choice":"magic"})", "tool_choice"},
      {model + R"("input":"x","include":"all"})", "include"},
      {model + R"("input":"x","colour":1})", "colour"},
      {model + R"("input":"x","max_output_tokens":0})", "max_output_tokens"},
  };
  for (const auto& [body, param] : cases) {
    EXPECT_EQ(Refused(Respond(body)), "400 invalid_argument " + param) << body;
  }
  std::string filtered = Body();
  filtered.insert(filtered.find("\"vector_store_ids\""), R"("filters":{"type":"eq"},)");
  EXPECT_EQ(Refused(Respond(filtered)), "400 invalid_argument tools[0].filters");
}

TEST_F(ResponsesTest, UnknownVectorStoresAreNotFoundInBothForms) {
  library_.collections.clear();
  EXPECT_EQ(Refused(Respond(Body())), "404 not_found tools");
  EXPECT_EQ(Refused(Respond(Body(R"(,"stream":true)"))), "404 not_found tools");
}

TEST_F(ResponsesTest, WhatIsNotServedIsNamed) {
  const Answer answer = Respond(
      R"({"model":"casemate-answer","input":"x","store":true,"reasoning":{},"tools":[{"type":"web_search"}]})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.headers.at("x-casemate-ignored"), "reasoning, tools[0], store");
}

TEST_F(ResponsesTest, AFailureInTheStreamIsAFailedResponse) {
  room().fail_after = 1;
  const Answer answer = Respond(Body(R"(,"stream":true)"));
  const json::Document last = *json::Document::Parse(PlaintextView::Of(answer.Events().back()));
  EXPECT_EQ(At(last, "type"), "response.failed");
  EXPECT_EQ(At(last, "response.status"), "failed");
  EXPECT_EQ(At(last, "response.error.message"), "the room died");
}

TEST_F(ResponsesTest, LongPassagesAreCutToSentencesAndFewerFit) {
  std::string text = "Unrelated words here.";
  for (int i = 0; i < 40; ++i) {
    text += " This sentence has exactly six words.";
  }
  text += " The turret sentence is the one.";
  library_.passages = {{"a.md", "", text}, {"b.md", "", text}, {"c.md", "", text}};
  models_[0].context_tokens = 128;
  ASSERT_EQ(Respond(Body()).status, 200);
  const std::string& system = room().last_messages[0].second;
  EXPECT_NE(system.find("[1] The turret sentence is the one."), std::string::npos) << system;
  EXPECT_LE(FakeRoom::Words(system), 100U);
}

TEST(GroundingTest, CitationsAreThoseThatThereAre) {
  const auto find = [](const char* text) { return FindCitations(PlaintextView::Of(text), 3); };
  EXPECT_EQ(find("a [2] b [1] c [2]"), (std::vector<std::size_t>{1, 0}));
  EXPECT_TRUE(find("none [0] [4] [] [x] [1 [12345] [").empty());
  EXPECT_EQ(find("[[3]]"), (std::vector<std::size_t>{2}));
}

TEST(GroundingTest, ATermThatIsAskedForStandsBeforeItsExplanation) {
  const auto line = [](const char* heading, const char* text, const char* question) {
    return Text(PassageLine(PlaintextView::Of(heading), PlaintextView::Of(text),
                            PlaintextView::Of(question)));
  };
  EXPECT_EQ(line("Glossary > moat", "moat\n\nA ditch.", "What is a moat?"), "moat: A ditch.");
  EXPECT_EQ(line("Glossary > moat", "Filled with water.", "What is a Moat?"),
            "moat: Filled with water.");
  EXPECT_EQ(line("Glossary > moat", "moat A ditch.", "What is a turret?"), "moat A ditch.");
  EXPECT_EQ(line("bisect \xe2\x80\x94 Array bisection", "This module.", "What is it?"),
            "bisect: Array bisection. This module.");
  EXPECT_EQ(line("", "A ditch.", "What is a moat?"), "A ditch.");
}

TEST(GroundingTest, APassageCannotPassForAnother) {
  EXPECT_EQ(Text(OneLine(PlaintextView::Of(" a \r\n[2] b\t\tc \n"))), "a [2] b c");
  EXPECT_EQ(Text(OneLine(PlaintextView::Of(" \n "))), "");
}

TEST(GroundingTest, SentencesEndWithTheirMark) {
  const auto sentences = Sentences(PlaintextView::Of("One. Two! 3.5 is a number? Rest"));
  ASSERT_EQ(sentences.size(), 4U);
  EXPECT_EQ(sentences[2].Reveal(), "3.5 is a number?");
  EXPECT_EQ(sentences[3].Reveal(), "Rest");
  EXPECT_TRUE(Sentences(PlaintextView()).empty());
}

}  // namespace
}  // namespace casemate::api
