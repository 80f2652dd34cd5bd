#pragma once

#include "api/exchange.h"
#include "api/responder.h"
#include "net/messages.h"

namespace casemate::api {

// Finds the endpoint of a request and runs it. Every request gets exactly one answer: 404 for
// unknown paths, 405 with Allow for a known path's other methods. Threads: Handle may run many
// times at once.
class Router {
 public:
  explicit Router(Services services) : services_(std::move(services)) {}
  void Handle(const net::HttpRequest& request, Responder& responder) const;

 private:
  Services services_;
};

}  // namespace casemate::api
