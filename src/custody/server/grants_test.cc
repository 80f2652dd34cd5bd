
#include "custody/server/server_fixture_test.h"

// Tenants, principals, grants and labels, as a keeper and the operator meet them.
namespace casemate::custody {
namespace {

using policy::Action;
using policy::Label;
using policy::Purpose;

constexpr policy::ActionSet kReading = Action::kList | Action::kRead;

struct Somebody {
  PrincipalId id;
  KeyId key;
};

class GrantsTest : public testing::Test {
 protected:
  Somebody Principal(const std::string& name, Label ceiling = policy::kHighestLabel) {
    PrincipalCreate create;
    create.name = name;
    create.ceiling = ceiling;
    Result<PrincipalCreateReply> made = harness_.Ask<PrincipalCreateReply>(create);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    KeyCreate key;
    key.principal = name;
    Result<KeyCreateReply> keyed = harness_.Ask<KeyCreateReply>(key);
    EXPECT_TRUE(keyed.has_value()) << keyed.error().message;
    return {made->id, keyed->id};
  }
  GrantId Grant(const std::string& name, const CollectionId& collection, policy::ActionSet actions,
                Label ceiling) {
    GrantAdd add;
    add.principal = name;
    add.collection = collection;
    add.all_collections = collection.is_none();
    add.actions = actions;
    add.ceiling = ceiling;
    Result<GrantAddReply> added = harness_.Ask<GrantAddReply>(add);
    EXPECT_TRUE(added.has_value()) << added.error().message;
    return added->id;
  }
  static TicketRequest For(const Somebody& who, policy::ActionSet actions,
                           std::vector<CollectionId> collections, bool all = false) {
    TicketRequest request;
    request.principal = who.id;
    request.key = who.key;
    request.justification = policy::Justification::kCustomerInitiatedAccess;
    request.actions = actions;
    request.collections = std::move(collections);
    request.all_collections = all;
    request.max_objects = 100;
    request.duration_ms = 60'000;
    return request;
  }
  Ticket Ask(const TicketRequest& request) {
    Result<Ticket> ticket = harness_.client().Request(request);
    EXPECT_TRUE(ticket.has_value()) << ticket.error().message;
    return std::move(*ticket);
  }
  std::string Refusal(const TicketRequest& request) {
    Result<Ticket> ticket = harness_.client().Request(request);
    return ticket ? "given" : ticket.error().detail;
  }
  // Made by the first principal of the harness, whose grant is everything.
  ObjectRef Make(policy::ObjectKind kind, Label label, const CollectionId& collection = {},
                 std::vector<ObjectRef> sources = {}) {
    const Ticket ticket = Ask(harness_.Everything());
    return MakeUnder(ticket, kind, label, collection, std::move(sources));
  }
  ObjectRef MakeUnder(const Ticket& ticket, policy::ObjectKind kind, Label label,
                      const CollectionId& collection = {}, std::vector<ObjectRef> sources = {}) {
    NewObject object;
    object.kind = kind;
    object.label = label;
    object.collection = collection;
    object.sources = std::move(sources);
    const Purpose purpose = Purpose::kMetadata;
    Result<std::vector<Created>> made = harness_.client().Create(ticket, {object}, {&purpose, 1});
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return made->front().ref;
  }
  CollectionId MakeCollection() {
    return As<CollectionId>(Make(policy::ObjectKind::kCollection, Label::kPublic).id);
  }
  std::string Open(const Ticket& ticket, Purpose purpose, const ObjectRef& ref) {
    auto opened = harness_.client().Open(ticket, purpose, {&ref, 1});
    // The filter says what opening does.
    const Reach reach = harness_.client().Filter(ticket, purpose, {&ref, 1}).value().front();
    EXPECT_EQ(opened.has_value(), reach == Reach::kOpens);
    return opened ? "opened" : opened.error().detail;
  }

