#include "api/api_fixture.h"

namespace casemate::api {
namespace {

class ChatTest : public ApiTest {
 protected:
  static std::string Body(const std::string& more = {}) {
    return R"({"model":"casemate-answer","messages":[{"role":"user","content":"What is a turret?"}])" +
           more + "}";
  }
  Answer Chat(const std::string& body) { return Post("/v1/chat/completions", body); }
  FakeRoom& room() { return *rooms_.room; }
};

TEST_F(ChatTest, AWholeAnswerHasOpenAisShape) {
  const Answer answer = Chat(Body());
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.headers.at("content-type"), "application/json");
  const json::Document document = answer.Json();
  EXPECT_TRUE(At(document, "id").starts_with("chatcmpl-"));
  EXPECT_EQ(At(document, "object"), "chat.completion");
  EXPECT_EQ(At(document, "model"), "casemate-answer");
  EXPECT_EQ(At(document, "choices.0.index"), "0");
  EXPECT_EQ(At(document, "choices.0.message.role"), "assistant");
  EXPECT_EQ(At(document, "choices.0.message.content"), "A turret: a small tower [1]");
  EXPECT_EQ(At(document, "choices.0.finish_reason"), "stop");
  EXPECT_EQ(At(document, "usage.prompt_tokens"), "4");
  EXPECT_EQ(At(document, "usage.completion_tokens"), "2");
  EXPECT_EQ(At(document, "usage.total_tokens"), "6");
}

TEST_F(ChatTest, AStreamEndsWithUsageAndDone) {
  const Answer answer = Chat(Body(R"(,"stream":true,"stream_options":{"include_usage":true})"));
  ASSERT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.headers.at("content-type").starts_with("text/event-stream"));
  const std::vector<std::string> events = answer.Events();
  ASSERT_EQ(events.size(), 6U) << answer.body;
  const auto event = [&](std::size_t i) {
    return *json::Document::Parse(PlaintextView::Of(events[i]));
  };
  EXPECT_EQ(At(event(0), "choices.0.delta.role"), "assistant");
  EXPECT_EQ(At(event(0), "usage"), "null");
  EXPECT_EQ(At(event(1), "choices.0.delta.content"), "A turret");
  EXPECT_EQ(At(event(1), "object"), "chat.completion.chunk");
  EXPECT_EQ(At(event(1), "id"), At(event(2), "id"));
  EXPECT_EQ(At(event(3), "choices.0.finish_reason"), "stop");
  EXPECT_EQ(At(event(3), "choices.0.delta"), "0 members");
  EXPECT_EQ(At(event(4), "choices"), "0 members");
  EXPECT_EQ(At(event(4), "usage.total_tokens"), "6");
  EXPECT_EQ(events[5], "[DONE]");
}

TEST_F(ChatTest, SamplingReachesTheModel) {
  ASSERT_EQ(
      Chat(Body(R"(,"temperature":0.5,"top_p":0.25,"seed":-3,"max_tokens":9,"stop":["a","b"])"))
          .status,
      200);
  EXPECT_FLOAT_EQ(room().last.temperature, 0.5F);
  EXPECT_FLOAT_EQ(room().last.top_p, 0.25F);
  EXPECT_TRUE(room().last.has_seed);
  EXPECT_EQ(room().last.seed, static_cast<std::uint64_t>(-3));
  EXPECT_EQ(room().last.max_tokens, 9U);
  ASSERT_EQ(room().last.stop.size(), 2U);
  ASSERT_EQ(Chat(Body(R"(,"max_tokens":9,"max_completion_tokens":5,"top_p":0,"stop":"x")")).status,
            200);
  EXPECT_EQ(room().last.max_tokens, 5U);
  EXPECT_FLOAT_EQ(room().last.temperature, 0);
  EXPECT_FLOAT_EQ(room().last.top_p, 1);
}

