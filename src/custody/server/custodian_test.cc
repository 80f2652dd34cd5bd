#include "custody/server/custodian.h"

#include <set>
#include <thread>

#include "crypto/hash.h"
#include "custody/server/custodian_state.h"
#include "custody/server/deployment_fixture_test.h"
#include "storage/sqlite.h"

namespace casemate::custody {
namespace {

namespace fs = std::filesystem;

// A token that fails at the n-th call of one kind, before or after the real one: a crash at that
// boundary, because nothing else is written afterwards.
class FailingToken : public Token {
 public:
  enum class At { kCreateKey, kWrap, kPutAnchor, kDestroyKey, kNever };
  FailingToken(std::unique_ptr<Token> real, At at, bool after)
      : real_(std::move(real)), at_(at), after_(after) {}

  void Arm(bool armed = true) { armed_ = armed; }
  Token& real() { return *real_; }

  std::string Describe() const override { return real_->Describe(); }
  Result<void> CreateKey(const std::string& label) override {
    return Run(At::kCreateKey, [&] { return real_->CreateKey(label); });
  }
  Result<Bytes> Wrap(const std::string& label, KeyView key, ByteView context) override {
    return Run(At::kWrap, [&] { return real_->Wrap(label, key, context); });
  }
  Result<Key> Unwrap(const std::string& label, ByteView wrapped, ByteView context) override {
    return real_->Unwrap(label, wrapped, context);
  }
  Result<void> DestroyKey(const std::string& label) override {
    return Run(At::kDestroyKey, [&] { return real_->DestroyKey(label); });
  }
  Result<bool> HasKey(const std::string& label) override { return real_->HasKey(label); }
  Result<std::vector<std::string>> ListKeys(std::string_view prefix) override {
    return real_->ListKeys(prefix);
  }
  Result<void> PutAnchor(const std::string& label, ByteView value) override {
    return Run(At::kPutAnchor, [&] { return real_->PutAnchor(label, value); });
  }
  Result<std::optional<Bytes>> GetAnchor(const std::string& label) override {
    return real_->GetAnchor(label);
  }

 private:
  template <typename Call>
  auto Run(At here, Call call) -> decltype(call()) {
    if (!armed_ || here != at_) {
      return call();
    }
    if (after_) {
      (void)call();
    }
    return Fail(ErrorCode::kUnavailable, "the token vanished");
  }

