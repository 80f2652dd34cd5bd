// Stands in for every child in supervisor_test: does what its name and one word of its setup say.
// The name is that of the link that it was started by.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/bytes.h"
#include "base/file.h"
#include "ipc/child.h"
#include "ipc/control.h"
#include "ipc/peer.h"
#include "metrics/messages.h"

namespace {

using namespace casemate;  // NOLINT: the whole file is one program
using ipc::MessageType;
using ipc::ProcessKind;

// Leaves a line for the test, which watches the file.
void Note(const std::filesystem::path& folder, const std::string& line) {
  const int fd =
      ::open((folder / "notes").c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  (void)WriteAll(fd, AsBytes(line + " " + std::to_string(::getpid()) + "\n"));
  ::close(fd);
}

// Behind the executables lies the deployment.
std::filesystem::path Deployment() {
  return std::filesystem::path(program_invocation_name).parent_path().parent_path() / "d";
}

bool Asked(const std::string& word) { return std::filesystem::exists(Deployment() / word); }

bool Noted(const std::string& word) {
  const Result<Bytes> notes = ReadFile(Deployment() / "notes", 1 << 20);
  return notes && AsText(*notes).contains(word);
}

void WaitForStop(ipc::Channel& supervisor) {
  for (;;) {
    Result<ipc::Frame> frame = supervisor.Receive(600'000);
    if (!frame || frame->type == MessageType::kStop) {
      ::_exit(Asked("deaf") && frame ? (::pause(), 0) : 0);
    }
  }
}

int Custodian() {
  auto started = ipc::ReceiveSetup<ipc::SetupCustodian>(ProcessKind::kCustodian, 2, 3);
  if (!started) {
    return 3;
  }
  std::string secret(16, '\0');
  if (started->fds.size() == 3) {
    secret.resize(static_cast<std::size_t>(
        std::max<ssize_t>(0, ::read(started->fds[2].get(), secret.data(), secret.size()))));
    Note(Deployment(), "secret=" + secret);
  }
  if (Asked("refuse")) {
    ipc::SendStartFailure(started->supervisor,
                          Error{ErrorCode::kUnauthenticated, "wrong passphrase", {}, {}});
    return 1;
  }
  (void)ipc::SendReady(started->supervisor);
  Note(Deployment(), "custodian");
  for (;;) {
    Result<ipc::Frame> frame = started->supervisor.Receive(600'000);
    if (!frame || frame->type == MessageType::kStop) {
      return 0;
    }
    if (frame->request == 0 || frame->type == MessageType::kCollect) {
      continue;  // settings; and it is too busy to count
    }
    const bool front = frame->type == MessageType::kAttachFront;
    if (front) {
      Note(Deployment(), "attached-front");
    }
    ipc::Frame answer{
        .type = front ? MessageType::kAttachFrontReply : MessageType::kAttachKeeperReply,
        .request = frame->request,
        .payload = {},
        .fds = {},
        .last = true};
    if (Asked("unknown") && !front) {
      answer.type = MessageType::kError;
      answer.payload = ipc::Encode(ipc::Failure{ErrorCode::kNotFound, "no such tenant", "", ""});
    }
    (void)started->supervisor.Send(answer, 1000);
  }
}

// Asks for the keeper of the tenant again and again, so that the test can end it.
int Front() {
  auto started = ipc::ReceiveSetup<ipc::SetupFront>(ProcessKind::kFront, 3, 3);
  if (!started) {
    return 3;
  }
  (void)ipc::SendReady(started->supervisor);
  bool stop = false;
  std::mutex mutex;
  std::condition_variable changed;
  const auto end = [&] {
    const std::lock_guard lock(mutex);
    stop = true;
    changed.notify_all();
  };
  std::promise<void> drain;
  std::unique_ptr<ipc::Peer> peer = ipc::Peer::Start(
      std::move(started->supervisor),
      {.request =
           [](ipc::Incoming incoming) {
             incoming.Reply(metrics::Collected{.snapshot = metrics::EncodeOwn()});
           },
       .notice =
           [&](const ipc::Frame& frame) {
             if (frame.type == MessageType::kStop) {
               end();
             } else if (frame.type == MessageType::kDrain) {
               Note(Deployment(), "drain");
               if (!Asked("busy")) {
                 drain.set_value();
               }
             } else if (frame.type == MessageType::kAttachCustodian) {
               Note(Deployment(), "attached-custodian:" + std::to_string(frame.fds.size()));
             } else if (frame.type == MessageType::kSettings) {
               Note(Deployment(), "settings");
             }
           },
       .closed = [&](const Error&) { end(); }});
  std::thread drained([&peer, wanted = drain.get_future()]() mutable {
    wanted.wait();
    (void)peer->Notify(ipc::Drained{});
  });
  drained.detach();
  (void)peer->Notify(ipc::Serving{"127.0.0.1:1"});
  if (Asked("gather")) {
    while (!Noted("custodian ")) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    Result<metrics::Gathered> gathered = peer->Call<metrics::Gathered>(metrics::Gather{});
    Note(Deployment(), gathered ? "gathered:" + std::to_string(gathered->reports.size()) + "+" +
                                      std::to_string(gathered->missing)
                                : "not-gathered");
  }
  Note(Deployment(), "front");
  std::unique_lock lock(mutex);
  while (!stop) {
    lock.unlock();
    std::vector<UniqueFd> fds;
    Result<ipc::StartKeeperReply> reply =
        peer->Call<ipc::StartKeeperReply>(ipc::StartKeeper{TenantId(TenantId::Array{std::byte{1}})},
                                          std::chrono::seconds(60), {}, &fds);
    if (reply && fds.size() == 1) {
      Note(Deployment(), "started-keeper");
      ipc::Channel keeper(std::move(fds[0]), ProcessKind::kFront, ProcessKind::kKeeper);
      (void)keeper.Receive(600'000);  // until it is gone
    } else if (!reply) {
      Note(Deployment(), "no-keeper:" + std::string(ErrorCodeName(reply.error().code)));
    }
    lock.lock();
    changed.wait_for(lock, std::chrono::milliseconds(20), [&] { return stop; });
  }
  ::_exit(0);  // the thread that waits for a drain stays behind
}

int Keeper() {
  auto started = ipc::ReceiveSetup<ipc::SetupKeeper>(ProcessKind::kKeeper, 2, 2);
  if (!started) {
    return 3;
  }
  if (Asked("keeper-fails")) {
    ipc::SendStartFailure(started->supervisor,
                          Error{ErrorCode::kIntegrityFailure, "store", {}, {}});
    return 1;
  }
  (void)ipc::SendReady(started->supervisor);
  Note(Deployment(), "keeper");
  std::promise<void> stop;
  std::once_flag once;
  const auto end = [&] { std::call_once(once, [&] { stop.set_value(); }); };
  auto peer = ipc::Peer::Start(
      std::move(started->supervisor),
      {.notice = [&](ipc::Frame) { end(); }, .closed = [&](const Error&) { end(); }});
  std::vector<UniqueFd> kept;
  for (int i = 0; i < 5; ++i) {
    Result<ipc::StartParseReply> reply =
        peer->Call<ipc::StartParseReply>(ipc::StartParse{}, std::chrono::seconds(60), {}, &kept);
    Note(Deployment(), "parse:" + std::string(reply ? "ok" : ErrorCodeName(reply.error().code)));
    if (reply) {
      (void)kept.back().Release();  // stays open: the parser lives
    }
  }
  const auto room = [&](const char* digest, const char* model) {
    std::vector<UniqueFd> fds;
    Result<ipc::StartRoomReply> reply = peer->Call<ipc::StartRoomReply>(
        ipc::StartRoom{.model = model, .digest = digest, .task = "chat", .context_tokens = 8},
        std::chrono::seconds(60), {}, &fds);
    Note(Deployment(), std::string("room:") + model + ":" +
                           std::string(reply ? "ok" : ErrorCodeName(reply.error().code)));
    if (reply) {
      (void)fds[0].Release();
    }
  };
  // SHA-256 of "weights", by sha256sum(1).
  constexpr const char* kWeights =
      "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c";
  room(kWeights, "a");
  room(kWeights, "a");
  room(kWeights, "b");
  room("../../../etc/passwd", "c");
  room("0000000000000000000000000000000000000000000000000000000000000000", "d");
  room("1111111111111111111111111111111111111111111111111111111111111111", "e");
  Note(Deployment(), "keeper-done");
  stop.get_future().wait();
  return 0;
}

template <typename Setup>
int Wait(ProcessKind kind, std::size_t fds, const char* name) {
  auto started = ipc::ReceiveSetup<Setup>(kind, fds, fds);
  if (!started) {
    return 3;
  }
  if (kind == ProcessKind::kRoom) {
    std::string content(7, '\0');
    (void)::pread(started->fds[1].get(), content.data(), content.size(), 0);
    const bool writable = ::pwrite(started->fds[1].get(), "x", 1, 0) >= 0;
    Note(Deployment(), "weights=" + content + (writable ? "-writable" : ""));
  }
  (void)ipc::SendReady(started->supervisor);
  Note(Deployment(), name);
  WaitForStop(started->supervisor);
  return 0;
}

}  // namespace

int main() {
  const std::string name = std::filesystem::path(program_invocation_name).filename();
  if (name == "casemate-custodian") {
    return Custodian();
  }
  if (name == "casemate-front") {
    return Front();
  }
  if (name == "casemate-keeper") {
    return Keeper();
  }
  return name == "casemate-room" ? Wait<ipc::SetupRoom>(ProcessKind::kRoom, 3, "room")
                                 : Wait<ipc::SetupParse>(ProcessKind::kParse, 1, "parse");
}
