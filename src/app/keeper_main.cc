// casemate-keeper: one tenant's API objects over its sealed store. It has the tenant's folder and
// its channels; no network, no other program, no object secret.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "api/router.h"
#include "app/child_settings.h"
#include "app/keeper_parser.h"
#include "audit/receipt/receipt_book.h"
#include "base/log.h"
#include "crypto/init.h"
#include "custody/client/socket_release_client.h"
#include "inference/client/supervisor_room_directory.h"
#include "ipc/child.h"
#include "ipc/peer.h"
#include "ipc/supervision.h"
#include "metrics/messages.h"
#include "net/messages.h"
#include "retrieval/sealed_library.h"
#include "sandbox/sandbox.h"
#include "secmem/harden.h"
#include "storage/receipt_store.h"
#include "storage/tenant_store.h"

namespace casemate {
namespace {

constexpr auto kTenantTimeout = std::chrono::seconds(20);
constexpr auto kOrderlyEnd = std::chrono::milliseconds(2500);  // of the 5 s that SIGTERM promises
constexpr std::size_t kWorkers = 16;  // requests at the same time; a stream holds one
constexpr std::size_t kMaxQueued = 256;

using Started = ipc::Started<ipc::SetupKeeper>;

metrics::Histogram windows("casemate_window_seconds",
                           "How long keepers held the plaintext of a request: from its arrival to "
                           "the end of its answer and its ticket");

// What the supervisor's Stop, or the end of anything that the keeper cannot work without, sets.
class StopSignal {
 public:
  void Set(int status) {
    {
      const std::lock_guard lock(mutex_);
      if (!set_) {
        set_ = true;
        status_ = status;
      }
    }
    changed_.notify_all();
  }
  int Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return set_; });
    return status_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
  int status_ = 0;
};

// The tenant's models, as the custodian tells them.
class Models {
 public:
  void Set(const std::vector<custody::ModelEntry>& models) {
    const std::lock_guard lock(mutex_);
    models_ = models;
  }
  std::vector<custody::ModelEntry> Get() const {
    const std::lock_guard lock(mutex_);
    return models_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<custody::ModelEntry> models_;
};

// The keys of the tenant's receipts, which the custodian sends before it says which tenant this is.
class ReceiptKeysSlot {
 public:
  void Set(custody::ReceiptKeys keys) {
    const std::lock_guard lock(mutex_);
    keys_ = std::move(keys);
  }
  custody::ReceiptKeys Take() {
    const std::lock_guard lock(mutex_);
    return std::move(keys_);
  }

 private:
  std::mutex mutex_;
  custody::ReceiptKeys keys_;
};

std::vector<inference::RoomModel> RoomModels(const std::vector<custody::ModelEntry>& models) {
  std::vector<inference::RoomModel> rooms;
  rooms.reserve(models.size());
  for (const custody::ModelEntry& model : models) {
    rooms.push_back({.name = model.name,
                     .digest = model.digest,
                     .task = model.task,
                     .context_tokens = model.context_tokens});
  }
  return rooms;
}

// The first model of a task: what documents are counted and embedded with.
std::string FirstOf(const std::vector<custody::ModelEntry>& models, std::string_view task) {
  for (const custody::ModelEntry& model : models) {
    if (model.task == task) {
      return model.name;
    }
  }
  return {};
}

// Sends an answer back over the front's channel.
class FrontResponder : public api::Responder {
 public:
  explicit FrontResponder(ipc::Incoming& incoming) : incoming_(incoming) {}
  Result<void> Head(const net::HttpHead& head) override { return incoming_.Stream(head); }
  Result<void> Body(Plaintext bytes) override {
    net::HttpBody body;
    body.bytes = std::move(bytes);
    return incoming_.Stream(body);
  }
  void End() override { incoming_.Reply(net::HttpEnd{}); }
  bool cancelled() const override { return incoming_.cancelled(); }

 private:
  ipc::Incoming& incoming_;
};

// What it returns outlives `incoming` and with it the request's bytes.
std::optional<api::Window> Answer(const api::Router& router, ipc::Incoming incoming) {
  if (incoming.type() != net::HttpRequest::kType) {
    incoming.Fail({ErrorCode::kInvalidArgument, "a keeper takes HTTP requests only", {}, {}});
    return std::nullopt;
  }
  Result<net::HttpRequest> request = incoming.Decode<net::HttpRequest>();
  if (!request) {
    incoming.Fail(request.error());
    return std::nullopt;
  }
  FrontResponder responder(incoming);
  const auto opened = std::chrono::steady_clock::now();
  std::optional<api::Window> window = router.Handle(*request, responder);
  windows.Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - opened).count());
  return window;
}

