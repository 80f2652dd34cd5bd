#include "ipc/control.h"

namespace casemate::ipc {

Failure Failure::Of(const Error& error) {
  constexpr std::size_t kMaxText = 4096;
  return Failure{.code = error.code,
                 .message = error.message.substr(0, kMaxText),
                 .param = error.param.substr(0, kMaxText),
                 .detail = error.detail.substr(0, kMaxText)};
}

}  // namespace casemate::ipc
