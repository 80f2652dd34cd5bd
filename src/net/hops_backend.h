#pragma once

#include <memory>
#include <utility>

#include "net/backend.h"
#include "net/hop_table.h"

namespace casemate::net {

// connect's own hops: `GET` of kHopsPath is answered with the table, everything else by `inner`.
// Threads: as Backend.
class HopsBackend : public Backend {
 public:
  HopsBackend(std::shared_ptr<Backend> inner, std::shared_ptr<const HopTable> hops)
      : inner_(std::move(inner)), hops_(std::move(hops)) {}

  [[nodiscard]] Result<std::unique_ptr<Answer>> Open(const TenantId& tenant,
                                                     const HttpRequest& request) override;

 private:
  const std::shared_ptr<Backend> inner_;
  const std::shared_ptr<const HopTable> hops_;
};

}  // namespace casemate::net
