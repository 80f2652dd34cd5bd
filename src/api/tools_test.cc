#include "api/api_fixture.h"
#include "api/tool_calls.h"
#include "grammar/gbnf_for_test.h"

namespace casemate::api {
namespace {

// What came out, as one text: calls as <name arguments>.
std::string Read(const std::vector<std::string>& pieces) {
  ToolCallReader reader({"add", "weather"});
  std::string out;
  const auto take = [&](std::vector<AnswerPart> parts) {
    for (const AnswerPart& part : parts) {
      if (const auto* text = std::get_if<Plaintext>(&part)) {
        out += Text(*text);
      } else {
        const auto& call = std::get<ToolCall>(part);
        EXPECT_TRUE(call.id.starts_with("call_"));
        out += "<" + call.name + " " + Text(call.arguments) + ">";
      }
    }
  };
  for (const std::string& piece : pieces) {
    take(reader.Feed(PlaintextView::Of(piece)));
  }
  take(reader.End());
  return out;
}

const std::pair<const char*, const char*> kAnswers[] = {
    {"No call, <b>only</b> [text] <tool", "No call, <b>only</b> [text] <tool"},
    {"  spaces stay  ", "  spaces stay  "},
    {R"(<tool_call>{"name":"add","arguments":{"a":1}}</tool_call>)", R"(<add {"a":1}>)"},
    {"Let me see. \n<tool_call>\n{\"name\": \"add\", \"arguments\": {}}\n</tool_call>\n",
     "Let me see.<add {}>"},
    {R"(<tool_call>{"name":"add","arguments":{"s":"}]\"</tool_call>"}}</tool_call> then <tool_call>{"name":"weather","arguments":{}}</tool_call>)",
     R"(<add {"s":"}]\"</tool_call>"}>then<weather {}>)"},
    {R"([TOOL_CALLS] [{"name":"add","arguments":{"a":[1,2]},"id":"x"}, {"name":"weather","arguments":{}}])",
     R"(<add {"a":[1,2]}><weather {}>)"},
    {R"([TOOL_CALLS][{"name":"add","arguments":{}}] and more)", R"(<add {}>and more)"},
    // Cut, at each kind of place: text, but for a call that is whole without its closing mark.
    {R"(a <tool_call>{"name":"add","argum)", R"(a <tool_call>{"name":"add","argum)"},
    {R"(<tool_call>{"name":"add","arguments":{}}</tool)", R"(<add {}>)"},
    {R"(<tool_call>{"name":"add","arguments":{}})", R"(<add {}>)"},
    {"<tool_call>  ", "<tool_call>  "},
    {R"([TOOL_CALLS][{"name":"add","arguments":{}},)",
     R"([TOOL_CALLS][{"name":"add","arguments":{}},)"},
    // Begins like a call and is none.
    {R"(<tool_call>{"name":"rm","arguments":{}}</tool_call>)",
     R"(<tool_call>{"name":"rm","arguments":{}}</tool_call>)"},
    {R"(<tool_call>{"name":"add","arguments":"{}"}</tool_call>)",
     R"(<tool_call>{"name":"add","arguments":"{}"}</tool_call>)"},
    {R"(<tool_call>{'name':'add'}</tool_call>)", R"(<tool_call>{'name':'add'}</tool_call>)"},
    {R"(<tool_call>add</tool_call>)", R"(<tool_call>add</tool_call>)"},
    {R"(<tool_call>{"name":"add","arguments":{}} x)",
     R"(<tool_call>{"name":"add","arguments":{}} x)"},
    {R"([TOOL_CALLS][])", R"([TOOL_CALLS][])"},
    // A mark that is none does not hide the call in it.
    {R"(<tool_call><tool_call>{"name":"add","arguments":{}}</tool_call>)",
     R"(<tool_call><add {}>)"},
    {R"(<<tool_call>{"name":"add","arguments":{"c":"é€"}}</tool_call>)", R"(<<add {"c":"é€"}>)"},
};

TEST(ToolCallReaderTest, AnswersArePartedIntoTextAndCalls) {
  for (const auto& [answer, expected] : kAnswers) {
    EXPECT_EQ(Read({answer}), expected) << answer;
  }
}

