#pragma once

#include "base/error.h"
#include "net/messages.h"
#include "secmem/plaintext.h"

namespace casemate::api {

// Where an answer goes: Head once, Body any number of times, End once. Implementations: the
// keeper's, over the channel to the front; a recording one in tests. Threads: one at a time.
class Responder {
 public:
  virtual ~Responder() = default;
  // Errors: kCancelled: the client is gone; kUnavailable: the front is.
  [[nodiscard]] virtual Result<void> Head(const net::HttpHead& head) = 0;
  // At most net::kMaxBodyPiece bytes; waits while the client does not read. Errors: as Head.
  [[nodiscard]] virtual Result<void> Body(Plaintext bytes) = 0;
  virtual void End() = 0;
  // The client is gone or its deadline passed. Long work asks often.
  virtual bool cancelled() const = 0;
};

}  // namespace casemate::api
