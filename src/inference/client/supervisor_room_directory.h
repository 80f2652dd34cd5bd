#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "inference/client/socket_room_client.h"
#include "ipc/peer.h"

namespace casemate::inference {

// What the keeper knows of a model; filled from the custodian's Tenant message.
struct RoomModel {
  std::string name;
  std::string digest;                // SHA-256 of its file, hex
  std::string task;                  // "chat" or "embedding"
  std::uint32_t context_tokens = 0;  // 0: what the model was trained with
};

// Rooms by model name: the first call for a model asks the supervisor for a room (kStartRoom),
// later ones share it, and one whose process has ended is replaced. Threads: as RoomDirectory;
// starts of rooms wait for each other.
class SupervisorRoomDirectory : public RoomDirectory {
 public:
  // `supervisor` must outlive it.
  explicit SupervisorRoomDirectory(ipc::Peer& supervisor) : supervisor_(&supervisor) {}

  // Replaces the table; rooms of models that are gone, or changed, are let go.
  void SetModels(std::vector<RoomModel> models);

  [[nodiscard]] Result<std::shared_ptr<RoomClient>> Room(const std::string& model) override;

 private:
  struct Entry {
    RoomModel model;
    std::shared_ptr<SocketRoomClient> room;  // or nullptr
  };
  [[nodiscard]] Result<RoomModel> Find(const std::string& model,
                                       std::shared_ptr<SocketRoomClient>& running) const;

  ipc::Peer* supervisor_;
  std::mutex starting_;       // one start at a time; taken before mutex_
  mutable std::mutex mutex_;  // guards models_
  std::map<std::string, Entry> models_;
};

}  // namespace casemate::inference
