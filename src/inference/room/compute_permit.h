#pragma once

#include "base/error.h"
#include "base/fd.h"

namespace casemate::inference {

// The right to compute, shared by all rooms of a deployment through one memfd: a room holds the
// lock (F_OFD_SETLKW, fcntl(2)) during each step, so that rooms take turns instead of fighting over
// the cores. The kernel frees it when a room dies. Threads: one at a time.
class ComputePermit {
 public:
  // `file`: a descriptor of an open description of this process's own; none: every step may run.
  explicit ComputePermit(UniqueFd file) : file_(std::move(file)) {}

  class Held {
   public:
    explicit Held(int fd) : fd_(fd) {}
    Held(Held&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Held& operator=(Held&&) = delete;
    ~Held();

   private:
    int fd_;
  };
  // Waits for the turn. Errors: kUnavailable.
  [[nodiscard]] Result<Held> Take();

 private:
  UniqueFd file_;
};

}  // namespace casemate::inference
