#include "custody/server/state_document.h"

#include <gtest/gtest.h>

namespace casemate::custody {
namespace {

template <typename IdType>
IdType IdFrom(std::uint8_t first) {
  typename IdType::Array bytes{};
  bytes.fill(std::byte{first});
  return IdType(bytes);
}

const auto kTenant = IdFrom<TenantId>(0x20);
const auto kOperator = IdFrom<PrincipalId>(0x50);
const auto kAnna = IdFrom<PrincipalId>(0x51);

// Format 1, field by field, as the first version wrote it: one tenant, its operator and one key.
Plaintext Format1(std::uint8_t label) {
  ipc::Encoder out;
  out(std::uint32_t{1});     // format
  out(std::uint64_t{7});     // revision
  out(Bytes{std::byte{1}});  // certificate
  out(Bytes{std::byte{2}});  // authority
  out(std::uint32_t{1});     // tenants
  out(kTenant);
  out(std::string("default"));
  out(std::int64_t{1'767'225'600});
  out(IdFrom<ObjectId>(0x30));
  out(std::uint32_t{0});
  out(kOperator);
  out(std::uint32_t{2});  // principals
  for (const bool is_operator : {true, false}) {
    out(is_operator ? kOperator : kAnna);
    out(kTenant);
    out(IdFrom<ObjectId>(is_operator ? 0x31 : 0x32));
    out(std::uint32_t{is_operator ? 1U : 2U});
    out(std::uint8_t{label});
    out(is_operator);
  }
  out(std::uint32_t{1});  // keys
  out(IdFrom<KeyId>(0x70));
  out(std::array<std::byte, 32>{});
  out(kTenant);
  out(kAnna);
  out(std::string("laptop"));
  out(std::uint8_t{label});
  out(std::int64_t{1'767'225'601});
  out(false);
  out(std::uint32_t{2});  // grants
  for (const PrincipalId& principal : {kOperator, kAnna}) {
    out(principal);
    out(true);
    out(CollectionId());
    out(std::uint8_t{label});
    out(std::uint16_t{63});
  }
  out(std::uint32_t{0});  // models
  return out.Take();
}

TEST(StateDocumentTest, Format1IsReadAndWrittenAsTheNewest) {
  Result<StateDocument> state = ReadStateDocument(Format1(3));
  ASSERT_TRUE(state.has_value()) << state.error().message << state.error().detail;
  EXPECT_EQ(state->format, StateDocument::kFormat);
  EXPECT_EQ(state->revision, 7U);
  EXPECT_EQ(state->labels,
            (std::vector<std::string>{"public", "internal", "confidential", "secret"}));
  ASSERT_EQ(state->principals.size(), 2U);
  EXPECT_EQ(state->principals[0].name, "operator");
  EXPECT_EQ(state->principals[1].name, OwnPrincipalName(kAnna));
  EXPECT_FALSE(state->principals[1].suspended);
  ASSERT_EQ(state->keys.size(), 1U);
  EXPECT_EQ(state->keys[0].name, "laptop");
  EXPECT_EQ(state->keys[0].expires, 0);
  ASSERT_EQ(state->grants.size(), 2U);
  EXPECT_FALSE(state->grants[0].id.is_none());
  EXPECT_NE(state->grants[0].id, state->grants[1].id);
  EXPECT_EQ(state->grants[1].actions, policy::kEveryAction);
  // The ids of grants are the same at the next start, and what is written is read.
  EXPECT_EQ(ReadStateDocument(Format1(3))->grants[1].id, state->grants[1].id);
  const Result<StateDocument> again = ReadStateDocument(WriteStateDocument(*state));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->grants[1].id, state->grants[1].id);
}

TEST(StateDocumentTest, OtherFormatsAndBrokenOnesAreRefused) {
  StateDocument newer;
  newer.labels = {"low", "high"};
  newer.format = 3;
  EXPECT_FALSE(ReadStateDocument(WriteStateDocument(newer)).has_value());
  newer.format = StateDocument::kFormat;
  EXPECT_TRUE(ReadStateDocument(WriteStateDocument(newer)).has_value());
  newer.labels = {"one"};
  EXPECT_FALSE(ReadStateDocument(WriteStateDocument(newer)).has_value());
  newer.labels = {"low", "high"};
  newer.default_label = policy::Label{2};
  EXPECT_FALSE(ReadStateDocument(WriteStateDocument(newer)).has_value());
  EXPECT_FALSE(ReadStateDocument(Format1(200)).has_value());
  const Plaintext whole = Format1(3);
  for (std::size_t size = 0; size < whole.size(); size += 13) {
    EXPECT_FALSE(ReadStateDocument(whole.view().Part(0, size)).has_value()) << size;
  }
}

}  // namespace
}  // namespace casemate::custody
