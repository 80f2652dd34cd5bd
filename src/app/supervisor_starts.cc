#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "app/supervisor.h"
#include "base/log.h"
#include "ipc/control.h"

// Keepers, rooms, loaders and parsers that are started because a child asks.
namespace casemate::app {
namespace {

using ipc::ProcessKind;

constexpr std::size_t kDeadlineSize = 4;  // bytes before a request's fields; docs/formats/ipc.md
constexpr std::chrono::seconds kAttachWithin{30};
constexpr std::size_t kMaxParsersPerKeeper = 4;
constexpr std::size_t kMaxRoomsPerKeeper = 16;
constexpr std::size_t kMaxModelName = 128;  // bytes
constexpr std::uint32_t kMaxContextTokens = 16U << 20;
constexpr std::uint32_t kParseCpuSeconds = 20;
constexpr std::uint64_t kParseMemory = std::uint64_t{1} << 30;  // bytes

std::unexpected<Error> Unexpected(const ipc::Frame& frame) {
  return Fail(ErrorCode::kIntegrityFailure,
              std::string(ipc::MessageTypeName(frame.type)) + " at the wrong time");
}

}  // namespace

// A keeper: the custodian knows which tenants there are, so it is asked first.
void Supervisor::StartKeeper(Asker asker, TenantId tenant) {
  if (Child* keeper = FindKeeper(tenant); keeper != nullptr) {
    if (!keeper->ready && !IsEnding(*keeper)) {
      return Refuse(asker, Error{ErrorCode::kConflict, "that keeper is being started", {}, {}});
    }
    // The front has lost its channel, so the old one ends first: two must not open one store.
    if (!IsEnding(*keeper)) {
      Log(LogLevel::kWarning, "keeper is replaced", {{"pid", keeper->pid}});
      Kill(*keeper);
    }
    keeper->after_death.emplace_back([this, asker, tenant] { StartKeeper(asker, tenant); });
    return;
  }
  const bool asked = std::ranges::any_of(
      attachments_, [&](const auto& entry) { return entry.second.tenant == tenant; });
  if (asked) {
    return Refuse(asker, Error{ErrorCode::kConflict, "that keeper is being started", {}, {}});
  }
  Child* custodian = FindKind(ProcessKind::kCustodian);
  Result<std::pair<UniqueFd, UniqueFd>> pair = ipc::Channel::MakePair();
  if (custodian == nullptr || !pair) {
    return Refuse(asker, Error{ErrorCode::kUnavailable, "no custodian now", {}, {}});
  }
  const std::uint64_t request = std::exchange(next_request_, next_request_ + 2);
  Plaintext payload = Plaintext::Zeroed(kDeadlineSize);  // no deadline of ours
  payload.Append(ipc::Encode(ipc::AttachKeeper{tenant}));
  ipc::Frame frame{.type = ipc::AttachKeeper::kType,
                   .request = request,
                   .payload = std::move(payload),
                   .fds = {}};
  frame.fds.push_back(std::move(pair->first));
  attachments_.emplace(request, Attachment{.starter = asker,
                                           .tenant = tenant,
                                           .keeper_end = std::move(pair->second),
                                           .by = BootClock::now() + kAttachWithin});
  SendFrame(*custodian, std::move(frame));
}

Result<void> Supervisor::OnAttached(const ipc::Frame& frame) {
  const auto found = attachments_.find(frame.request);
  if (found == attachments_.end()) {
    return {};  // too late
  }
  Attachment attachment = std::move(found->second);
  attachments_.erase(found);
  const Asker starter = attachment.starter;
  if (frame.type == ipc::MessageType::kError) {
    Result<ipc::Failure> failure = ipc::Decode<ipc::Failure>(frame.payload);
    if (!failure) {
      return Unexpected(frame);
    }
    Refuse(starter, std::move(*failure).ToError());
    return {};
  }
  if (frame.type != ipc::AttachKeeperReply::kType) {
    return Unexpected(frame);
  }
  if (Result<void> spawned = SpawnKeeper(std::move(attachment)); !spawned) {
    LogError("keeper not started", spawned.error());
    Refuse(starter, spawned.error());
  }
  return {};
}

Result<void> Supervisor::SpawnKeeper(Attachment attachment) {
  const std::filesystem::path folder = setup_.deployment / "tenants" / attachment.tenant.ToString();
  for (const std::filesystem::path& path : {folder.parent_path(), folder}) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
      return FailErrno("create " + path.string());
    }
  }
  Result<std::pair<UniqueFd, UniqueFd>> pair = ipc::Channel::MakePair();
  if (!pair) {
    return std::unexpected(pair.error());
  }
  Result<Child*> keeper = Spawn(ProcessKind::kKeeper);
  if (!keeper) {
    return std::unexpected(keeper.error());
  }
  (*keeper)->tenant = attachment.tenant;
  (*keeper)->starter = attachment.starter;
  (*keeper)->starter_end = std::move(pair->first);
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(attachment.keeper_end));
  fds.push_back(std::move(pair->second));
  Notify(**keeper,
         ipc::SetupKeeper{
             .tenant = attachment.tenant,
             .folder = folder.string(),
             .max_document_bytes = std::uint64_t{setup_.config.server.max_document_mib} << 20},
         std::move(fds));
  return {};
}

