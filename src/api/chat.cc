#include <functional>
#include <memory>
#include <optional>

#include "api/chat_chunks.h"
#include "api/chat_request.h"
#include "api/endpoints.h"
#include "api/errors.h"
#include "api/grounding.h"
#include "api/models.h"

namespace casemate::api {
namespace {

// One chat completion being made: what the room says becomes choices, which are kept whole or sent
// as they come.
class Answering {
 public:
  Answering(Exchange& exchange, const ChatRequest& request)
      : exchange_(exchange),
        request_(request),
        completion_{.id = crypto::RandomId<CompletionId>().ToString(), .model = request.model},
        chunks_(exchange, completion_, request.streaming.include_usage, request.generate.logprobs),
        choices_(request.generate.choices) {
    for (Progress& choice : choices_) {
      if (!request.functions.empty()) {
        choice.reader.emplace(request.functions);
      }
    }
  }

  Result<void> Run(inference::RoomClient& room, const std::function<bool()>& cancelled) {
    inference::RoomClient::Sink sink;
    // The head waits for the room to accept the prompt, so that a refusal keeps its status.
    sink.started = [&](const inference::GenerateStarted&) { return !stream() || Start(); };
    sink.text = [&](const inference::GenerateText& piece) { return Take(piece).has_value(); };
    Result<inference::GenerateDone> done = room.Generate(request_.generate, sink, cancelled);
    if (!done) {
      return About(done.error(), done.error().code == ErrorCode::kTooLarge ? "messages" : "");
    }
    for (std::uint32_t i = 0; i < choices_.size(); ++i) {
      if (Result<void> ended = EndChoice(i, done->reason); !ended) {
        return ended;
      }
    }
    if (stream()) {
      return chunks_.Done(*done);
    }
    std::vector<ChatChoice> whole;
    whole.reserve(choices_.size());
    for (Progress& choice : choices_) {
      whole.push_back(std::move(choice.whole));
    }
    return exchange_.SendJson(
        ChatCompletionJson(completion_, whole, request_.generate.logprobs, *done));
  }

 private:
  struct Progress {
    ChatChoice whole;
    std::optional<ToolCallReader> reader;  // where functions may be called
    Logprobs unsent;                       // of text that the reader holds back
  };

  bool stream() const { return request_.streaming.stream; }

  bool Start() {
    if (!exchange_.StartEvents()) {
      return false;
    }
    for (std::uint32_t i = 0; i < choices_.size(); ++i) {
      if (!chunks_.Role(i)) {
        return false;
      }
    }
    return true;
  }

  Result<void> Take(const inference::GenerateText& piece) {
    if (piece.choice >= choices_.size()) {
      return Fail(ErrorCode::kIntegrityFailure, "a choice that was not asked for");
    }
    Progress& choice = choices_[piece.choice];
    Logprobs& logprobs = stream() ? choice.unsent : choice.whole.logprobs;
    for (const inference::TokenLogprob& token : piece.logprobs) {
      inference::TokenLogprob copy{.text = Plaintext::Copy(token.text.view()),
                                   .logprob = token.logprob};
      for (const inference::TopLogprob& top : token.top) {
        copy.top.push_back({.text = Plaintext::Copy(top.text.view()), .logprob = top.logprob});
      }
      logprobs.push_back(std::move(copy));
    }
    std::vector<AnswerPart> parts;
    if (choice.reader) {
      parts = choice.reader->Feed(piece.text);
    } else if (!piece.text.empty()) {
      parts.emplace_back(Plaintext::Copy(piece.text.view()));
    }
    if (Result<void> sent = Deliver(piece.choice, std::move(parts)); !sent) {
      return sent;
    }
    return piece.reason == inference::FinishReason::kNone ? Result<void>()
                                                          : EndChoice(piece.choice, piece.reason);
  }

  Result<void> Deliver(std::uint32_t index, std::vector<AnswerPart> parts) {
    Progress& choice = choices_[index];
    for (AnswerPart& part : parts) {
      Result<void> sent;
      const Logprobs logprobs = std::exchange(choice.unsent, {});
      if (auto* text = std::get_if<Plaintext>(&part)) {
        choice.whole.text.Append(*text);
        sent = stream() ? chunks_.Text(index, *text, logprobs) : Result<void>();
      } else {
        auto& call = std::get<ToolCall>(part);
        const auto place = static_cast<std::int64_t>(choice.whole.calls.size());
        sent = stream() ? chunks_.Call(index, call, place, logprobs) : Result<void>();
        choice.whole.calls.push_back(std::move(call));
      }
      if (!sent) {
        return sent;
      }
    }
    return {};
  }

  // Once for each choice: at its last piece, or at the end of all.
  Result<void> EndChoice(std::uint32_t index, inference::FinishReason reason) {
    Progress& choice = choices_[index];
    if (choice.whole.reason != inference::FinishReason::kNone) {
      return {};
    }
    choice.whole.reason = reason;
    if (choice.reader) {
      if (Result<void> sent = Deliver(index, choice.reader->End()); !sent) {
        return sent;
      }
    }
    if (request_.quotes.quotes != Quotes::kFree) {
      choice.whole.quotations = FindQuotations(choice.whole.text, request_.quotes.passages);
    }
    return stream() ? chunks_.Finish(index, choice.whole, std::exchange(choice.unsent, {}))
                    : Result<void>();
  }

  Exchange& exchange_;
  const ChatRequest& request_;
  Completion completion_;
  ChatChunks chunks_;
  std::vector<Progress> choices_;
};

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
  Result<ModelAccess> model = AccessModel(exchange, request->model, "chat");
  if (!model) {
    return std::unexpected(model.error());
  }
  request->generate.share = exchange.share();
  if (request->quotes.quotes != Quotes::kFree) {
    request->generate.messages = WithPassages(request->generate.messages, request->quotes.passages);
    HoldToPassages(request->quotes.quotes, request->quotes.passages, request->generate);
  }
  return Answering(exchange, *request).Run(*model->room, [&] {
    return exchange.cancelled() || model->ticket.over();
  });
}

}  // namespace casemate::api
