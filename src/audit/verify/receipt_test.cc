#include "audit/verify/receipt.h"

#include <gtest/gtest.h>

#include "audit/verify/test_receipt.h"

namespace casemate::audit {
namespace {

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(ReceiptTest, AReceiptVerifiesWithTheLogsKeysAlone) {
  const std::string text = MakeTestReceipt(MakeTestBlocks());
  const Result<Receipt> receipt = VerifyReceipt(text, TestVerifiers());
  ASSERT_TRUE(receipt.has_value()) << receipt.error().message;
  EXPECT_EQ(receipt->id(), TestReceiptId());
  EXPECT_EQ(receipt->custodian.ticket_index, 17U);
  EXPECT_EQ(receipt->custodian.closed.count, 12U);
  EXPECT_EQ(receipt->server.models.at(0).name, "casemate-answer");
  EXPECT_EQ(receipt->client.tls, "X25519MLKEM768");
  EXPECT_TRUE(VerifyExchange(*receipt, TestSalt(), AsBytes(kTestRequest), AsBytes(kTestAnswer))
                  .has_value());
}

void ExpectRefused(const std::string& text, std::size_t at, std::span<const VerifierKey> keys) {
  std::string changed = text;
  changed[at] = static_cast<char>(changed[at] ^ 1);
  const Result<Receipt> receipt = VerifyReceipt(changed, keys);
  ASSERT_FALSE(receipt.has_value()) << "byte " << at;
  EXPECT_EQ(receipt.error().code, ErrorCode::kIntegrityFailure) << "byte " << at;
}

TEST(ReceiptTest, AChangeOfAnyByteIsRefused) {
  TestBlocks blocks = MakeTestBlocks();
  blocks.custodian.server_keys.pop_back();
  const std::string text = MakeTestReceipt(blocks, 1);
  const std::vector<VerifierKey> keys = TestVerifiers();
  const auto first = std::span(keys).first(1);
  ASSERT_TRUE(VerifyReceipt(text, first).has_value());
  for (std::size_t at = 0; at < text.size(); ++at) {
    ExpectRefused(text, at, first);
  }
}

// Nine tenths of a receipt with both algorithms are ML-DSA-44 signatures, slow under sanitizers.
TEST(ReceiptTest, AChangeOfAnyTenthByteIsRefusedWithBothAlgorithms) {
  const std::string text = MakeTestReceipt(MakeTestBlocks());
  const std::vector<VerifierKey> keys = TestVerifiers();
  for (std::size_t at = 0; at < text.size(); at += 10) {
    ExpectRefused(text, at, keys);
  }
}

TEST(ReceiptTest, ACutReceiptAndOneWithMoreAreRefused) {
  const std::string text = MakeTestReceipt(MakeTestBlocks());
  const std::vector<VerifierKey> keys = TestVerifiers();
  for (std::size_t size = 0; size < text.size(); size += 7) {
    EXPECT_FALSE(VerifyReceipt(std::string_view(text).substr(0, size), keys).has_value()) << size;
  }
  for (std::size_t size = text.size() - 8; size < text.size(); ++size) {
    EXPECT_FALSE(VerifyReceipt(std::string_view(text).substr(0, size), keys).has_value()) << size;
  }
  EXPECT_FALSE(ParseReceipt(text + "\n").has_value());
  EXPECT_FALSE(ParseReceipt(text + text).has_value());
  EXPECT_FALSE(ParseReceipt("\n" + text).has_value());
}

TEST(ReceiptTest, ABlockOfAnotherReceiptIsRefused) {
  TestBlocks other = MakeTestBlocks();
  other.server.prompt_tokens = 99;
  const Result<Receipt> first = ParseReceipt(MakeTestReceipt(MakeTestBlocks()));
  const Result<Receipt> second = ParseReceipt(MakeTestReceipt(other));
  ASSERT_TRUE(first.has_value() && second.has_value());
  const std::string mixed =
      FormatReceipt(FormatNote(first->custodian_note), FormatNote(second->server_note),
                    FormatNote(first->client_note));
  const Result<Receipt> receipt = VerifyReceipt(mixed, TestVerifiers());
  ASSERT_FALSE(receipt.has_value());
  EXPECT_NE(receipt.error().message.find("not the one that the custodian saw"), std::string::npos);
}

TEST(ReceiptTest, AnotherLogsKeysAreRefused) {
  const std::string text = MakeTestReceipt(MakeTestBlocks());
  EXPECT_FALSE(VerifyReceipt(text, TestVerifiers("casemate.local/other")).has_value());
  std::vector<VerifierKey> wrong;
  for (const crypto::SigningKey& key : TestServerKeys()) {
    wrong.push_back(VerifierKey::Of(kTestOrigin, key).value());
  }
  EXPECT_FALSE(VerifyReceipt(text, wrong).has_value());
  EXPECT_FALSE(VerifyReceipt(text, {}).has_value());
}

TEST(ReceiptTest, OneSignatureOfTwoIsRefused) {
  const Result<Receipt> receipt = ParseReceipt(MakeTestReceipt(MakeTestBlocks()));
  ASSERT_TRUE(receipt.has_value());
  for (int block = 0; block < 3; ++block) {
    for (int which = 0; which < 2; ++which) {
      Receipt changed = *receipt;
      Note& note = block == 0   ? changed.custodian_note
                   : block == 1 ? changed.server_note
                                : changed.client_note;
      note.signatures.erase(note.signatures.begin() + which);
      const std::string text =
          FormatReceipt(FormatNote(changed.custodian_note), FormatNote(changed.server_note),
                        FormatNote(changed.client_note));
      EXPECT_FALSE(VerifyReceipt(text, TestVerifiers()).has_value()) << block << " " << which;
    }
  }
}

TEST(ReceiptTest, AHopThatMayBeClassicalStandsInTheClientsBlock) {
  TestBlocks blocks = MakeTestBlocks();
  blocks.client.tls = "x25519";
  blocks.client.tls_classical_allowed = true;
  const std::string text = MakeTestReceipt(blocks);
  EXPECT_NE(text.find("\ntls x25519\ntls-minimum classical\nmethod "), std::string::npos);
  const Result<Receipt> receipt = VerifyReceipt(text, TestVerifiers());
  ASSERT_TRUE(receipt.has_value()) << receipt.error().message;
  EXPECT_TRUE(receipt->client.tls_classical_allowed);
  // Another word there, or the line twice, is another spelling and refused.
  for (const char* other :
       {"tls-minimum hybrid", "tls-minimum ", "tls-minimum classical\ntls-minimum classical"}) {
    std::string changed = text;
    changed.replace(changed.find("tls-minimum classical"), 21, other);
    EXPECT_FALSE(ParseReceipt(changed).has_value()) << other;
  }
}

TEST(ReceiptTest, FactsThatAreNotThoseOfTheEntryAreRefused) {
  const std::string text = FormatBlock(MakeTestBlocks().custodian);
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"openings 12", "openings 11"},
                                                        {"actions list+search", "actions list"},
                                                        {"label 2", "label 1"},
                                                        {"justification 5", "justification 1"},
                                                        {"level asserted", "level attested"},
                                                        {"log-size 20", "log-size 19"},
                                                        {"time 17", "time 017"}}) {
    TestBlocks blocks = MakeTestBlocks();
    const std::string server = SignText(FormatBlock(blocks.server), "s", TestServerKeys()).value();
    const std::string client = SignText(FormatBlock(blocks.client), "s", TestServerKeys()).value();
    const std::string custodian =
        SignText(Replaced(text, from, to), kTestOrigin, TestKeys()).value();
    const Result<Receipt> receipt = ParseReceipt(FormatReceipt(custodian, server, client));
    ASSERT_FALSE(receipt.has_value()) << to;
    EXPECT_NE(receipt.error().message.find("custodian"), std::string::npos) << to;
  }
}

