#include "storage/receipt_store.h"

#include <mutex>

#include "crypto/seal.h"
#include "storage/sqlite.h"

namespace casemate::storage {
namespace {

constexpr std::array<std::string_view, 1> kMigrations = {R"sql(
CREATE TABLE receipt(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL UNIQUE CHECK(length(id) = 16),
  sealed BLOB NOT NULL
) STRICT;
)sql"};

constexpr std::size_t kPrincipalSize = 16;

}  // namespace

struct ReceiptStore::State {
  TenantId tenant;
  Key key;
  std::uint64_t keep;
  std::mutex mutex;  // guards `database`
  Database database;

  // "casemate/receipt@v1" || tenant 16 || id 16.
  Bytes Context(const std::array<std::byte, 16>& id) const {
    Bytes context;
    Put(context, AsBytes("casemate/receipt@v1"));
    Put(context, tenant.bytes());
    Put(context, id);
    return context;
  }
};

ReceiptStore::ReceiptStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
ReceiptStore::~ReceiptStore() = default;

Result<std::unique_ptr<ReceiptStore>> ReceiptStore::Open(const std::filesystem::path& folder,
                                                         TenantId tenant, Key key,
                                                         std::uint64_t keep) {
  Result<Database> database = Database::Open(folder / "receipts.db", {.create = true});
  if (!database) {
    return std::unexpected(database.error());
  }
  if (Result<void> migrated = database->Migrate(kMigrations); !migrated) {
    return std::unexpected(migrated.error());
  }
  return std::unique_ptr<ReceiptStore>(new ReceiptStore(
      std::unique_ptr<State>(new State{tenant, std::move(key), keep, {}, std::move(*database)})));
}

Result<void> ReceiptStore::Add(std::span<const StoredReceipt> receipts) {
  std::vector<Bytes> sealed;
  for (const StoredReceipt& receipt : receipts) {
    Plaintext record = Plaintext::Copy(receipt.principal.bytes());
    record.Append(PlaintextView::Of(receipt.text));
    Result<Bytes> one = crypto::Seal(state_->key, state_->Context(receipt.id), record);
    if (!one) {
      return std::unexpected(one.error());
    }
    sealed.push_back(std::move(*one));
  }
  const std::lock_guard lock(state_->mutex);
  Result<Transaction> transaction = Transaction::Begin(state_->database);
  Result<Statement> insert =
      state_->database.Prepare("INSERT INTO receipt(id, sealed) VALUES(?, ?)");
  Result<Statement> drop = state_->database.Prepare(
      "DELETE FROM receipt WHERE seq <= (SELECT max(seq) FROM receipt) - ?");
  if (!transaction || !insert || !drop) {
    return std::unexpected(!transaction ? transaction.error()
                           : !insert    ? insert.error()
                                        : drop.error());
  }
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    insert->BindBlob(0, receipts[i].id).BindBlob(1, sealed[i]);
    if (Result<void> added = insert->Run(); !added) {
      return added;
    }
  }
  drop->Bind(0, static_cast<std::int64_t>(state_->keep));
  if (Result<void> dropped = drop->Run(); !dropped) {
    return dropped;
  }
  return transaction->Commit();
}

Result<std::optional<StoredReceipt>> ReceiptStore::Get(const std::array<std::byte, 16>& id) {
  Bytes sealed;
  {
    const std::lock_guard lock(state_->mutex);
    Result<Statement> select = state_->database.Prepare("SELECT sealed FROM receipt WHERE id = ?");
    if (!select) {
      return std::unexpected(select.error());
    }
    Result<bool> row = select->BindBlob(0, id).Step();
    if (!row) {
      return std::unexpected(row.error());
    }
    if (!*row) {
      return std::nullopt;
    }
    const ByteView blob = select->Blob(0);
    sealed.assign(blob.begin(), blob.end());
  }
  Result<Plaintext> record = crypto::Open(state_->key, state_->Context(id), sealed);
  if (!record) {
    return Fail(ErrorCode::kIntegrityFailure, "the kept receipt does not verify",
                record.error().message);
  }
  const ByteView bytes = record->view().RevealBytes();
  if (bytes.size() < kPrincipalSize) {
    return Fail(ErrorCode::kIntegrityFailure, "the kept receipt does not verify", "too short");
  }
  Result<PrincipalId> principal = PrincipalId::FromBytes(bytes.first(kPrincipalSize));
  if (!principal) {
    return std::unexpected(principal.error());
  }
  return StoredReceipt{id, *principal, std::string(AsText(bytes.subspan(kPrincipalSize)))};
}

}  // namespace casemate::storage
