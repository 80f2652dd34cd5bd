#include "net/interrupt.h"

#include <sys/eventfd.h>

namespace casemate::net {

Result<Interrupt> Interrupt::Make() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.valid()) {
    return FailErrno("eventfd");
  }
  return Interrupt(std::move(fd));
}

void Interrupt::Raise() const {
  // It can fail only when the counter is full, and then it is raised already.
  (void)::eventfd_write(fd_.get(), 1);
}

}  // namespace casemate::net
