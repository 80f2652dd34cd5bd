#pragma once

#include <cstddef>

#include "audit/verify/receipt.h"
#include "secmem/plaintext.h"

namespace casemate::net {

// Reads an answer as it passes and digests what its receipt is about: all of it, or, of a stream of
// server-sent events, what stands before the last event, which names the receipt
// (audit/verify/receipt.h). Threads: one at a time.
class ReceiptStream {
 public:
  static constexpr std::size_t kMaxEventBytes = std::size_t{16} << 20;

  // `id`: of the receipt that the head named.
  ReceiptStream(const audit::ReceiptSalt& salt, const audit::ReceiptId& id, bool is_events)
      : digest_(salt), id_(id), is_events_(is_events) {}

  // Takes a piece, at borders that mean nothing. Returns what may be given out now by somebody who
  // holds back the answer's last whole event and whatever came after it: what a client takes for
  // the answer's end (`data: [DONE]`, response.completed) is in there until the end.
  Plaintext Add(PlaintextView piece);
  // The rest, after the last piece.
  Plaintext TakeRest();
  // Of what came, after the last piece. Errors: kIntegrityFailure: a stream without its last event
  // was cut off, or something stands behind it, or an event over kMaxEventBytes.
  [[nodiscard]] Result<audit::Digest> Finish();

 private:
  // True: it is no part of the answer.
  bool TakeEvent(PlaintextView event);

  audit::AnswerDigest digest_;
  audit::ReceiptId id_;
  bool is_events_;
  Plaintext held_;              // the last whole event and what came after it
  std::size_t held_event_ = 0;  // how much of held_ is that event
  bool ended_ = false;          // the receipt's event came
  std::string wrong_;
};

}  // namespace casemate::net