TEST_F(ChatTest, ContentMayBeTextPartsAndDevelopersAreSystem) {
  ASSERT_EQ(
      Chat(R"({"model":"casemate-answer","messages":[{"role":"developer","content":"Be brief."},
      {"role":"user","content":[{"type":"text","text":"one"},{"type":"text","text":"two"}]}]})")
          .status,
      200);
  ASSERT_EQ(room().last_messages.size(), 2U);
  EXPECT_EQ(room().last_messages[0], std::pair(std::string("system"), std::string("Be brief.")));
  EXPECT_EQ(room().last_messages[1].second, "one\ntwo");
}

TEST_F(ChatTest, WrongFieldsAreNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {Body(R"(,"temperature":"hot")"), "temperature"},
      {Body(R"(,"temperature":2.1)"), "temperature"},
      {Body(R"(,"top_p":-0.1)"), "top_p"},
      {Body(R"(,"max_tokens":1.5)"), "max_tokens"},
      {Body(R"(,"max_tokens":0)"), "max_tokens"},
      {Body(R"(,"n":9)"), "n"},
      {Body(R"(,"top_k":-2)"), "top_k"},
      {Body(R"(,"min_p":1.5)"), "min_p"},
      {Body(R"(,"frequency_penalty":2.5)"), "frequency_penalty"},
      {Body(R"(,"presence_penalty":"x")"), "presence_penalty"},
      {Body(R"(,"logit_bias":{"x":1})"), "logit_bias"},
      {Body(R"(,"logit_bias":{"5":101})"), "logit_bias.5"},
      {Body(R"(,"top_logprobs":3)"), "top_logprobs"},
      {Body(R"(,"logprobs":true,"top_logprobs":21)"), "top_logprobs"},
      {Body(R"(,"response_format":{"type":"yaml"})"), "response_format.type"},
      {Body(R"(,"response_format":{"type":"json_schema"})"), "response_format.json_schema"},
      {Body(R"(,"response_format":{"type":"json_schema","json_schema":{"name":"a"}})"),
       "response_format.json_schema.schema"},
      {Body(
           R"(,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object","properties":{"x":{"oneOf":[]}}}}})"),
       "response_format.json_schema.schema.properties.x.oneOf"},
      {Body(R"(,"casemate":{"quotes":"loud"})"), "casemate.quotes"},
      {Body(R"(,"casemate":{"quotes":"verbatim"})"), "casemate.passages"},
      {Body(R"(,"casemate":{"quotes":"verbatim","passages":[" "]})"), "casemate.passages[0]"},
      {Body(
           R"(,"response_format":{"type":"json_object"},"casemate":{"quotes":"verbatim","passages":["a"]})"),
       "casemate"},
      {Body(R"(,"stream":"yes")"), "stream"},
      {Body(R"(,"stop":[1])"), "stop[0]"},
      {Body(R"(,"stop":["a","b","c","d","e"])"), "stop"},
      {Body(R"(,"stop":"")"), "stop"},
      {Body(R"(,"seed":"x")"), "seed"},
      {Body(R"(,"stream_options":{"include_usage":true})"), "stream_options"},
      {Body(R"(,"stream":true,"stream_options":{"colour":1})"), "stream_options.colour"},
      {Body(R"(,"colour":"red")"), "colour"},
      {R"({"model":"casemate-answer","messages":"x"})", "messages"},
      {R"({"model":"casemate-answer","messages":[]})", "messages"},
      {R"({"model":"casemate-answer","messages":[{"role":"user","content":5}]})",
       "messages[0].content"},
      {R"({"model":"casemate-answer","messages":[{"role":"king","content":"x"}]})",
       "messages[0].role"},
      {R"({"model":"casemate-answer","messages":[{"role":"user","content":[{"type":"image_url"}]}]})",
       "messages[0].content[0].type"},
      {R"({"model":"casemate-answer","messages":[{"role":"user","content":"x","mood":1}]})",
       "messages[0].mood"},
      {R"({"model":7,"messages":[{"role":"user","content":"x"}]})", "model"},
  };
  for (const auto& [body, param] : cases) {
    EXPECT_EQ(Refused(Chat(body)), "400 invalid_argument " + param) << body;
  }
  EXPECT_EQ(Chat(R"({"messages":[]})").status, 400);
  EXPECT_EQ(room().generated, 0);
}

