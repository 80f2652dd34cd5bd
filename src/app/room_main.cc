// casemate-room: one model of one tenant. Its channels are all it has: no files, no network, no
// other program.
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>

#include "app/child_settings.h"
#include "base/log.h"
#include "inference/room/llama_backend.h"
#include "inference/room/room_server.h"
#include "ipc/child.h"
#include "ipc/supervision.h"
#include "metrics/messages.h"
#include "sandbox/sandbox.h"
#include "secmem/harden.h"

namespace casemate {
namespace {

constexpr std::uint32_t kDefaultChatSequences = 4;
constexpr std::uint32_t kDefaultEmbeddingSequences = 16;

using Started = ipc::Started<ipc::SetupRoom>;

// What the supervisor's Stop, its end, or the keeper's end sets.
class StopSignal {
 public:
  void Set() {
    {
      const std::lock_guard lock(mutex_);
      set_ = true;
    }
    changed_.notify_all();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

// The model and what works with it.
struct Room {
  std::unique_ptr<inference::LlamaModel> model;
  std::unique_ptr<inference::Generator> generator;
  std::unique_ptr<inference::Embedder> embedder;
  std::uint32_t sequences = 0;
};

// Files are read here, for the last time: backends, then the model, which stays mapped.
Result<Room> Load(const Started& started) {
  if (started.setup.task != "chat" && started.setup.task != "embedding") {
    return Fail(ErrorCode::kInvalidArgument, "a room's task is 'chat' or 'embedding'");
  }
  if (Result<void> loaded = inference::LoadBackends(); !loaded) {
    return std::unexpected(loaded.error());
  }
  Result<inference::LlamaModel> model = inference::LlamaModel::Load(started.fds[1].get());
  if (!model) {
    return std::unexpected(model.error());
  }
  Room room;
  room.model = std::make_unique<inference::LlamaModel>(std::move(*model));
  return room;
}

// Makes contexts and threads: after the sandbox, which needs to be entered with one thread.
Result<void> Furnish(Room& room, const ipc::SetupRoom& setup, UniqueFd permit) {
  if (setup.task == "chat") {
    room.sequences = setup.sequences == 0 ? kDefaultChatSequences : setup.sequences;
    Result<std::unique_ptr<inference::Generator>> made =
        inference::Generator::Start(*room.model,
                                    {.context_tokens = setup.context_tokens,
                                     .sequences = room.sequences,
                                     .threads = setup.threads},
                                    std::move(permit));
    if (!made) {
      return std::unexpected(made.error());
    }
    room.generator = std::move(*made);
    return {};
  }
  room.sequences = setup.sequences == 0 ? kDefaultEmbeddingSequences : setup.sequences;
  Result<std::unique_ptr<inference::Embedder>> made =
      inference::Embedder::Create(*room.model,
                                  {.context_tokens = setup.context_tokens,
                                   .sequences = room.sequences,
                                   .threads = setup.threads},
                                  std::move(permit));
  if (!made) {
    return std::unexpected(made.error());
  }
  room.embedder = std::move(*made);
  return {};
}

Result<Room> Prepare(Started& started) {
  Result<Room> room = Load(started);
  if (!room) {
    return room;
  }
  started.fds[1].Reset();  // the mapping stays
  Result<sandbox::Applied> applied = sandbox::Enter({.may_make_threads = true});
  if (!applied) {
    return std::unexpected(applied.error());
  }
  for (const std::string& lack : applied->degraded) {
    Log(LogLevel::kWarning, "the sandbox is weaker here", {{"lack", lack}});
  }
  if (Result<void> made = Furnish(*room, started.setup, std::move(started.fds[2])); !made) {
    return std::unexpected(made.error());
  }
  return room;
}

void Serve(Started started, Room room) {
  StopSignal stop;
  inference::RoomServer server(started.setup.model, *room.model, room.generator.get(),
                               room.embedder.get());
  ipc::Peer::Handlers to_supervisor;
  to_supervisor.request = metrics::AnswerSupervisor;
  to_supervisor.notice = [&stop](const ipc::Frame& frame) {
    if (frame.type == ipc::MessageType::kStop) {
      stop.Set();
    } else {
      app::TakeLogSettings(frame);
    }
  };
  to_supervisor.closed = [&stop](const Error&) { stop.Set(); };
  ipc::Peer::Handlers to_keeper;
  to_keeper.request = [&server](ipc::Incoming request) { server.Handle(std::move(request)); };
  to_keeper.closed = [&stop](const Error&) { stop.Set(); };

  const auto keeper = ipc::Peer::Start(
      ipc::Channel(std::move(started.fds[0]), ipc::ProcessKind::kRoom, ipc::ProcessKind::kKeeper),
      std::move(to_keeper), inference::RoomServer::Options(room.sequences));
  const auto supervisor =
      ipc::Peer::Start(std::move(started.supervisor), std::move(to_supervisor), {.workers = 1});
  stop.Wait();
  // From here in reverse order: the peers cancel what runs and join their workers, then the
  // contexts zero their state, then the weights go.
}

int Run() {
  InitLog("room");
  if (Result<void> hardened = HardenProcess(true); !hardened) {
    LogError("hardening failed", hardened.error());
    return EXIT_FAILURE;
  }
  Result<Started> started = ipc::ReceiveSetup<ipc::SetupRoom>(ipc::ProcessKind::kRoom, 3, 3);
  if (!started) {
    LogError("start failed", started.error());
    return EXIT_FAILURE;
  }
  Result<Room> room = Prepare(*started);
  if (!room) {
    LogError("the model cannot be served", room.error());
    ipc::SendStartFailure(started->supervisor, room.error());
    return EXIT_FAILURE;
  }
  if (Result<void> ready = ipc::SendReady(started->supervisor); !ready) {
    LogError("start failed", ready.error());
    return EXIT_FAILURE;
  }
  Serve(std::move(*started), std::move(*room));
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace casemate

int main() { return casemate::Run(); }
