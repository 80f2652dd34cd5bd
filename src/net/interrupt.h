#pragma once

#include "base/error.h"
#include "base/fd.h"

namespace casemate::net {

// Wakes whoever waits on a socket in another thread, and keeps them from waiting again: once raised
// it stays so. Threads: all members may run at any time.
class Interrupt {
 public:
  // Errors: kResourceExhausted: no descriptor is left.
  [[nodiscard]] static Result<Interrupt> Make();

  void Raise() const;
  // Readable once it was raised.
  int fd() const { return fd_.get(); }

 private:
  explicit Interrupt(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;  // eventfd(2)
};

}  // namespace casemate::net