TEST(ReceiptTest, BlocksThatDoNotFitEachOtherAreRefused) {
  using Change = void (*)(TestBlocks&);
  for (const Change change : std::initializer_list<Change>{
           [](TestBlocks& b) { b.server.receipt = ReceiptId(); },
           [](TestBlocks& b) { b.client.receipt = ReceiptId(); },
           [](TestBlocks& b) { b.client.origin = "casemate.local/other"; },
           [](TestBlocks& b) { b.client.request = {}; },
           [](TestBlocks& b) { b.custodian.closed.ticket = {}; },
           [](TestBlocks& b) { b.custodian.closed.principal = {}; },
           [](TestBlocks& b) { b.custodian.closed.type = LeafType::kRelease; },
           [](TestBlocks& b) { b.custodian.closed_index = b.custodian.ticket_index; },
           [](TestBlocks& b) { b.custodian.log_size = b.custodian.closed_index; },
           [](TestBlocks& b) { b.custodian.server_keys.clear(); },
           [](TestBlocks& b) { b.custodian.server_keys[0].name = "somebody"; },
           [](TestBlocks& b) { b.server.engine = "two words"; },
           [](TestBlocks& b) { b.server.models[0].name = "a b"; },
           [](TestBlocks& b) { b.server.scrubs.resize(kMaxReceiptItems + 1, "x"); },
           [](TestBlocks& b) { b.client.path = std::string(1025, '/'); },
           [](TestBlocks& b) { b.client.status = 1000; }}) {
    TestBlocks blocks = MakeTestBlocks();
    change(blocks);
    EXPECT_FALSE(VerifyReceipt(MakeTestReceipt(blocks), TestVerifiers()).has_value());
  }
}

