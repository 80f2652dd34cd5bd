#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/verify/leaf.h"
#include "audit/verify/note.h"
#include "base/id.h"
#include "crypto/hash.h"

// What stays of one answer: who released what for it, what the server says it did, and what was
// asked and answered. docs/formats/receipt.md. Three signed notes, each by who vouches for it:
//
//   custodian  signed by the log's keys (D/audit/log.vkey): what was released, as the log has it.
//              It names the keys of the two other blocks and the digests of their texts, so whoever
//              trusts the log's keys needs no others.
//   server     asserted by the tenant's keeper: the window, the model, what was held and wiped.
//   client     stated by the keeper, and what the client can compare: TLS group, method, path, and
//              salted digests of the bytes of request and answer.
//
// How a client gets one over HTTP:
//
//   1. The head of every answer that has a receipt, streamed or not, carries
//        x-casemate-receipt: rcpt_...          the receipt's id
//        x-casemate-receipt-salt: 64 hex       the salt; given to the caller here and nowhere else
//   2. Request bytes are the request's body as sent (empty for GET). Answer bytes are the answer's
//      body after HTTP's own framing (chunks) is taken off. A stream has one more event, always the
//      last, after `data: [DONE]` (or after an `event: error` that ended it instead):
//        event: casemate.receipt\n
//        data: {"type":"casemate.receipt","id":"rcpt_..."}\n\n
//      The answer's bytes are all before the "e" of that "event: casemate.receipt". A stream that
//      ends without that event was cut off.
//   3. GET /v1/receipts/{id} with the same credential: 202 with `Retry-After` (seconds) until the
//      window is closed, then 200 with the receipt as text/plain; 404: no such receipt, or no
//      longer kept; 403: somebody else's; 503: it could not be made, and the message says why.
//   4. VerifyReceipt(text, keys of log.vkey), compare its id with the header, then
//      VerifyExchange(receipt, salt, request, answer), or the digests made while bytes pass.
namespace casemate::audit {

using crypto::Digest;

struct ReceiptTag {
  static constexpr std::string_view kPrefix = "rcpt_";
};
using ReceiptId = Id<ReceiptTag>;
using ReceiptSalt = std::array<std::byte, 32>;

inline constexpr std::size_t kMaxReceiptBytes = std::size_t{64} * 1024;
inline constexpr std::size_t kMaxReceiptItems = 32;  // models, regions and scrubs, each

// Who vouches: the custodian. `ticket` and `closed` are the log's entries themselves.
struct CustodianBlock {
  std::string origin;  // of the log: "casemate.local/<deployment id>"
  ReceiptId receipt;
  std::int64_t unix_ms = 0;  // when it was signed
  std::uint64_t ticket_index = 0;
  Leaf ticket;
  std::uint64_t closed_index = 0;
  Leaf closed;
  std::uint64_t log_size = 0;            // entries then durable; both indexes are below
  std::vector<VerifierKey> server_keys;  // 1 or 2, whose name is origin + "/server"
  Digest server_text{};                  // SHA-256 of the server block's text
  Digest client_text{};
};

struct ReceiptModel {
  Digest digest{};   // SHA-256 of the model's file
  std::string name;  // 1 to 256 visible ASCII characters
};
struct ReceiptRegion {
  std::string kind;         // "request", "answer", "tokens"
  std::uint64_t bytes = 0;  // the most at any time
};
enum class ReceiptOutcome : std::uint8_t {
  kComplete = 1,
  kCut = 2,  // the answer ended early: the client left, the ticket was revoked, or an error
};

// Who vouches: the server, and nobody else. Words are 1 to 64 characters of [A-Za-z0-9._-].
struct ServerBlock {
  std::string origin;
  ReceiptId receipt;
  std::int64_t opened_ms = 0;  // unix milliseconds: the request reached the keeper
  std::int64_t closed_ms = 0;  // its answer, leases and buffers were gone
  std::uint64_t duration_ms = 0;
  ReceiptOutcome outcome = ReceiptOutcome::kComplete;
  std::string isolation;             // "process"
  std::string engine;                // "libllama"; "none": no model took part
  std::vector<ReceiptModel> models;  // at most kMaxReceiptItems of each of these
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::vector<ReceiptRegion> regions;
  std::vector<std::string> scrubs;  // words: what was wiped by name
};

// Who vouches: the server; the client can compare.
struct ClientBlock {
  std::string origin;
  ReceiptId receipt;
  std::string tls;                     // the group's name, or "operator-socket"
  bool tls_classical_allowed = false;  // the server held this hop to a classical minimum only
  std::string method;                  // word
  std::string path;                    // visible ASCII, at most 1024; other bytes as %XX
  std::uint16_t status = 0;
  bool streamed = false;
  Digest request{};  // RequestDigest
  Digest answer{};   // AnswerDigest
  std::uint64_t answer_bytes = 0;
};

struct Receipt {
  CustodianBlock custodian;
  ServerBlock server;
  ClientBlock client;
  Note custodian_note;
  Note server_note;
  Note client_note;

  const ReceiptId& id() const { return custodian.receipt; }
};

// The texts that are signed. What they hold must be in the ranges above.
std::string FormatBlock(const CustodianBlock& block);
std::string FormatBlock(const ServerBlock& block);
std::string FormatBlock(const ClientBlock& block);
// Three notes, a receipt.
std::string FormatReceipt(std::string_view custodian_note, std::string_view server_note,
                          std::string_view client_note);

// "casemate.local/<deployment id>/server".
std::string ServerKeyName(std::string_view origin);

// Reads the form: three blocks of one receipt that fit each other and their log entries, in the one
// way in which Format writes them. No signature is looked at. Errors: kInvalidArgument: the message
// names the block; kTooLarge: over kMaxReceiptBytes.
[[nodiscard]] Result<Receipt> ParseReceipt(std::string_view text);

// That it says what its three signers signed, for who trusts `log_keys` (all of log.vkey: each must
// have signed). Offline; whether the log has both entries is another question (LogReader::Prove).
// Errors: kIntegrityFailure: anything else than that, the form included.
[[nodiscard]] Result<Receipt> VerifyReceipt(std::string_view text,
                                            std::span<const VerifierKey> log_keys);

// 64 hexadecimal digits. Errors: kInvalidArgument.
[[nodiscard]] Result<ReceiptSalt> ParseReceiptSalt(std::string_view hex);

// SHA-256(salt || body), as the log's ticket entry has it.
Digest RequestDigest(const ReceiptSalt& salt, ByteView body);
// SHA-256(salt || "casemate/answer@v1\n" || body), over parts as they pass. Threads: one at a time.
class AnswerDigest {
 public:
  explicit AnswerDigest(const ReceiptSalt& salt);
  void Update(ByteView part);
  Digest Finish();  // once

 private:
  crypto::Sha256Stream stream_;
};

// That the receipt is of these bytes. Errors: kIntegrityFailure: another request, another answer.
[[nodiscard]] Result<void> VerifyExchange(const Receipt& receipt, const ReceiptSalt& salt,
                                          ByteView request, ByteView answer);
// As above, of digests.
[[nodiscard]] Result<void> VerifyExchange(const Receipt& receipt, const Digest& request,
                                          const Digest& answer);

}  // namespace casemate::audit
