#include "storage/receipt_store.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "storage/sqlite.h"

namespace casemate::storage {
namespace {

Key KeyOf(std::uint8_t fill) {
  std::array<std::byte, kKeySize> bytes{};
  bytes.fill(std::byte{fill});
  return Key::TakeFrom(bytes).value();
}
std::array<std::byte, 16> IdOf(std::uint8_t number) {
  std::array<std::byte, 16> id{};
  id[15] = std::byte{number};
  return id;
}

class ReceiptStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "casemate-receipts-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    tenant_ = TenantId(IdOf(9));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<ReceiptStore> Open(std::uint64_t keep = 100, std::uint8_t key = 1) {
    Result<std::unique_ptr<ReceiptStore>> store =
        ReceiptStore::Open(folder_, tenant_, KeyOf(key), keep);
    EXPECT_TRUE(store.has_value()) << store.error().message;
    return std::move(*store);
  }
  static StoredReceipt Some(std::uint8_t number) {
    return {IdOf(number), PrincipalId(IdOf(77)), "receipt number " + std::to_string(number)};
  }
  static void Add(ReceiptStore& store, std::uint8_t number) {
    const StoredReceipt one = Some(number);
    ASSERT_TRUE(store.Add({&one, 1}).has_value());
  }

  std::filesystem::path folder_;
  TenantId tenant_;
};

TEST_F(ReceiptStoreTest, AReceiptIsThereAfterReopening) {
  Add(*Open(), 1);
  const auto store = Open();
  const auto got = store->Get(IdOf(1));
  ASSERT_TRUE(got.has_value() && got->has_value());
  EXPECT_EQ((*got)->text, "receipt number 1");
  EXPECT_EQ((*got)->principal, PrincipalId(IdOf(77)));
  EXPECT_FALSE(store->Get(IdOf(2))->has_value());
}

TEST_F(ReceiptStoreTest, TheOldestGoWhenThereAreTooMany) {
  const auto store = Open(2);
  for (std::uint8_t i = 1; i <= 4; ++i) {
    Add(*store, i);
  }
  EXPECT_FALSE(store->Get(IdOf(1))->has_value());
  EXPECT_FALSE(store->Get(IdOf(2))->has_value());
  EXPECT_TRUE(store->Get(IdOf(3))->has_value());
  EXPECT_TRUE(store->Get(IdOf(4))->has_value());
}

TEST_F(ReceiptStoreTest, ATakenIdIsRefusedAndNothingOfTheCallIsKept) {
  const auto store = Open();
  Add(*store, 1);
  const std::vector<StoredReceipt> two = {Some(2), Some(1)};
  EXPECT_FALSE(store->Add(two).has_value());
  EXPECT_FALSE(store->Get(IdOf(2))->has_value());
}

TEST_F(ReceiptStoreTest, AnotherKeyOpensNothing) {
  Add(*Open(), 1);
  const auto got = Open(100, 2)->Get(IdOf(1));
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, ErrorCode::kIntegrityFailure);
}

TEST_F(ReceiptStoreTest, AReceiptMovedToAnotherIdDoesNotOpen) {
  Add(*Open(), 1);
  {
    Result<Database> database = Database::Open(folder_ / "receipts.db", {});
    ASSERT_TRUE(database.has_value());
    Result<Statement> update = database->Prepare("UPDATE receipt SET id = ?");
    ASSERT_TRUE(update.has_value());
    ASSERT_TRUE(update->BindBlob(0, IdOf(2)).Run().has_value());
  }
  const auto got = Open()->Get(IdOf(2));
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, ErrorCode::kIntegrityFailure);
}

TEST_F(ReceiptStoreTest, NeitherTextNorPrincipalRestsInThePlain) {
  Add(*Open(), 1);
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(content.find("receipt number"), std::string::npos) << file.path();
    EXPECT_EQ(content.find(std::string(15, '\0') + "\x4d"), std::string::npos) << file.path();
  }
}

}  // namespace
}  // namespace casemate::storage
