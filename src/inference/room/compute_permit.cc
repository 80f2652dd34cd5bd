#include "inference/room/compute_permit.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>

namespace casemate::inference {
namespace {

// What a step costs whatever its size, in tokens: the weights are read once.
constexpr std::uint64_t kStepCost = 16;

constexpr off_t kTurnByte = 0;   // locked by who computes
constexpr off_t kFirstRoom = 1;  // byte 1 + n is locked by room n as long as it lives

int SetLock(int fd, short type, int command, off_t byte) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  int result = 0;
  do {
    result = ::fcntl(fd, command, &lock);
  } while (result != 0 && errno == EINTR);
  return result;
}

}  // namespace

ComputePermit::ComputePermit(UniqueFd file, std::chrono::milliseconds patience)
    : file_(std::move(file)), patience_(patience) {
  if (file_.valid()) {
    MapPage();
  }
}

ComputePermit::~ComputePermit() {
  if (page_ != nullptr) {
    Rest();
    ::munmap(page_, sizeof(FairPage));
  }
}

void ComputePermit::MapPage() {
  struct stat status{};
  // All rooms ask for the same size, so that it does not matter who comes first.
  if (::fstat(file_.get(), &status) != 0 ||
      (status.st_size < static_cast<off_t>(sizeof(FairPage)) &&
       ::ftruncate(file_.get(), sizeof(FairPage)) != 0)) {
    return;
  }
  std::size_t room = 0;
  while (room < FairPage::kRooms &&
         SetLock(file_.get(), F_WRLCK, F_OFD_SETLK, kFirstRoom + static_cast<off_t>(room)) != 0) {
    ++room;
  }
  if (room == FairPage::kRooms) {
    return;
  }
  void* pages =
      ::mmap(nullptr, sizeof(FairPage), PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
  if (pages == MAP_FAILED) {
    return;
  }
  page_ = static_cast<FairPage*>(pages);  // a page of zeros is an empty one
  room_ = room;
  page_->Rest(room_);  // of a room that had the number before
  page_->rooms[room_].account = 0;
}

bool ComputePermit::AwaitTurn(std::uint32_t seen) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience_);
  const std::chrono::nanoseconds rest = patience_ - seconds;
  const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = rest.count()};
  return ::syscall(SYS_futex, &page_->turns, FUTEX_WAIT, seen, &timeout, nullptr, 0) == 0 ||
         errno != ETIMEDOUT;
}

Result<ComputePermit::Held> ComputePermit::Take(std::size_t tokens) {
  if (!file_.valid()) {
    return Held(nullptr);
  }
  while (true) {
    std::uint32_t seen = 0;
    if (page_ != nullptr) {
      page_->Want(room_);
      seen = page_->turns.load();
    }
    if (SetLock(file_.get(), F_WRLCK, F_OFD_SETLKW, kTurnByte) != 0) {
      return FailErrno("the compute permit");
    }
    if (page_ == nullptr) {
      return Held(this);
    }
    if (!page_->IsAnotherBefore(room_)) {
      page_->Serve(room_, tokens + kStepCost);
      return Held(this);
    }
    (void)SetLock(file_.get(), F_UNLCK, F_OFD_SETLK, kTurnByte);
    if (!AwaitTurn(seen)) {
      // The lock was free all the time.
      page_->ForgetBefore(room_);
    }
  }
}

void ComputePermit::Wake() const {
  page_->turns.fetch_add(1);
  (void)::syscall(SYS_futex, &page_->turns, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void ComputePermit::Release() const {
  (void)SetLock(file_.get(), F_UNLCK, F_OFD_SETLK, kTurnByte);
  if (page_ != nullptr) {
    Wake();
  }
}

void ComputePermit::Rest() {
  if (page_ != nullptr) {
    page_->Rest(room_);
    Wake();
  }
}

ComputePermit::Held::~Held() {
  if (permit_ != nullptr) {
    permit_->Release();
  }
}

}  // namespace casemate::inference
