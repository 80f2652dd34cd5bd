#include "api/chat_chunks.h"

namespace casemate::api {

Result<void> ChatChunks::Send(std::uint32_t choice, const auto& write_delta,
                              const Logprobs& logprobs, std::string_view finish) {
  json::Writer writer;
  WriteHead(writer, completion_, "chat.completion.chunk");
  writer.Key("choices").BeginArray().BeginObject();
  writer.Key("index").Integer(choice);
  writer.Key("delta").BeginObject();
  write_delta(writer);
  writer.EndObject();
  writer.Key("logprobs");
  if (logprobs_ && !logprobs.empty()) {
    WriteChatLogprobs(writer, logprobs);
  } else {
    writer.Null();
  }
  writer.Key("finish_reason");
  if (finish.empty()) {
    writer.Null();
  } else {
    writer.String(finish);
  }
  writer.EndObject().EndArray();
  if (include_usage_) {
    writer.Key("usage").Null();
  }
  writer.EndObject();
  return exchange_.SendEvent({}, writer.Take());
}

Result<void> ChatChunks::Role(std::uint32_t choice) {
  return Send(choice,
              [](json::Writer& writer) {
                writer.Key("role").String("assistant");
                writer.Key("content").String("");
                writer.Key("refusal").Null();
              },
              {});
}

Result<void> ChatChunks::Text(std::uint32_t choice, PlaintextView text, const Logprobs& logprobs) {
  return Send(
      choice, [text](json::Writer& writer) { writer.Key("content").Content(text); }, logprobs);
}

Result<void> ChatChunks::Call(std::uint32_t choice, const ToolCall& call, std::int64_t index,
                              const Logprobs& logprobs) {
  return Send(
      choice,
      [&](json::Writer& writer) {
        writer.Key("tool_calls").BeginArray();
        WriteToolCall(writer, call, index);
        writer.EndArray();
      },
      logprobs);
}

Result<void> ChatChunks::Finish(std::uint32_t choice, const ChatChoice& whole,
                                const Logprobs& logprobs) {
  return Send(
      choice,
      [&](json::Writer& writer) {
        if (!whole.quotations.empty()) {
          writer.Key("casemate_quotes");
          WriteQuotations(writer, whole.quotations);
        }
      },
      logprobs, FinishName(whole.reason, !whole.calls.empty()));
}

Result<void> ChatChunks::Done(const inference::GenerateDone& done) {
  if (include_usage_) {
    json::Writer writer;
    WriteHead(writer, completion_, "chat.completion.chunk");
    writer.Key("choices").BeginArray().EndArray();
    WriteUsage(writer, done.prompt_tokens, done.completion_tokens);
    writer.EndObject();
    if (Result<void> sent = exchange_.SendEvent({}, writer.Take()); !sent) {
      return sent;
    }
  }
  return exchange_.SendEvent({}, PlaintextView::Of("[DONE]"));
}

}  // namespace casemate::api
