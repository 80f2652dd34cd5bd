// casemate-parse: turns one document into text and ends. What a hostile document makes of it, it
// has no file, no network, no other program, and little time and memory.
#include <atomic>
#include <cstdlib>
#include <future>
#include <memory>

#include "base/log.h"
#include "ipc/child.h"
#include "ipc/peer.h"
#include "ipc/supervision.h"
#include "retrieval/parsing/parse.h"
#include "sandbox/sandbox.h"
#include "secmem/harden.h"

namespace casemate {
namespace {

// Answers the first request and refuses others.
class OneDocument {
 public:
  void Handle(ipc::Incoming request) {
    if (taken_.exchange(true)) {
      request.Fail(Error{ErrorCode::kInvalidArgument, "a parser takes one document", {}, {}});
      return;
    }
    Answer(request);
    done_.set_value();
  }
  void GiveUp() {
    if (!taken_.exchange(true)) {
      done_.set_value();
    }
  }
  void Wait() { done_.get_future().wait(); }

 private:
  static void Answer(ipc::Incoming& request) {
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

  std::atomic<bool> taken_ = false;
  std::promise<void> done_;
};

Result<void> Confine(const ipc::SetupParse& setup) {
  Result<sandbox::Applied> applied = sandbox::Enter({.may_make_threads = true,
                                                     .max_memory_bytes = setup.memory_bytes,
                                                     .max_cpu_seconds = setup.cpu_seconds,
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
  if (Result<void> confined = Confine(started->setup); !confined) {
    LogError("the sandbox cannot be entered", confined.error());
    ipc::SendStartFailure(started->supervisor, confined.error());
    return EXIT_FAILURE;
  }
  if (Result<void> ready = ipc::SendReady(started->supervisor); !ready) {
    LogError("start failed", ready.error());
    return EXIT_FAILURE;
  }
  OneDocument document;
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
