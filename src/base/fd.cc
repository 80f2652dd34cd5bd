#include "base/fd.h"

#include <unistd.h>

namespace casemate {

void UniqueFd::Reset(int fd) {
  if (fd_ >= 0) {
    ::close(fd_);  // EINTR on Linux has closed it already; there is nothing to retry
  }
  fd_ = fd;
}

}  // namespace casemate
