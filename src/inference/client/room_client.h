#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/error.h"
#include "inference/messages.h"
#include "secmem/plaintext.h"

namespace casemate::inference {

// A keeper's view of one model: generate, embed, count. Implementations: SocketRoomClient (a room
// process); FakeRoomClient (tests). Threads: all members may run at the same time; they block.
class RoomClient {
 public:
  struct Sink {
    // Called in order: once, then for each piece. Returning false cancels the generation.
    std::function<bool(const GenerateStarted&)> started;
    std::function<bool(const GenerateText&)> text;
  };

  virtual ~RoomClient() = default;

  // Errors: kTooLarge: the prompt does not fit ("prompt of 412 tokens, the model takes 320").
  // kInvalidArgument: template or parameters. kUnavailable: the room died or cannot start.
  // kCancelled: the sink returned false, or `cancelled` became true.
  [[nodiscard]] virtual Result<GenerateDone> Generate(const inference::Generate& request,
                                                      const Sink& sink,
                                                      const std::function<bool()>& cancelled) = 0;
  // Errors: as Generate.
  [[nodiscard]] virtual Result<EmbedReply> Embed(const inference::Embed& request) = 0;
  [[nodiscard]] virtual Result<std::vector<std::uint32_t>> CountTokens(
      const std::vector<PlaintextView>& texts) = 0;
  // One score a document. Errors: as Generate.
  [[nodiscard]] virtual Result<RankReply> Rank(const inference::Rank& request) = 0;
};

// Where the keeper gets rooms by model name; starts them on demand through the supervisor.
class RoomDirectory {
 public:
  virtual ~RoomDirectory() = default;
  // Errors: kNotFound: no such model ("model 'gpt-4' does not exist; there are: ...").
  // kUnavailable.
  [[nodiscard]] virtual Result<std::shared_ptr<RoomClient>> Room(const std::string& model) = 0;
};

}  // namespace casemate::inference
