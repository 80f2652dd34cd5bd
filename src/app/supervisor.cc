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
using std::chrono_literals::operator""s;

// SIGTERM ends everything within 5 s: front and keepers first, so that requests in flight still
// find rooms and custodian; then the rest; then by force.
constexpr std::chrono::milliseconds kStopFirstHalf = 1500ms;
constexpr std::chrono::milliseconds kStopGrace = 3000ms;
constexpr std::chrono::milliseconds kGiveUp = 4500ms;
constexpr std::chrono::milliseconds kGrace = 1000ms;  // for children whose reason to live is gone
constexpr std::size_t kMaxRestarts = 5;
constexpr std::chrono::seconds kRestartWindow = 60s;

bool IsCore(ProcessKind kind) {
  return kind == ProcessKind::kFront || kind == ProcessKind::kCustodian;
}

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
  while (phase_ != Phase::kStopping || !children_.empty()) {
    Turn();
    if (phase_ == Phase::kStopping && give_up_at_ && BootClock::now() >= *give_up_at_) {
      break;  // a process in the kernel's hands; it dies with us at the latest
    }
    if (phase_ == Phase::kRestarting && children_.empty()) {
      phase_ = Phase::kRunning;
      if (Result<void> started = StartServing(); !started) {
        fatal_ = started.error();
        BeginStop();
      }
    }
  }
  return fatal_ ? Result<void>(std::unexpected(*fatal_)) : Result<void>();
}

Result<void> Supervisor::StartServing() {
  Result<std::pair<UniqueFd, UniqueFd>> pair = ipc::Channel::MakePair();
  if (!pair) {
    return std::unexpected(pair.error());
  }
  const auto copy = [](const UniqueFd& fd) { return UniqueFd(::dup(fd.get())); };
  std::vector<UniqueFd> to_custodian;
  to_custodian.push_back(std::move(pair->first));
  to_custodian.push_back(copy(setup_.custodian_listener));
  if (setup_.secret.valid()) {
    if (::lseek(setup_.secret.get(), 0, SEEK_SET) != 0 && served_) {
      return Fail(ErrorCode::kUnavailable,
                  "the custodian cannot be started again: its passphrase came through a pipe and "
                  "cannot be read twice; start the server anew");
    }
    to_custodian.push_back(copy(setup_.secret));
  }
  std::vector<UniqueFd> to_front;
  to_front.push_back(std::move(pair->second));
  to_front.push_back(copy(setup_.tcp_listener));
  to_front.push_back(copy(setup_.operator_listener));

  const config::CustodyConfig& custody = setup_.config.custody;
  Result<Child*> custodian = Spawn(ProcessKind::kCustodian);
  if (!custodian) {
    return std::unexpected(custodian.error());
  }
  Notify(**custodian,
         ipc::SetupCustodian{.deployment = setup_.deployment.string(),
                             .pin_source = setup_.pin_source,
                             .token_uri = custody.token,
                             .module_path = setup_.module_path,
                             .mirror = custody.mirror,
                             .lease_ms = static_cast<std::uint32_t>(custody.lease.count())},
         std::move(to_custodian));

  const config::DeploymentConfig& config = setup_.config;
  Result<Child*> front = Spawn(ProcessKind::kFront);
  if (!front) {
    return std::unexpected(front.error());
  }
  Notify(**front,
         ipc::SetupFront{.hybrid_only = config.tls.hybrid_only,
                         .max_body_bytes = std::uint64_t{config.server.max_body_mib} << 20,
                         .max_connections = config.server.max_connections,
                         .groups = config.tls.groups},
         std::move(to_front));
  return {};
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
  if (phase_ == Phase::kStopping && stop_rest_at_) {
    consider(*stop_rest_at_);
  }
  if (give_up_at_) {
    consider(*give_up_at_);
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
    if (info.ssi_signo != SIGCHLD && phase_ != Phase::kStopping) {
      Log(LogLevel::kInfo, "ending", {{"signal", info.ssi_signo}});
      BeginStop();
    }
  }
}

void Supervisor::Reap() {
  int status = 0;
  for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0;
       pid = ::waitpid(-1, &status, WNOHANG)) {
    const auto found = std::ranges::find_if(
        children_, [&](const auto& entry) { return entry.second->pid == pid; });
    if (found == children_.end()) {
      continue;
    }
    Drain(*found->second);  // what it said last
    const std::unique_ptr<Child> child = std::move(found->second);
    children_.erase(found);
    OnDeath(*child, status);
  }
}

