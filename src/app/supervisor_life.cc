#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "app/supervisor.h"
#include "app/supervisor_process.h"
#include "base/log.h"
#include "metrics/metrics.h"

// Custodian and front, which a server needs; deaths; the end.
namespace casemate::app {
namespace {

using ipc::ProcessKind;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// SIGTERM ends everything within 5 s of the last answer: front and keepers first, so that requests
// in flight still find rooms and custodian; then the rest; then by force.
constexpr std::chrono::milliseconds kStopFirstHalf = 1500ms;
constexpr std::chrono::milliseconds kStopGrace = 3000ms;
constexpr std::chrono::milliseconds kGiveUp = 4500ms;
constexpr std::chrono::milliseconds kGrace = 1000ms;  // for children whose reason to live is gone
constexpr std::size_t kMaxRestarts = 5;
constexpr std::chrono::seconds kRestartWindow = 60s;

metrics::Counter deaths("casemate_process_deaths_total",
                        "Processes that ended without having been told to", {"process"});
metrics::Counter restarts("casemate_restarts_total",
                          "Starts of a custodian or front in place of one that died", {"process"});

bool IsCore(ProcessKind kind) {
  return kind == ProcessKind::kFront || kind == ProcessKind::kCustodian;
}

metrics::LabelValue Label(ProcessKind kind) {
  return metrics::LabelValue::FromCode(ipc::ProcessKindName(kind));
}

UniqueFd Copy(const UniqueFd& fd) { return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)); }

}  // namespace

Result<void> Supervisor::StartServing() {
  Result<std::pair<UniqueFd, UniqueFd>> pair = ipc::Channel::MakePair();
  if (!pair) {
    return std::unexpected(pair.error());
  }
  Result<void> started = SpawnCustodian(std::move(pair->first));
  return started ? SpawnFront(std::move(pair->second)) : started;
}

Result<void> Supervisor::SpawnCustodian(UniqueFd to_front) {
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(to_front));
  fds.push_back(Copy(setup_.custodian_listener));
  const bool needs_secret = setup_.pin_source != "insecure-file";
  if (setup_.secret.valid()) {
    const bool again = ::lseek(setup_.secret.get(), 0, SEEK_SET) == 0;
    fds.push_back(Copy(setup_.secret));
    if (!again) {
      setup_.secret.Reset();  // a pipe: what the custodian reads from it is nowhere else
    }
  }
  const bool locked = needs_secret && fds.size() == 2;
  const config::CustodyConfig& custody = setup_.config.custody;
  Result<Child*> custodian = Spawn(ProcessKind::kCustodian);
  if (!custodian) {
    return std::unexpected(custodian.error());
  }
  (*custodian)->locked = locked;
  Notify(**custodian,
         ipc::SetupCustodian{.deployment = setup_.deployment.string(),
                             .pin_source = setup_.pin_source,
                             .token_uri = custody.token,
                             .module_path = setup_.module_path,
                             .mirror = custody.mirror,
                             .lease_ms = static_cast<std::uint32_t>(custody.lease.count()),
                             .labels = setup_.config.labels.order,
                             .default_label = setup_.config.labels.fallback},
         std::move(fds));
  return {};
}

Result<void> Supervisor::SpawnFront(UniqueFd to_custodian) {
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(to_custodian));
  fds.push_back(Copy(setup_.tcp_listener));
  fds.push_back(Copy(setup_.operator_listener));
  const config::DeploymentConfig& config = setup_.config;
  Result<Child*> front = Spawn(ProcessKind::kFront);
  if (!front) {
    return std::unexpected(front.error());
  }
  Notify(**front,
         ipc::SetupFront{.hybrid_only = config.tls.minimum == config::TlsMinimum::kHybrid,
                         .max_body_bytes = std::uint64_t{config.server.max_body_mib} << 20,
                         .max_connections = config.server.max_connections,
                         .groups = config.tls.groups,
                         .classical_from = config.tls.classical_from},
         std::move(fds));
  return {};
}

// The other of the two lives on: a custodian with its PIN, a front with its TLS key and the clients
// that wait. It gets a fresh channel to the new one.
Result<void> Supervisor::Replace(ProcessKind dead) {
  Result<std::pair<UniqueFd, UniqueFd>> pair = ipc::Channel::MakePair();
  if (!pair) {
    return std::unexpected(pair.error());
  }
  const bool custodian_died = dead == ProcessKind::kCustodian;
  Result<void> spawned =
      custodian_died ? SpawnCustodian(std::move(pair->first)) : SpawnFront(std::move(pair->first));
  Child* other = FindKind(custodian_died ? ProcessKind::kFront : ProcessKind::kCustodian);
  if (!spawned || other == nullptr) {
    return spawned;  // without the other one: it is about to be replaced as well
  }
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(pair->second));
  if (custodian_died) {
    Notify(*other, ipc::AttachCustodian{}, std::move(fds));
  } else {
    (void)Ask(*other, ipc::AttachFront{}, std::move(fds));
  }
  return {};
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
  if (!expected) {
    deaths.Add({Label(child.kind)});
  }
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

// Keepers hold channels to both: they end and are started again by the next request. Nothing
// acknowledged is in any of them.
void Supervisor::OnCoreDeath(const Child& child, const std::string& status) {
  const std::string name(ipc::ProcessKindName(child.kind));
  if (drain_by_) {
    BeginStop();  // what was in flight went with it
    return;
  }
  if (!child.ready && (!served_ || child.failure)) {
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
  restarts.Add({Label(child.kind)});
  Log(LogLevel::kWarning, "starting again", {{"child", name}});
  for (auto& [request, attachment] : std::exchange(attachments_, {})) {
    Refuse(attachment.starter, Error{ErrorCode::kUnavailable, name + " has died", {}, {}});
  }
  for (const auto& [id, other] : children_) {
    if (other->kind == ProcessKind::kKeeper) {
      End(*other, kGrace);
    }
  }
  if (Result<void> replaced = Replace(child.kind); !replaced) {
    fatal_ = replaced.error();
    BeginStop();
  }
}

// Requests in flight get their answers first; nobody new is let in.
void Supervisor::BeginDrain() {
  Child* front = FindKind(ProcessKind::kFront);
  if (front == nullptr || !front->ready || setup_.config.server.drain_s == 0) {
    BeginStop();
    return;
  }
  setup_.notify("STOPPING=1\nSTATUS=waiting for requests in flight");
  drain_by_ = BootClock::now() + std::chrono::seconds(setup_.config.server.drain_s);
  ::shutdown(setup_.tcp_listener.get(),
             SHUT_RDWR);  // who connects now is refused, not kept waiting
  Notify(*front, ipc::Drain{});
}

void Supervisor::BeginStop() {
  if (phase_ == Phase::kStopping) {
    return;
  }
  const BootClock::time_point now = BootClock::now();
  phase_ = Phase::kStopping;
  drain_by_.reset();
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

// By process id: it is not reaped yet, so the id is still its own.
void Supervisor::Kill(const Child& child) { ::kill(child.pid, SIGKILL); }

}  // namespace casemate::app
