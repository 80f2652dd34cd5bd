#pragma once

#include <string>

#include "audit/verify/receipt.h"
#include "audit/verify/signed_text.h"
#include "audit/verify/test_log.h"

// A receipt made in the plainest way, for tests of what reads it.
namespace casemate::audit {

// Both algorithms, or the first alone, whose signatures are short and quick to look at.
inline std::span<const crypto::SigningKey> Some(const std::vector<crypto::SigningKey>& keys,
                                                std::size_t count) {
  return std::span(keys).first(count);
}

inline std::vector<crypto::SigningKey> TestServerKeys() {
  std::vector<crypto::SigningKey> keys;
  keys.push_back(
      crypto::SigningKey::FromSeed(crypto::SignatureAlgorithm::kEd25519, TestKey(3)).value());
  keys.push_back(
      crypto::SigningKey::FromSeed(crypto::SignatureAlgorithm::kMlDsa44, TestKey(4)).value());
  return keys;
}

inline ReceiptSalt TestSalt() {
  ReceiptSalt salt{};
  salt.fill(std::byte{0x5a});
  return salt;
}
inline constexpr std::string_view kTestRequest = "{\"model\":\"m\"}";
inline constexpr std::string_view kTestAnswer = "{\"choices\":[]}";

inline ReceiptId TestReceiptId() {
  ReceiptId::Array bytes{};
  bytes.fill(std::byte{0x77});
  return ReceiptId(bytes);
}

struct TestBlocks {
  CustodianBlock custodian;
  ServerBlock server;
  ClientBlock client;
};

inline TestBlocks MakeTestBlocks() {
  TestBlocks blocks;
  Leaf leaf;
  leaf.type = LeafType::kTicket;
  leaf.unix_ms = 1767225600000;  // 2026-01-01T00:00:00Z
  leaf.tenant.fill(std::byte{0x11});
  leaf.principal.fill(std::byte{0x22});
  leaf.ticket.fill(std::byte{0x33});
  leaf.justification = 5;
  leaf.level = 1;
  leaf.actions = 5;
  leaf.label = 2;
  leaf.max_objects = 1024;
  leaf.duration_ms = 60000;
  leaf.request = RequestDigest(TestSalt(), AsBytes(kTestRequest));
  CustodianBlock& custodian = blocks.custodian;
  custodian.origin = std::string(kTestOrigin);
  custodian.receipt = TestReceiptId();
  custodian.unix_ms = 1767225602000;
  custodian.ticket_index = 17;
  custodian.ticket = leaf;
  leaf.type = LeafType::kTicketClosed;
  leaf.unix_ms += 1500;
  leaf.count = 12;
  leaf.objects.fill(std::byte{0x44});
  custodian.closed_index = 19;
  custodian.closed = leaf;
  custodian.log_size = 20;
  for (const crypto::SigningKey& key : TestServerKeys()) {
    custodian.server_keys.push_back(VerifierKey::Of(ServerKeyName(kTestOrigin), key).value());
  }
  ServerBlock& server = blocks.server;
  server.origin = custodian.origin;
  server.receipt = custodian.receipt;
  server.opened_ms = 1767225600000;
  server.closed_ms = 1767225601400;
  server.duration_ms = 1400;
  server.isolation = "process";
  server.engine = "libllama";
  server.models.push_back({.digest = {}, .name = "casemate-answer"});
  server.models.back().digest.fill(std::byte{0x66});
  server.prompt_tokens = 41;
  server.completion_tokens = 7;
  server.regions = {{.kind = "request", .bytes = kTestRequest.size()},
                    {.kind = "answer", .bytes = kTestAnswer.size()}};
  server.scrubs = {"leases", "request", "answer"};
  ClientBlock& client = blocks.client;
  client.origin = custodian.origin;
  client.receipt = custodian.receipt;
  client.tls = "X25519MLKEM768";
  client.method = "POST";
  client.path = "/v1/chat/completions";
  client.status = 200;
  client.request = custodian.ticket.request;
  AnswerDigest answer(TestSalt());
  answer.Update(AsBytes(kTestAnswer));
  client.answer = answer.Finish();
  client.answer_bytes = kTestAnswer.size();
  return blocks;
}

// Signs `blocks`, whose digests it sets, with `algorithms` of each signer's two keys.
inline std::string MakeTestReceipt(TestBlocks blocks, std::size_t algorithms = 2) {
  const std::string name = ServerKeyName(blocks.server.origin);
  const std::vector<crypto::SigningKey> server_keys = TestServerKeys();
  const std::vector<crypto::SigningKey> log_keys = TestKeys();
  const auto keys = Some(server_keys, algorithms);
  const std::string server = SignText(FormatBlock(blocks.server), name, keys).value();
  const std::string client = SignText(FormatBlock(blocks.client), name, keys).value();
  blocks.custodian.server_text = crypto::Sha256(AsBytes(FormatBlock(blocks.server)));
  blocks.custodian.client_text = crypto::Sha256(AsBytes(FormatBlock(blocks.client)));
  const std::string custodian =
      SignText(FormatBlock(blocks.custodian), blocks.custodian.origin, Some(log_keys, algorithms))
          .value();
  return FormatReceipt(custodian, server, client);
}

}  // namespace casemate::audit
