#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "audit/receipt/receipt_book.h"
#include "custody/client/fake_release_client.h"
#include "storage/receipt_store.h"

// Receipts in a folder of their own, over a custodian in memory.
namespace casemate::api {

class TestReceipts {
 public:
  explicit TestReceipts(custody::FakeReleaseClient& releases) {
    std::string pattern = std::filesystem::temp_directory_path() / "casemate-api-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    store_ = std::move(*storage::ReceiptStore::Open(folder_, releases.tenant(), KeyOf(9)));
    custody::ReceiptKeys keys;
    keys.origin = "casemate.local/test";
    keys.keys.push_back(KeyOf(3));
    keys.keys.push_back(KeyOf(4));
    book_ = std::move(*audit::ReceiptBook::Make(keys, releases, *store_));
  }
  ~TestReceipts() {
    book_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  TestReceipts(const TestReceipts&) = delete;
  TestReceipts& operator=(const TestReceipts&) = delete;
  audit::ReceiptBook& book() { return *book_; }

 private:
  static Key KeyOf(std::uint8_t fill) {
    std::array<std::byte, kKeySize> bytes{};
    bytes.fill(std::byte{fill});
    return Key::TakeFrom(bytes).value();
  }
  std::filesystem::path folder_;
  std::unique_ptr<storage::ReceiptStore> store_;
  std::unique_ptr<audit::ReceiptBook> book_;
};

}  // namespace casemate::api
