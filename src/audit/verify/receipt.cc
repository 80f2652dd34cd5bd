#include "audit/verify/receipt.h"

#include <algorithm>

#include "audit/verify/signed_text.h"

namespace casemate::audit {
namespace {

constexpr std::string_view kAnswerLabel = "casemate/answer@v1\n";

Result<void> VerifyBlock(std::string_view name, const Note& note,
                         std::span<const VerifierKey> keys) {
  Result<void> good = VerifyText(note, keys);
  if (!good) {
    return Fail(ErrorCode::kIntegrityFailure,
                "the " + std::string(name) + " block: " + good.error().message);
  }
  return {};
}

}  // namespace

Result<Receipt> VerifyReceipt(std::string_view text, std::span<const VerifierKey> log_keys) {
  Result<Receipt> receipt = ParseReceipt(text);
  if (!receipt) {
    return Fail(ErrorCode::kIntegrityFailure, receipt.error().message);
  }
  const CustodianBlock& custodian = receipt->custodian;
  for (const VerifierKey& key : log_keys) {
    if (key.name != custodian.origin) {
      return Fail(ErrorCode::kIntegrityFailure,
                  "the receipt is of the log " + custodian.origin + ", the key of " + key.name);
    }
  }
  if (Result<void> good = VerifyBlock("custodian", receipt->custodian_note, log_keys); !good) {
    return std::unexpected(good.error());
  }
  // From here on the custodian vouches for which keys and which texts the other blocks have.
  if (crypto::Sha256(AsBytes(receipt->server_note.text)) != custodian.server_text ||
      crypto::Sha256(AsBytes(receipt->client_note.text)) != custodian.client_text) {
    return Fail(ErrorCode::kIntegrityFailure,
                "the server or the client block is not the one that the custodian saw");
  }
  if (Result<void> good = VerifyBlock("server", receipt->server_note, custodian.server_keys);
      !good) {
    return std::unexpected(good.error());
  }
  if (Result<void> good = VerifyBlock("client", receipt->client_note, custodian.server_keys);
      !good) {
    return std::unexpected(good.error());
  }
  return receipt;
}

Result<ReceiptSalt> ParseReceiptSalt(std::string_view hex) {
  const Result<Bytes> bytes = FromHex(hex);
  ReceiptSalt salt{};
  if (!bytes || bytes->size() != salt.size()) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected a salt of 64 hexadecimal digits, as in x-casemate-receipt-salt");
  }
  std::ranges::copy(*bytes, salt.begin());
  return salt;
}

Digest RequestDigest(const ReceiptSalt& salt, ByteView body) { return crypto::Sha256(salt, body); }

AnswerDigest::AnswerDigest(const ReceiptSalt& salt) {
  stream_.Update(salt);
  stream_.Update(AsBytes(kAnswerLabel));
}
void AnswerDigest::Update(ByteView part) { stream_.Update(part); }
Digest AnswerDigest::Finish() { return stream_.Finish(); }

Result<void> VerifyExchange(const Receipt& receipt, const ReceiptSalt& salt, ByteView request,
                            ByteView answer) {
  AnswerDigest digest(salt);
  digest.Update(answer);
  return VerifyExchange(receipt, RequestDigest(salt, request), digest.Finish());
}

Result<void> VerifyExchange(const Receipt& receipt, const Digest& request, const Digest& answer) {
  if (receipt.client.request != request) {
    return Fail(ErrorCode::kIntegrityFailure,
                "the receipt is of another request (or the salt is another receipt's)");
  }
  if (receipt.client.answer != answer) {
    return Fail(ErrorCode::kIntegrityFailure, "the receipt is of another answer");
  }
  return {};
}

}  // namespace casemate::audit
