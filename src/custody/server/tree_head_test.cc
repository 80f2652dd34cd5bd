#include "custody/server/tree_head.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "custody/server/state_document.h"

namespace casemate::custody {
namespace {

TreeHead Sample() {
  TreeHead head;
  head.deployment = TenantId({std::byte{1}});
  head.tenant = TenantId({std::byte{2}});
  head.epoch = 3;
  head.sequence = 44;
  head.root = crypto::Sha256(AsBytes("root"));
  head.log_size = 7;
  return head;
}

std::vector<crypto::SigningKey> Keys() {
  std::vector<crypto::SigningKey> keys;
  for (const auto algorithm :
       {crypto::SignatureAlgorithm::kEd25519, crypto::SignatureAlgorithm::kMlDsa44}) {
    keys.push_back(std::move(*crypto::SigningKey::FromSeed(algorithm, *Key::Random())));
  }
  return keys;
}

// The root is what `printf root | sha256sum` says.
TEST(TreeHeadTest, TheTextIsTheOneInTheDocument) {
  EXPECT_EQ(WriteTreeHead(Sample()),
            "casemate.tree/tenant_aeaaaaaaaaaaaaaaaaaaaaaaaa\n"
            "tenant tenant_aiaaaaaaaaaaaaaaaaaaaaaaaa\n"
            "epoch 3\n"
            "sequence 44\n"
            "root SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n"
            "state AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
            "log 7\n");
}

TEST(TreeHeadTest, ParseGivesBackWhatWriteWrote) {
  const Result<TreeHead> head = ParseTreeHead(WriteTreeHead(Sample()));
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(*head, Sample());
}

TEST(TreeHeadTest, ParseRefusesOtherForms) {
  const std::string good = WriteTreeHead(Sample());
  std::vector<std::string> bad = {"", "\n", good + "more\n", good.substr(0, good.size() - 1)};
  for (const auto& [from, to] : {std::pair("epoch 3", "epoch 03"), std::pair("epoch 3", "epoch -3"),
                                 std::pair("epoch 3", "epoch  3"), std::pair("epoch", "Epoch"),
                                 std::pair("casemate.tree", "casemate.log"),
                                 std::pair("root S", "root S="), std::pair("log 7", "log ")}) {
    std::string text = good;
    text.replace(text.find(from), std::string_view(from).size(), to);
    bad.push_back(text);
  }
  for (const std::string& text : bad) {
    EXPECT_FALSE(ParseTreeHead(text).has_value()) << text;
  }
}

TEST(TreeHeadTest, BothSignaturesAreNeeded) {
  const std::vector<crypto::SigningKey> keys = Keys();
  const Result<Bytes> note = SignTreeHead(Sample(), keys);
  ASSERT_TRUE(note.has_value());
  const Result<TreeHead> head = OpenTreeHead(*note, keys);
  ASSERT_TRUE(head.has_value()) << head.error().detail;
  EXPECT_EQ(*head, Sample());
  const Result<Bytes> half = SignTreeHead(Sample(), std::span(keys).first(1));
  EXPECT_FALSE(OpenTreeHead(*half, keys).has_value());
  EXPECT_FALSE(OpenTreeHead(*note, Keys()).has_value());
}

TEST(TreeHeadTest, AFlippedBitIsFound) {
  const std::vector<crypto::SigningKey> keys = Keys();
  const Result<Bytes> note = SignTreeHead(Sample(), keys);
  // Every byte of the text, and a sample of the (long) signatures.
  for (std::size_t at = 0; at < note->size(); at += at < 400 ? 1 : 97) {
    Bytes changed = *note;
    changed[at] ^= std::byte{1};
    const Result<TreeHead> head = OpenTreeHead(changed, keys);
    EXPECT_TRUE(!head.has_value()) << "byte " << at;
  }
}

StateDocument SampleState() {
  StateDocument state;
  PrincipalRecord principal;
  principal.id = PrincipalId({std::byte{1}});
  principal.tenant = TenantId({std::byte{2}});
  principal.name = "operator";
  principal.is_operator = true;
  principal.ceiling = policy::Label::kSecret;
  state.principals.push_back(principal);
  TenantRecord tenant;
  tenant.id = principal.tenant;
  tenant.name = "default";
  tenant.operator_principal = principal.id;
  state.tenants.push_back(tenant);
  state.labels = policy::LabelOrder().names();
  return state;
}

TEST(StateDocumentTest, ReadGivesBackWhatWriteWrote) {
  const Result<StateDocument> state = ReadStateDocument(WriteStateDocument(SampleState()));
  ASSERT_TRUE(state.has_value()) << state.error().detail;
  EXPECT_EQ(state->FindTenant(std::string())->name, "default");
  EXPECT_NE(state->FindPrincipal(PrincipalId({std::byte{1}})), nullptr);
}

TEST(StateDocumentTest, ReferencesToNothingAreRefused) {
  StateDocument no_principal = SampleState();
  no_principal.principals.clear();
  StateDocument stray_key = SampleState();
  stray_key.keys.push_back({});
  StateDocument stray_grant = SampleState();
  stray_grant.grants.push_back({});
  StateDocument wild_label = SampleState();
  wild_label.principals[0].ceiling = static_cast<policy::Label>(9);
  StateDocument newer = SampleState();
  newer.format = StateDocument::kFormat + 1;
  for (const StateDocument* state :
       {&no_principal, &stray_key, &stray_grant, &wild_label, &newer}) {
    const Result<StateDocument> read = ReadStateDocument(WriteStateDocument(*state));
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code, ErrorCode::kIntegrityFailure);
  }
}

TEST(StateDocumentTest, EveryCutIsRefused) {
  const Plaintext text = WriteStateDocument(SampleState());
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(ReadStateDocument(text.view().Part(0, size)).has_value()) << size;
  }
}

}  // namespace
}  // namespace casemate::custody
