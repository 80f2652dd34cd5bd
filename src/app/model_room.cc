#include "app/model_room.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>
#include <utility>

#include "app/supervisor_process.h"
#include "base/fd.h"
#include "ipc/control.h"
#include "ipc/supervision.h"

namespace casemate::app {
namespace {

constexpr int kPatienceMs = 300'000;  // a large model is read from a slow disk

// The weights as the supervisor gives them to rooms: nobody can change them afterwards.
Result<UniqueFd> SealedCopy(const std::filesystem::path& model) {
  UniqueFd file(::open(model.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (!file.valid() || ::fstat(file.get(), &status) != 0) {
    return FailErrno("open " + model.string());
  }
  if (!S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument, model.string() + " is no file");
  }
  UniqueFd copy(::memfd_create("casemate-model", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!copy.valid()) {
    return FailErrno("memfd_create");
  }
  off_t left = status.st_size;
  while (left > 0) {
    const ssize_t sent =
        ::sendfile(copy.get(), file.get(), nullptr, static_cast<std::size_t>(left));
    if (sent <= 0) {
      return FailErrno("copy " + model.string() + " into memory");
    }
    left -= sent;
  }
  if (::fcntl(copy.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) !=
      0) {
    return FailErrno("seal the model");
  }
  return copy;
}

std::filesystem::path RoomExecutable() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "casemate-room";
}

}  // namespace

Result<std::unique_ptr<ModelRoom>> ModelRoom::Start(const std::filesystem::path& model,
                                                    const ModelRoomOptions& options) {
  Result<UniqueFd> weights = SealedCopy(model);
  if (!weights) {
    return std::unexpected(weights.error());
  }
  UniqueFd permit(::memfd_create("casemate-permit", MFD_CLOEXEC));
  if (!permit.valid()) {
    return FailErrno("memfd_create");
  }
  Result<std::pair<UniqueFd, UniqueFd>> ends = ipc::Channel::MakePair();
  if (!ends) {
    return std::unexpected(ends.error());
  }
  Result<StartedProcess> started = StartProcess(RoomExecutable());
  if (!started) {
    return std::unexpected(started.error());
  }
  std::unique_ptr<ModelRoom> room(new ModelRoom());
  room->pid_ = started->pid;
  room->supervisor_ = std::make_unique<ipc::Channel>(
      std::move(started->channel), ipc::ProcessKind::kSupervisor, ipc::ProcessKind::kRoom);
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(ends->first));
  fds.push_back(std::move(*weights));
  fds.push_back(std::move(permit));
  const ipc::SetupRoom setup{.model = model.filename().string(),
                             .task = options.task,
                             .context_tokens = options.context_tokens,
                             .sequences = options.sequences,
                             .threads = options.threads};
  if (Result<void> sent = room->supervisor_->Send(ipc::Frame{.type = ipc::SetupRoom::kType,
                                                             .request = 0,
                                                             .payload = ipc::Encode(setup),
                                                             .fds = std::move(fds)},
                                                  kPatienceMs);
      !sent) {
    return std::unexpected(sent.error());
  }
  Result<ipc::Frame> first = room->supervisor_->Receive(kPatienceMs);
  if (!first) {
    return Fail(ErrorCode::kUnavailable, "the room ended before it was ready",
                first.error().message);
  }
  if (first->type == ipc::MessageType::kError) {
    Result<ipc::Failure> refusal = ipc::Decode<ipc::Failure>(first->payload);
    return std::unexpected(refusal ? std::move(*refusal).ToError() : refusal.error());
  }
  room->client_ = std::make_unique<inference::SocketRoomClient>(
      ipc::Channel(std::move(ends->second), ipc::ProcessKind::kKeeper, ipc::ProcessKind::kRoom),
      setup.model);
  return room;
}

ModelRoom::~ModelRoom() {
  client_.reset();  // a room ends with its keeper
  supervisor_.reset();
  if (pid_ > 0) {
    (void)::kill(pid_, SIGTERM);
    (void)::waitpid(pid_, nullptr, 0);
  }
}

Result<RoomMemory> ModelRoom::Memory() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  RoomMemory memory;
  for (std::string line; std::getline(status, line);) {
    const auto kilobytes = [&line] { return std::stoull(line.substr(line.find(':') + 1)) * 1024; };
    if (line.starts_with("RssAnon:")) {
      memory.own = kilobytes();
    } else if (line.starts_with("RssShmem:")) {
      memory.weights = kilobytes();
    }
  }
  if (memory.own == 0) {
    return Fail(ErrorCode::kUnavailable, "the room's memory cannot be read");
  }
  return memory;
}

}  // namespace casemate::app
