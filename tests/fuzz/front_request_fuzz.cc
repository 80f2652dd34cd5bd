// What a stranger on the TLS port can reach: the request parser, the target, the API key.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/admission.h"
#include "net/http_parser.h"
#include "net/request_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  using namespace casemate::net;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const HttpLimits limits{.max_header_bytes = 2048, .max_body_bytes = 4096};
  HttpParser parser(HttpParser::Kind::kRequest, limits);
  std::size_t body_bytes = 0;
  std::size_t window = 1;  // what is offered grows until something is taken, as bytes arrive
  while (!parser.done() && !rest.empty()) {
    window = std::min(window, rest.size());
    Result<std::size_t> taken = parser.Feed(PlaintextView::Of(rest.substr(0, window)));
    if (!taken) {
      return 0;
    }
    if (*taken > window) {
      __builtin_trap();
    }
    rest.remove_prefix(*taken);
    body_bytes += parser.TakeBody().size();
    if (body_bytes > limits.max_body_bytes) {
      __builtin_trap();
    }
    if (*taken == 0 && window == rest.size()) {
      break;
    }
    window = *taken == 0 ? window * 2 : 1;
  }
  if (parser.head_done()) {
    if (Result<RequestTarget> target = ParseTarget(parser.head().target)) {
      if (target->path != "*" && !target->path.starts_with('/')) {
        __builtin_trap();
      }
    }
    (void)ParseBearer(parser.head().authorization);
    (void)FilterHeaders(parser.head().headers);
  }
  return 0;
}
