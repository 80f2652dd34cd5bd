#include "inference/room/compute_permit.h"

#include <fcntl.h>

#include <cerrno>

namespace casemate::inference {
namespace {

int SetLock(int fd, short type, int command) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = 0;
  lock.l_len = 1;
  int result = 0;
  do {
    result = ::fcntl(fd, command, &lock);
  } while (result != 0 && errno == EINTR);
  return result;
}

}  // namespace

Result<ComputePermit::Held> ComputePermit::Take() {
  if (file_.valid() && SetLock(file_.get(), F_WRLCK, F_OFD_SETLKW) != 0) {
    return FailErrno("the compute permit");
  }
  return Held(file_.get());
}

ComputePermit::Held::~Held() {
  if (fd_ >= 0) {
    (void)SetLock(fd_, F_UNLCK, F_OFD_SETLK);
  }
}

}  // namespace casemate::inference
