#include "app/supervisor.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "app/supervisor_process.h"
#include "base/log.h"

namespace casemate::app {
namespace {

using ipc::ProcessKind;
using std::chrono_literals::operator""ms;

constexpr std::chrono::milliseconds kGrace = 1000ms;       // between signals to one that should die
constexpr std::chrono::milliseconds kSecondHalf = 1500ms;  // of an orderly end, for all the rest

}  // namespace

Supervisor::Supervisor(SupervisorSetup setup)
    : setup_(std::move(setup)), models_(setup_.deployment / "models") {}

Supervisor::~Supervisor() = default;

Result<void> Supervisor::Run() {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) {
    ::sigaddset(&watched, signal);
  }
  if (::sigprocmask(SIG_BLOCK, &watched, nullptr) != 0) {
    return FailErrno("sigprocmask");
  }
  signals_ = UniqueFd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_.valid()) {
    return FailErrno("signalfd");
  }
  Result<UniqueFd> permit = MakePermit();
  if (!permit) {
    return std::unexpected(permit.error());
  }
  permit_ = std::move(*permit);

  if (Result<void> started = StartServing(); !started) {
    fatal_ = started.error();
    BeginStop();
  }
  if (setup_.notify_alive.count() > 0) {
    alive_at_ = BootClock::now();
  }
  while (phase_ != Phase::kStopping || !children_.empty()) {
    Turn();
    if (phase_ == Phase::kStopping && give_up_at_ && BootClock::now() >= *give_up_at_) {
      break;  // a process in the kernel's hands; it dies with us at the latest
    }
  }
  return fatal_ ? Result<void>(std::unexpected(*fatal_)) : Result<void>();
}

void Supervisor::Turn() {
  std::vector<pollfd> polled = {{signals_.get(), POLLIN, 0}};
  std::vector<int> ids = {0};
  for (const auto& [id, child] : children_) {
    if (child->channel) {
      polled.push_back({child->channel->fd(), POLLIN, 0});
      ids.push_back(id);
    }
  }
  if (::poll(polled.data(), polled.size(), MillisecondsToNextDeadline()) < 0 && errno != EINTR) {
    fatal_ = FailErrno("poll").error();
    BeginStop();
    return;
  }
  for (std::size_t i = 1; i < polled.size(); ++i) {
    if (polled[i].revents != 0) {
      if (Child* child = Find(ids[i]); child != nullptr) {
        Drain(*child);
      }
    }
  }
  if (polled[0].revents != 0) {
    TakeSignals();
  }
  Reap();
  KeepDeadlines();
}

int Supervisor::MillisecondsToNextDeadline() const {
  std::optional<BootClock::time_point> next;
  const auto consider = [&](BootClock::time_point when) {
    next = next ? std::min(*next, when) : when;
  };
  for (const auto& [id, child] : children_) {
    if (child->kill_at) {
      consider(*child->kill_at);
    } else if (!child->ready) {
      consider(child->ready_by);
    }
  }
  for (const auto& [request, attachment] : attachments_) {
    consider(attachment.by);
  }
  for (const Gathering& gathering : gatherings_) {
    consider(gathering.by);
  }
  for (const auto& when : {stop_rest_at_, give_up_at_, drain_by_, alive_at_}) {
    if (when) {
      consider(*when);
    }
  }
  if (!next) {
    return -1;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - BootClock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Supervisor::TakeSignals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    if (info.ssi_signo == SIGCHLD || phase_ == Phase::kStopping) {
      continue;
    }
    if (info.ssi_signo == SIGHUP) {
      ReloadConfig(std::nullopt);
      continue;
    }
    Log(LogLevel::kInfo, "ending", {{"signal", info.ssi_signo}});
    if (drain_by_) {
      BeginStop();  // asked twice: now
    } else {
      BeginDrain();
    }
  }
}

void Supervisor::KeepDeadlines() {
  const BootClock::time_point now = BootClock::now();
  for (const auto& [id, child] : children_) {
    if (child->kill_at && *child->kill_at <= now) {
      Kill(*child);
      child->kill_at = now + kGrace;  // should it not die, say so again
    } else if (!child->kill_at && !child->ready && child->ready_by <= now) {
      Log(LogLevel::kWarning, "child did not get ready",
          {{"child", ipc::ProcessKindName(child->kind)}, {"pid", child->pid}});
      child->kill_at = now;
      Kill(*child);
    }
  }
  for (auto entry = attachments_.begin(); entry != attachments_.end();) {
    if (entry->second.by <= now) {
      Refuse(entry->second.starter,
             Error{ErrorCode::kUnavailable, "the custodian did not answer", {}, {}});
      entry = attachments_.erase(entry);
    } else {
      ++entry;
    }
  }
  FinishGatherings();
  if (alive_at_ && *alive_at_ <= now) {
    setup_.notify("WATCHDOG=1");
    alive_at_ = now + setup_.notify_alive;
  }
  if (drain_by_ && *drain_by_ <= now && phase_ == Phase::kRunning) {
    Log(LogLevel::kWarning, "ending with requests in flight");
    BeginStop();
  }
  if (phase_ != Phase::kStopping || !stop_rest_at_) {
    return;
  }
  const bool first_gone = std::ranges::none_of(children_, [](const auto& entry) {
    return entry.second->kind == ProcessKind::kFront || entry.second->kind == ProcessKind::kKeeper;
  });
  if (first_gone || *stop_rest_at_ <= now) {
    stop_rest_at_.reset();
    for (const auto& [id, child] : children_) {
      if (!child->kill_at) {
        End(*child, kSecondHalf);
      }
    }
  }
}

}  // namespace casemate::app