  SocketHarness harness_;
};

TEST_F(GrantsTest, AGrantReachesItsCollectionWithItsActionsUpToItsLabel) {
  const CollectionId mine = MakeCollection();
  const CollectionId other = MakeCollection();
  const ObjectRef low = Make(policy::ObjectKind::kAttachment, Label::kInternal, mine);
  const ObjectRef high = Make(policy::ObjectKind::kAttachment, Label::kConfidential, mine);
  const ObjectRef elsewhere = Make(policy::ObjectKind::kAttachment, Label::kPublic, other);
  const Somebody anna = Principal("anna");
  EXPECT_EQ(Refusal(For(anna, kReading, {mine})), "action_not_granted");  // no grant at all
  Grant("anna", mine, Action::kSearch | Action::kList, Label::kInternal);

  EXPECT_EQ(Refusal(For(anna, static_cast<policy::ActionSet>(Action::kSearch), {other})),
            "collection_not_granted");
  EXPECT_EQ(Refusal(For(anna, static_cast<policy::ActionSet>(Action::kErase), {mine})),
            "action_not_granted");
  const Ticket ticket = Ask(For(anna, Action::kSearch | Action::kList, {mine}));
  EXPECT_EQ(ticket.ceiling(), Label::kInternal);
  EXPECT_EQ(Open(ticket, Purpose::kChunks, low), "opened");
  EXPECT_EQ(Open(ticket, Purpose::kChunks, high), "label_over_ceiling");
  EXPECT_EQ(Open(ticket, Purpose::kChunks, elsewhere), "object_not_in_scope");
  EXPECT_EQ(Open(ticket, Purpose::kContent, low), "action_not_granted");
  // All that it may: not more than the one collection.
  const Ticket all = Ask(For(anna, Action::kSearch | Action::kList, {}, true));
  EXPECT_EQ(Open(all, Purpose::kChunks, low), "opened");
  EXPECT_EQ(Open(all, Purpose::kChunks, elsewhere), "object_not_in_scope");
  EXPECT_EQ(all.ceiling(other), std::nullopt);
  EXPECT_EQ(all.ceiling(mine), Label::kInternal);
}

TEST_F(GrantsTest, GrantsOfOnePrincipalDoNotLendEachOtherTheirReach) {
  const CollectionId notes = MakeCollection();
  const CollectionId plans = MakeCollection();
  const ObjectRef secret_note = Make(policy::ObjectKind::kAttachment, Label::kSecret, notes);
  const ObjectRef plan = Make(policy::ObjectKind::kAttachment, Label::kPublic, plans);
  const Somebody anna = Principal("anna");
  Grant("anna", notes, static_cast<policy::ActionSet>(Action::kSearch), Label::kPublic);
  Grant("anna", plans, static_cast<policy::ActionSet>(Action::kList), Label::kSecret);
  const Ticket ticket = Ask(For(anna, Action::kSearch | Action::kList, {}, true));
  EXPECT_EQ(Open(ticket, Purpose::kChunks, secret_note), "label_over_ceiling");
  EXPECT_EQ(Open(ticket, Purpose::kChunks, plan), "object_not_in_scope");
  EXPECT_EQ(Open(ticket, Purpose::kMetadata, plan), "opened");
}

TEST_F(GrantsTest, TheLowestOfGrantPrincipalAndKeyIsTheCeiling) {
  const CollectionId notes = MakeCollection();
  const Somebody anna = Principal("anna", Label::kConfidential);
  Grant("anna", notes, kReading, Label::kSecret);
  EXPECT_EQ(Ask(For(anna, kReading, {notes})).ceiling(), Label::kConfidential);
  KeyCreate low;
  low.principal = "anna";
  low.ceiling = Label::kInternal;
  const Somebody with_low_key{anna.id, harness_.Ask<KeyCreateReply>(low)->id};
  EXPECT_EQ(Ask(For(with_low_key, kReading, {notes})).ceiling(), Label::kInternal);
}

TEST_F(GrantsTest, AFileInNoCollectionIsItsPrincipalsUntilItIsShared) {
  const CollectionId notes = MakeCollection();
  const Somebody anna = Principal("anna");
  const Somebody bert = Principal("bert");
  Grant("anna", {}, policy::kEveryAction, Label::kSecret);
  Grant("bert", notes, kReading, Label::kInternal);
  const Ticket annas = Ask(For(anna, policy::kEveryAction, {}, true));
  const ObjectRef file = MakeUnder(annas, policy::ObjectKind::kFile, Label::kPublic);
  const Ticket again = Ask(For(anna, kReading, {}, true));
  EXPECT_EQ(Open(again, Purpose::kContent, file), "opened");
  const Ticket berts = Ask(For(bert, kReading, {}, true));
  EXPECT_EQ(Open(berts, Purpose::kContent, file), "object_not_in_scope");
  // Whoever may do everything in every collection is still somebody else.
  const Ticket others = Ask(harness_.Everything());
  EXPECT_EQ(Open(others, Purpose::kContent, file), "object_not_in_scope");

  (void)MakeUnder(annas, policy::ObjectKind::kAttachment, Label::kSecret, notes, {file});
  EXPECT_EQ(Open(berts, Purpose::kContent, file),
            "object_not_in_scope");  // shared above its ceiling
  (void)MakeUnder(annas, policy::ObjectKind::kAttachment, Label::kInternal, notes, {file});
  EXPECT_EQ(Open(berts, Purpose::kContent, file), "opened");
}

TEST_F(GrantsTest, ErasingAnothersFileNeedsEveryCollectionThatItIsIn) {
  const CollectionId notes = MakeCollection();
  const CollectionId plans = MakeCollection();
  const ObjectRef file = Make(policy::ObjectKind::kFile, Label::kPublic);
  (void)Make(policy::ObjectKind::kAttachment, Label::kPublic, notes, {file});
  (void)Make(policy::ObjectKind::kAttachment, Label::kPublic, plans, {file});
  const Somebody anna = Principal("anna");
  Grant("anna", notes, Action::kErase | Action::kList, Label::kPublic);
  {
    const Ticket ticket = Ask(For(anna, static_cast<policy::ActionSet>(Action::kErase), {}, true));
    const auto erased = harness_.client().Erase(ticket, {&file, 1}, true);
    ASSERT_FALSE(erased.has_value());
    EXPECT_EQ(erased.error().detail, "object_not_in_scope");
  }
  Grant("anna", plans, static_cast<policy::ActionSet>(Action::kErase), Label::kPublic);
  const Ticket ticket = Ask(For(anna, static_cast<policy::ActionSet>(Action::kErase), {}, true));
  EXPECT_TRUE(harness_.client().Erase(ticket, {&file, 1}, true).has_value());
}

TEST_F(GrantsTest, NothingIsMadeFromAnothersFile) {
  const CollectionId notes = MakeCollection();
  const ObjectRef file = Make(policy::ObjectKind::kFile, Label::kPublic);
  const Somebody anna = Principal("anna");
  Grant("anna", notes, policy::kEveryAction, Label::kSecret);
  const Ticket ticket = Ask(For(anna, Action::kSeal | Action::kRead, {notes}));
  NewObject attachment;
  attachment.kind = policy::ObjectKind::kAttachment;
  attachment.collection = notes;
  attachment.sources = {file};
  const Purpose purpose = Purpose::kChunks;
  const auto made = harness_.client().Create(ticket, {attachment}, {&purpose, 1});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().detail, "object_not_in_scope");
}

TEST_F(GrantsTest, MakingACollectionNeedsAGrantOnAllOfThem) {
  const CollectionId notes = MakeCollection();
  const Somebody anna = Principal("anna");
  Grant("anna", notes, policy::kEveryAction, Label::kSecret);
  NewObject collection;
  collection.kind = policy::ObjectKind::kCollection;
  const Purpose purpose = Purpose::kMetadata;
  {
    const Ticket ticket = Ask(For(anna, Action::kSeal | Action::kList, {}, true));
    const auto made = harness_.client().Create(ticket, {collection}, {&purpose, 1});
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().detail, "object_not_in_scope");
  }
  Grant("anna", {}, Action::kSeal | Action::kList, Label::kPublic);
  const Ticket ticket = Ask(For(anna, Action::kSeal | Action::kList, {}, true));
  EXPECT_TRUE(harness_.client().Create(ticket, {collection}, {&purpose, 1}).has_value());
}