TEST(ToolCallReaderTest, EverySplitGivesTheSame) {
  for (const auto& [answer, expected] : kAnswers) {
    const std::string text = answer;
    for (std::size_t at = 0; at <= text.size(); ++at) {
      EXPECT_EQ(Read({text.substr(0, at), text.substr(at)}), expected) << text << " at " << at;
    }
    std::vector<std::string> letters;
    for (const char c : text) {
      letters.emplace_back(1, c);
    }
    EXPECT_EQ(Read(letters), expected) << text << " letter by letter";
  }
}

TEST(ToolCallReaderTest, ACallOverTheLimitIsText) {
  const std::string start = R"(<tool_call>{"name":"add","arguments":{"a":")";
  const std::string end = R"("}}</tool_call>)";
  const std::string big = start + std::string(kMaxCallBytes, 'x') + end;
  EXPECT_EQ(Read({big}), big);
  EXPECT_EQ(Read({big.substr(0, 1000), big.substr(1000)}), big);
  const std::string fits = start + std::string(kMaxCallBytes - 1000, 'x') + end;
  EXPECT_TRUE(Read({fits}).starts_with("<add {"));
}

class ToolsTest : public ApiTest {
 protected:
  static constexpr const char* kAdd =
      R"({"type":"function","function":{"name":"add","description":"Adds.","parameters":{"type":"object","properties":{"a":{"type":"integer","minimum":0,"maximum":9},"b":{"enum":["x","y"]}},"required":["a","b"],"additionalProperties":false}}})";
  static constexpr const char* kWeather = R"({"type":"function","function":{"name":"weather"}})";
  static std::string Body(const std::string& more, const std::string& tools = "") {
    return R"({"model":"casemate-answer","messages":[{"role":"user","content":"2+2?"}],"tools":[)" +
           (tools.empty() ? std::string(kAdd) + "," + kWeather : tools) + "]" + more + "}";
  }
  Answer Chat(const std::string& body) { return Post("/v1/chat/completions", body); }
  FakeRoom& room() { return *rooms_.room; }
  // Whether the grammar that the room got allows an answer.
  bool Allows(const std::string& answer) {
    grammar::TestGrammar grammar(room().last.grammar.view().Reveal());
    return grammar.Matches(answer);
  }
};

TEST_F(ToolsTest, CallsComeOutInBothForms) {
  room().answer = {"I add. <tool_",
                   "call>{\"name\":\"add\",\"arguments\":{\"a\":2,\"b\":\"x\"}}</tool_call>"};
  const json::Document document = Chat(Body("")).Json();
  EXPECT_EQ(At(document, "choices.0.message.content"), "I add.");
  EXPECT_EQ(At(document, "choices.0.message.tool_calls.0.type"), "function");
  EXPECT_EQ(At(document, "choices.0.message.tool_calls.0.function.name"), "add");
  EXPECT_EQ(At(document, "choices.0.message.tool_calls.0.function.arguments"),
            R"({"a":2,"b":"x"})");
  EXPECT_EQ(At(document, "choices.0.finish_reason"), "tool_calls");
  EXPECT_TRUE(room().last.grammar.empty()) << "free text and functions that are not strict";
  EXPECT_EQ(Text(room().last.tools).find(R"([{"type":"function","function":{"name":"add")"), 0U);

  const Answer stream = Chat(Body(R"(,"stream":true)"));
  const std::vector<std::string> events = stream.Events();
  ASSERT_EQ(events.size(), 5U) << stream.body;  // role, text, call, end, [DONE]
  const json::Document call = *json::Document::Parse(PlaintextView::Of(events[2]));
  EXPECT_EQ(At(call, "choices.0.delta.tool_calls.0.index"), "0");
  EXPECT_EQ(At(call, "choices.0.delta.tool_calls.0.function.name"), "add");
  EXPECT_EQ(At(call, "choices.0.delta.tool_calls.0.function.arguments"), R"({"a":2,"b":"x"})");
  const json::Document end = *json::Document::Parse(PlaintextView::Of(events[3]));
  EXPECT_EQ(At(end, "choices.0.finish_reason"), "tool_calls");
}

