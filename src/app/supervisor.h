#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/supervisor_models.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/id.h"
#include "config/deployment_config.h"
#include "ipc/channel.h"
#include "ipc/supervision.h"
#include "metrics/messages.h"

namespace casemate::app {

// What the supervisor was given before it starts anything.
struct SupervisorSetup {
  std::filesystem::path deployment;   // absolute
  std::filesystem::path executables;  // folder of casemate-front and the others
  config::DeploymentConfig config;
  std::string pin_source;   // "passphrase", "pin", "credential", "insecure-file"
  std::string module_path;  // of the PKCS#11 library
  // Of the passphrase or PIN; invalid: none is needed, or the operator gives it later. One that
  // cannot be read twice (a pipe) is for the first custodian alone: the next one waits, locked.
  UniqueFd secret;
  UniqueFd tcp_listener;
  UniqueFd operator_listener;
  UniqueFd custodian_listener;
  std::function<void(const std::string&)> serving;  // the address, each time the front serves
  // A state for the service manager (sd_notify(3)).
  std::function<void(const std::string&)> notify = [](const std::string&) {};
  std::chrono::milliseconds notify_alive{0};  // how often it wants "WATCHDOG=1"; 0: never
};

// Starts, watches and ends the processes of one deployment: one thread, one poll(2) loop, no
// content and no key. Children are hostile: what they ask for is checked against the process table,
// and one that does not read its answers is ended. One thread because a child dies with the thread
// that forked it (PR_SET_PDEATHSIG), which must therefore live as long as the process.
class Supervisor {
 public:
  explicit Supervisor(SupervisorSetup setup);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Runs until SIGTERM or SIGINT, then until requests in flight have their answers (at most
  // server.drain_s, or a second signal), then until all children have ended (at most 5 s). SIGHUP
  // reads the configuration anew. Errors: why the custodian or the front could not be started, or
  // died too often.
  [[nodiscard]] Result<void> Run();

 private:
  // Who waits for an answer of ours.
  struct Asker {
    int child = 0;
    std::uint64_t request = 0;
  };
  struct Child {
    int id = 0;
    ipc::ProcessKind kind{};
    pid_t pid = -1;
    std::optional<ipc::Channel> channel;  // empty once the child closed it or broke its rules
    TenantId tenant;                      // keepers and rooms
    std::string model;                    // rooms: name; loaders: digest
    int owner = 0;                        // rooms and parsers: the keeper
    bool ready = false;
    bool locked = false;  // a custodian that was started without its secret
    BootClock::time_point ready_by;
    bool told_to_end = false;
    std::optional<BootClock::time_point> kill_at;  // set: it is ending, or will be made to
    std::optional<Asker> starter;                  // told when it is ready, or why not
    UniqueFd starter_end;                          // of the channel between starter and this child
    std::optional<Error> failure;                  // what it said before it ended
    std::optional<std::uint64_t> loaded_bytes;
    std::vector<std::function<void()>> after_death;
  };
  struct Attachment {
    Asker starter;
    TenantId tenant;
    UniqueFd keeper_end;  // of the channel to the custodian
    BootClock::time_point by;
  };
  struct RoomRequest {
    Asker asker;
    ipc::StartRoom room;
  };
  // Numbers of all processes, on their way to the front.
  struct Gathering {
    Asker asker;
    metrics::Gathered reply;
    std::set<std::uint64_t> open;  // our requests that have no answer yet
    BootClock::time_point by;
  };
  enum class Phase : std::uint8_t { kRunning, kStopping };

  // supervisor.cc: the loop and its deadlines.
  void Turn();
  int MillisecondsToNextDeadline() const;
  void TakeSignals();
  void KeepDeadlines();

  // supervisor_life.cc: custodian and front, deaths, the end.
  [[nodiscard]] Result<void> StartServing();
  [[nodiscard]] Result<void> SpawnCustodian(UniqueFd to_front);
  [[nodiscard]] Result<void> SpawnFront(UniqueFd to_custodian);
  [[nodiscard]] Result<void> Replace(ipc::ProcessKind dead);
  void Reap();
  void OnDeath(Child& child, int status);
  void OnCoreDeath(const Child& child, const std::string& status);
  void BeginDrain();
  void BeginStop();
  void End(Child& child, std::chrono::milliseconds grace);
  void Kill(const Child& child);

  // supervisor_requests.cc: what children ask.
  void Drain(Child& child);
  [[nodiscard]] Result<void> Dispatch(Child& child, ipc::Frame frame);
  [[nodiscard]] Result<void> DispatchRequest(Child& child, ipc::Frame frame);
  void OnReady(Child& child);
  [[nodiscard]] Result<void> OnAnswer(Child& child, ipc::Frame frame);

  // supervisor_starts.cc: processes that are started because a child asks.
  [[nodiscard]] Result<void> OnAttached(const ipc::Frame& frame);
  void StartKeeper(Asker asker, TenantId tenant);
  void StartRoom(Asker asker, const ipc::StartRoom& room);
  void StartParse(Asker asker);
  [[nodiscard]] Result<void> SpawnKeeper(Attachment attachment);
  [[nodiscard]] Result<void> SpawnRoom(Asker asker, const ipc::StartRoom& room, UniqueFd weights);
  [[nodiscard]] Result<void> SpawnLoader(const std::string& digest);
  void OnLoaderEnd(const Child& loader);

  // supervisor_operations.cc: metrics and configuration.
  void Gather(Asker asker);
  [[nodiscard]] Result<void> OnCollected(const Child& child, const ipc::Frame& frame);
  void FinishGatherings();
  void ReloadConfig(std::optional<Asker> asker);
  void ReadProcesses() const;

  // supervisor_children.cc: the process table and sending.
  [[nodiscard]] Result<Child*> Spawn(ipc::ProcessKind kind);
  Child* Find(int id);
  Child* FindKind(ipc::ProcessKind kind);
  Child* FindKeeper(const TenantId& tenant);
  Child* FindRoom(const TenantId& tenant, const std::string& model);
  std::size_t CountOwned(int keeper, ipc::ProcessKind kind) const;
  static bool IsEnding(const Child& child);
  void SendFrame(Child& child, ipc::Frame frame);
  void Refuse(Asker asker, const Error& error);
  template <typename T>
  void Notify(Child& child, const T& message, std::vector<UniqueFd>&& fds = {}) {
    SendFrame(child, ipc::Frame{.type = T::kType,
                                .request = 0,
                                .payload = ipc::Encode(message),
                                .fds = std::move(fds)});
  }
  // Asks, without a deadline of ours; the answer comes to OnAnswer with the number returned.
  template <typename T>
  std::uint64_t Ask(Child& child, const T& message, std::vector<UniqueFd>&& fds = {}) {
    const std::uint64_t request = std::exchange(next_request_, next_request_ + 2);
    Plaintext payload = Plaintext::Zeroed(4);  // the deadline; docs/formats/ipc.md
    payload.Append(ipc::Encode(message));
    SendFrame(child, ipc::Frame{.type = T::kType,
                                .request = request,
                                .payload = std::move(payload),
                                .fds = std::move(fds)});
    return request;
  }
  template <typename T>
  void Answer(Asker asker, const T& message, UniqueFd fd = UniqueFd()) {
    Child* child = Find(asker.child);
    if (child == nullptr) {
      return;  // it died meanwhile
    }
    ipc::Frame frame{.type = T::kType,
                     .request = asker.request,
                     .payload = ipc::Encode(message),
                     .fds = {},
                     .last = true};
    if (fd.valid()) {
      frame.fds.push_back(std::move(fd));
    }
    SendFrame(*child, std::move(frame));
  }

  SupervisorSetup setup_;
  Models models_;
  UniqueFd permit_;
  UniqueFd signals_;
  Phase phase_ = Phase::kRunning;
  bool served_ = false;         // the front has served once: from now on a death is a restart
  std::optional<Error> fatal_;  // why it ends, when nobody asked it to
  std::optional<BootClock::time_point> drain_by_;  // told to end; requests in flight go on
  std::optional<BootClock::time_point> alive_at_;  // when the service manager hears from us next
  std::optional<BootClock::time_point> stop_rest_at_;  // second half of an orderly end
  std::optional<BootClock::time_point> give_up_at_;
  std::deque<BootClock::time_point> restarts_;
  int next_child_ = 1;
  std::uint64_t next_request_ = 1;  // ours are odd
  std::map<int, std::unique_ptr<Child>> children_;
  std::map<std::uint64_t, Attachment> attachments_;            // by request to the custodian
  std::map<std::string, std::vector<RoomRequest>> for_model_;  // rooms that wait for a loader
  std::vector<Gathering> gatherings_;
  metrics::Collector collector_{[this] { ReadProcesses(); }};
};

}  // namespace casemate::app