TEST_F(ChatTest, WhatIsNoJsonObjectIsRefusedWithItsPlace) {
  const Answer broken = Chat("{\"model\": \"casemate-answer\",\n \"messages\": [}");
  EXPECT_EQ(Refused(broken), "400 invalid_argument null");
  EXPECT_NE(At(broken.Json(), "error.message").find("line 2"), std::string::npos) << broken.body;
  for (const char* body : {"", "[]", "nul", "\"x\"", R"({"model":"a","model":"b"})"}) {
    EXPECT_EQ(Chat(body).status, 400) << body;
  }
}

TEST_F(ChatTest, UnknownAndUnfitModelsAreRefused) {
  std::string body = Body();
  body.replace(body.find("casemate-answer"), 15, "gpt-4");
  EXPECT_EQ(Refused(Chat(body)), "404 model_not_found model");
  body.replace(body.find("gpt-4"), 5, "casemate-embed");
  EXPECT_EQ(Refused(Chat(body)), "400 invalid_argument model");
}

TEST_F(ChatTest, APromptOverTheContextIsRefusedWithBothNumbersInBothForms) {
  room().context = 3;
  for (const char* more : {"", R"(,"stream":true)"}) {
    const Answer answer = Chat(Body(more));
    EXPECT_EQ(Refused(answer), "400 context_length_exceeded messages");
    EXPECT_NE(answer.body.find("prompt of 4 tokens, the model takes 3"), std::string::npos);
  }
}

TEST_F(ChatTest, KnownFieldsThatAreNotServedAreNamed) {
  const Answer answer =
      Chat(Body(R"(,"metadata":{},"tools":[],"logit_bias":null,"user":"u","store":true)"));
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("x-casemate-ignored"), "metadata, store, user");
  EXPECT_FALSE(Chat(Body()).headers.contains("x-casemate-ignored"));
}

TEST_F(ChatTest, EveryParameterOfSamplingReachesTheModel) {
  ASSERT_EQ(
      Chat(
          Body(
              R"(,"top_k":40,"min_p":0.05,"frequency_penalty":-2,"presence_penalty":1.5,"n":2,"logit_bias":{"17":-100,"3":2.5})"))
          .status,
      200);
  const inference::Generate& last = room().last;
  EXPECT_EQ(last.top_k, 40U);
  EXPECT_FLOAT_EQ(last.min_p, 0.05F);
  EXPECT_FLOAT_EQ(last.frequency_penalty, -2);
  EXPECT_FLOAT_EQ(last.presence_penalty, 1.5F);
  EXPECT_EQ(last.choices, 2U);
  ASSERT_EQ(last.biases.size(), 2U);
  EXPECT_EQ(last.biases[0].token, 17);
  EXPECT_FLOAT_EQ(last.biases[1].bias, 2.5F);
  EXPECT_NE(last.share, 0U);
  EXPECT_FALSE(last.raw);
}

TEST_F(ChatTest, EveryChoiceIsThereInBothForms) {
  const json::Document document = Chat(Body(R"(,"n":3)")).Json();
  EXPECT_EQ(At(document, "choices"), "3 members");
  EXPECT_EQ(At(document, "choices.2.index"), "2");
  EXPECT_EQ(At(document, "choices.2.message.content"), "A turret: a small tower [1]");
  EXPECT_EQ(At(document, "usage.completion_tokens"), "6");
  std::map<std::string, std::string> texts;
  std::map<std::string, int> finished;
  for (const std::string& event : Chat(Body(R"(,"n":3,"stream":true)")).Events()) {
    if (event == "[DONE]") {
      continue;
    }
    const json::Document chunk = *json::Document::Parse(PlaintextView::Of(event));
    const std::string index = At(chunk, "choices.0.index");
    const std::string text = At(chunk, "choices.0.delta.content");
    texts[index] += text == "absent" ? "" : text;
    finished[index] += At(chunk, "choices.0.finish_reason") == "stop" ? 1 : 0;
  }
  EXPECT_EQ(texts.size(), 3U);
  for (const auto& [index, text] : texts) {
    EXPECT_EQ(text, "A turret: a small tower [1]") << index;
    EXPECT_EQ(finished[index], 1) << index;
  }
}

