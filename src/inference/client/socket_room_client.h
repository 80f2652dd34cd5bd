#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "inference/client/room_client.h"
#include "ipc/peer.h"

namespace casemate::inference {

// A room in another process. Once that process is gone every call gives kUnavailable and alive() is
// false: the directory starts another. Threads: as RoomClient.
class SocketRoomClient : public RoomClient {
 public:
  // `channel`: the keeper's end of a channel to a room that has answered kReady. `name` stands in
  // messages.
  SocketRoomClient(ipc::Channel channel, std::string name);

  [[nodiscard]] Result<GenerateDone> Generate(const inference::Generate& request, const Sink& sink,
                                              const std::function<bool()>& cancelled) override;
  [[nodiscard]] Result<EmbedReply> Embed(const inference::Embed& request) override;
  [[nodiscard]] Result<std::vector<std::uint32_t>> CountTokens(
      const std::vector<PlaintextView>& texts) override;
  [[nodiscard]] Result<RankReply> Rank(const inference::Rank& request) override;

  bool alive() const { return alive_->load(); }

 private:
  Error Explain(Error error) const;

  std::string name_;
  std::shared_ptr<std::atomic<bool>> alive_;  // the peer's reader thread clears it
  std::unique_ptr<ipc::Peer> peer_;
};

}  // namespace casemate::inference
