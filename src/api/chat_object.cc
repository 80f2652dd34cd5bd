#include "api/chat_object.h"

namespace casemate::api {
namespace {

void WriteMessage(json::Writer& writer, const ChatChoice& choice) {
  writer.BeginObject().Key("role").String("assistant").Key("content");
  if (choice.text.empty() && !choice.calls.empty()) {
    writer.Null();
  } else {
    writer.Content(choice.text);
  }
  writer.Key("refusal").Null();
  writer.Key("annotations").BeginArray().EndArray();
  if (!choice.calls.empty()) {
    writer.Key("tool_calls").BeginArray();
    for (const ToolCall& call : choice.calls) {
      WriteToolCall(writer, call, -1);
    }
    writer.EndArray();
  }
  if (!choice.quotations.empty()) {
    writer.Key("casemate_quotes");
    WriteQuotations(writer, choice.quotations);
  }
  writer.EndObject();
}

}  // namespace

std::string_view FinishName(inference::FinishReason reason, bool calls) {
  return reason == inference::FinishReason::kLength ? "length" : calls ? "tool_calls" : "stop";
}

void WriteHead(json::Writer& writer, const Completion& completion, std::string_view object) {
  writer.BeginObject();
  writer.Key("id").String(completion.id);
  writer.Key("object").String(object);
  writer.Key("created").Integer(completion.created);
  writer.Key("model").String(completion.model);
  writer.Key("system_fingerprint").Null();
}

void WriteUsage(json::Writer& writer, std::uint64_t prompt_tokens,
                std::uint64_t completion_tokens) {
  writer.Key("usage").BeginObject();
  writer.Key("prompt_tokens").Integer(static_cast<std::int64_t>(prompt_tokens));
  writer.Key("completion_tokens").Integer(static_cast<std::int64_t>(completion_tokens));
  writer.Key("total_tokens").Integer(static_cast<std::int64_t>(prompt_tokens + completion_tokens));
  writer.Key("prompt_tokens_details").BeginObject();
  writer.Key("cached_tokens").Integer(0).Key("audio_tokens").Integer(0).EndObject();
  writer.Key("completion_tokens_details").BeginObject();
  for (std::string_view kind : {"reasoning_tokens", "audio_tokens", "accepted_prediction_tokens",
                                "rejected_prediction_tokens"}) {
    writer.Key(kind).Integer(0);
  }
  writer.EndObject().EndObject();
}

void WriteToolCall(json::Writer& writer, const ToolCall& call, std::int64_t index) {
  writer.BeginObject();
  if (index >= 0) {
    writer.Key("index").Integer(index);
  }
  writer.Key("id").String(call.id).Key("type").String("function");
  writer.Key("function").BeginObject().Key("name").String(call.name);
  writer.Key("arguments").Content(call.arguments);
  writer.EndObject().EndObject();
}

void WriteQuotations(json::Writer& writer, const std::vector<Quotation>& quotations) {
  writer.BeginArray();
  for (const Quotation& quotation : quotations) {
    writer.BeginObject();
    WriteQuotation(writer, quotation);
    writer.EndObject();
  }
  writer.EndArray();
}

Plaintext ChatCompletionJson(const Completion& completion, const std::vector<ChatChoice>& choices,
                             bool logprobs, const inference::GenerateDone& done) {
  json::Writer writer;
  WriteHead(writer, completion, "chat.completion");
  writer.Key("choices").BeginArray();
  for (std::size_t i = 0; i < choices.size(); ++i) {
    writer.BeginObject().Key("index").Integer(static_cast<std::int64_t>(i));
    writer.Key("message");
    WriteMessage(writer, choices[i]);
    writer.Key("logprobs");
    if (logprobs) {
      WriteChatLogprobs(writer, choices[i].logprobs);
    } else {
      writer.Null();
    }
    writer.Key("finish_reason")
        .String(FinishName(choices[i].reason, !choices[i].calls.empty()))
        .EndObject();
  }
  writer.EndArray();
  WriteUsage(writer, done.prompt_tokens, done.completion_tokens);
  writer.EndObject();
  return writer.Take();
}

}  // namespace casemate::api
