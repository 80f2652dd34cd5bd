#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/error.h"
#include "inference/client/socket_room_client.h"
#include "ipc/channel.h"

namespace casemate::app {

struct ModelRoomOptions {
  std::string task = "chat";  // or "embedding"
  std::uint32_t context_tokens = 4096;
  std::uint32_t sequences = 4;
  std::uint32_t threads = 0;  // 0: by the model's size
};

// What one process holds, by /proc/PID/status.
struct RoomMemory {
  std::uint64_t weights = 0;  // bytes of the model's memfd: shared by all rooms of one model
  std::uint64_t own = 0;      // bytes of its own: what each tenant costs
};

// One casemate-room with one model, in its sandbox, without a server: what a supervisor and a
// keeper are to it, this process is. It ends with this object. Threads: as RoomClient.
class ModelRoom {
 public:
  // Errors: kNotFound: no such file; kInvalidArgument: the room refused the model (the message says
  // why); kUnavailable: it died.
  [[nodiscard]] static Result<std::unique_ptr<ModelRoom>> Start(const std::filesystem::path& model,
                                                                const ModelRoomOptions& options);
  ~ModelRoom();
  ModelRoom(const ModelRoom&) = delete;
  ModelRoom& operator=(const ModelRoom&) = delete;

  inference::RoomClient& client() { return *client_; }
  [[nodiscard]] Result<RoomMemory> Memory() const;

 private:
  ModelRoom() = default;
  pid_t pid_ = -1;
  std::unique_ptr<ipc::Channel> supervisor_;
  std::unique_ptr<inference::SocketRoomClient> client_;
};

}  // namespace casemate::app
