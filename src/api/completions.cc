#include <functional>
#include <memory>

#include "api/chat_object.h"
#include "api/completion_request.h"
#include "api/endpoints.h"
#include "api/errors.h"
#include "api/models.h"

namespace casemate::api {
namespace {

struct TextCompletionTag {
  static constexpr std::string_view kPrefix = "cmpl-";
};

constexpr std::string_view kObject = "text_completion";

// One text completion being made: prompt after prompt, each with its choices.
class Completing {
 public:
  Completing(Exchange& exchange, CompletionRequest& request)
      : exchange_(exchange),
        request_(request),
        completion_{.id = crypto::RandomId<Id<TextCompletionTag>>().ToString(),
                    .model = request.model},
        choices_(request.prompts.size() * request.sampling.choices) {}

  Result<void> Run(inference::RoomClient& room, const std::function<bool()>& cancelled) {
    for (std::size_t prompt = 0; prompt < request_.prompts.size(); ++prompt) {
      if (Result<void> done = Complete(room, prompt, cancelled); !done) {
        return done;
      }
    }
    return request_.streaming.stream ? FinishStream() : SendWhole();
  }

 private:
  struct Choice {
    Plaintext text;
    Logprobs logprobs;
    std::size_t offset = 0;  // characters of it whose tokens have been written
    inference::FinishReason reason = inference::FinishReason::kNone;
  };

  Result<void> Complete(inference::RoomClient& room, std::size_t prompt,
                        const std::function<bool()>& cancelled) {
    inference::Generate& generate = request_.sampling;
    generate.messages.clear();
    generate.messages.push_back({.role = "user", .content = std::move(request_.prompts[prompt])});
    const std::size_t first = prompt * generate.choices;
    inference::RoomClient::Sink sink;
    sink.started = [&](const inference::GenerateStarted&) {
      return !request_.streaming.stream || exchange_.started() ||
             exchange_.StartEvents().has_value();
    };
    sink.text = [&](const inference::GenerateText& piece) {
      return piece.choice < generate.choices && Take(first + piece.choice, piece).has_value();
    };
    Result<inference::GenerateDone> done = room.Generate(generate, sink, cancelled);
    if (!done) {
      return About(done.error(), done.error().code == ErrorCode::kTooLarge ? "prompt" : "");
    }
    prompt_tokens_ += done->prompt_tokens;
    completion_tokens_ += done->completion_tokens;
    for (std::size_t i = first; i < first + generate.choices; ++i) {
      if (choices_[i].reason == inference::FinishReason::kNone) {
        choices_[i].reason = done->reason;
        if (request_.streaming.stream) {
          if (Result<void> sent = SendChunk(i, {}, {}); !sent) {
            return sent;
          }
        }
      }
    }
    return {};
  }

  Result<void> Take(std::size_t index, const inference::GenerateText& piece) {
    Choice& choice = choices_[index];
    choice.reason = piece.reason;
    if (request_.streaming.stream) {
      return SendChunk(index, piece.text, piece.logprobs);
    }
    choice.text.Append(piece.text);
    for (const inference::TokenLogprob& token : piece.logprobs) {
      choice.logprobs.push_back(
          {.text = Plaintext::Copy(token.text.view()), .logprob = token.logprob});
      for (const inference::TopLogprob& top : token.top) {
        choice.logprobs.back().top.push_back(
            {.text = Plaintext::Copy(top.text.view()), .logprob = top.logprob});
      }
    }
    return {};
  }

  void WriteChoice(json::Writer& writer, std::size_t index, PlaintextView text,
                   const Logprobs& logprobs) {
    Choice& choice = choices_[index];
    writer.BeginObject();
    writer.Key("text").Content(text);
    writer.Key("index").Integer(static_cast<std::int64_t>(index));
    writer.Key("logprobs");
    if (request_.sampling.logprobs && !(request_.streaming.stream && logprobs.empty())) {
      WriteLegacyLogprobs(writer, logprobs, choice.offset);
    } else {
      writer.Null();
    }
    writer.Key("finish_reason");
    if (choice.reason == inference::FinishReason::kNone) {
      writer.Null();
    } else {
      writer.String(FinishName(choice.reason, false));
    }
    writer.EndObject();
  }

  Result<void> SendChunk(std::size_t index, PlaintextView text, const Logprobs& logprobs) {
    json::Writer writer;
    WriteHead(writer, completion_, kObject);
    writer.Key("choices").BeginArray();
    WriteChoice(writer, index, text, logprobs);
    writer.EndArray();
    if (request_.streaming.include_usage) {
      writer.Key("usage").Null();
    }
    writer.EndObject();
    return exchange_.SendEvent({}, writer.Take());
  }

  Result<void> FinishStream() {
    if (request_.streaming.include_usage) {
      json::Writer writer;
      WriteHead(writer, completion_, kObject);
      writer.Key("choices").BeginArray().EndArray();
      WriteUsage(writer, prompt_tokens_, completion_tokens_);
      writer.EndObject();
      if (Result<void> sent = exchange_.SendEvent({}, writer.Take()); !sent) {
        return sent;
      }
    }
    return exchange_.SendEvent({}, PlaintextView::Of("[DONE]"));
  }

  Result<void> SendWhole() {
    json::Writer writer;
    WriteHead(writer, completion_, kObject);
    writer.Key("choices").BeginArray();
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      WriteChoice(writer, i, choices_[i].text, choices_[i].logprobs);
    }
    writer.EndArray();
    WriteUsage(writer, prompt_tokens_, completion_tokens_);
    writer.EndObject();
    return exchange_.SendJson(writer.Take());
  }

  Exchange& exchange_;
  CompletionRequest& request_;
  Completion completion_;
  std::vector<Choice> choices_;  // those of the first prompt first
  std::uint64_t prompt_tokens_ = 0;
  std::uint64_t completion_tokens_ = 0;
};

}  // namespace

Result<void> CreateCompletion(Exchange& exchange, const Ids&) {
  Result<json::Document> body = exchange.ParseBody();
  if (!body) {
    return std::unexpected(body.error());
  }
  Result<CompletionRequest> request = ParseCompletionRequest(body->root());
  if (!request) {
    return std::unexpected(request.error());
  }
  exchange.Ignore(request->ignored);
  Result<ModelAccess> model = AccessModel(exchange, request->model, "chat");
  if (!model) {
    return std::unexpected(model.error());
  }
  request->sampling.share = exchange.share();
  return Completing(exchange, *request).Run(*model->room, [&] {
    return exchange.cancelled() || model->ticket.over();
  });
}

}  // namespace casemate::api
