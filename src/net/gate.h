#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/caller.h"
#include "net/http_parser.h"
#include "net/messages.h"
#include "net/operator_pages.h"

namespace casemate::net {

// Who may come in through one listener. Threads: the server's network thread only.
class Gate {
 public:
  struct Refusal {
    Error error;
    std::uint16_t status = 0;  // 0: the error code's own
    std::string code = {};     // of the error envelope; empty: the error code's name
  };

  virtual ~Gate() = default;
  // A look at the head before anything else happens, health and OPTIONS included. nullopt: it may
  // go on.
  virtual std::optional<Refusal> Check(const MessageHead&) const { return std::nullopt; }
  // What `GET /ready` says. Errors: kUnavailable: requests would be refused now.
  [[nodiscard]] virtual Result<void> Ready() const = 0;
  // The code of the error envelope while requests are refused as Ready says; a literal.
  virtual std::string_view NotReadyCode() const { return {}; }
  // Pages for whoever comes in here, before Admit is asked; nullptr: none. As long as the gate.
  virtual const OperatorPages* Pages() const { return nullptr; }
  // What the hop table calls connections that come in here; a literal.
  virtual std::string_view HopName() const = 0;
  // For whom the request is. Errors: kUnauthenticated; kUnavailable: not known yet.
  [[nodiscard]] virtual Result<Caller> Admit(const MessageHead& head) const = 0;
  // Fields that the answer to such a request carries besides its own (CORS).
  virtual std::vector<Header> AnswerFields(const MessageHead&) const { return {}; }
};

}  // namespace casemate::net
