#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>

#include "custody/client/release_client_harness_test.h"

// What every ReleaseClient must do. An implementation's test instantiates the suite with a factory.
namespace casemate::custody {

using ReleaseClientFactory = std::function<std::unique_ptr<ReleaseClientHarness>()>;

class ReleaseClientContractTest : public testing::TestWithParam<ReleaseClientFactory> {
 protected:
  void SetUp() override { harness_ = GetParam()(); }

  ReleaseClient& client() { return harness_->client(); }

  Ticket Ask(const TicketRequest& request) {
    Result<Ticket> ticket = client().Request(request);
    EXPECT_TRUE(ticket.has_value()) << ticket.error().message;
    return std::move(*ticket);
  }
  Created Make(const Ticket& ticket, const NewObject& object) {
    const policy::Purpose purposes[] = {policy::Purpose::kContent, policy::Purpose::kMetadata};
    Result<std::vector<Created>> made = client().Create(ticket, {object}, purposes);
    EXPECT_TRUE(made.has_value()) << made.error().message << made.error().detail;
    return std::move(made->front());
  }
  static std::array<std::byte, kKeySize> KeyOf(const Lease& lease) {
    std::array<std::byte, kKeySize> bytes{};
    const Result<void> read = lease.With([&bytes](KeyView key) -> Result<void> {
      std::memcpy(bytes.data(), key.RevealKey().data(), kKeySize);
      return {};
    });
    EXPECT_TRUE(read.has_value());
    return bytes;
  }
  static bool Dark(const Lease& lease) {
    return !lease.With([](KeyView) -> Result<void> { return {}; }).has_value();
  }

  std::unique_ptr<ReleaseClientHarness> harness_;
};

TEST_P(ReleaseClientContractTest, ATicketThatIsLeftOpenIsClosedOnceWithItsReceipt) {
  CloseForReceipt request;
  {
    Ticket ticket = Ask(harness_->Everything());
    request.ticket = ticket.id();
    ticket.LeaveOpen();
  }
  const Result<CloseForReceiptReply> first = client().CloseWithReceipt(request);
  ASSERT_TRUE(first.has_value()) << first.error().message;
  EXPECT_TRUE(first->custodian_note.starts_with("casemate/receipt/custodian@v1\n"));
  const Result<CloseForReceiptReply> second = client().CloseWithReceipt(request);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kDeadlineExceeded);
}

TEST_P(ReleaseClientContractTest, OpenGivesTheKeyThatCreateGave) {
  const Ticket ticket = Ask(harness_->Everything());
  const Created created = Make(ticket, {});
  ASSERT_EQ(created.leases.size(), 2U);

  const Result<std::vector<Lease>> opened =
      client().Open(ticket, policy::Purpose::kContent, {&created.ref, 1});

  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  ASSERT_EQ(opened->size(), 1U);
  EXPECT_EQ(KeyOf(opened->front()), KeyOf(created.leases[0]));
  EXPECT_NE(KeyOf(opened->front()), KeyOf(created.leases[1]));
}

TEST_P(ReleaseClientContractTest, AnotherTicketOpensTheSameKey) {
  ObjectRef ref;
  std::array<std::byte, kKeySize> key{};
  {
    Ticket ticket = Ask(harness_->Everything());
    const Created created = Make(ticket, {});
    ref = created.ref;
    key = KeyOf(created.leases[0]);
    ASSERT_TRUE(client().Close(std::move(ticket)).has_value());
  }
  const Ticket second = Ask(harness_->Everything());
  const auto opened = client().Open(second, policy::Purpose::kContent, {&ref, 1});
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(KeyOf(opened->front()), key);
}

TEST_P(ReleaseClientContractTest, TheTenantObjectOpensForTheNameIndex) {
  const Ticket ticket = Ask(harness_->Everything());
  const ObjectRef ref = harness_->tenant_object();
  const auto opened = client().Open(ticket, policy::Purpose::kNameIndex, {&ref, 1});
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
}

TEST_P(ReleaseClientContractTest, RequestRefusesADeniedJustification) {
  TicketRequest request = harness_->Everything();
  request.justification = policy::Justification::kThirdPartyDataRequest;
  const Result<Ticket> ticket = client().Request(request);
  ASSERT_FALSE(ticket.has_value());
  EXPECT_EQ(ticket.error().code, ErrorCode::kPermissionDenied);
}