std::unique_ptr<ipc::Peer> StartSupervisorPeer(ipc::Channel channel, StopSignal& stop) {
  ipc::Peer::Handlers handlers;
  handlers.request = metrics::AnswerSupervisor;
  handlers.notice = [&stop](const ipc::Frame& frame) {
    if (frame.type == ipc::Stop::kType) {
      stop.Set(EXIT_SUCCESS);
    } else {
      app::TakeLogSettings(frame);
    }
  };
  handlers.closed = [&stop](const Error&) { stop.Set(EXIT_FAILURE); };
  return ipc::Peer::Start(std::move(channel), std::move(handlers), {.workers = 1});
}

std::unique_ptr<custody::SocketReleaseClient> StartReleaseClient(
    UniqueFd fd, Models& models, inference::SupervisorRoomDirectory& rooms,
    ReceiptKeysSlot& receipt_keys, StopSignal& stop) {
  custody::SocketReleaseClient::Handlers handlers;
  handlers.receipt_keys = [&receipt_keys](custody::ReceiptKeys&& keys) {
    receipt_keys.Set(std::move(keys));
  };
  handlers.tenant = [&models, &rooms](const custody::Tenant& tenant) {
    models.Set(tenant.models);
    rooms.SetModels(RoomModels(tenant.models));
  };
  // What was made from an erased object is under tickets that end with it.
  handlers.erased = [](std::span<const ObjectId>) {};
  // Without the custodian no key comes and none is renewed: end, and be started anew.
  handlers.lost = [&stop](const Error& error) {
    LogError("custodian is gone", error);
    stop.Set(EXIT_FAILURE);
  };
  return custody::SocketReleaseClient::Start(
      ipc::Channel(std::move(fd), ipc::ProcessKind::kKeeper, ipc::ProcessKind::kCustodian),
      std::move(handlers));
}

retrieval::SealedLibraryOptions LibraryOptions(const custody::Tenant& tenant,
                                               const ipc::SetupKeeper& setup) {
  retrieval::SealedLibraryOptions options;
  options.tenant_object = tenant.tenant_object;
  options.system_principal = tenant.operator_principal;
  options.highest_label = static_cast<policy::Label>(tenant.labels.size() - 1);
  options.pipeline.chat_model = FirstOf(tenant.models, "chat");
  options.pipeline.embedding_model = FirstOf(tenant.models, "embedding");
  if (setup.max_document_bytes > 0) {
    options.max_file_bytes = setup.max_document_bytes;
  }
  return options;
}

// Destroyed from the last to the first.
struct Receipts {
  std::unique_ptr<storage::ReceiptStore> store;
  std::unique_ptr<audit::ReceiptBook> book;
};

Result<Receipts> OpenReceipts(custody::ReceiptKeys keys, const ipc::SetupKeeper& setup,
                              custody::ReleaseClient& releases) {
  if (keys.keys.size() != 3) {
    return Fail(ErrorCode::kUnavailable, "the custodian did not send the keys of receipts");
  }
  Receipts receipts;
  Result<std::unique_ptr<storage::ReceiptStore>> store =
      storage::ReceiptStore::Open(setup.folder, setup.tenant, std::move(keys.keys.back()));
  if (!store) {
    return Wrap(store.error(), "receipts.db");
  }
  receipts.store = std::move(*store);
  keys.keys.pop_back();
  Result<std::unique_ptr<audit::ReceiptBook>> book =
      audit::ReceiptBook::Make(keys, releases, *receipts.store);
  if (!book) {
    return std::unexpected(book.error());
  }
  receipts.book = std::move(*book);
  return receipts;
}

// Ends the process although a request does not: what was acknowledged is durable already.
void EndSoon(int status) {
  std::thread([status] {
    std::this_thread::sleep_for(kOrderlyEnd);
    std::fflush(stderr);
    std::_Exit(status);
  }).detach();
}