  std::unique_ptr<Token> real_;
  At at_;
  bool after_;
  bool armed_ = false;
};

ObjectRef MakeObject(KeyTree& tree, std::uint32_t source = kNoSlot) {
  Result<NewEntry> entry = FreshEntry(crypto::RandomId<ObjectId>(), policy::ObjectKind::kFile);
  entry->object.source = source;
  const ObjectId id = entry->object.id;
  std::vector<NewEntry> entries;
  entries.push_back(std::move(*entry));
  Result<std::vector<std::uint32_t>> slots = tree.Create(std::move(entries));
  EXPECT_TRUE(slots.has_value()) << slots.error().message;
  return {id, slots->front()};
}

// A digest of the secret, or nothing when the object is gone.
std::optional<crypto::Digest> SecretOf(KeyTree& tree, const ObjectRef& ref) {
  std::optional<crypto::Digest> digest;
  const Result<void> found = tree.WithObjects(
      {&ref, 1}, [&](std::size_t, const ObjectEntry&, KeyView secret) -> Result<void> {
        digest = crypto::Sha256(secret.RevealKey());
        return {};
      });
  EXPECT_TRUE(found.has_value() || found.error().code == ErrorCode::kNotFound)
      << found.error().message;
  return digest;
}

KeyTree& FirstTree(Custodian& custodian) {
  return **custodian.Tree(custodian.state()->tenants.front().id);
}

void CopyFolder(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

TEST(CustodianTest, WhatWasMadeIsThereAfterOpeningAgain) {
  Deployment deployment;
  std::vector<std::pair<ObjectRef, std::optional<crypto::Digest>>> objects;
  {
    const auto custodian = deployment.Make();
    KeyTree& tree = FirstTree(*custodian);
    for (int i = 0; i < 600; ++i) {  // over three leaves
      const ObjectRef ref = MakeObject(tree);
      objects.emplace_back(ref, SecretOf(tree, ref));
    }
  }
  const auto custodian = deployment.Open();
  KeyTree& tree = FirstTree(*custodian);
  EXPECT_EQ(tree.objects(), 602U);  // and the tenant's and its operator's
  for (const auto& [ref, secret] : objects) {
    EXPECT_EQ(SecretOf(tree, ref), secret);
  }
}

TEST(CustodianTest, CreationsAndErasuresOfManyThreadsShareCommitsAndLoseNothing) {
  Deployment deployment;
  std::vector<ObjectRef> kept(8 * 20);
  std::vector<ObjectRef> doomed(8);
  {
    const auto custodian = deployment.Make();
    KeyTree& tree = FirstTree(*custodian);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        doomed[t] = MakeObject(tree);
        for (std::size_t i = 0; i < 20; ++i) {
          kept[t * 20 + i] = MakeObject(tree);
        }
        EXPECT_TRUE(tree.Erase({&doomed[t], 1}).has_value());
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
  const auto custodian = deployment.Open();
  KeyTree& tree = FirstTree(*custodian);
  std::set<std::uint32_t> slots;
  for (const ObjectRef& ref : kept) {
    EXPECT_NE(SecretOf(tree, ref), std::nullopt);
    slots.insert(ref.slot);
  }
  EXPECT_EQ(slots.size(), kept.size());
  for (const ObjectRef& ref : doomed) {
    EXPECT_EQ(SecretOf(tree, ref), std::nullopt);
  }
}

TEST(CustodianTest, ACopyOfEverythingFromBeforeAnErasureOpensNothingOfIt) {
  Deployment deployment;
  const fs::path copy = deployment.folder().string() + "-copy";
  ObjectRef doomed;
  ObjectRef derived;
  ObjectRef other;
  TenantId tenant;
  {
    const auto custodian = deployment.Make();
    KeyTree& tree = FirstTree(*custodian);
    tenant = tree.tenant();
    doomed = MakeObject(tree);
    derived = MakeObject(tree, doomed.slot);
    other = MakeObject(tree);
  }
  CopyFolder(deployment.folder(), copy);
  {
    const auto custodian = deployment.Open();
    KeyTree& tree = FirstTree(*custodian);
    const Result<Erased> erased = tree.Erase({&doomed, 1});
    ASSERT_TRUE(erased.has_value()) << erased.error().message;
    EXPECT_EQ(erased->epoch, 2U);
    EXPECT_EQ(erased->objects.size(), 2U);
    EXPECT_EQ(SecretOf(tree, doomed), std::nullopt);
    EXPECT_EQ(SecretOf(tree, derived), std::nullopt);
    EXPECT_NE(SecretOf(tree, other), std::nullopt);
  }
  {
    const auto custodian = deployment.Open();  // and after opening again
    EXPECT_EQ(SecretOf(FirstTree(*custodian), doomed), std::nullopt);
    EXPECT_NE(SecretOf(FirstTree(*custodian), other), std::nullopt);
  }
  // The token has no key that unwraps the old root key; nothing below it can be opened without.
  {
    const auto token = deployment.OpenToken(false);
    EXPECT_FALSE(*token->HasKey(EpochKeyLabel(tenant, 1)));
    Result<TreeStore> old = TreeStore::Open(copy / "custodian", {}, false);
    ASSERT_TRUE(old.has_value());
    const Result<std::vector<StoredHead>> heads = old->Heads();
    Bytes context;
    Put(context, AsBytes("casemate/root-key@v1"));
    Put(context, tenant.bytes());
    PutU64(context, 1);
    const Result<std::vector<std::string>> labels = token->ListKeys("");
    ASSERT_TRUE(labels.has_value());
    for (const StoredHead& head : *heads) {
      if (head.tenant != tenant) {
        continue;
      }
      for (const std::string& label : *labels) {
        EXPECT_FALSE(token->Unwrap(label, head.wrapped_root_key, context).has_value()) << label;
      }
    }
  }
  // Put back over the new files, it is refused and named.
  CopyFolder(copy, deployment.folder());
  const Result<std::unique_ptr<Custodian>> opened = deployment.TryOpen();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kIntegrityFailure);
  fs::remove_all(copy);
}

class ErasureStepTest : public testing::TestWithParam<std::tuple<FailingToken::At, bool>> {};

TEST_P(ErasureStepTest, ACrashLeavesTheOldOrTheNewEpochWhole) {
  const auto [at, after] = GetParam();
  Deployment deployment;
  ObjectRef doomed;
  ObjectRef other;
  std::optional<crypto::Digest> doomed_secret;
  std::optional<crypto::Digest> other_secret;
  TenantId tenant;
  {
    const auto custodian = deployment.Make();
    KeyTree& tree = FirstTree(*custodian);
    tenant = tree.tenant();
    doomed = MakeObject(tree);
    other = MakeObject(tree);
    doomed_secret = SecretOf(tree, doomed);
    other_secret = SecretOf(tree, other);
  }
  {
    auto failing = std::make_unique<FailingToken>(deployment.OpenToken(false), at, after);
    FailingToken* handle = failing.get();
    Result<std::unique_ptr<Custodian>> custodian =
        Custodian::Open(deployment.Options(std::move(failing)));
    ASSERT_TRUE(custodian.has_value()) << custodian.error().message;
    handle->Arm();
    EXPECT_FALSE(FirstTree(**custodian).Erase({&doomed, 1}).has_value());
  }
  const bool committed = at == FailingToken::At::kPutAnchor || at == FailingToken::At::kDestroyKey;
  const auto custodian = deployment.Open();
  ASSERT_NE(custodian, nullptr);
  KeyTree& tree = FirstTree(*custodian);
  EXPECT_EQ(tree.head().epoch, committed ? 2U : 1U);
  EXPECT_EQ(SecretOf(tree, doomed), committed ? std::nullopt : doomed_secret);
  EXPECT_EQ(SecretOf(tree, other), other_secret);
  // Exactly the epoch key in force is left in the token.
  const auto token = deployment.OpenToken(false);
  const Result<std::vector<std::string>> labels = token->ListKeys(EpochKeyPrefix(tenant));
  ASSERT_TRUE(labels.has_value());
  EXPECT_EQ(*labels, std::vector{EpochKeyLabel(tenant, tree.head().epoch)});
  // And the erasure can be asked for again.
  const Result<Erased> erased = tree.Erase({&doomed, 1});
  ASSERT_TRUE(erased.has_value()) << erased.error().message;
  EXPECT_EQ(SecretOf(tree, doomed), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(
    Steps, ErasureStepTest,
    testing::Combine(testing::Values(FailingToken::At::kCreateKey, FailingToken::At::kWrap,
                                     FailingToken::At::kPutAnchor, FailingToken::At::kDestroyKey),
                     testing::Bool()));

TEST(CustodianTest, AnErasureThatFailedInTheTokenIsFinishedByTheNextOne) {
  Deployment deployment;
  (void)deployment.Make();
  auto failing = std::make_unique<FailingToken>(deployment.OpenToken(false),
                                                FailingToken::At::kDestroyKey, false);
  FailingToken* handle = failing.get();
  Result<std::unique_ptr<Custodian>> custodian =
      Custodian::Open(deployment.Options(std::move(failing)));
  ASSERT_TRUE(custodian.has_value());
  KeyTree& tree = FirstTree(**custodian);
  const ObjectRef ref = MakeObject(tree);
  handle->Arm();
  ASSERT_FALSE(tree.Erase({&ref, 1}).has_value());
  EXPECT_TRUE(*handle->real().HasKey(EpochKeyLabel(tree.tenant(), 1)));
  handle->Arm(false);

  ASSERT_TRUE(tree.Erase({&ref, 1}).has_value());

  EXPECT_EQ(*handle->real().ListKeys(EpochKeyPrefix(tree.tenant())),
            std::vector{EpochKeyLabel(tree.tenant(), 3)});
}

TEST(CustodianTest, AnEarlierStateIsRefusedByTheTokensAnchor) {
  Deployment deployment;
  const fs::path copy = deployment.folder().string() + "-copy";
  (void)deployment.Make();
  CopyFolder(deployment.folder() / "custodian", copy);
  {
    const auto custodian = deployment.Open();
    (void)MakeObject(FirstTree(*custodian));
    custodian->KeepHouse();  // anchors
  }
  CopyFolder(copy, deployment.folder() / "custodian");
  const Result<std::unique_ptr<Custodian>> opened = deployment.TryOpen();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kIntegrityFailure);
  EXPECT_NE(opened.error().message.find("older"), std::string::npos) << opened.error().message;
  fs::remove_all(copy);
}

// One changed bit in each kind of thing that tree.db holds.
TEST(CustodianTest, AFlippedBitInTheTreesFileIsFoundAtStart) {
  Deployment deployment;
  (void)deployment.Make();
  struct Place {
    const char* table;
    const char* column;
    const char* where;
  };
  for (const Place& place :
       {Place{"node", "sealed", "level = 0"}, Place{"node", "sealed", "level = 1"},
        Place{"node", "sealed", "level = 2"}, Place{"head", "note", "1"},
        Place{"head", "wrapped_root_key", "1"}, Place{"document", "sealed", "name = 'state'"}}) {
    const auto flip = [&] {
      Result<storage::Database> database = storage::Database::Open(
          deployment.folder() / "custodian" / "tree.db", {.create = false, .read_only = false});
      ASSERT_TRUE(database.has_value());
      Result<storage::Statement> select = database->Prepare(
          std::string("SELECT rowid_like, value FROM (SELECT 1 AS rowid_like, ") + place.column +
          " AS value FROM " + place.table + " WHERE " + place.where + " LIMIT 1)");
      ASSERT_TRUE(select.has_value()) << select.error().detail;
      ASSERT_TRUE(*select->Step());
      const ByteView view = select->Blob(1);
      const Bytes old(view.begin(), view.end());
      select->Reset();
      Bytes changed = old;
      changed[changed.size() / 2] ^= std::byte{4};
      Result<storage::Statement> update =
          database->Prepare(std::string("UPDATE ") + place.table + " SET " + place.column +
                            " = ? WHERE " + place.column + " = ?");
      ASSERT_TRUE(update.has_value());
      ASSERT_TRUE(update->BindBlob(0, changed).BindBlob(1, old).Run().has_value());
    };
    const fs::path copy = deployment.folder().string() + "-good";
    CopyFolder(deployment.folder() / "custodian", copy);
    flip();
    const Result<std::unique_ptr<Custodian>> opened = deployment.TryOpen();
    ASSERT_FALSE(opened.has_value()) << place.table << "." << place.column << " " << place.where;
    EXPECT_EQ(opened.error().code, ErrorCode::kIntegrityFailure) << opened.error().message;
    CopyFolder(copy, deployment.folder() / "custodian");
    fs::remove_all(copy);
  }
  EXPECT_NE(deployment.Open(), nullptr);
}

class MirrorTest : public testing::Test {
 protected:
  MirrorTest() {
    std::string pattern = (fs::temp_directory_path() / "casemate-mirror-XXXXXX");
    mirror_ = ::mkdtemp(pattern.data());
  }
  ~MirrorTest() override { fs::remove_all(mirror_); }
  fs::path mirror_;
};

TEST_F(MirrorTest, ALostDiskIsMadeGoodFromTheMirror) {
  Deployment deployment(mirror_.string());
  ObjectRef ref;
  std::optional<crypto::Digest> secret;
  {
    const auto custodian = deployment.Make();
    ref = MakeObject(FirstTree(*custodian));
    secret = SecretOf(FirstTree(*custodian), ref);
  }
  for (const char* name : {"tree.db", "tree.db-wal", "tree.db-shm"}) {
    fs::remove(deployment.folder() / "custodian" / name);
  }
  const auto custodian = deployment.Open();
  ASSERT_NE(custodian, nullptr);
  EXPECT_EQ(SecretOf(FirstTree(*custodian), ref), secret);
}

TEST_F(MirrorTest, AMirrorThatIsNewerWins) {
  // A crash between the two commits: the mirror has a change that the main file lacks.
  Deployment deployment(mirror_.string());
  const fs::path copy = deployment.folder().string() + "-copy";
  (void)deployment.Make();
  CopyFolder(deployment.folder() / "custodian", copy);
  ObjectRef ref;
  std::optional<crypto::Digest> secret;
  {
    const auto custodian = deployment.Open();
    ref = MakeObject(FirstTree(*custodian));
    secret = SecretOf(FirstTree(*custodian), ref);
  }
  CopyFolder(copy, deployment.folder() / "custodian");
  const auto custodian = deployment.Open();
  ASSERT_NE(custodian, nullptr);
  EXPECT_EQ(SecretOf(FirstTree(*custodian), ref), secret);
  fs::remove_all(copy);
}

TEST_F(MirrorTest, AMirrorThatFellBehindIsBroughtUp) {
  Deployment deployment(mirror_.string());
  const fs::path copy = mirror_.string() + "-copy";
  (void)deployment.Make();
  CopyFolder(mirror_, copy);
  ObjectRef ref;
  {
    const auto custodian = deployment.Open();
    ref = MakeObject(FirstTree(*custodian));
  }
  CopyFolder(copy, mirror_);
  (void)deployment.Open();
  Result<TreeStore> main = TreeStore::Open(deployment.folder() / "custodian", {}, false);
  Result<TreeStore> mirrored = TreeStore::Open(mirror_, {}, false);
  ASSERT_TRUE(main.has_value() && mirrored.has_value());
  EXPECT_EQ(main->Heads()->back().note, mirrored->Heads()->back().note);
  fs::remove_all(copy);
}

TEST_F(MirrorTest, AMirrorThatCannotBeReachedIsSaidAtStart) {
  Deployment deployment(mirror_.string());
  (void)deployment.Make();
  fs::remove_all(mirror_);
  const Result<std::unique_ptr<Custodian>> opened = deployment.TryOpen();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(opened.error().message.find("custody.mirror"), std::string::npos);
}

TEST_F(MirrorTest, AnErasureIsInTheMirrorToo) {
  Deployment deployment(mirror_.string());
  ObjectRef doomed;
  {
    const auto custodian = deployment.Make();
    doomed = MakeObject(FirstTree(*custodian));
    ASSERT_TRUE(FirstTree(*custodian).Erase({&doomed, 1}).has_value());
  }
  for (const char* name : {"tree.db", "tree.db-wal", "tree.db-shm"}) {
    fs::remove(deployment.folder() / "custodian" / name);
  }
  const auto custodian = deployment.Open();
  ASSERT_NE(custodian, nullptr);
  EXPECT_EQ(SecretOf(FirstTree(*custodian), doomed), std::nullopt);
}

TEST(CustodianTest, MakeRefusesAFolderThatHasADeployment) {
  Deployment deployment;
  (void)deployment.Make();
  const Result<Custodian::Made> again =
      Custodian::Make(deployment.Options(deployment.OpenToken(false)), Init{});
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
}

TEST(CustodianTest, BadNamesAndUnknownThingsAreRefused) {
  Deployment deployment;
  const auto custodian = deployment.Make();
  for (const std::string& name :
       {std::string(), std::string("Upper"), std::string("a b"), std::string(64, 'a')}) {
    EXPECT_EQ(custodian->CreateTenant({name}).error().code, ErrorCode::kInvalidArgument) << name;
  }
  EXPECT_EQ(custodian->CreateTenant({"default"}).error().code, ErrorCode::kConflict);
  EXPECT_EQ(custodian->CreateKey({"nobody", "", policy::kHighestLabel}).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(custodian->RevokeKey(KeyId()).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(custodian->RegisterModel({}).error().code, ErrorCode::kInvalidArgument);
}

TEST(CustodianTest, ATenantsRemovalThatWasCutShortIsFinishedAtTheNextStart) {
  Deployment deployment;
  TenantId tenant;
  {
    auto failing = std::make_unique<FailingToken>(deployment.OpenToken(true),
                                                  FailingToken::At::kDestroyKey, false);
    FailingToken& token = *failing;
    Result<Custodian::Made> made = Custodian::Make(deployment.Options(std::move(failing)), Init{});
    ASSERT_TRUE(made.has_value()) << made.error().message;
    Custodian& custodian = *made->custodian;
    tenant = custodian.CreateTenant({"research"})->id;
    EXPECT_EQ(custodian.RemoveTenant({"research", "research"}).error().code, ErrorCode::kConflict);
    ASSERT_TRUE(custodian.ChangeTenant({"research", true}).has_value());
    EXPECT_EQ(custodian.RemoveTenant({"research", "other"}).error().code,
              ErrorCode::kInvalidArgument);
    token.Arm();
    EXPECT_FALSE(custodian.RemoveTenant({"research", "research"}).has_value());
    EXPECT_TRUE(*token.real().HasKey(EpochKeyLabel(tenant, 1)));
  }
  const auto custodian = deployment.Open();
  ASSERT_NE(custodian, nullptr);
  EXPECT_EQ(custodian->state()->tenants.size(), 1U);
  EXPECT_TRUE(custodian->state()->removed.empty());
  EXPECT_FALSE(custodian->Tree(tenant).has_value());
  EXPECT_FALSE(*deployment.OpenToken(false)->HasKey(EpochKeyLabel(tenant, 1)));
}

TEST(CustodianTest, ARemovedTenantLeavesNoEpochKeyNoHeadAndNoNode) {
  Deployment deployment;
  TenantId tenant;
  {
    const auto custodian = deployment.Make();
    tenant = custodian->CreateTenant({"research"})->id;
    ASSERT_TRUE(custodian->ChangeTenant({"research", true}).has_value());
    const Result<TenantRemoveReply> removed = custodian->RemoveTenant({"research", "research"});
    ASSERT_TRUE(removed.has_value()) << removed.error().message;
    EXPECT_EQ(removed->objects, 2U);  // the tenant's and its operator's
  }
  EXPECT_FALSE(*deployment.OpenToken(false)->HasKey(EpochKeyLabel(tenant, 1)));
  {
    Result<TreeStore> store = TreeStore::Open(deployment.folder() / "custodian", {}, false);
    ASSERT_TRUE(store.has_value());
    const Result<std::vector<StoredHead>> heads = store->Heads();
    for (const StoredHead& head : *heads) {
      EXPECT_NE(head.tenant, tenant);
    }
    EXPECT_FALSE(store->ReadNode(tenant, {kRootLevel, 0}).has_value());
  }
  ASSERT_NE(deployment.Open(), nullptr);
}

TEST(CustodianTest, LabelsAreThoseThatTheDeploymentWasMadeWith) {
  Deployment deployment;
  Init init;
  init.labels = {"offen", "vertraulich", "geheim"};
  init.default_label = "vertraulich";
  {
    Result<Custodian::Made> made =
        Custodian::Make(deployment.Options(deployment.OpenToken(true)), init);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    const auto state = made->custodian->state();
    EXPECT_EQ(state->labels, init.labels);
    EXPECT_EQ(state->default_label, policy::Label{1});
    // No ceiling is above the order.
    EXPECT_EQ(state->principals.front().ceiling, policy::Label{2});
  }
  for (const auto& [labels, fallback, fits] :
       {std::tuple(init.labels, std::string("vertraulich"), true),
        std::tuple(init.labels, std::string("offen"), false),
        std::tuple(std::vector<std::string>{"geheim", "offen"}, std::string("offen"), false)}) {
    Custodian::Options options = deployment.Options(deployment.OpenToken(false));
    options.labels = labels;
    options.default_label = fallback;
    const auto opened = Custodian::Open(std::move(options));
    EXPECT_EQ(opened.has_value(), fits);
    if (!fits) {
      EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
      EXPECT_NE(opened.error().message.find("put back"), std::string::npos);
    }
  }
}

TEST(CustodianTest, AKeyIsShownOnceAndOnlyItsVerifierIsKept) {
  Deployment deployment;
  const auto custodian = deployment.Make();
  Result<KeyCreateReply> made = custodian->CreateKey({"", "laptop", policy::Label::kInternal});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  const std::string_view text = made->key.view().Reveal();
  ASSERT_TRUE(text.starts_with("cm-"));
  const std::string_view secret_digits = text.substr(text.rfind('-') + 1);
  const Result<Bytes> secret = FromBase32(secret_digits);
  ASSERT_TRUE(secret.has_value());
  const Admission admission = custodian->FrontAdmission();
  ASSERT_EQ(admission.keys.size(), 1U);
  EXPECT_EQ(admission.keys.front().verifier, crypto::Sha256(*secret));
  EXPECT_EQ(admission.keys.front().ceiling, policy::Label::kInternal);
  ASSERT_TRUE(custodian->RevokeKey(made->id).has_value());
  EXPECT_TRUE(custodian->FrontAdmission().keys.empty());
  EXPECT_EQ(custodian->RevokeKey(made->id).error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace casemate::custody