TEST_P(ReleaseClientContractTest, RequestRefusesAnUnknownPrincipal) {
  TicketRequest request = harness_->Everything();
  request.principal = PrincipalId();
  const Result<Ticket> ticket = client().Request(request);
  ASSERT_FALSE(ticket.has_value());
  EXPECT_EQ(ticket.error().code, ErrorCode::kPermissionDenied);
}

TEST_P(ReleaseClientContractTest, OpenRefusesAPurposeOutsideTheActions) {
  ObjectRef ref;
  {
    const Ticket maker = Ask(harness_->Everything());
    ref = Make(maker, {}).ref;
  }
  TicketRequest request = harness_->Everything();
  request.actions = static_cast<policy::ActionSet>(policy::Action::kList);
  const Ticket ticket = Ask(request);
  const auto opened = client().Open(ticket, policy::Purpose::kContent, {&ref, 1});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kPermissionDenied);
}

TEST_P(ReleaseClientContractTest, ASealTicketOpensWhatItMade) {
  TicketRequest request = harness_->Everything();
  request.actions = static_cast<policy::ActionSet>(policy::Action::kSeal);
  const Ticket ticket = Ask(request);
  const Created created = Make(ticket, {});
  const auto opened = client().Open(ticket, policy::Purpose::kContent, {&created.ref, 1});
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
}

TEST_P(ReleaseClientContractTest, OpenRefusesALabelAboveTheTicket) {
  ObjectRef ref;
  {
    const Ticket maker = Ask(harness_->Everything());
    NewObject object;
    object.label = policy::Label::kSecret;
    ref = Make(maker, object).ref;
  }
  TicketRequest request = harness_->Everything();
  request.label = policy::Label::kInternal;
  const Ticket ticket = Ask(request);
  const auto opened = client().Open(ticket, policy::Purpose::kContent, {&ref, 1});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kPermissionDenied);
}

TEST_P(ReleaseClientContractTest, OpenRefusesMoreThanTheTicketCounts) {
  ObjectRef ref;
  {
    const Ticket maker = Ask(harness_->Everything());
    ref = Make(maker, {}).ref;
  }
  TicketRequest request = harness_->Everything();
  request.max_objects = 1;
  const Ticket ticket = Ask(request);
  ASSERT_TRUE(client().Open(ticket, policy::Purpose::kContent, {&ref, 1}).has_value());
  const auto second = client().Open(ticket, policy::Purpose::kContent, {&ref, 1});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kPermissionDenied);
}

TEST_P(ReleaseClientContractTest, OpenRefusesAnObjectUnderAnotherId) {
  const Ticket ticket = Ask(harness_->Everything());
  ObjectRef ref = Make(ticket, {}).ref;
  ref.id = harness_->tenant_object().id;
  const auto opened = client().Open(ticket, policy::Purpose::kContent, {&ref, 1});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kNotFound);
}

TEST_P(ReleaseClientContractTest, OpenRefusesACollectionOutsideTheTicket) {
  CollectionId collection;
  ObjectRef inside;
  {
    const Ticket maker = Ask(harness_->Everything());
    NewObject object;
    object.kind = policy::ObjectKind::kCollection;
    collection = As<CollectionId>(Make(maker, object).ref.id);
    NewObject attachment;
    attachment.kind = policy::ObjectKind::kAttachment;
    attachment.collection = collection;
    inside = Make(maker, attachment).ref;
  }
  TicketRequest request = harness_->Everything();
  request.all_collections = false;
  {
    const Ticket ticket = Ask(request);
    const auto opened = client().Open(ticket, policy::Purpose::kChunks, {&inside, 1});
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, ErrorCode::kPermissionDenied);
  }
  request.collections = {collection};
  const Ticket ticket = Ask(request);
  const auto opened = client().Open(ticket, policy::Purpose::kChunks, {&inside, 1});
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
}

