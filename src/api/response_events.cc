#include "api/response_events.h"

#include <algorithm>
#include <string>

namespace casemate::api {

Result<void> ResponseEvents::Send(std::string_view type, const auto& write_rest) {
  json::Writer writer;
  writer.BeginObject();
  writer.Key("type").String(type);
  writer.Key("sequence_number").Integer(sequence_++);
  write_rest(writer);
  writer.EndObject();
  return exchange_.SendEvent(type, writer.Take());
}

Result<void> ResponseEvents::SendResponse(std::string_view type, std::string_view status) {
  return Send(type, [&](json::Writer& writer) {
    writer.Key("response");
    WriteResponse(writer, state_, status);
  });
}

Result<void> ResponseEvents::SendSearch() {
  const auto item = [&](std::string_view status) {
    return [this, status](json::Writer& writer) {
      writer.Key("output_index").Integer(0);
      writer.Key("item");
      WriteSearchCall(writer, state_, status);
    };
  };
  if (Result<void> sent = Send("response.output_item.added", item("in_progress")); !sent) {
    return sent;
  }
  for (std::string_view step : {"in_progress", "searching", "completed"}) {
    Result<void> sent =
        Send("response.file_search_call." + std::string(step), [&](json::Writer& writer) {
          writer.Key("output_index").Integer(0);
          writer.Key("item_id").String(state_.call_id);
        });
    if (!sent) {
      return sent;
    }
  }
  return Send("response.output_item.done", item("completed"));
}

Result<void> ResponseEvents::Start() {
  if (Result<void> sent = SendResponse("response.created", "in_progress"); !sent) {
    return sent;
  }
  if (Result<void> sent = SendResponse("response.in_progress", "in_progress"); !sent) {
    return sent;
  }
  return state_.searched ? SendSearch() : Result<void>();
}

std::int64_t ResponseEvents::IndexOf(std::size_t item) const {
  const auto place = std::find(state_.items.begin(), state_.items.end(), item);
  return (place - state_.items.begin()) + (state_.searched ? 1 : 0);
}

Result<void> ResponseEvents::OpenMessage() {
  Result<void> sent = Send("response.output_item.added", [&](json::Writer& writer) {
    writer.Key("output_index").Integer(IndexOf(ResponseState::kMessage));
    writer.Key("item");
    WriteMessage(writer, state_, "in_progress");
  });
  if (!sent) {
    return sent;
  }
  return Send("response.content_part.added", [&](json::Writer& writer) {
    writer.Key("item_id").String(state_.message_id);
    writer.Key("output_index").Integer(IndexOf(ResponseState::kMessage));
    writer.Key("content_index").Integer(0);
    writer.Key("part");
    WritePart(writer, state_, false);
  });
}

Result<void> ResponseEvents::Text(PlaintextView delta, const Logprobs& logprobs) {
  return Send("response.output_text.delta", [&](json::Writer& writer) {
    writer.Key("item_id").String(state_.message_id);
    writer.Key("output_index").Integer(IndexOf(ResponseState::kMessage));
    writer.Key("content_index").Integer(0);
    writer.Key("delta").Content(delta);
    writer.Key("logprobs");
    WriteResponseLogprobs(writer, logprobs, false);
  });
}

Result<void> ResponseEvents::Call(std::size_t call) {
  const std::int64_t index = IndexOf(call);
  const auto item = [&](bool whole) {
    return [this, index, call, whole](json::Writer& writer) {
      writer.Key("output_index").Integer(index);
      writer.Key("item");
      WriteFunctionCall(writer, state_, call, whole);
    };
  };
  const auto arguments = [&](std::string_view key) {
    return [this, index, call, key](json::Writer& writer) {
      writer.Key("item_id").String(state_.call_item_ids[call]);
      writer.Key("output_index").Integer(index);
      if (key == "arguments") {
        writer.Key("name").String(state_.calls[call].name);
      }
      writer.Key(key).Content(state_.calls[call].arguments);
    };
  };
  if (Result<void> sent = Send("response.output_item.added", item(false)); !sent) {
    return sent;
  }
  for (std::string_view key : {"delta", "arguments"}) {
    Result<void> sent = Send(key == "delta" ? "response.function_call_arguments.delta"
                                            : "response.function_call_arguments.done",
                             arguments(key));
    if (!sent) {
      return sent;
    }
  }
  return Send("response.output_item.done", item(true));
}

Result<void> ResponseEvents::FinishMessage() {
  const auto place = [&](json::Writer& writer) {
    writer.Key("item_id").String(state_.message_id);
    writer.Key("output_index").Integer(IndexOf(ResponseState::kMessage));
    writer.Key("content_index").Integer(0);
  };
  for (std::size_t i = 0; i < state_.citations.size(); ++i) {
    Result<void> sent = Send("response.output_text.annotation.added", [&](json::Writer& writer) {
      place(writer);
      writer.Key("annotation_index").Integer(static_cast<std::int64_t>(i));
      writer.Key("annotation");
      WriteAnnotation(writer, state_, state_.citations[i]);
    });
    if (!sent) {
      return sent;
    }
  }
  Result<void> sent = Send("response.output_text.done", [&](json::Writer& writer) {
    place(writer);
    writer.Key("text").Content(state_.text);
    writer.Key("logprobs");
    WriteResponseLogprobs(writer, state_.logprobs, false);
  });
  if (!sent) {
    return sent;
  }
  sent = Send("response.content_part.done", [&](json::Writer& writer) {
    place(writer);
    writer.Key("part");
    WritePart(writer, state_, true);
  });
  if (!sent) {
    return sent;
  }
  return Send("response.output_item.done", [&](json::Writer& writer) {
    writer.Key("output_index").Integer(IndexOf(ResponseState::kMessage));
    writer.Key("item");
    WriteMessage(writer, state_, EndStatus(state_));
  });
}

Result<void> ResponseEvents::Finish() {
  const bool message = std::find(state_.items.begin(), state_.items.end(),
                                 ResponseState::kMessage) != state_.items.end();
  if (message) {
    if (Result<void> sent = FinishMessage(); !sent) {
      return sent;
    }
  }
  const std::string_view status = EndStatus(state_);
  return SendResponse("response." + std::string(status), status);
}

Result<void> ResponseEvents::Failed() { return SendResponse("response.failed", "failed"); }

}  // namespace casemate::api
