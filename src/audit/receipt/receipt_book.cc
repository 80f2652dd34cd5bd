#include "audit/receipt/receipt_book.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "audit/verify/signed_text.h"
#include "base/log.h"

namespace casemate::audit {
namespace {

constexpr std::size_t kBatch = 16;  // receipts that share a write to the disk
// A ticket that is being revoked is closed a moment before its receipt can be asked for.
constexpr std::chrono::milliseconds kRetry{300};

// What is known of a receipt that is not in the store.
struct Entry {
  PrincipalId principal;
  std::optional<Error> failed;
  std::string text;  // complete, but the store would not take it
};

}  // namespace

struct ReceiptBook::State {
  Options options;
  std::string origin;
  std::vector<crypto::SigningKey> signers;
  custody::ReleaseClient* releases = nullptr;
  storage::ReceiptStore* store = nullptr;

  std::mutex mutex;  // guards all below
  std::condition_variable changed;
  std::deque<WindowFacts> waiting;
  std::unordered_map<ReceiptId, Entry> entries;
  std::deque<ReceiptId> kept_here;  // failed or not stored, oldest first
  bool stopping = false;
  std::vector<std::thread> workers;

  void Run();
  Result<std::string> CompleteOne(WindowFacts& facts);
  void Keep(std::vector<storage::StoredReceipt> complete);
  // An entry that stays in memory, bounded. With `mutex` held.
  void KeepHere(const ReceiptId& id) {
    kept_here.push_back(id);
    if (kept_here.size() > options.max_waiting) {
      entries.erase(kept_here.front());
      kept_here.pop_front();
    }
  }
};

Result<std::unique_ptr<ReceiptBook>> ReceiptBook::Make(const custody::ReceiptKeys& keys,
                                                       custody::ReleaseClient& releases,
                                                       storage::ReceiptStore& store,
                                                       Options options) {
  constexpr std::array kAlgorithms = {crypto::SignatureAlgorithm::kEd25519,
                                      crypto::SignatureAlgorithm::kMlDsa44};
  if (keys.keys.size() < kAlgorithms.size()) {
    return Fail(ErrorCode::kInvalidArgument, "the custodian sent too few receipt keys");
  }
  auto state = std::make_unique<State>();
  state->options = options;
  state->origin = keys.origin;
  state->releases = &releases;
  state->store = &store;
  for (std::size_t i = 0; i < kAlgorithms.size(); ++i) {
    Result<crypto::SigningKey> key = crypto::SigningKey::FromSeed(kAlgorithms[i], keys.keys[i]);
    if (!key) {
      return std::unexpected(key.error());
    }
    state->signers.push_back(std::move(*key));
  }
  for (std::size_t i = 0; i < options.workers; ++i) {
    state->workers.emplace_back([raw = state.get()] { raw->Run(); });
  }
  return std::unique_ptr<ReceiptBook>(new ReceiptBook(std::move(state)));
}

ReceiptBook::ReceiptBook(std::unique_ptr<State> state) : state_(std::move(state)) {}

ReceiptBook::~ReceiptBook() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  for (std::thread& worker : state_->workers) {
    worker.join();
  }
}

ReceiptId ReceiptBook::Promise(const PrincipalId& principal) {
  const auto id = crypto::RandomId<ReceiptId>();
  const std::lock_guard lock(state_->mutex);
  state_->entries.emplace(id, Entry{.principal = principal, .failed = {}, .text = {}});
  return id;
}

void ReceiptBook::Complete(WindowFacts facts) {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock,
                       [this] { return state_->waiting.size() < state_->options.max_waiting; });
  state_->waiting.push_back(std::move(facts));
  lock.unlock();
  state_->changed.notify_all();
}