TEST_P(ReleaseClientContractTest, ACollectionsOwnObjectIsInThatCollection) {
  ObjectRef ref;
  {
    const Ticket maker = Ask(harness_->Everything());
    NewObject object;
    object.kind = policy::ObjectKind::kCollection;
    ref = Make(maker, object).ref;
  }
  TicketRequest request = harness_->Everything();
  request.all_collections = false;
  {
    const Ticket ticket = Ask(request);
    const auto opened = client().Open(ticket, policy::Purpose::kMetadata, {&ref, 1});
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, ErrorCode::kPermissionDenied);
    EXPECT_EQ(client().Filter(ticket, policy::Purpose::kMetadata, {&ref, 1}).value(),
              std::vector<Reach>{Reach::kElsewhere});
  }
  request.collections = {As<CollectionId>(ref.id)};
  const Ticket ticket = Ask(request);
  EXPECT_TRUE(client().Open(ticket, policy::Purpose::kMetadata, {&ref, 1}).has_value());
}

TEST_P(ReleaseClientContractTest, FilterSaysWhatOpenWouldLeaseAndCountsNothing) {
  std::vector<ObjectRef> refs;
  {
    const Ticket maker = Ask(harness_->Everything());
    NewObject object;
    refs.push_back(Make(maker, object).ref);
    object.label = policy::Label::kSecret;
    refs.push_back(Make(maker, object).ref);
    refs.push_back(refs.front());
    refs.back().id = harness_->tenant_object().id;  // no such object
  }
  TicketRequest request = harness_->Everything();
  request.label = policy::Label::kInternal;
  request.max_objects = 1;
  Ticket ticket = Ask(request);
  const auto visible = client().Filter(ticket, policy::Purpose::kContent, refs);
  ASSERT_TRUE(visible.has_value()) << visible.error().message;
  EXPECT_EQ(*visible, (std::vector<Reach>{Reach::kOpens, Reach::kHidden, Reach::kHidden}));
  EXPECT_TRUE(client().Open(ticket, policy::Purpose::kContent, {refs.data(), 1}).has_value());
  EXPECT_EQ(client().Close(std::move(ticket))->objects_opened, 1U);
}

TEST_P(ReleaseClientContractTest, TheTicketSaysHowFarItReachesInEachCollection) {
  CollectionId collection;
  {
    const Ticket maker = Ask(harness_->Everything());
    NewObject object;
    object.kind = policy::ObjectKind::kCollection;
    collection = As<CollectionId>(Make(maker, object).ref.id);
  }
  TicketRequest request = harness_->Everything();
  request.label = policy::Label::kInternal;
  const Ticket all = Ask(request);
  EXPECT_EQ(all.ceiling(collection), policy::Label::kInternal);
  request.all_collections = false;
  const Ticket none = Ask(request);
  EXPECT_EQ(none.ceiling(collection), std::nullopt);
  request.collections = {collection};
  const Ticket one = Ask(request);
  EXPECT_EQ(one.ceiling(collection), policy::Label::kInternal);
  EXPECT_EQ(one.ceiling(CollectionId()), std::nullopt);
}

TEST_P(ReleaseClientContractTest, CreateRefusesALabelBelowItsSource) {
  const Ticket ticket = Ask(harness_->Everything());
  NewObject file;
  file.label = policy::Label::kConfidential;
  NewObject attachment;
  attachment.kind = policy::ObjectKind::kAttachment;
  attachment.sources = {Make(ticket, file).ref};
  const policy::Purpose purpose = policy::Purpose::kChunks;
  for (const policy::Label label : {policy::Label::kPublic, policy::Label::kInternal}) {
    attachment.label = label;
    const auto made = client().Create(ticket, {attachment}, {&purpose, 1});
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code, ErrorCode::kPermissionDenied);
  }
  attachment.label = policy::Label::kSecret;
  EXPECT_TRUE(client().Create(ticket, {attachment}, {&purpose, 1}).has_value());
}