TEST_F(ToolsTest, ACutCallIsTextAndTheChoiceSaysLength) {
  room().answer = {"<tool_call>{\"name\":\"add\",\"ar"};
  room().reason = inference::FinishReason::kLength;
  const json::Document document = Chat(Body("")).Json();
  EXPECT_EQ(At(document, "choices.0.message.content"), "<tool_call>{\"name\":\"add\",\"ar");
  EXPECT_EQ(At(document, "choices.0.message.tool_calls"), "absent");
  EXPECT_EQ(At(document, "choices.0.finish_reason"), "length");
}

TEST_F(ToolsTest, ForcedCallsAreHeldToTheFunctionsSchema) {
  ASSERT_EQ(Chat(Body(R"(,"tool_choice":{"type":"function","function":{"name":"add"}})")).status,
            200);
  const std::string call =
      R"(<tool_call>{"name": "add", "arguments": {"a": 7, "b": "y"}}</tool_call>)";
  EXPECT_TRUE(Allows(call));
  EXPECT_TRUE(Allows(R"([TOOL_CALLS][{"name":"add","arguments":{"a":7,"b":"y"}}])"));
  EXPECT_FALSE(Allows("Four."));
  EXPECT_FALSE(Allows(call + call)) << "a named function is called once";
  EXPECT_FALSE(Allows(R"(<tool_call>{"name":"add","arguments":{"a":10,"b":"y"}}</tool_call>)"));
  EXPECT_FALSE(Allows(R"(<tool_call>{"name":"weather","arguments":{}}</tool_call>)"));
  ASSERT_EQ(Chat(Body(R"(,"tool_choice":"required")")).status, 200);
  EXPECT_TRUE(Allows(call + "\n" + call));
  EXPECT_TRUE(Allows(R"(<tool_call>{"name":"weather","arguments":{"any":[1]}}</tool_call>)"));
  EXPECT_FALSE(Allows("Four."));
  ASSERT_EQ(Chat(Body(R"(,"tool_choice":"required","parallel_tool_calls":false)")).status, 200);
  EXPECT_TRUE(Allows(call));
  EXPECT_FALSE(Allows(call + call));
  ASSERT_EQ(Chat(Body(R"(,"tool_choice":"none")")).status, 200);
  EXPECT_TRUE(room().last.grammar.empty());
  EXPECT_TRUE(room().last.tools.empty());
}

TEST_F(ToolsTest, StrictFunctionsHoldArgumentsInFreeText) {
  std::string strict = kAdd;
  strict.insert(strict.find("\"description\""), "\"strict\":true,");
  ASSERT_EQ(Chat(Body("", strict)).status, 200);
  const std::string good = R"(<tool_call>{"name":"add","arguments":{"a":7,"b":"y"}}</tool_call>)";
  for (const std::string text :
       {"", "Four.", "a < b [TOOL] <tool_cal <<tool", "[[TOOL_CALL", "<tool_call"}) {
    EXPECT_TRUE(Allows(text)) << text;
    if (text != "<tool_call") {
      EXPECT_TRUE(Allows(text + good)) << text;
    }
  }
  EXPECT_TRUE(Allows("é[TOOL_CALLS] [{\"name\":\"add\",\"arguments\":{\"a\":7,\"b\":\"y\"}}]"));
  EXPECT_FALSE(Allows(R"(<tool_call>{"name":"add","arguments":{}}</tool_call>)"));
  EXPECT_FALSE(Allows("x<tool_call>x"));
  EXPECT_FALSE(Allows("<<tool_call>"));
}

TEST_F(ToolsTest, JsonAnswersAndCallsGoTogether) {
  ASSERT_EQ(Chat(Body(R"(,"response_format":{"type":"json_object"})")).status, 200);
  EXPECT_TRUE(Allows("{\"a\":1}"));
  EXPECT_TRUE(Allows(R"(<tool_call>{"name":"weather","arguments":{}}</tool_call>)"));
  EXPECT_FALSE(Allows("Four."));
}

