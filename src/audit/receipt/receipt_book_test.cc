#include "audit/receipt/receipt_book.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "audit/verify/signed_text.h"
#include "custody/client/fake_release_client.h"

namespace casemate::audit {
namespace {

Key KeyOf(std::uint8_t fill) {
  std::array<std::byte, kKeySize> bytes{};
  bytes.fill(std::byte{fill});
  return Key::TakeFrom(bytes).value();
}

class ReceiptBookTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "casemate-book-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    OpenBook();
  }
  void TearDown() override {
    book_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void OpenBook() {
    book_.reset();
    store_.reset();
    store_ = std::move(*storage::ReceiptStore::Open(folder_, releases_.tenant(), KeyOf(9)));
    custody::ReceiptKeys keys;
    keys.origin = "casemate.local/test";
    keys.keys.push_back(KeyOf(3));
    keys.keys.push_back(KeyOf(4));
    book_ = std::move(*ReceiptBook::Make(keys, releases_, *store_));
  }

  WindowFacts Begin() {
    custody::TicketRequest ask;
    ask.principal = releases_.principal();
    ask.justification = policy::Justification::kCustomerInitiatedAccess;
    ask.duration_ms = 60'000;
    custody::Ticket ticket = std::move(*releases_.Request(ask));
    ticket.LeaveOpen();
    WindowFacts facts;
    facts.receipt = book_->Promise(releases_.principal());
    facts.ticket = ticket.id();
    facts.opened = BootClock::now();
    facts.server.isolation = "process";
    facts.server.engine = "none";
    facts.client.tls = "operator-socket";
    facts.client.method = "POST";
    facts.client.path = "/v1/embeddings";
    return facts;
  }
  Result<ReceiptState> Find(const ReceiptId& id) {
    return book_->Find(id, releases_.principal(), false);
  }
  // Waits until it is no longer pending.
  Result<ReceiptState> Await(const ReceiptId& id) {
    const auto end = BootClock::now() + std::chrono::seconds(20);
    while (BootClock::now() < end) {
      Result<ReceiptState> state = Find(id);
      if (!state || std::holds_alternative<std::string>(*state)) {
        return state;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return Fail(ErrorCode::kDeadlineExceeded, "still pending");
  }

  std::filesystem::path folder_;
  custody::FakeReleaseClient releases_;
  std::unique_ptr<storage::ReceiptStore> store_;
  std::unique_ptr<ReceiptBook> book_;
};

TEST_F(ReceiptBookTest, AReceiptIsPendingUntilItsWindowIsClosedAndKeptAfterwards) {
  WindowFacts facts = Begin();
  const ReceiptId id = facts.receipt;
  const Result<ReceiptState> before = Find(id);
  ASSERT_TRUE(before.has_value());
  EXPECT_TRUE(std::holds_alternative<ReceiptPending>(*before));

  book_->Complete(std::move(facts));
  const Result<ReceiptState> after = Await(id);
  ASSERT_TRUE(after.has_value()) << after.error().message;
  const std::string& text = std::get<std::string>(*after);
  EXPECT_NE(
      text.find("casemate/receipt/server@v1\norigin casemate.local/test\nreceipt " + id.ToString()),
      std::string::npos);
  EXPECT_NE(text.find("\u2014 casemate.local/test/server "), std::string::npos);

  OpenBook();
  EXPECT_EQ(std::get<std::string>(*Find(id)), text);
}

TEST_F(ReceiptBookTest, AnotherPrincipalIsRefusedBeforeAndAfter) {
  WindowFacts facts = Begin();
  const ReceiptId id = facts.receipt;
  const PrincipalId other = crypto::RandomId<PrincipalId>();
  EXPECT_EQ(book_->Find(id, other, false).error().code, ErrorCode::kPermissionDenied);
  EXPECT_TRUE(book_->Find(id, other, true).has_value());
  book_->Complete(std::move(facts));
  ASSERT_TRUE(Await(id).has_value());
  EXPECT_EQ(book_->Find(id, other, false).error().code, ErrorCode::kPermissionDenied);
  EXPECT_TRUE(book_->Find(id, other, true).has_value());
}

TEST_F(ReceiptBookTest, AnUnknownIdIsNotFound) {
  EXPECT_EQ(Find(crypto::RandomId<ReceiptId>()).error().code, ErrorCode::kNotFound);
}

TEST_F(ReceiptBookTest, AReceiptThatCannotBeCompletedSaysWhy) {
  WindowFacts facts = Begin();
  const ReceiptId id = facts.receipt;
  releases_.SetUnavailable(true);
  book_->Complete(std::move(facts));
  const Result<ReceiptState> state = Await(id);
  ASSERT_FALSE(state.has_value());
  EXPECT_EQ(state.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(state.error().message.find("the custodian cannot be reached"), std::string::npos);
}

TEST_F(ReceiptBookTest, AReceiptThatCannotBeStoredIsThereAllTheSame) {
  WindowFacts first = Begin();
  WindowFacts second = Begin();
  const ReceiptId id = second.receipt;
  first.receipt = id;  // the store takes an id once
  book_->Complete(std::move(first));
  ASSERT_TRUE(Await(id).has_value());
  second.receipt = id;
  book_->Complete(std::move(second));
  const auto end = BootClock::now() + std::chrono::seconds(20);
  Result<ReceiptState> state = book_->Find(id, {}, true);
  while (BootClock::now() < end && !(state && std::holds_alternative<std::string>(*state))) {
    state = book_->Find(id, {}, true);
  }
  ASSERT_TRUE(state.has_value());
  EXPECT_TRUE(std::holds_alternative<std::string>(*state));
}

TEST_F(ReceiptBookTest, WhatWaitsIsCompletedAtTheEnd) {
  std::vector<ReceiptId> ids;
  for (int i = 0; i < 40; ++i) {
    WindowFacts facts = Begin();
    ids.push_back(facts.receipt);
    book_->Complete(std::move(facts));
  }
  OpenBook();
  for (const ReceiptId& id : ids) {
    const Result<ReceiptState> state = Find(id);
    ASSERT_TRUE(state.has_value());
    EXPECT_TRUE(std::holds_alternative<std::string>(*state));
  }
}

TEST_F(ReceiptBookTest, TooFewKeysAreRefused) {
  custody::ReceiptKeys keys;
  keys.keys.push_back(KeyOf(3));
  EXPECT_FALSE(ReceiptBook::Make(keys, releases_, *store_).has_value());
}

}  // namespace
}  // namespace casemate::audit
