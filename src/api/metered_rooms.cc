#include "api/metered_rooms.h"

#include <algorithm>

namespace casemate::api {

class MeteredRooms::Metered : public inference::RoomClient {
 public:
  Metered(MeteredRooms& meter, std::shared_ptr<inference::RoomClient> room)
      : meter_(meter), room_(std::move(room)) {}

  Result<inference::GenerateDone> Generate(const inference::Generate& request, const Sink& sink,
                                           const std::function<bool()>& cancelled) override {
    // A generation that fails has used what it said while it ran.
    std::uint32_t prompt = 0;
    std::uint32_t made = 0;
    Sink counting = sink;
    counting.started = [&](const inference::GenerateStarted& started) {
      prompt = started.prompt_tokens;
      return !sink.started || sink.started(started);
    };
    counting.text = [&](const inference::GenerateText& piece) {
      made += piece.tokens;
      return !sink.text || sink.text(piece);
    };
    Result<inference::GenerateDone> done = room_->Generate(request, counting, cancelled);
    Add(done ? std::max(prompt, done->prompt_tokens) : prompt,
        done ? done->completion_tokens : made, 0);
    return done;
  }
  Result<inference::EmbedReply> Embed(const inference::Embed& request) override {
    Result<inference::EmbedReply> reply = room_->Embed(request);
    if (reply) {
      Add(reply->tokens, 0, reply->vectors.size());
    }
    return reply;
  }
  Result<std::vector<std::uint32_t>> CountTokens(const std::vector<PlaintextView>& texts) override {
    return room_->CountTokens(texts);
  }
  Result<inference::RankReply> Rank(const inference::Rank& request) override {
    Result<inference::RankReply> reply = room_->Rank(request);
    if (reply) {
      Add(reply->tokens, 0, 0);
    }
    return reply;
  }

 private:
  void Add(std::uint64_t prompt, std::uint64_t completion, std::uint64_t vector_bytes) {
    const std::lock_guard lock(meter_.mutex_);
    meter_.use_.prompt_tokens += prompt;
    meter_.use_.completion_tokens += completion;
    meter_.use_.vector_bytes += vector_bytes;
  }
  MeteredRooms& meter_;
  std::shared_ptr<inference::RoomClient> room_;
};

Result<std::shared_ptr<inference::RoomClient>> MeteredRooms::Room(const std::string& model) {
  Result<std::shared_ptr<inference::RoomClient>> room = rooms_.Room(model);
  if (!room) {
    return room;
  }
  {
    const std::lock_guard lock(mutex_);
    use_.models.insert(model);
  }
  return std::make_shared<Metered>(*this, std::move(*room));
}

ModelUse MeteredRooms::use() const {
  const std::lock_guard lock(mutex_);
  return use_;
}

}  // namespace casemate::api
