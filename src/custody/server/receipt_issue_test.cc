#include <gtest/gtest.h>

#include "audit/verify/log_reader.h"
#include "audit/verify/receipt.h"
#include "audit/verify/signed_text.h"
#include "custody/server/deployment_fixture_test.h"
#include "custody/server/release_desk.h"

// What the custodian signs as a ticket closes, against what a verifier with the log's keys accepts.
namespace casemate::custody {
namespace {

constexpr std::string_view kBody = "{}";

class ReceiptIssueTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<Custodian::Made> made =
        Custodian::Make(deployment_.Options(deployment_.OpenToken(true)), Init{});
    ASSERT_TRUE(made.has_value()) << made.error().message;
    custodian_ = std::move(made->custodian);
    log_keys_ = audit::ParseVerifierKeys(made->reply.log_vkeys).value();
    tenant_ = custodian_->ListTenants().tenants.front().id;
    desk_ = std::make_unique<ReleaseDesk>(*custodian_, std::chrono::seconds(30));
    session_ = desk_->OpenSession(tenant_, [](const Revoke&) {});
    key_ = custodian_->CreateKey(KeyCreate{}).value();
  }

  TicketReply Ask(std::uint32_t duration_ms = 60'000) {
    TicketRequest request;
    request.principal = key_.principal;
    request.key = key_.id;
    request.justification = policy::Justification::kCustomerInitiatedAccess;
    request.actions = policy::Action::kSeal | policy::Action::kRead;
    request.all_collections = true;
    request.max_objects = 10;
    request.duration_ms = duration_ms;
    request.request_digest = audit::RequestDigest(salt_, AsBytes(kBody));
    return desk_->Request(session_, request).value();
  }

  // As a keeper of `tenant` does it.
  Result<std::string> Complete(const TicketId& ticket, const TenantId& tenant) {
    const ReceiptKeys keys = custodian_->ReceiptKeysFor(tenant).value();
    std::vector<crypto::SigningKey> signers;
    signers.push_back(
        crypto::SigningKey::FromSeed(crypto::SignatureAlgorithm::kEd25519, keys.keys[0]).value());
    signers.push_back(
        crypto::SigningKey::FromSeed(crypto::SignatureAlgorithm::kMlDsa44, keys.keys[1]).value());
    audit::ServerBlock server;
    server.origin = keys.origin;
    server.isolation = "process";
    server.engine = "none";
    audit::ClientBlock client;
    client.origin = keys.origin;
    client.tls = "operator-socket";
    client.method = "POST";
    client.path = "/v1/embeddings";
    client.request = audit::RequestDigest(salt_, AsBytes(kBody));
    CloseForReceipt request;
    request.ticket = ticket;
    request.server_text = crypto::Sha256(AsBytes(audit::FormatBlock(server)));
    request.client_text = crypto::Sha256(AsBytes(audit::FormatBlock(client)));
    const Result<CloseForReceiptReply> reply = desk_->CloseWithReceipt(session_, request);
    if (!reply) {
      return std::unexpected(reply.error());
    }
    const std::string name = audit::ServerKeyName(keys.origin);
    return audit::FormatReceipt(reply->custodian_note,
                                audit::SignText(audit::FormatBlock(server), name, signers).value(),
                                audit::SignText(audit::FormatBlock(client), name, signers).value());
  }

  Deployment deployment_;
  std::unique_ptr<Custodian> custodian_;
  std::vector<audit::VerifierKey> log_keys_;
  TenantId tenant_;
  std::unique_ptr<ReleaseDesk> desk_;
  ReleaseDesk::SessionId session_ = 0;
  KeyCreateReply key_;
  audit::ReceiptSalt salt_{};
};