TEST_F(GrantsTest, PartitionsAreCountedWhereTheTicketSaysHowMany) {
  const CollectionId notes = MakeCollection();
  std::vector<ObjectRef> refs;
  for (const Label label : {Label::kPublic, Label::kPublic, Label::kInternal, Label::kSecret}) {
    refs.push_back(Make(policy::ObjectKind::kAttachment, label, notes));
  }
  TicketRequest request = harness_.Everything();
  request.max_partitions = 2;
  const Ticket ticket = Ask(request);
  EXPECT_TRUE(harness_.client().Open(ticket, Purpose::kChunks, {refs.data(), 3}).has_value());
  const auto third = harness_.client().Open(ticket, Purpose::kChunks, {refs.data() + 3, 1});
  ASSERT_FALSE(third.has_value());
  EXPECT_EQ(third.error().detail, "over_partition_ceiling");
  EXPECT_TRUE(harness_.client().Open(ticket, Purpose::kVectors, {refs.data(), 1}).has_value());
}

// What the keeper's socket holds when the operator is answered, in order.
TEST_F(GrantsTest, TheKeeperIsToldBeforeTheOperatorIsAnswered) {
  const Somebody anna = Principal("anna");
  const CollectionId notes = MakeCollection();
  const GrantId grant = Grant("anna", notes, kReading, Label::kInternal);
  auto pair = ipc::Channel::MakePair();
  ASSERT_TRUE(
      harness_.server().AttachKeeper(harness_.tenant(), std::move(pair->first)).has_value());
  ipc::Channel keeper(std::move(pair->second), ipc::ProcessKind::kKeeper,
                      ipc::ProcessKind::kCustodian);
  // What it is told at attachment comes first.
  for (ipc::MessageType type{}; type != ipc::MessageType::kTenant;) {
    Result<ipc::Frame> frame = keeper.Receive(10'000);
    ASSERT_TRUE(frame.has_value());
    type = frame->type;
  }
  std::uint64_t number = 1;
  const auto ask = [&] {
    ipc::Frame frame;
    frame.type = TicketRequest::kType;
    frame.request = std::exchange(number, number + 2);
    ipc::Encoder request;
    request(std::uint32_t{0});  // no deadline: docs/formats/ipc.md
    request(For(anna, kReading, {notes}));
    frame.payload = request.Take();
    EXPECT_TRUE(keeper.Send(frame, 10'000).has_value());
    for (;;) {
      Result<ipc::Frame> reply = keeper.Receive(10'000);
      EXPECT_TRUE(reply.has_value());
      if (!reply || reply->type == ipc::MessageType::kTicketReply) {
        return reply ? ipc::Decode<TicketReply>(reply->payload)->ticket : TicketId();
      }
    }
  };
  const auto expect_revoked = [&](const TicketId& ticket) {
    for (;;) {
      Result<std::optional<ipc::Frame>> frame = keeper.TryReceive();  // does not wait
      ASSERT_TRUE(frame.has_value());
      ASSERT_TRUE(frame->has_value());
      if ((*frame)->type == ipc::MessageType::kRevoke) {
        EXPECT_EQ(ipc::Decode<Revoke>((*frame)->payload)->tickets, std::vector<TicketId>{ticket});
        return;
      }
    }
  };

  TicketId ticket = ask();
  PrincipalChange suspend;
  suspend.name = "anna";
  suspend.suspended = true;
  Result<PrincipalChangeReply> suspended = harness_.Ask<PrincipalChangeReply>(suspend);
  ASSERT_TRUE(suspended.has_value()) << suspended.error().message;
  EXPECT_EQ(suspended->tickets_ended, 1U);
  expect_revoked(ticket);
  EXPECT_EQ(Refusal(For(anna, kReading, {notes})), "suspended");

  suspend.suspended = false;
  ASSERT_TRUE(harness_.Ask<PrincipalChangeReply>(suspend).has_value());
  ticket = ask();
  GrantRemove remove;
  remove.id = grant;
  Result<GrantRemoveReply> removed = harness_.Ask<GrantRemoveReply>(remove);
  ASSERT_TRUE(removed.has_value()) << removed.error().message;
  EXPECT_EQ(removed->tickets_ended, 1U);
  expect_revoked(ticket);
  EXPECT_EQ(harness_.Ask<GrantRemoveReply>(remove).error().code, ErrorCode::kNotFound);
}

TEST_F(GrantsTest, AnotherGrantOnTheSameCollectionTakesItsPlace) {
  const Somebody anna = Principal("anna");
  const CollectionId notes = MakeCollection();
  const GrantId wide = Grant("anna", notes, kReading, Label::kSecret);
  const Ticket ticket = Ask(For(anna, kReading, {notes}));
  const GrantId narrow = Grant("anna", notes, kReading, Label::kPublic);
  harness_.Await([&] { return ticket.over(); });
  EXPECT_TRUE(ticket.over());
  EXPECT_EQ(Ask(For(anna, kReading, {notes})).ceiling(), Label::kPublic);
  GrantList list;
  list.principal = "anna";
  Result<GrantListReply> listed = harness_.Ask<GrantListReply>(list);
  ASSERT_EQ(listed->grants.size(), 1U);
  EXPECT_EQ(listed->grants.front().id, narrow);
  EXPECT_NE(narrow, wide);
}

TEST_F(GrantsTest, ARemovedPrincipalIsGoneWithItsKeysAndGrants) {
  const Somebody anna = Principal("anna");
  Grant("anna", {}, kReading, Label::kSecret);
  const Ticket ticket = Ask(For(anna, kReading, {}, true));
  PrincipalRemove remove;
  remove.name = "anna";
  Result<PrincipalRemoveReply> removed = harness_.Ask<PrincipalRemoveReply>(remove);
  ASSERT_FALSE(removed.has_value());  // no mirror, not accepted: nothing changes
  EXPECT_EQ(removed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(removed.error().message.find("--no-mirror"), std::string::npos);
  EXPECT_FALSE(ticket.over());

  remove.no_mirror = true;
  removed = harness_.Ask<PrincipalRemoveReply>(remove);
  ASSERT_TRUE(removed.has_value()) << removed.error().message;
  EXPECT_EQ(removed->tickets_ended, 1U);
  EXPECT_FALSE(removed->caveat.empty());
  EXPECT_EQ(Refusal(For(anna, kReading, {}, true)), "no_such_principal");
  EXPECT_EQ(harness_.Ask<PrincipalRemoveReply>(remove).error().code, ErrorCode::kNotFound);
  for (const KeyEntry& key : harness_.Ask<KeyListReply>(KeyList{})->keys) {
    EXPECT_NE(key.principal, anna.id);
  }
  EXPECT_TRUE(harness_.Ask<GrantListReply>(GrantList{})->grants.size() == 2U);  // operator, harness
}

TEST_F(GrantsTest, ASuspendedTenantGetsNothingAndARemovedOneIsErased) {
  Result<TenantCreateReply> made = harness_.Ask<TenantCreateReply>(TenantCreate{"research"});
  ASSERT_TRUE(made.has_value());
  KeyCreate create;
  create.tenant = "research";
  const Result<KeyCreateReply> key = harness_.Ask<KeyCreateReply>(create);
  const Somebody somebody{key->principal, key->id};
  const auto keeper = harness_.Attach(made->id);
  Result<Ticket> ticket = keeper->Request(For(somebody, kReading, {}, true));
  ASSERT_TRUE(ticket.has_value());
  TenantChange change;
  change.tenant = "research";
  change.suspended = true;
  EXPECT_EQ(harness_.Ask<TenantChangeReply>(change)->tickets_ended, 1U);
  EXPECT_EQ(keeper->Request(For(somebody, kReading, {}, true)).error().detail, "suspended");
  EXPECT_EQ(harness_.Ask<TenantChangeReply>(change).error().code, ErrorCode::kConflict);
  change.suspended = false;
  ASSERT_TRUE(harness_.Ask<TenantChangeReply>(change).has_value());
  EXPECT_TRUE(keeper->Request(For(somebody, kReading, {}, true)).has_value());

  TenantRemove remove;
  remove.tenant = "research";
  remove.confirmation = "reserach";
  EXPECT_EQ(harness_.Ask<TenantRemoveReply>(remove).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(keeper->Request(For(somebody, kReading, {}, true)).has_value());
  remove.confirmation = "research";
  const Result<TenantRemoveReply> removed = harness_.Ask<TenantRemoveReply>(remove);
  ASSERT_TRUE(removed.has_value()) << removed.error().message << removed.error().detail;
  EXPECT_EQ(removed->id, made->id);
  EXPECT_FALSE(
      keeper->Request(For(somebody, kReading, {}, true)).has_value());  // its channel ended
  EXPECT_EQ(harness_.Ask<TenantListReply>(TenantList{})->tenants.size(), 1U);
  auto pair = ipc::Channel::MakePair();
  EXPECT_FALSE(harness_.server().AttachKeeper(made->id, std::move(pair->first)).has_value());
}

TEST_F(GrantsTest, AKeyEndsWhenItsTimeIsOver) {
  KeyCreate create;
  create.expires = 1;
  EXPECT_EQ(harness_.Ask<KeyCreateReply>(create).error().code, ErrorCode::kInvalidArgument);
  create.expires = UnixSeconds() + 2;
  const Result<KeyCreateReply> key = harness_.Ask<KeyCreateReply>(create);
  ASSERT_TRUE(key.has_value()) << key.error().message;
  const Somebody somebody{key->principal, key->id};
  while (UnixSeconds() < create.expires) {
    ::usleep(50'000);
  }
  EXPECT_EQ(Refusal(For(somebody, kReading, {}, true)), "key_revoked");
}

TEST_F(GrantsTest, NamesThatAreNoneAndTheOperatorsOwnAreRefused) {
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a/b"), std::string(129, 'a')}) {
    PrincipalCreate create;
    create.name = name;
    EXPECT_EQ(harness_.Ask<PrincipalCreateReply>(create).error().code, ErrorCode::kInvalidArgument);
  }
  (void)Principal("anna@example.org");
  PrincipalCreate twice;
  twice.name = "anna@example.org";
  EXPECT_EQ(harness_.Ask<PrincipalCreateReply>(twice).error().code, ErrorCode::kConflict);
  PrincipalChange suspend;
  suspend.name = "operator";
  suspend.suspended = true;
  EXPECT_EQ(harness_.Ask<PrincipalChangeReply>(suspend).error().code, ErrorCode::kInvalidArgument);
  GrantAdd nothing;
  nothing.principal = "anna@example.org";
  nothing.all_collections = true;
  EXPECT_EQ(harness_.Ask<GrantAddReply>(nothing).error().code, ErrorCode::kInvalidArgument);
  nothing.actions = 1;
  nothing.principal = "nobody";
  EXPECT_EQ(harness_.Ask<GrantAddReply>(nothing).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace casemate::custody
