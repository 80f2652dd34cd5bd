// casemate-parse: turns one document into text and ends. What a hostile document makes of it, it
// has no file, no network, no other program, and little time and memory.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

#include "app/parse_watch.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "ipc/child.h"
#include "ipc/peer.h"
#include "ipc/supervision.h"
#include "retrieval/parsing/parse.h"
#include "sandbox/sandbox.h"
#include "secmem/harden.h"

namespace casemate {
namespace {

constexpr auto kLastWords = std::chrono::seconds(10);  // for an error to reach the keeper
// Of addresses: libraries and the threads' arenas are mapped without being used.
constexpr std::uint64_t kMapped = std::uint64_t{768} << 20;

// Answers the first request and refuses others.
class OneDocument {
 public:
  explicit OneDocument(std::uint64_t memory_bytes) : memory_bytes_(memory_bytes) {}

  void Handle(ipc::Incoming request) {
    if (taken_.exchange(true)) {
      request.Fail(Error{ErrorCode::kInvalidArgument, "a parser takes one document", {}, {}});
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      current_ = &request;
    }
    Answer(request);
    {
      const std::lock_guard lock(mutex_);
      current_ = nullptr;
    }
    done_.set_value();
  }
  void GiveUp() {
    gone_ = true;
    if (!taken_.exchange(true)) {
      done_.set_value();
    }
  }
  void Wait() { done_.get_future().wait(); }

  // A limit was met: says so and ends the process, whose other threads cannot be ended.
  [[noreturn]] void End(const Error& error) {
    const BootClock::time_point end = BootClock::now() + kLastWords;
    while (!gone_ && BootClock::now() < end) {  // the keeper closes when it has it
      {
        const std::lock_guard lock(mutex_);
        if (current_ != nullptr) {
          current_->Fail(error);  // the first answer counts
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    std::_Exit(EXIT_SUCCESS);
  }

 private:
  void Answer(ipc::Incoming& request) const {
    try {
      AnswerDocument(request);
    } catch (const std::bad_alloc&) {
      request.Fail(app::ParseWatch::TooMuchMemory(memory_bytes_));
    }
  }

  static void AnswerDocument(ipc::Incoming& request) {
    Result<retrieval::ParseDocument> document = request.Decode<retrieval::ParseDocument>();
    if (!document) {
      request.Fail(document.error());
      return;
    }
    Result<retrieval::ParsedDocument> parsed =
        retrieval::Parse(document->format, document->document);
    if (!parsed) {
      request.Fail(parsed.error());
      return;
    }
    request.Reply(*parsed);
  }

  const std::uint64_t memory_bytes_;
  std::atomic<bool> taken_ = false;
  std::atomic<bool> gone_ = false;  // the keeper
  std::mutex mutex_;                // guards current_
  ipc::Incoming* current_ = nullptr;
  std::promise<void> done_;
};

Result<void> Confine(const ipc::SetupParse& setup) {
  Result<sandbox::Applied> applied =
      sandbox::Enter({.may_make_threads = true,
                      .max_memory_bytes = setup.memory_bytes + kMapped,
                      .max_cpu_seconds = setup.cpu_seconds + 2,
                      .max_files = 64});
  if (!applied) {
    return std::unexpected(applied.error());
  }
  for (const std::string& lack : applied->degraded) {
    Log(LogLevel::kWarning, "the sandbox is weaker here", {{"lack", lack}});
  }
  return {};
}

int Run() {
  InitLog("parse");
  if (Result<void> hardened = HardenProcess(true); !hardened) {
    LogError("hardening failed", hardened.error());
    return EXIT_FAILURE;
  }
  Result<ipc::Started<ipc::SetupParse>> started =
      ipc::ReceiveSetup<ipc::SetupParse>(ipc::ProcessKind::kParse, 1, 1);
  if (!started) {
    LogError("start failed", started.error());
    return EXIT_FAILURE;
  }
  const UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  retrieval::PrepareParsers();
  if (Result<void> confined = Confine(started->setup); !confined) {
    LogError("the sandbox cannot be entered", confined.error());
    ipc::SendStartFailure(started->supervisor, confined.error());
    return EXIT_FAILURE;
  }
  if (Result<void> ready = ipc::SendReady(started->supervisor); !ready) {
    LogError("start failed", ready.error());
    return EXIT_FAILURE;
  }
  // What a library prints may quote the document: from here on it is not read.
  (void)::dup2(nowhere.get(), STDERR_FILENO);
  OneDocument document(started->setup.memory_bytes);
  const app::ParseWatch watch({.cpu = std::chrono::seconds(started->setup.cpu_seconds),
                               .memory_bytes = started->setup.memory_bytes},
                              [&document](const Error& error) { document.End(error); });
  ipc::Peer::Handlers handlers;
  handlers.request = [&document](ipc::Incoming request) { document.Handle(std::move(request)); };
  handlers.closed = [&document](const Error&) { document.GiveUp(); };
  const auto keeper = ipc::Peer::Start(
      ipc::Channel(std::move(started->fds[0]), ipc::ProcessKind::kParse, ipc::ProcessKind::kKeeper),
      std::move(handlers), {.workers = 1, .max_queued = 1});
  document.Wait();
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace casemate

int main() { return casemate::Run(); }