TEST_F(ReceiptIssueTest, ItVerifiesWithTheLogsKeysAndTheLogHasBothEntries) {
  const TicketReply ticket = Ask();
  CreateObjectsRequest create;
  create.ticket = ticket.ticket;
  create.objects.resize(2);
  create.purposes = {policy::Purpose::kContent};
  const Result<CreateObjectsReply> created = desk_->Create(session_, create);
  ASSERT_TRUE(created.has_value());
  OpenRequest open;
  open.ticket = ticket.ticket;
  open.objects = {created->objects[0].ref, created->objects[1].ref};
  ASSERT_TRUE(desk_->Open(session_, open).has_value());

  const Result<std::string> text = Complete(ticket.ticket, tenant_);
  ASSERT_TRUE(text.has_value()) << text.error().message;
  const Result<audit::Receipt> receipt = audit::VerifyReceipt(*text, log_keys_);
  ASSERT_TRUE(receipt.has_value()) << receipt.error().message;
  EXPECT_EQ(receipt->custodian.ticket_index, ticket.log_index);
  EXPECT_EQ(receipt->custodian.closed.count, 2U);
  EXPECT_EQ(receipt->custodian.ticket.actions, 10U);

  ASSERT_TRUE(custodian_->log().Checkpoint().has_value());
  const Result<audit::LogReader> log =
      audit::LogReader::Open(deployment_.folder() / "audit", log_keys_);
  ASSERT_TRUE(log.has_value()) << log.error().message;
  for (const auto& [index, leaf] :
       {std::pair(receipt->custodian.ticket_index, receipt->custodian.ticket),
        std::pair(receipt->custodian.closed_index, receipt->custodian.closed)}) {
    const Result<std::string> proof = log->Prove(index);
    ASSERT_TRUE(proof.has_value());
    EXPECT_EQ(audit::VerifyProof(*proof, log_keys_)->entry, audit::EncodeLeaf(leaf));
  }
}

TEST_F(ReceiptIssueTest, ATicketThatWasRevokedStillHasItsReceiptOnce) {
  const TicketReply ticket = Ask();
  EXPECT_EQ(desk_->EndTicketsOf(key_.id), 1U);
  const Result<std::string> text = Complete(ticket.ticket, tenant_);
  ASSERT_TRUE(text.has_value()) << text.error().message;
  EXPECT_TRUE(audit::VerifyReceipt(*text, log_keys_).has_value());
  EXPECT_FALSE(Complete(ticket.ticket, tenant_).has_value());
}

TEST_F(ReceiptIssueTest, ATicketWhoseTimeIsOverStillHasItsReceipt) {
  const TicketReply ticket = Ask(1);
  ::usleep(5000);
  desk_->Sweep();
  const Result<std::string> text = Complete(ticket.ticket, tenant_);
  ASSERT_TRUE(text.has_value()) << text.error().message;
  EXPECT_TRUE(audit::VerifyReceipt(*text, log_keys_).has_value());
}

TEST_F(ReceiptIssueTest, AnotherSessionsTicketHasNone) {
  const TicketReply ticket = Ask();
  session_ = desk_->OpenSession(tenant_, [](const Revoke&) {});
  const Result<std::string> text = Complete(ticket.ticket, tenant_);
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().code, ErrorCode::kDeadlineExceeded);
}

TEST_F(ReceiptIssueTest, AClosedTicketHasNone) {
  const TicketReply ticket = Ask();
  ASSERT_TRUE(desk_->Close(session_, CloseTicketRequest{ticket.ticket}).has_value());
  EXPECT_FALSE(Complete(ticket.ticket, tenant_).has_value());
}

TEST_F(ReceiptIssueTest, AnotherTenantsKeysDoNotSignThisTenantsReceipts) {
  const TenantId other = custodian_->CreateTenant(TenantCreate{"other"}).value().id;
  const TicketReply ticket = Ask();
  const Result<std::string> text = Complete(ticket.ticket, other);
  ASSERT_TRUE(text.has_value());
  const Result<audit::Receipt> receipt = audit::VerifyReceipt(*text, log_keys_);
  ASSERT_FALSE(receipt.has_value());
  EXPECT_NE(receipt.error().message.find("server block"), std::string::npos);
}

TEST_F(ReceiptIssueTest, TheKeysAreTheSameAfterARestart) {
  const ReceiptKeys before = custodian_->ReceiptKeysFor(tenant_).value();
  desk_.reset();
  ASSERT_TRUE(custodian_->Stop().has_value());
  custodian_.reset();
  custodian_ = deployment_.Open();
  const ReceiptKeys after = custodian_->ReceiptKeysFor(tenant_).value();
  ASSERT_EQ(before.keys.size(), 3U);
  for (std::size_t i = 0; i < before.keys.size(); ++i) {
    EXPECT_EQ(crypto::Sha256(before.keys[i].view().RevealKey()),
              crypto::Sha256(after.keys[i].view().RevealKey()));
  }
}

}  // namespace
}  // namespace casemate::custody
