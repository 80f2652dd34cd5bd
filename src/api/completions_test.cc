#include "api/api_fixture.h"

namespace casemate::api {
namespace {

class CompletionsTest : public ApiTest {
 protected:
  Answer Complete(const std::string& rest) {
    return Post("/v1/completions", R"({"model":"casemate-answer",)" + rest + "}");
  }
  FakeRoom& room() { return *rooms_.room; }
};

TEST_F(CompletionsTest, APromptGoesToTheModelAsItIs) {
  const Answer answer = Complete(R"("prompt":"Once upon")");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(room().last.raw);
  EXPECT_EQ(room().last.max_tokens, 16U);
  ASSERT_EQ(room().last_messages.size(), 1U);
  EXPECT_EQ(room().last_messages[0].second, "Once upon");
  const json::Document document = answer.Json();
  EXPECT_TRUE(At(document, "id").starts_with("cmpl-"));
  EXPECT_EQ(At(document, "object"), "text_completion");
  EXPECT_EQ(At(document, "choices.0.text"), "A turret: a small tower [1]");
  EXPECT_EQ(At(document, "choices.0.logprobs"), "null");
  EXPECT_EQ(At(document, "choices.0.finish_reason"), "stop");
  EXPECT_EQ(At(document, "usage.total_tokens"), "4");
}

TEST_F(CompletionsTest, EveryPromptHasItsChoices) {
  const json::Document document = Complete(R"("prompt":["a","b c"],"n":2)").Json();
  EXPECT_EQ(At(document, "choices"), "4 members");
  EXPECT_EQ(At(document, "choices.3.index"), "3");
  EXPECT_EQ(At(document, "usage.prompt_tokens"), "3");
  EXPECT_EQ(At(document, "usage.completion_tokens"), "8");
  EXPECT_EQ(room().generated, 2);
}

TEST_F(CompletionsTest, LogprobsHaveTheOldForm) {
  const json::Document document = Complete(R"("prompt":"a","logprobs":2)").Json();
  EXPECT_EQ(At(document, "choices.0.logprobs.tokens.0"), "A turret");
  EXPECT_EQ(At(document, "choices.0.logprobs.token_logprobs.1"), "-0.500000");
  EXPECT_EQ(At(document, "choices.0.logprobs.text_offset.1"), "8");
  EXPECT_EQ(At(document, "choices.0.logprobs.top_logprobs.0.bytes:\\xe2\\x80"), "-2");
}

TEST_F(CompletionsTest, AStreamEndsWithUsageAndDone) {
  const Answer answer = Complete(
      R"("prompt":["a","b"],"stream":true,"logprobs":0,"stream_options":{"include_usage":true})");
  const std::vector<std::string> events = answer.Events();
  ASSERT_EQ(events.size(), 6U) << answer.body;
  const auto at = [&](std::size_t i, const char* path) {
    return At(*json::Document::Parse(PlaintextView::Of(events[i])), path);
  };
  EXPECT_EQ(at(0, "choices.0.text"), "A turret");
  EXPECT_EQ(at(0, "choices.0.finish_reason"), "null");
  EXPECT_EQ(at(1, "choices.0.finish_reason"), "stop");
  EXPECT_EQ(at(1, "choices.0.logprobs.text_offset.0"), "8");
  EXPECT_EQ(at(2, "choices.0.index"), "1");
  EXPECT_EQ(at(4, "usage.completion_tokens"), "4");
  EXPECT_EQ(events[5], "[DONE]");
}

TEST_F(CompletionsTest, WrongFieldsAreNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {R"("prompt":"")", "prompt"},
      {R"("prompt":[])", "prompt"},
      {R"("prompt":[1,2])", "prompt[0]"},
      {R"("prompt":[[1,2]])", "prompt[0]"},
      {R"("prompt":["a",""])", "prompt[1]"},
      {R"("prompt":"a","suffix":"b")", "suffix"},
      {R"("prompt":"a","echo":true)", "echo"},
      {R"("prompt":"a","best_of":2)", "best_of"},
      {R"("prompt":"a","logprobs":6)", "logprobs"},
      {R"("prompt":"a","n":9)", "n"},
      {R"("prompt":"a","messages":[])", "messages"},
  };
  for (const auto& [rest, param] : cases) {
    EXPECT_EQ(Refused(Complete(rest)), "400 invalid_argument " + param) << rest;
  }
  EXPECT_EQ(Complete(R"("prompt":"a","n":2,"best_of":2,"echo":false,"suffix":null)").status, 200);
  room().context = 1;
  EXPECT_EQ(Refused(Complete(R"("prompt":"a b")")), "400 context_length_exceeded prompt");
}

class RerankTest : public ApiTest {
 protected:
  Answer Rerank(const std::string& rest) {
    return Post("/v1/rerank", R"({"model":"casemate-embed",)" + rest + "}");
  }
};

TEST_F(RerankTest, TheBestDocumentComesFirst) {
  const Answer answer = Rerank(
      R"("query":"iron gate","documents":["tower",{"text":"an iron gate"},"the gate"],"top_n":2)");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::Document document = answer.Json();
  EXPECT_TRUE(At(document, "id").starts_with("rerank-"));
  EXPECT_EQ(At(document, "results"), "2 members");
  EXPECT_EQ(At(document, "results.0.index"), "1");
  EXPECT_EQ(At(document, "results.1.index"), "2");
  EXPECT_EQ(At(document, "results.0.document"), "absent");
  EXPECT_EQ(At(document, "usage.total_tokens"), "6");
  EXPECT_EQ(At(Rerank(R"("query":"a","documents":["b a"],"return_documents":true)").Json(),
               "results.0.document.text"),
            "b a");
}

TEST_F(RerankTest, WrongFieldsAreNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {R"("query":"","documents":["a"])", "query"},
      {R"("query":"a","documents":[])", "documents"},
      {R"("query":"a","documents":"b")", "documents"},
      {R"("query":"a","documents":[""])", "documents[0]"},
      {R"("query":"a","documents":[{"body":"b"}])", "documents[0].body"},
      {R"("query":"a","documents":["b"],"top_n":0)", "top_n"},
      {R"("query":"a","documents":["b"],"colour":0)", "colour"},
  };
  for (const auto& [rest, param] : cases) {
    EXPECT_EQ(Refused(Rerank(rest)), "400 invalid_argument " + param) << rest;
  }
}

}  // namespace
}  // namespace casemate::api