TEST_P(ReleaseClientContractTest, CreateRefusesACollectionOutsideTheTicket) {
  CollectionId collection;
  {
    const Ticket maker = Ask(harness_->Everything());
    NewObject object;
    object.kind = policy::ObjectKind::kCollection;
    collection = As<CollectionId>(Make(maker, object).ref.id);
  }
  TicketRequest request = harness_->Everything();
  request.all_collections = false;
  const Ticket ticket = Ask(request);
  NewObject attachment;
  attachment.kind = policy::ObjectKind::kAttachment;
  attachment.collection = collection;
  const policy::Purpose purpose = policy::Purpose::kChunks;
  const auto made = client().Create(ticket, {attachment}, {&purpose, 1});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, ErrorCode::kPermissionDenied);
}

TEST_P(ReleaseClientContractTest, CloseEndsTheLeasesAndCountsThem) {
  Ticket ticket = Ask(harness_->Everything());
  const Created created = Make(ticket, {});
  const auto opened = client().Open(ticket, policy::Purpose::kContent, {&created.ref, 1});
  ASSERT_TRUE(opened.has_value());

  const Result<CloseTicketReply> closed = client().Close(std::move(ticket));

  ASSERT_TRUE(closed.has_value()) << closed.error().message;
  EXPECT_EQ(closed->objects_opened, 1U);
  EXPECT_TRUE(Dark(opened->front()));
  EXPECT_TRUE(Dark(created.leases[0]));
}

TEST_P(ReleaseClientContractTest, AClosedTicketOpensNothing) {
  // A second ticket object of the same id: what a keeper that ignored Close would try.
  TicketRequest request = harness_->Everything();
  request.duration_ms = 1;
  const Ticket ticket = Ask(request);
  while (!ticket.over()) {
  }
  const ObjectRef ref = harness_->tenant_object();
  const auto opened = client().Open(ticket, policy::Purpose::kNameIndex, {&ref, 1});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kDeadlineExceeded);
}

TEST_P(ReleaseClientContractTest, EraseTakesDescendantsAndNothingElse) {
  const Ticket ticket = Ask(harness_->Everything());
  const ObjectRef file = Make(ticket, {}).ref;
  const ObjectRef other = Make(ticket, {}).ref;
  NewObject attachment;
  attachment.kind = policy::ObjectKind::kAttachment;
  attachment.sources = {file};
  const ObjectRef derived = Make(ticket, attachment).ref;

  const auto leased = client().Open(ticket, policy::Purpose::kContent, {&file, 1});
  ASSERT_TRUE(leased.has_value());

  const Result<EraseReply> erased = client().Erase(ticket, {&file, 1}, true);

  ASSERT_TRUE(erased.has_value()) << erased.error().message << erased.error().detail;
  EXPECT_TRUE(Dark(leased->front()));
  EXPECT_EQ(erased->erased.size(), 2U);
  EXPECT_FALSE(erased->caveat.empty());
  for (const ObjectRef& gone : {file, derived}) {
    const auto opened = client().Open(ticket, policy::Purpose::kContent, {&gone, 1});
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, ErrorCode::kNotFound);
  }
  EXPECT_TRUE(client().Open(ticket, policy::Purpose::kContent, {&other, 1}).has_value());
}

TEST_P(ReleaseClientContractTest, EraseNeedsItsAction) {
  ObjectRef ref;
  {
    const Ticket maker = Ask(harness_->Everything());
    ref = Make(maker, {}).ref;
  }
  TicketRequest request = harness_->Everything();
  request.actions = static_cast<policy::ActionSet>(policy::Action::kRead);
  const Ticket ticket = Ask(request);
  const Result<EraseReply> erased = client().Erase(ticket, {&ref, 1}, true);
  ASSERT_FALSE(erased.has_value());
  EXPECT_EQ(erased.error().code, ErrorCode::kPermissionDenied);
}

TEST_P(ReleaseClientContractTest, RevocationDarkensLeasesAndRefusesNewTickets) {
  Ticket ticket = Ask(harness_->Everything());
  const Created created = Make(ticket, {});
  std::atomic<int> told = 0;
  ticket.OnRevoked([&told] { ++told; });

  harness_->RevokePrincipal();
  harness_->Await([&] { return told == 1 && Dark(created.leases[0]); });

  EXPECT_TRUE(ticket.over());
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(Dark(created.leases[0]));
  const Result<Ticket> again = client().Request(harness_->Everything());
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kPermissionDenied);
}

}  // namespace casemate::custody
