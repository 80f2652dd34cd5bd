#include <poll.h>

#include <algorithm>
#include <utility>

#include "app/supervisor.h"
#include "app/supervisor_process.h"
#include "base/log.h"
#include "ipc/control.h"

// The supervisor's process table, and sending to those in it.
namespace casemate::app {
namespace {

using ipc::ProcessKind;

// Argon2id with a gigabyte, or a large model, on a busy machine.
constexpr std::chrono::seconds kReadyWithin{120};

}  // namespace

Result<Supervisor::Child*> Supervisor::Spawn(ProcessKind kind) {
  const std::string name(ipc::ProcessKindName(kind));
  Result<StartedProcess> started = StartProcess(setup_.executables / ("casemate-" + name));
  if (!started) {
    return Wrap(started.error(), "start " + name);
  }
  auto child = std::make_unique<Child>();
  child->id = next_child_++;
  child->kind = kind;
  child->pid = started->pid;
  child->channel.emplace(std::move(started->channel), ProcessKind::kSupervisor, kind);
  child->ready_by = BootClock::now() + kReadyWithin;
  Log(LogLevel::kInfo, "child started", {{"child", name}, {"pid", child->pid}});
  Child* made = child.get();
  children_.emplace(child->id, std::move(child));
  return made;
}

Supervisor::Child* Supervisor::Find(int id) {
  const auto found = children_.find(id);
  return found == children_.end() ? nullptr : found->second.get();
}

Supervisor::Child* Supervisor::FindKind(ProcessKind kind) {
  for (const auto& [id, child] : children_) {
    if (child->kind == kind && !child->kill_at) {
      return child.get();
    }
  }
  return nullptr;
}

Supervisor::Child* Supervisor::FindKeeper(const TenantId& tenant) {
  for (const auto& [id, child] : children_) {
    if (child->kind == ProcessKind::kKeeper && child->tenant == tenant) {
      return child.get();
    }
  }
  return nullptr;
}

Supervisor::Child* Supervisor::FindRoom(const TenantId& tenant, const std::string& model) {
  for (const auto& [id, child] : children_) {
    if (child->kind == ProcessKind::kRoom && child->tenant == tenant && child->model == model) {
      return child.get();
    }
  }
  return nullptr;
}

std::size_t Supervisor::CountOwned(int keeper, ProcessKind kind) const {
  return static_cast<std::size_t>(std::ranges::count_if(children_, [&](const auto& entry) {
    return entry.second->owner == keeper && entry.second->kind == kind;
  }));
}

// A process that exits closes its descriptors a moment before it can be reaped, and its peer may
// ask for another within that moment.
bool Supervisor::IsEnding(const Child& child) {
  if (child.kill_at || !child.channel) {
    return true;
  }
  pollfd polled{child.channel->fd(), 0, 0};
  return ::poll(&polled, 1, 0) == 1 && (polled.revents & (POLLHUP | POLLERR)) != 0;
}

// Never waits: a few small frames fit any socket, and a child that lets more lie than that is not
// one of ours any more.
void Supervisor::SendFrame(Child& child, ipc::Frame frame) {
  if (!child.channel) {
    return;
  }
  Result<bool> sent = child.channel->TrySend(frame);
  if (sent && *sent) {
    return;
  }
  if (!sent && sent.error().code == ErrorCode::kUnavailable) {
    return;  // it has died; waitpid will tell
  }
  Log(LogLevel::kWarning, "child does not take its messages",
      {{"child", ipc::ProcessKindName(child.kind)}, {"pid", child.pid}});
  child.channel.reset();
  Kill(child);
}

void Supervisor::Refuse(Asker asker, const Error& error) {
  if (Child* child = Find(asker.child); child != nullptr) {
    SendFrame(*child, ipc::Frame{.type = ipc::Failure::kType,
                                 .request = asker.request,
                                 .payload = ipc::Encode(ipc::Failure::Of(error)),
                                 .fds = {},
                                 .last = true});
  }
}

}  // namespace casemate::app