void Supervisor::StartRoom(Asker asker, const ipc::StartRoom& room) {
  Child* keeper = Find(asker.child);
  if (keeper == nullptr) {
    return;  // it died while its model was loaded
  }
  if (!IsDigest(room.digest) || (room.task != "chat" && room.task != "embedding") ||
      room.model.empty() || room.model.size() > kMaxModelName ||
      room.context_tokens > kMaxContextTokens) {
    return Refuse(asker, Error{ErrorCode::kInvalidArgument, "not a room that can be", {}, {}});
  }
  if (Child* old = FindRoom(keeper->tenant, room.model); old != nullptr) {
    if (IsEnding(*old)) {
      old->after_death.emplace_back([this, asker, room] { StartRoom(asker, room); });
      return;
    }
    // One room has one channel, and the keeper has it.
    return Refuse(asker, Error{ErrorCode::kConflict, "that room is there already", {}, {}});
  }
  if (CountOwned(keeper->id, ProcessKind::kRoom) >= kMaxRoomsPerKeeper) {
    return Refuse(asker, Error{ErrorCode::kResourceExhausted, "too many rooms", {}, {}});
  }
  Result<UniqueFd> weights = models_.Open(room.digest);
  if (!weights) {
    return Refuse(asker, weights.error());
  }
  if (weights->valid()) {
    if (Result<void> spawned = SpawnRoom(asker, room, std::move(*weights)); !spawned) {
      LogError("room not started", spawned.error());
      Refuse(asker, spawned.error());
    }
    return;
  }
  std::vector<RoomRequest>& waiting = for_model_[room.digest];
  if (waiting.size() >= kMaxRoomsPerKeeper) {
    return Refuse(asker, Error{ErrorCode::kResourceExhausted, "too many rooms", {}, {}});
  }
  waiting.push_back(RoomRequest{asker, room});
  if (waiting.size() > 1) {
    return;  // the loader runs
  }
  if (Result<void> spawned = SpawnLoader(room.digest); !spawned) {
    for_model_.erase(room.digest);
    LogError("model not loaded", spawned.error(), {{"model", room.model}});
    Refuse(asker, spawned.error());
  }
}

Result<void> Supervisor::SpawnLoader(const std::string& digest) {
  Result<Models::Load> load = models_.Begin(digest);
  if (!load) {
    return std::unexpected(load.error());
  }
  Result<Child*> loader = Spawn(ProcessKind::kLoader);
  if (!loader) {
    models_.Abandon(digest);
    return std::unexpected(loader.error());
  }
  (*loader)->model = digest;
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(load->file));
  fds.push_back(std::move(load->memfd));
  Notify(**loader, ipc::SetupLoader{digest}, std::move(fds));
  return {};
}

void Supervisor::OnLoaderEnd(const Child& loader) {
  const auto found = for_model_.find(loader.model);
  std::vector<RoomRequest> waiting;
  if (found != for_model_.end()) {
    waiting = std::move(found->second);
    for_model_.erase(found);
  }
  Result<void> finished =
      loader.loaded_bytes ? models_.Finish(loader.model, *loader.loaded_bytes)
                          : std::unexpected(loader.failure.value_or(Error{
                                ErrorCode::kUnavailable, "the model could not be loaded", {}, {}}));
  if (!finished) {
    models_.Abandon(loader.model);
  }
  for (const RoomRequest& request : waiting) {
    if (finished) {
      StartRoom(request.asker, request.room);
    } else {
      Refuse(request.asker, finished.error());
    }
  }
}

Result<void> Supervisor::SpawnRoom(Asker asker, const ipc::StartRoom& room, UniqueFd weights) {
  Result<UniqueFd> permit = Reopen(permit_, O_RDWR);
  Result<std::pair<UniqueFd, UniqueFd>> pair = ipc::Channel::MakePair();
  if (!permit || !pair) {
    return std::unexpected(permit ? pair.error() : permit.error());
  }
  Result<Child*> child = Spawn(ProcessKind::kRoom);
  if (!child) {
    return std::unexpected(child.error());
  }
  (*child)->tenant = Find(asker.child)->tenant;
  (*child)->owner = asker.child;
  (*child)->model = room.model;
  (*child)->starter = asker;
  (*child)->starter_end = std::move(pair->first);
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(pair->second));
  fds.push_back(std::move(weights));
  fds.push_back(std::move(*permit));
  const config::RoomsConfig& rooms = setup_.config.rooms;
  Notify(**child,
         ipc::SetupRoom{.model = room.model,
                        .task = room.task,
                        .context_tokens = room.context_tokens,
                        .sequences = rooms.sequences,
                        .threads = rooms.threads},
         std::move(fds));
  return {};
}

void Supervisor::StartParse(Asker asker) {
  if (CountOwned(asker.child, ProcessKind::kParse) >= kMaxParsersPerKeeper) {
    return Refuse(asker, Error{ErrorCode::kResourceExhausted,
                               "four documents are being parsed for this tenant already",
                               {},
                               {}});
  }
  Result<std::pair<UniqueFd, UniqueFd>> pair = ipc::Channel::MakePair();
  Result<Child*> child = pair ? Spawn(ProcessKind::kParse) : std::unexpected(pair.error());
  if (!child) {
    LogError("parser not started", child.error());
    return Refuse(asker, child.error());
  }
  (*child)->owner = asker.child;
  (*child)->starter = asker;
  (*child)->starter_end = std::move(pair->first);
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(pair->second));
  Notify(**child, ipc::SetupParse{.cpu_seconds = kParseCpuSeconds, .memory_bytes = kParseMemory},
         std::move(fds));
}

}  // namespace casemate::app
