#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "inference/client/room_client.h"

namespace casemate::api {

// What one request used of the models, for its receipt.
struct ModelUse {
  std::set<std::string> models;  // names
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t vector_bytes = 0;  // embeddings that came back
};

// The keeper's rooms, counting what goes through. Every kind of request is counted here, so that no
// endpoint has to think of it. Threads: any; rooms that it gave out must not outlive it.
class MeteredRooms : public inference::RoomDirectory {
 public:
  explicit MeteredRooms(inference::RoomDirectory& rooms) : rooms_(rooms) {}
  [[nodiscard]] Result<std::shared_ptr<inference::RoomClient>> Room(
      const std::string& model) override;

  ModelUse use() const;

 private:
  class Metered;
  inference::RoomDirectory& rooms_;
  mutable std::mutex mutex_;  // guards `use_`
  ModelUse use_;
};

}  // namespace casemate::api