TEST(ReceiptTest, TheServersKeysMustBeThoseThatTheCustodianNames) {
  TestBlocks blocks = MakeTestBlocks();
  std::vector<VerifierKey>& keys = blocks.custodian.server_keys;
  keys.clear();
  for (const crypto::SigningKey& key : TestKeys()) {
    keys.push_back(VerifierKey::Of(ServerKeyName(kTestOrigin), key).value());
  }
  const Result<Receipt> receipt = VerifyReceipt(MakeTestReceipt(blocks), TestVerifiers());
  ASSERT_FALSE(receipt.has_value());
  EXPECT_NE(receipt.error().message.find("server block"), std::string::npos);
}

TEST(ReceiptTest, AnotherAnswerRequestOrSaltIsRefused) {
  const Result<Receipt> receipt = VerifyReceipt(MakeTestReceipt(MakeTestBlocks()), TestVerifiers());
  ASSERT_TRUE(receipt.has_value());
  ReceiptSalt other = TestSalt();
  other[31] ^= std::byte{1};
  const ByteView request = AsBytes(kTestRequest);
  const ByteView answer = AsBytes(kTestAnswer);
  EXPECT_FALSE(VerifyExchange(*receipt, other, request, answer).has_value());
  EXPECT_FALSE(VerifyExchange(*receipt, TestSalt(), request, request).has_value());
  EXPECT_FALSE(VerifyExchange(*receipt, TestSalt(), answer, answer).has_value());
  EXPECT_FALSE(
      VerifyExchange(*receipt, TestSalt(), request, answer.first(answer.size() - 1)).has_value());
}

// docs/formats/receipt.md, computed by tests/vectors/receipt_reference.py. Ed25519 is
// deterministic.
TEST(ReceiptTest, TheVectorOfTheFormatsPageIsWhatIsMade) {
  const Bytes page =
      ReadFile(std::filesystem::path(CASEMATE_SOURCE_DIR) / "docs/formats/receipt.md", 1 << 20)
          .value();
  TestBlocks blocks = MakeTestBlocks();
  blocks.custodian.server_keys.pop_back();
  const std::string made = MakeTestReceipt(blocks, 1);
  EXPECT_NE(AsText(page).find("\n```\n" + made + "```\n"), std::string_view::npos) << made;
}

TEST(ReceiptTest, ASaltIs64HexadecimalDigits) {
  EXPECT_EQ(ParseReceiptSalt(ToHex(TestSalt())).value(), TestSalt());
  EXPECT_FALSE(ParseReceiptSalt("").has_value());
  EXPECT_FALSE(ParseReceiptSalt(std::string(62, 'a')).has_value());
  EXPECT_FALSE(ParseReceiptSalt(std::string(64, 'g')).has_value());
}

TEST(ReceiptTest, MoreThan64KilobytesAreRefused) {
  const Result<Receipt> receipt = ParseReceipt(std::string(kMaxReceiptBytes + 1, 'a'));
  ASSERT_FALSE(receipt.has_value());
  EXPECT_EQ(receipt.error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace casemate::audit
