#pragma once

#include <mutex>

#include "ipc/peer.h"
#include "metrics/totals.h"
#include "net/server.h"

namespace casemate::app {

// What the front answers on the operator's socket by itself: `GET /metrics` and
// `POST /casemate/v1/reload`. Threads: Answer may run at the same time.
class FrontPages {
 public:
  // `supervisor` must outlive it.
  explicit FrontPages(ipc::Peer& supervisor) : supervisor_(supervisor) {}
  std::optional<Result<net::OperatorPage>> Answer(std::string_view method, std::string_view path,
                                                  std::string_view accept);

 private:
  [[nodiscard]] Result<net::OperatorPage> Metrics(std::string_view accept);
  [[nodiscard]] Result<net::OperatorPage> Reload();

  ipc::Peer& supervisor_;
  std::mutex mutex_;  // guards totals_
  metrics::Totals totals_;
};

}  // namespace casemate::app