TEST_F(ChatTest, LogprobsHaveOpenAisForm) {
  const json::Document document = Chat(Body(R"(,"logprobs":true,"top_logprobs":2)")).Json();
  EXPECT_EQ(At(document, "choices.0.logprobs.content"), "2 members");
  EXPECT_EQ(At(document, "choices.0.logprobs.content.0.token"), "A turret");
  EXPECT_EQ(At(document, "choices.0.logprobs.content.0.logprob"), "-0.500000");
  EXPECT_EQ(At(document, "choices.0.logprobs.content.0.bytes.0"), "65");
  EXPECT_EQ(At(document, "choices.0.logprobs.content.0.top_logprobs"), "2 members");
  EXPECT_EQ(At(document, "choices.0.logprobs.content.0.top_logprobs.0.bytes.1"), "128");
  EXPECT_EQ(At(document, "choices.0.logprobs.content.0.top_logprobs.0.token"), "\xef\xbf\xbd");
  EXPECT_EQ(At(document, "choices.0.logprobs.refusal"), "null");
  int tokens = 0;
  for (const std::string& event : Chat(Body(R"(,"logprobs":true,"stream":true)")).Events()) {
    tokens += event.find("\"bytes\":[65") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(tokens, 1);
}

TEST_F(ChatTest, JsonModesBecomeGrammars) {
  ASSERT_EQ(Chat(Body(R"(,"response_format":{"type":"text"})")).status, 200);
  EXPECT_TRUE(room().last.grammar.empty());
  ASSERT_EQ(Chat(Body(R"(,"response_format":{"type":"json_object"})")).status, 200);
  EXPECT_TRUE(Text(room().last.grammar).starts_with("root ::= json-object\n"));
  ASSERT_EQ(
      Chat(
          Body(
              R"(,"response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":{"type":"integer","maximum":3}}})"))
          .status,
      200);
  EXPECT_TRUE(Text(room().last.grammar).starts_with("root ::= s-0-0\n"));
  const Answer refused = Chat(Body(
      R"(,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"array","items":{"not":{}}}}})"));
  EXPECT_NE(refused.body.find("#/items/not: this keyword is not served"), std::string::npos)
      << refused.body;
}

TEST_F(ChatTest, QuotationsArePlacedAndChecked) {
  room().answer = {"It says \"a small ", "tower\" [2] and \"gates\" [1]."};
  const std::string body = Body(
      R"(,"casemate":{"quotes":"verbatim","passages":["An iron  gate.","A turret is\na small tower."]})");
  const json::Document document = Chat(body).Json();
  ASSERT_EQ(room().last.passages.size(), 2U);
  EXPECT_EQ(Text(room().last.passages[1]), "A turret is a small tower.");
  EXPECT_FALSE(room().last.quotes_only);
  EXPECT_EQ(room().last_messages[0].second,
            "Answer from the documents.\n[1] An iron gate.\n[2] A turret is a small tower.");
  const std::string first = "choices.0.message.casemate_quotes.0.";
  EXPECT_EQ(At(document, first + "passage"), "2");
  EXPECT_EQ(At(document, first + "begin"), "12");
  EXPECT_EQ(At(document, first + "end"), "25");
  EXPECT_EQ(At(document, first + "answer_begin"), "9");
  EXPECT_EQ(At(document, first + "verified"), "true");
  EXPECT_EQ(At(document, "choices.0.message.casemate_quotes.1.verified"), "false");
  std::string streamed = body;
  streamed.insert(streamed.size() - 1, R"(,"stream":true)");
  const Answer stream = Chat(streamed);
  EXPECT_NE(stream.body.find(R"("casemate_quotes":[{"passage":2,"begin":12)"), std::string::npos)
      << stream.body;
}

TEST_F(ChatTest, AFullQueueSaysWhenToAskAgain) {
  room().full = true;
  const Answer answer = Chat(Body());
  EXPECT_EQ(Refused(answer), "429 rate_limited null");
  EXPECT_EQ(answer.headers.at("retry-after"), "1");
}

TEST_F(ChatTest, ARoomThatDiesInAStreamIsToldInTheStream) {
  room().fail_after = 1;
  const Answer answer = Chat(Body(R"(,"stream":true)"));
  EXPECT_EQ(answer.status, 200);
  const std::vector<std::string> events = answer.Events();
  ASSERT_FALSE(events.empty());
  EXPECT_NE(events.back().find("the room died"), std::string::npos);
  EXPECT_EQ(answer.body.find("[DONE]"), std::string::npos);
  EXPECT_EQ(Refused(Chat(Body())), "503 unavailable null");
}

TEST_F(ChatTest, RevocationEndsAnAnswerInFlight) {
  room().on_piece = [this] { releases_.RevokePrincipal(); };
  const Answer answer = Chat(Body(R"(,"stream":true)"));
  EXPECT_EQ(answer.body.find("tower"), std::string::npos);
  EXPECT_EQ(answer.body.find("[DONE]"), std::string::npos);
}

TEST_F(ChatTest, AClientThatIsGoneEndsTheGeneration) {
  gone_ = true;
  (void)Chat(Body(R"(,"stream":true)"));
  EXPECT_EQ(room().generated, 1);
}

class EmbeddingsTest : public ApiTest {
 protected:
  Answer Embed(const std::string& rest) {
    return Post("/v1/embeddings", R"({"model":"casemate-embed",)" + rest + "}");
  }
};

TEST_F(EmbeddingsTest, FloatsAndBase64AreTheSameNumbers) {
  const Answer plain = Embed(R"("input":["ab","a b c"])");
  ASSERT_EQ(plain.status, 200) << plain.body;
  const json::Document document = plain.Json();
  EXPECT_EQ(At(document, "data.1.index"), "1");
  EXPECT_EQ(At(document, "data.0.embedding.0"), "0.500000");
  EXPECT_EQ(At(document, "data.1.embedding.1"), "-0.250000");
  EXPECT_EQ(At(document, "usage.prompt_tokens"), "4");
  EXPECT_EQ(At(document, "model"), "casemate-embed");

  const Answer packed = Embed(R"("input":"ab","encoding_format":"base64")");
  Result<Bytes> bytes = FromBase64(At(packed.Json(), "data.0.embedding"));
  ASSERT_TRUE(bytes.has_value());
  ASSERT_EQ(bytes->size(), 12U);
  float first = 0;
  std::memcpy(&first, bytes->data(), sizeof(first));
  EXPECT_FLOAT_EQ(first, 0.5F);
}

TEST_F(EmbeddingsTest, WrongFieldsAreNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {R"("input":"")", "input"},
      {R"("input":[])", "input"},
      {R"("input":[1,2])", "input[0]"},
      {R"("input":[[1,2]])", "input[0]"},
      {R"("input":5)", "input"},
      {R"("input":["a",""])", "input[1]"},
      {R"("input":"a","encoding_format":"hex")", "encoding_format"},
      {R"("input":"a","dimensions":7)", "dimensions"},
      {R"("input":"a","dimensions":0)", "dimensions"},
      {R"("input":"a","colour":1)", "colour"},
  };
  for (const auto& [rest, param] : cases) {
    EXPECT_EQ(Refused(Embed(rest)), "400 invalid_argument " + param) << rest;
  }
  EXPECT_EQ(Embed(R"("input":"a","dimensions":3)").status, 200);
  EXPECT_EQ(Embed(R"("input":"a","user":"u")").headers.at("x-casemate-ignored"), "user");
}

TEST_F(EmbeddingsTest, ALongTextIsRefusedNotCut) {
  rooms_.room->context = 1;
  EXPECT_EQ(Refused(Embed(R"("input":"a b")")), "400 context_length_exceeded input");
}

}  // namespace
}  // namespace casemate::api
