#include "api/chat_request.h"
#include "api/endpoints.h"
#include "api/errors.h"
#include "api/models.h"
#include "base/clock.h"
#include "crypto/hash.h"
#include "json/writer.h"

namespace casemate::api {
namespace {

// What every chunk and the whole answer repeat.
struct Completion {
  std::string id = crypto::RandomId<CompletionId>().ToString();
  std::int64_t created = UnixSeconds();
  std::string model;
};

std::string_view FinishName(inference::FinishReason reason) {
  return reason == inference::FinishReason::kLength ? "length" : "stop";
}

void WriteHead(json::Writer& writer, const Completion& completion, std::string_view object) {
  writer.BeginObject();
  writer.Key("id").String(completion.id);
  writer.Key("object").String(object);
  writer.Key("created").Integer(completion.created);
  writer.Key("model").String(completion.model);
}

void WriteUsage(json::Writer& writer, const inference::GenerateDone& done) {
  writer.Key("usage").BeginObject();
  writer.Key("prompt_tokens").Integer(done.prompt_tokens);
  writer.Key("completion_tokens").Integer(done.completion_tokens);
  writer.Key("total_tokens").Integer(std::int64_t{done.prompt_tokens} + done.completion_tokens);
  writer.EndObject();
}

Plaintext WholeJson(const Completion& completion, PlaintextView text,
                    const inference::GenerateDone& done) {
  json::Writer writer;
  WriteHead(writer, completion, "chat.completion");
  writer.Key("choices").BeginArray().BeginObject();
  writer.Key("index").Integer(0);
  writer.Key("message").BeginObject();
  writer.Key("role").String("assistant");
  writer.Key("content").Content(text);
  writer.Key("refusal").Null();
  writer.Key("annotations").BeginArray().EndArray();
  writer.EndObject();
  writer.Key("logprobs").Null();
  writer.Key("finish_reason").String(FinishName(done.reason));
  writer.EndObject().EndArray();
  WriteUsage(writer, done);
  writer.Key("system_fingerprint").Null();
  writer.EndObject();
  return writer.Take();
}

// The chunks of one streamed completion. The delta is written by the caller.
class ChunkStream {
 public:
  ChunkStream(Exchange& exchange, const Completion& completion, bool include_usage)
      : exchange_(exchange), completion_(completion), include_usage_(include_usage) {}

  Result<void> Role() {
    return Send([](json::Writer& writer) {
      writer.Key("role").String("assistant");
      writer.Key("content").String("");
      writer.Key("refusal").Null();
    });
  }
  Result<void> Text(PlaintextView text) {
    return Send([text](json::Writer& writer) { writer.Key("content").Content(text); });
  }
  Result<void> Finish(const inference::GenerateDone& done) {
    if (Result<void> sent = Send([](json::Writer&) {}, FinishName(done.reason)); !sent) {
      return sent;
    }
    if (include_usage_) {
      json::Writer writer;
      WriteHead(writer, completion_, "chat.completion.chunk");
      writer.Key("choices").BeginArray().EndArray();
      WriteUsage(writer, done);
      writer.EndObject();
      if (Result<void> sent = exchange_.SendEvent({}, writer.Take()); !sent) {
        return sent;
      }
    }
    return exchange_.SendEvent({}, PlaintextView::Of("[DONE]"));
  }

 private:
  Result<void> Send(const auto& write_delta, std::string_view finish = {}) {
    json::Writer writer;
    WriteHead(writer, completion_, "chat.completion.chunk");
    writer.Key("choices").BeginArray().BeginObject();
    writer.Key("index").Integer(0);
    writer.Key("delta").BeginObject();
    write_delta(writer);
    writer.EndObject();
    writer.Key("logprobs").Null();
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

  Exchange& exchange_;
  const Completion& completion_;
  bool include_usage_;
};

Result<void> Stream(Exchange& exchange, const ChatRequest& request, inference::RoomClient& room,
                    const Completion& completion, const std::function<bool()>& cancelled) {
  ChunkStream chunks(exchange, completion, request.include_usage);
  // The head waits for the room to accept the prompt, so that a refusal keeps its status.
  inference::RoomClient::Sink sink;
  sink.started = [&](const inference::GenerateStarted&) {
    return exchange.StartEvents().has_value() && chunks.Role().has_value();
  };
  sink.text = [&](const inference::GenerateText& piece) {
    return chunks.Text(piece.text).has_value();
  };
  Result<inference::GenerateDone> done = room.Generate(request.generate, sink, cancelled);
  if (!done) {
    return About(done.error(), done.error().code == ErrorCode::kTooLarge ? "messages" : "");
  }
  return chunks.Finish(*done);
}

Result<void> Whole(Exchange& exchange, const ChatRequest& request, inference::RoomClient& room,
                   const Completion& completion, const std::function<bool()>& cancelled) {
  Plaintext text;
  inference::RoomClient::Sink sink;
  sink.started = [](const inference::GenerateStarted&) { return true; };
  sink.text = [&](const inference::GenerateText& piece) {
    text.Append(piece.text);
    return true;
  };
  Result<inference::GenerateDone> done = room.Generate(request.generate, sink, cancelled);
  if (!done) {
    return About(done.error(), done.error().code == ErrorCode::kTooLarge ? "messages" : "");
  }
  return exchange.SendJson(WholeJson(completion, text, *done));
}

}  // namespace

Result<void> CreateChatCompletion(Exchange& exchange, const Ids&) {
  Result<json::Document> body = exchange.ParseBody();
  if (!body) {
    return std::unexpected(body.error());
  }
  Result<ChatRequest> request = ParseChatRequest(body->root());
  if (!request) {
    return std::unexpected(request.error());
  }
  exchange.Ignore(request->ignored);
  if (Result<custody::ModelEntry> model = FindModel(exchange, request->model, "chat"); !model) {
    return std::unexpected(model.error());
  }
  // Nothing stored is opened; the ticket is the log's record of use, and what a revocation ends.
  Result<custody::Ticket> ticket = exchange.NewTicket({});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<std::shared_ptr<inference::RoomClient>> room =
      exchange.services().rooms.Room(request->model);
  if (!room) {
    return std::unexpected(room.error());
  }
  const Completion completion{.model = request->model};
  const auto cancelled = [&] { return exchange.cancelled() || ticket->over(); };
  return request->stream ? Stream(exchange, *request, **room, completion, cancelled)
                         : Whole(exchange, *request, **room, completion, cancelled);
}

}  // namespace casemate::api
