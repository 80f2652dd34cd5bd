#include "inference/room/room_server.h"

namespace casemate::inference {

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
  Result<GenerateDone> done = generator_->Generate(
      *request,
      {.started = [&](const GenerateStarted& said) { return incoming.Stream(said).has_value(); },
       .text = [&](const GenerateText& said) { return incoming.Stream(said).has_value(); },
       .cancelled = [&] { return incoming.cancelled(); }});
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
