#include "net/receipt_stream.h"

#include <string>
#include <string_view>
#include <utility>

namespace casemate::net {
namespace {

constexpr std::string_view kReceiptEvent = "event: casemate.receipt\n";

}  // namespace

Plaintext ReceiptStream::Add(PlaintextView piece) {
  if (!is_events_) {
    digest_.Update(piece.RevealBytes());
    return Plaintext::Copy(piece);
  }
  // A border may lie between the two line feeds that end an event: look from one byte before.
  std::size_t look = held_.size() > held_event_ ? held_.size() - 1 : held_.size();
  held_.Append(piece);
  const std::string_view text = held_.view().Reveal();
  std::size_t begin = held_event_;  // of the event that is not whole yet
  std::size_t out = 0;              // what is before the answer's last event
  for (std::size_t end = text.find("\n\n", look); end != std::string_view::npos;
       end = text.find("\n\n", begin)) {
    if (!TakeEvent(held_.view().Part(begin, end + 2 - begin))) {
      out = begin;
    }
    begin = end + 2;
  }
  if (text.size() - begin > kMaxEventBytes) {
    wrong_ = "an event is over " + std::to_string(kMaxEventBytes) + " bytes";
    is_events_ = false;  // nothing is held any more: it cannot be verified
    held_event_ = 0;
    return std::exchange(held_, Plaintext());
  }
  if (out == 0) {
    held_event_ = begin;
    return {};
  }
  Plaintext ready = Plaintext::Copy(held_.view().Part(0, out));
  held_ = Plaintext::Copy(held_.view().Part(out));
  held_event_ = begin - out;
  return ready;
}

bool ReceiptStream::TakeEvent(PlaintextView event) {
  if (ended_) {
    wrong_ = "the stream goes on behind the event that ends it";
    return true;
  }
  if (!event.Reveal().starts_with(kReceiptEvent)) {
    digest_.Update(event.RevealBytes());
    return false;
  }
  ended_ = true;
  if (event.Reveal().find("\"" + id_.ToString() + "\"") == std::string_view::npos) {
    wrong_ = "the stream's last event names another receipt than its head";
  }
  return true;
}

Plaintext ReceiptStream::TakeRest() { return std::exchange(held_, Plaintext()); }

Result<audit::Digest> ReceiptStream::Finish() {
  if (is_events_ && wrong_.empty() && (!ended_ || held_.size() > held_event_)) {
    wrong_ = "the stream was cut off";
  }
  if (!wrong_.empty()) {
    return Fail(ErrorCode::kIntegrityFailure, wrong_);
  }
  return digest_.Finish();
}

}  // namespace casemate::net
