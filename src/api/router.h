#pragma once

#include <optional>

#include "api/exchange.h"
#include "api/responder.h"
#include "api/window.h"
#include "net/messages.h"

namespace casemate::api {

// Finds the endpoint of a request and runs it. Every request gets exactly one answer: 404 for
// unknown paths, 405 with Allow for a known path's other methods. Threads: Handle may run many
// times at once.
class Router {
 public:
  explicit Router(Services services) : services_(std::move(services)) {}
  // Destroy what it returns after the request: the answer's receipt is completed by that, and says
  // that the request's bytes are gone.
  std::optional<Window> Handle(const net::HttpRequest& request, Responder& responder) const;

 private:
  Services services_;
};

}  // namespace casemate::api
