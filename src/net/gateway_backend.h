#pragma once

#include <memory>

#include "base/error.h"
#include "net/backend.h"
#include "net/gateway.h"
#include "secmem/secret_buffer.h"

namespace casemate::net {

// Answers requests by asking the gateway, in the name of one API key. What goes wrong on the way is
// an answer too, in the OpenAI error form, with a code of its own:
//   gateway_unreachable (503), gateway_timeout (504), gateway_not_trusted, gateway_not_hybrid,
//   gateway_protocol_error (502); gateway_key_refused (401): the gateway does not know the API key.
// An answer that breaks off in its middle fails (Next), so that it is not taken for a whole one.
class GatewayBackend : public Backend {
 public:
  // `api_key`: as `casemate key create` printed it.
  GatewayBackend(std::shared_ptr<Gateway> gateway, SecretBuffer api_key);

  // Does not block: everything happens in Next. The tenant is the API key's, not `tenant`.
  [[nodiscard]] Result<std::unique_ptr<Answer>> Open(const TenantId& tenant,
                                                     const HttpRequest& request) override;

 private:
  std::shared_ptr<Gateway> gateway_;
  SecretBuffer api_key_;
};

// The origin form of a request's path and query, percent-encoded (RFC 3986, section 3.3). Errors:
// kInvalidArgument: a path that does not begin with a slash; a query with a space or control byte.
[[nodiscard]] Result<std::string> EncodeTarget(std::string_view path, std::string_view query);

}  // namespace casemate::net
