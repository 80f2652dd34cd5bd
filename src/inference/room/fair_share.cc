#include "inference/room/fair_share.h"

#include <algorithm>
#include <utility>

namespace casemate::inference {

void FairPage::Want(std::size_t room) {
  Room& mine = rooms[room];
  if (mine.busy.load() == 0) {
    mine.account = std::max(mine.account.load(), served.load());
    mine.busy = 1;
  }
}

bool FairPage::IsBefore(std::size_t other, std::size_t room) const {
  return other != room && rooms[other].busy.load() != 0 &&
         std::pair(rooms[other].account.load(), other) <
             std::pair(rooms[room].account.load(), room);
}

bool FairPage::IsAnotherBefore(std::size_t room) const {
  for (std::size_t other = 0; other < kRooms; ++other) {
    if (IsBefore(other, room)) {
      return true;
    }
  }
  return false;
}

void FairPage::Serve(std::size_t room, std::uint64_t cost) {
  served = rooms[room].account.load();
  rooms[room].account += cost;
}

void FairPage::ForgetBefore(std::size_t room) {
  for (std::size_t other = 0; other < kRooms; ++other) {
    if (IsBefore(other, room)) {
      Rest(other);
    }
  }
}

}  // namespace casemate::inference