int Serve(Started started, std::unique_ptr<storage::TenantStore> store) {
  StopSignal stop;
  Models models;
  ReceiptKeysSlot receipt_keys;
  const std::unique_ptr<ipc::Peer> supervisor =
      StartSupervisorPeer(std::move(started.supervisor), stop);
  inference::SupervisorRoomDirectory rooms(*supervisor);
  const std::unique_ptr<custody::SocketReleaseClient> releases =
      StartReleaseClient(std::move(started.fds[0]), models, rooms, receipt_keys, stop);
  Result<custody::Tenant> tenant = releases->WaitForTenant(kTenantTimeout);
  if (!tenant) {
    LogError("the custodian does not know this tenant", tenant.error());
    return EXIT_FAILURE;
  }
  models.Set(tenant->models);
  rooms.SetModels(RoomModels(tenant->models));
  Result<Receipts> receipts = OpenReceipts(receipt_keys.Take(), started.setup, *releases);
  if (!receipts) {
    LogError("receipts cannot be kept", receipts.error());
    return EXIT_FAILURE;
  }
  retrieval::SealedLibrary library(*store, *releases, rooms, app::SupervisorParser(*supervisor),
                                   LibraryOptions(*tenant, started.setup));
  Result<policy::LabelOrder> labels = policy::LabelOrder::Of(tenant->labels);
  if (!labels) {
    LogError("the custodian's labels are none", labels.error());
    return EXIT_FAILURE;
  }
  const api::Router router(api::Services{.library = library,
                                         .rooms = rooms,
                                         .releases = *releases,
                                         .models = [&models] { return models.Get(); },
                                         .receipts = receipts->book.get(),
                                         .labels = std::move(*labels),
                                         .default_label = tenant->default_label});
  ipc::Peer::Handlers handlers;
  handlers.request = [&router](ipc::Incoming incoming) {
    const std::optional<api::Window> window = Answer(router, std::move(incoming));
  };
  // A new front asks for a new keeper.
  handlers.closed = [&stop](const Error&) { stop.Set(EXIT_SUCCESS); };
  const std::unique_ptr<ipc::Peer> front = ipc::Peer::Start(
      ipc::Channel(std::move(started.fds[1]), ipc::ProcessKind::kKeeper, ipc::ProcessKind::kFront),
      std::move(handlers), {.workers = kWorkers, .max_queued = kMaxQueued});
  const int status = stop.Wait();
  EndSoon(status);
  return status;  // in reverse order: requests, indexes and background work, leases, store
}

// The folder is the only thing of the disk that is left.
Result<std::unique_ptr<storage::TenantStore>> Confine(const ipc::SetupKeeper& setup) {
  std::error_code failed;
  std::filesystem::create_directories(setup.folder, failed);
  if (failed) {
    return Fail(ErrorCode::kUnavailable, "the tenant's folder cannot be made", setup.folder);
  }
  Result<sandbox::Applied> applied = sandbox::Enter({.read_write = {setup.folder}});
  if (!applied) {
    return std::unexpected(applied.error());
  }
  for (const std::string& lack : applied->degraded) {
    Log(LogLevel::kWarning, "the sandbox is weaker here", {{"lack", lack}});
  }
  return storage::TenantStore::Open(setup.folder, setup.tenant);
}

int Run() {
  InitLog("keeper");
  if (Result<void> hardened = HardenProcess(/*die_with_parent=*/true); !hardened) {
    LogError("hardening failed", hardened.error());
    return EXIT_FAILURE;
  }
  if (Result<void> ready = crypto::InitCrypto(); !ready) {
    LogError("OpenSSL is not ready", ready.error());
    return EXIT_FAILURE;
  }
  Result<Started> started = ipc::ReceiveSetup<ipc::SetupKeeper>(ipc::ProcessKind::kKeeper, 2, 2);
  if (!started) {
    LogError("start failed", started.error());
    return EXIT_FAILURE;
  }
  Result<std::unique_ptr<storage::TenantStore>> store = Confine(started->setup);
  if (!store) {
    LogError("the tenant cannot be served", store.error());
    ipc::SendStartFailure(started->supervisor, store.error());
    return EXIT_FAILURE;
  }
  if (Result<void> ready = ipc::SendReady(started->supervisor); !ready) {
    LogError("start failed", ready.error());
    return EXIT_FAILURE;
  }
  return Serve(std::move(*started), std::move(*store));
}

}  // namespace
}  // namespace casemate

int main() { return casemate::Run(); }