Result<std::string> ReceiptBook::State::CompleteOne(WindowFacts& facts) {
  ServerBlock& server = facts.server;
  ClientBlock& client = facts.client;
  server.origin = client.origin = origin;
  server.receipt = client.receipt = facts.receipt;
  server.closed_ms = UnixMillis();
  server.duration_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(BootClock::now() - facts.opened)
          .count());
  const std::string server_text = FormatBlock(server);
  const std::string client_text = FormatBlock(client);
  custody::CloseForReceipt request;
  request.ticket = facts.ticket;
  request.receipt = facts.receipt.array();
  request.server_text = crypto::Sha256(AsBytes(server_text));
  request.client_text = crypto::Sha256(AsBytes(client_text));
  Result<custody::CloseForReceiptReply> closed = releases->CloseWithReceipt(request);
  if (!closed && closed.error().code == ErrorCode::kDeadlineExceeded) {
    std::this_thread::sleep_for(kRetry);
    closed = releases->CloseWithReceipt(request);
  }
  if (!closed) {
    return std::unexpected(closed.error());
  }
  const std::string name = ServerKeyName(origin);
  Result<std::string> server_note = SignText(server_text, name, signers);
  Result<std::string> client_note = SignText(client_text, name, signers);
  if (!server_note || !client_note) {
    return std::unexpected(server_note ? client_note.error() : server_note.error());
  }
  return FormatReceipt(closed->custodian_note, *server_note, *client_note);
}

void ReceiptBook::State::Keep(std::vector<storage::StoredReceipt> complete) {
  if (complete.empty()) {
    return;
  }
  const Result<void> stored = store->Add(complete);
  if (!stored) {
    LogError("receipts could not be stored; they are kept in memory", stored.error(),
             {{"count", complete.size()}});
  }
  const std::lock_guard lock(mutex);
  for (storage::StoredReceipt& receipt : complete) {
    const ReceiptId id(receipt.id);
    if (stored) {
      entries.erase(id);
    } else {
      entries[id].text = std::move(receipt.text);
      KeepHere(id);
    }
  }
}

void ReceiptBook::State::Run() {
  while (true) {
    std::vector<WindowFacts> batch;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return stopping || !waiting.empty(); });
      if (waiting.empty()) {
        return;
      }
      while (!waiting.empty() && batch.size() < kBatch) {
        batch.push_back(std::move(waiting.front()));
        waiting.pop_front();
      }
    }
    changed.notify_all();
    std::vector<storage::StoredReceipt> complete;
    for (WindowFacts& facts : batch) {
      Result<std::string> text = CompleteOne(facts);
      const std::lock_guard lock(mutex);
      Entry& entry = entries[facts.receipt];
      if (text) {
        complete.push_back({facts.receipt.array(), entry.principal, std::move(*text)});
      } else {
        LogError("a receipt could not be completed", text.error());
        entry.failed = text.error();
        KeepHere(facts.receipt);
      }
    }
    Keep(std::move(complete));
  }
}

Result<ReceiptState> ReceiptBook::Find(const ReceiptId& id, const PrincipalId& principal,
                                       bool any_principal) {
  const auto other = [&](const PrincipalId& owner) { return !any_principal && owner != principal; };
  const auto refuse = [] {
    return Fail(ErrorCode::kPermissionDenied,
                "This receipt is of another principal's request; only who asked may read it, or "
                "the operator.");
  };
  {
    const std::lock_guard lock(state_->mutex);
    if (const auto found = state_->entries.find(id); found != state_->entries.end()) {
      const Entry& entry = found->second;
      if (other(entry.principal)) {
        return refuse();
      }
      if (entry.failed) {
        return Fail(ErrorCode::kUnavailable,
                    "The receipt could not be completed: " + entry.failed->message +
                        ". What the log has of this request is still there.",
                    entry.failed->detail);
      }
      return entry.text.empty() ? ReceiptState(ReceiptPending()) : ReceiptState(entry.text);
    }
  }
  Result<std::optional<storage::StoredReceipt>> stored = state_->store->Get(id.array());
  if (!stored) {
    return std::unexpected(stored.error());
  }
  if (!*stored) {
    return Fail(ErrorCode::kNotFound,
                "There is no such receipt: another id, older than those that are kept, or the "
                "server ended before its window was closed.");
  }
  if (other((*stored)->principal)) {
    return refuse();
  }
  return ReceiptState(std::move((*stored)->text));
}

}  // namespace casemate::audit
