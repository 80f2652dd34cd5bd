#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/id.h"
#include "secmem/key.h"

// A tenant's receipts, sealed, in D/tenants/<id>/receipts.db: the newest kMaxReceipts. Whose they
// are is inside the seal. docs/formats/store.md, "Receipts". Errors of every call: as
// storage/sqlite.h. Threads: all members may run at the same time.
namespace casemate::storage {

struct StoredReceipt {
  std::array<std::byte, 16> id{};
  PrincipalId principal;  // who asked
  std::string text;       // names no content
};

class ReceiptStore {
 public:
  static constexpr std::uint64_t kMaxReceipts = 20'000;  // of 16 KiB: about 330 MB

  // `key` seals all of them. `keep` at least 1.
  [[nodiscard]] static Result<std::unique_ptr<ReceiptStore>> Open(
      const std::filesystem::path& folder, TenantId tenant, Key key,
      std::uint64_t keep = kMaxReceipts);
  ~ReceiptStore();

  // Durable on return, all or none; the oldest go when there are too many.
  [[nodiscard]] Result<void> Add(std::span<const StoredReceipt> receipts);
  // Nothing: never kept, or no longer. Errors: also kIntegrityFailure: it does not open.
  [[nodiscard]] Result<std::optional<StoredReceipt>> Get(const std::array<std::byte, 16>& id);

 private:
  struct State;
  explicit ReceiptStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace casemate::storage