void Supervisor::OnDeath(Child& child, int status) {
  const std::string how = DescribeStatus(status);
  const bool orderly = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  const bool expected =
      child.told_to_end || phase_ != Phase::kRunning ||
      (orderly && (child.kind == ProcessKind::kParse || child.kind == ProcessKind::kLoader));
  Log(expected ? LogLevel::kInfo : LogLevel::kWarning, expected ? "child ended" : "child died",
      {{"child", ipc::ProcessKindName(child.kind)}, {"pid", child.pid}, {"status", how}});
  if (child.starter) {
    Refuse(*child.starter,
           child.failure.value_or(
               Error{ErrorCode::kUnavailable,
                     std::string(ipc::ProcessKindName(child.kind)) + " could not start: " + how,
                     {},
                     {}}));
  }
  if (child.kind == ProcessKind::kLoader) {
    OnLoaderEnd(child);
  }
  if (child.kind == ProcessKind::kKeeper) {
    for (const auto& [id, other] : children_) {
      if (other->owner == child.id) {
        End(*other, kGrace);  // nobody can reach them any more
      }
    }
  }
  if (IsCore(child.kind) && child.failure && (phase_ == Phase::kRunning || fatal_)) {
    fatal_ = child.failure;  // its own words, also where the other one died of it first
  }
  if (IsCore(child.kind) && phase_ == Phase::kRunning) {
    OnCoreDeath(child, how);
  }
  for (const std::function<void()>& next : child.after_death) {
    next();
  }
}

// Front and custodian share a channel that only their start hands out, and keepers hold channels to
// both: where one is gone, all begin again. Nothing acknowledged is in any of them.
void Supervisor::OnCoreDeath(const Child& child, const std::string& status) {
  const std::string name(ipc::ProcessKindName(child.kind));
  if (!served_ || child.failure) {
    if (!fatal_) {
      fatal_ = Error{ErrorCode::kUnavailable, name + " could not start: " + status, {}, {}};
    }
    BeginStop();
    return;
  }
  const BootClock::time_point now = BootClock::now();
  while (!restarts_.empty() && now - restarts_.front() > kRestartWindow) {
    restarts_.pop_front();
  }
  if (restarts_.size() >= kMaxRestarts) {
    fatal_ = Error{ErrorCode::kUnavailable,
                   name + " died again (" + status + ") after " + std::to_string(kMaxRestarts) +
                       " restarts within " + std::to_string(kRestartWindow.count()) + " s",
                   {},
                   {}};
    BeginStop();
    return;
  }
  restarts_.push_back(now);
  Log(LogLevel::kWarning, "starting again", {{"because", name}});
  phase_ = Phase::kRestarting;
  EndAll(kGrace);
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
        End(*child, kStopGrace - kStopFirstHalf);
      }
    }
  }
}

void Supervisor::BeginStop() {
  if (phase_ == Phase::kStopping) {
    return;
  }
  const BootClock::time_point now = BootClock::now();
  phase_ = Phase::kStopping;
  stop_rest_at_ = now + kStopFirstHalf;
  give_up_at_ = now + kGiveUp;
  for (const auto& [id, child] : children_) {
    if (child->kind == ProcessKind::kFront || child->kind == ProcessKind::kKeeper) {
      End(*child, kStopGrace);
    }
  }
}

void Supervisor::End(Child& child, std::chrono::milliseconds grace) {
  const BootClock::time_point by = BootClock::now() + grace;
  child.told_to_end = true;
  if (child.kill_at) {
    child.kill_at = std::min(*child.kill_at, by);
    return;
  }
  child.kill_at = by;
  if (child.channel) {
    Notify(child, ipc::Stop{});
  }
}

void Supervisor::EndAll(std::chrono::milliseconds grace) {
  attachments_.clear();
  for (const auto& [id, child] : children_) {
    End(*child, grace);
  }
}

// By process id: it is not reaped yet, so the id is still its own.
void Supervisor::Kill(const Child& child) { ::kill(child.pid, SIGKILL); }

}  // namespace casemate::app
