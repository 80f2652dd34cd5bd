#include "inference/client/supervisor_room_directory.h"

#include <chrono>

#include "ipc/supervision.h"

namespace casemate::inference {
namespace {

// A large model's file is hashed and loaded within this.
constexpr std::chrono::minutes kStartDeadline{5};

}  // namespace

void SupervisorRoomDirectory::SetModels(std::vector<RoomModel> models) {
  std::map<std::string, Entry> fresh;
  const std::lock_guard lock(mutex_);
  for (RoomModel& model : models) {
    Entry entry{.model = std::move(model), .room = nullptr};
    const auto old = models_.find(entry.model.name);
    if (old != models_.end() && old->second.model.digest == entry.model.digest &&
        old->second.model.task == entry.model.task &&
        old->second.model.context_tokens == entry.model.context_tokens) {
      entry.room = std::move(old->second.room);
    }
    std::string name = entry.model.name;
    fresh.insert_or_assign(std::move(name), std::move(entry));
  }
  models_ = std::move(fresh);
}

Result<RoomModel> SupervisorRoomDirectory::Find(const std::string& model,
                                                std::shared_ptr<SocketRoomClient>& running) const {
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(model);
  if (found != models_.end()) {
    if (found->second.room && found->second.room->alive()) {
      running = found->second.room;
    }
    return found->second.model;
  }
  std::string names;
  for (const auto& [name, entry] : models_) {
    names += (names.empty() ? "" : ", ") + name;
  }
  Error error{.code = ErrorCode::kNotFound,
              .message = "model '" + model +
                         "' does not exist; there are: " + (names.empty() ? "none" : names),
              .param = "model",
              .detail = {}};
  return std::unexpected(std::move(error));
}

Result<std::shared_ptr<RoomClient>> SupervisorRoomDirectory::Room(const std::string& model) {
  std::shared_ptr<SocketRoomClient> running;
  Result<RoomModel> known = Find(model, running);
  if (!known) {
    return std::unexpected(known.error());
  }
  if (running) {
    return running;
  }
  const std::lock_guard starting(starting_);
  known = Find(model, running);  // another caller may have started it meanwhile
  if (!known) {
    return std::unexpected(known.error());
  }
  if (running) {
    return running;
  }
  std::vector<UniqueFd> fds;
  Result<ipc::StartRoomReply> reply = supervisor_->Call<ipc::StartRoomReply>(
      ipc::StartRoom{.model = known->name,
                     .digest = known->digest,
                     .task = known->task,
                     .context_tokens = known->context_tokens},
      kStartDeadline, {}, &fds);
  if (!reply) {
    return Wrap(reply.error(), "model '" + model + "' cannot be started");
  }
  if (fds.size() != 1) {
    return Fail(ErrorCode::kIntegrityFailure, "no channel to the room of model '" + model + "'");
  }
  auto room = std::make_shared<SocketRoomClient>(
      ipc::Channel(std::move(fds[0]), ipc::ProcessKind::kKeeper, ipc::ProcessKind::kRoom), model);
  const std::lock_guard lock(mutex_);
  if (const auto found = models_.find(model); found != models_.end()) {
    found->second.room = room;
  }
  return room;
}

}  // namespace casemate::inference