TEST_F(ToolsTest, ASchemaThatNoGrammarHoldsIsRefusedWhenStrictAndNamedWhenNot) {
  const auto odd = [](const char* strict) {
    return std::string(R"({"type":"function","function":{"name":"odd","strict":)") + strict +
           R"(,"parameters":{"type":"object","properties":{"u":{"type":"string","format":"uri"}}}}})";
  };
  EXPECT_EQ(Refused(Chat(Body("", odd("true")))),
            "400 invalid_argument tools[0].function.parameters.properties.u.format");
  const Answer loose = Chat(Body(R"(,"tool_choice":"required")", odd("false")));
  ASSERT_EQ(loose.status, 200) << loose.body;
  EXPECT_EQ(loose.headers.at("x-casemate-ignored"),
            "tools[0].function.parameters.properties.u.format");
  EXPECT_TRUE(Allows(R"(<tool_call>{"name":"odd","arguments":{"u":5}}</tool_call>)"));
}

TEST_F(ToolsTest, WrongFieldsAreNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {Body(R"(,"tool_choice":"always")"), "tool_choice"},
      {Body(R"(,"tool_choice":{"type":"function","function":{"name":"sub"}})"), "tool_choice"},
      {Body("", std::string(kAdd) + "," + kAdd), "tools[1]"},
      {Body("", R"({"type":"custom"})"), "tools[0].type"},
      {Body("", R"({"type":"function"})"), "tools[0].function"},
      {Body("", R"({"type":"function","function":{"name":"a b"}})"), "tools[0].function.name"},
      {Body("", R"({"type":"function","function":{"name":"a","colour":1}})"),
       "tools[0].function.colour"},
      {Body("", R"({"type":"function","function":{"name":"a","parameters":{"type":"string"}}})"),
       "tools[0].function.parameters"},
      {R"({"model":"casemate-answer","messages":[{"role":"user","content":"x"}],"tool_choice":"auto"})",
       "tool_choice"},
      {R"({"model":"casemate-answer","messages":[{"role":"tool","content":"x"}]})",
       "messages[0].tool_call_id"},
      {R"({"model":"casemate-answer","messages":[{"role":"user","content":"x","tool_call_id":"c"}]})",
       "messages[0].tool_call_id"},
      {R"({"model":"casemate-answer","messages":[{"role":"user","content":"x","tool_calls":[]}]})",
       "messages[0].tool_calls"},
      {R"({"model":"casemate-answer","messages":[{"role":"assistant","tool_calls":[{"id":"c"}]}]})",
       "messages[0].tool_calls[0].function"},
  };
  for (const auto& [body, param] : cases) {
    EXPECT_EQ(Refused(Chat(body)), "400 invalid_argument " + param) << body;
  }
}

TEST_F(ToolsTest, EarlierCallsAndTheirResultsReachTheModel) {
  const Answer answer = Chat(
      R"({"model":"casemate-answer","messages":[{"role":"user","content":"2+2?"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]},{"role":"tool","tool_call_id":"call_1","content":"4"}]})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  ASSERT_EQ(room().last.messages.size(), 3U);
  EXPECT_EQ(
      Text(room().last.messages[1].tool_calls),
      R"([{"id":"call_1","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}])");
  EXPECT_EQ(Text(room().last.messages[2].tool_call_id), "call_1");
}

class ResponseToolsTest : public ToolsTest {
 protected:
  static constexpr const char* kTool =
      R"({"type":"function","name":"add","parameters":{"type":"object","properties":{"a":{"type":"integer"}}},"strict":false})";
  Answer Respond(const std::string& more) {
    return Post("/v1/responses",
                R"({"model":"casemate-answer","tools":[)" + std::string(kTool) + "]" + more + "}");
  }
};

