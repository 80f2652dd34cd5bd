#include "inference/room/room_server.h"

#include <chrono>
#include <utility>

#include "metrics/metrics.h"

namespace casemate::inference {
namespace {

using Clock = std::chrono::steady_clock;

metrics::Counter prompt_tokens("casemate_prompt_tokens_total", "Tokens of prompts", {"model"});
metrics::Counter answer_tokens("casemate_answer_tokens_total", "Tokens of answers", {"model"});
metrics::Histogram first_tokens("casemate_time_to_first_token_seconds",
                                "From a request's arrival in its room to the first text",
                                {"model"});
metrics::Gauge waiting("casemate_room_requests",
                       "Answers that rooms write, and those that wait for a place", {"model"});

double SecondsSince(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

}  // namespace

ipc::PeerOptions RoomServer::Options(std::uint32_t sequences) {
  return {.workers = sequences + 8, .max_queued = 256, .stream_credit = 32};
}

void RoomServer::Handle(ipc::Incoming request) {
  switch (request.type()) {
    case ipc::MessageType::kGenerate:
      HandleGenerate(request);
      return;
    case ipc::MessageType::kEmbed:
      HandleEmbed(request);
      return;
    case ipc::MessageType::kRank:
      HandleRank(request);
      return;
    case ipc::MessageType::kCountTokens:
      HandleCountTokens(request);
      return;
    default:
      request.Fail(Error{ErrorCode::kInvalidArgument, "no request for a room", {}, {}});
  }
}

void RoomServer::HandleGenerate(ipc::Incoming& incoming) {
  if (generator_ == nullptr) {
    incoming.Fail(Error{ErrorCode::kInvalidArgument,
                        "model '" + name_ + "' makes embeddings and does not chat",
                        "model",
                        {}});
    return;
  }
  Result<Generate> request = incoming.Decode<Generate>();
  if (!request) {
    incoming.Fail(request.error());
    return;
  }
  const auto model = metrics::LabelValue::FromConfiguration(name_);
  const Clock::time_point begun = Clock::now();
  bool first = true;
  waiting.Add(1, {model});
  Result<GenerateDone> done =
      generator_->Generate(*request, {.started =
                                          [&](const GenerateStarted& said) {
                                            prompt_tokens.Add({model}, said.prompt_tokens);
                                            return incoming.Stream(said).has_value();
                                          },
                                      .text =
                                          [&](const GenerateText& said) {
                                            if (std::exchange(first, false)) {
                                              first_tokens.Observe(SecondsSince(begun), {model});
                                            }
                                            return incoming.Stream(said).has_value();
                                          },
                                      .cancelled = [&] { return incoming.cancelled(); }});
  waiting.Add(-1, {model});
  if (done) {
    answer_tokens.Add({model}, done->completion_tokens);
  }
  if (done) {
    incoming.Reply(*done);
  } else {
    incoming.Fail(done.error());
  }
}

void RoomServer::HandleEmbed(ipc::Incoming& incoming) {
  if (embedder_ == nullptr) {
    incoming.Fail(Error{ErrorCode::kInvalidArgument,
                        "model '" + name_ + "' chats and makes no embeddings",
                        "model",
                        {}});
    return;
  }
  Result<Embed> request = incoming.Decode<Embed>();
  if (!request) {
    incoming.Fail(request.error());
    return;
  }
  Result<EmbedReply> reply = embedder_->Embed(*request, [&] { return incoming.cancelled(); });
  if (reply) {
    incoming.Reply(*reply);
  } else {
    incoming.Fail(reply.error());
  }
}

void RoomServer::HandleRank(ipc::Incoming& incoming) {
  if (embedder_ == nullptr) {
    incoming.Fail(Error{
        ErrorCode::kInvalidArgument, "model '" + name_ + "' chats and does not rank", "model", {}});
    return;
  }
  Result<Rank> request = incoming.Decode<Rank>();
  if (!request) {
    incoming.Fail(request.error());
    return;
  }
  Result<RankReply> reply = embedder_->Rank(*request, [&] { return incoming.cancelled(); });
  if (reply) {
    incoming.Reply(*reply);
  } else {
    incoming.Fail(reply.error());
  }
}

void RoomServer::HandleCountTokens(ipc::Incoming& incoming) {
  Result<CountTokens> request = incoming.Decode<CountTokens>();
  if (!request) {
    incoming.Fail(request.error());
    return;
  }
  CountTokensReply reply;
  reply.tokens.reserve(request->texts.size());
  for (const Plaintext& text : request->texts) {
    Result<TokenBuffer> tokens = model_->TokenizeContent(text);
    if (!tokens) {
      incoming.Fail(tokens.error());
      return;
    }
    reply.tokens.push_back(static_cast<std::uint32_t>(tokens->size()));
  }
  incoming.Reply(reply);
}

}  // namespace casemate::inference