TEST_F(ResponseToolsTest, CallsAreItemsOfTheOutput) {
  room().answer = {"Well. <tool_call>{\"name\":\"add\",\"arguments\":{\"a\":2}}</tool_call>"};
  const json::Document document = Respond(R"(,"input":"2+2?")").Json();
  EXPECT_EQ(At(document, "output.0.type"), "message");
  EXPECT_EQ(At(document, "output.0.content.0.text"), "Well.");
  EXPECT_EQ(At(document, "output.1.type"), "function_call");
  EXPECT_EQ(At(document, "output.1.name"), "add");
  EXPECT_EQ(At(document, "output.1.arguments"), R"({"a":2})");
  EXPECT_EQ(At(document, "output.1.status"), "completed");
  EXPECT_TRUE(At(document, "output.1.call_id").starts_with("call_"));
  EXPECT_TRUE(At(document, "output.1.id").starts_with("fc_"));
  EXPECT_EQ(At(document, "tools.0.name"), "add");
  EXPECT_EQ(At(document, "tools.0.description"), "null");
}

TEST_F(ResponseToolsTest, AStreamOfACallHasOpenAisEventsInOrder) {
  room().answer = {"<tool_call>{\"name\":\"add\",", "\"arguments\":{\"a\":2}}</tool_call>"};
  const Answer answer =
      Respond(R"(,"input":"2+2?","stream":true,"tool_choice":{"type":"function","name":"add"})");
  std::vector<std::string> types;
  for (const std::string& event : answer.Events()) {
    types.push_back(At(*json::Document::Parse(PlaintextView::Of(event)), "type"));
  }
  EXPECT_EQ(types,
            (std::vector<std::string>{
                "response.created", "response.in_progress", "response.output_item.added",
                "response.function_call_arguments.delta", "response.function_call_arguments.done",
                "response.output_item.done", "response.completed"}));
  const json::Document last = *json::Document::Parse(PlaintextView::Of(answer.Events().back()));
  EXPECT_EQ(At(last, "response.output"), "1 members");
  EXPECT_EQ(At(last, "response.tool_choice.name"), "add");
  EXPECT_FALSE(room().last.grammar.empty());
}

TEST_F(ResponseToolsTest, CallsAndTheirOutputsAreInput) {
  const Answer answer = Respond(
      R"(,"input":[{"role":"user","content":"2+2?"},{"type":"function_call","id":"fc_1","call_id":"call_1","name":"add","arguments":"{}","status":"completed"},{"type":"function_call","call_id":"call_2","name":"add","arguments":"{}"},{"type":"function_call_output","call_id":"call_1","output":"4"}])");
  ASSERT_EQ(answer.status, 200) << answer.body;
  ASSERT_EQ(room().last.messages.size(), 3U);
  EXPECT_EQ(
      Text(room().last.messages[1].tool_calls),
      R"([{"id":"call_1","type":"function","function":{"name":"add","arguments":"{}"}},{"id":"call_2","type":"function","function":{"name":"add","arguments":"{}"}}])");
  EXPECT_EQ(room().last.messages[2].role, "tool");
  EXPECT_EQ(Text(room().last.messages[2].content), "4");
}

TEST_F(ResponseToolsTest, TextFormatBecomesAGrammarAndIsRepeated) {
  const std::string format =
      R"({"type":"json_schema","name":"n","schema":{"type":"integer"},"strict":true})";
  const Answer answer =
      Respond(R"(,"input":"2+2?","tool_choice":"none","text":{"format":)" + format + "}");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(Allows("4"));
  EXPECT_FALSE(Allows("four"));
  EXPECT_EQ(At(answer.Json(), "text.format.name"), "n");
  EXPECT_EQ(At(answer.Json(), "text.format.schema.type"), "integer");
  EXPECT_EQ(
      Refused(Respond(
          R"(,"input":"x","text":{"format":{"type":"json_schema","name":"n","schema":false}}})")),
      "400 invalid_argument null");
}

TEST_F(ResponseToolsTest, LogprobsComeWhenAskedFor) {
  const json::Document document =
      Respond(R"(,"input":"x","top_logprobs":1,"include":["message.output_text.logprobs"])").Json();
  EXPECT_EQ(At(document, "output.0.content.0.logprobs"), "2 members");
  EXPECT_EQ(At(document, "output.0.content.0.logprobs.0.token"), "A turret");
  EXPECT_EQ(At(document, "output.0.content.0.logprobs.0.top_logprobs.0.logprob"), "-2");
}

}  // namespace
}  // namespace casemate::api
